"""A run of cases, and what they have shown."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from gateway.admin.places import Places
from gateway.admin.story import tell
from gateway.config.document import Mapping as MappingNode
from gateway.config.rule_tests import Case, CaseFile
from gateway.engine.program import RUN_PREFIX
from gateway.errors import ConfigurationError
from gateway.project import Project
from gateway.store.shapes import RowConflict, RowRefused, ValueDoesNotFit
from gateway.testing.comparing import View, compare
from gateway.testing.coverage import Coverage, Mark, marks_of, measure
from gateway.testing.loading import rules_of
from gateway.testing.ordering import ways_of
from gateway.testing.running import Scene
from gateway.testing.stage import Stage
from gateway.testing.values import Failure


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseReport:
    """What one case has shown."""

    file: CaseFile
    case: Case
    failures: tuple[Failure, ...]
    story: tuple[str, ...]
    """The stories of its events, line by line; only of a case that failed."""
    seconds: float

    @property
    def passed(self) -> bool:
        """Say whether every expectation held."""
        return not self.failures


@dataclass(frozen=True, slots=True, kw_only=True)
class SuiteReport:
    """What a run of cases has shown."""

    cases: tuple[CaseReport, ...]
    coverage: Coverage

    @property
    def failed(self) -> int:
        """Return how many cases failed."""
        return sum(not report.passed for report in self.cases)


@dataclass(slots=True)
class Suite:
    """Runs cases and gathers what their traces reach."""

    project: Project
    _stages: dict[str, Stage] = field(default_factory=dict)
    _reached: set[Mark] = field(default_factory=set)

    def run(self, files: Sequence[CaseFile], *, word: str = "", every_source: bool = True) -> SuiteReport:
        """Run the cases whose name holds `word`; files and their cases in order.

        Coverage is that of all sources' rules, or without `every_source` of those that the files name. Raises
        ConfigurationError when the rules cannot be run on a database of the tests' own.
        """
        chosen = [(file, case) for file in files for case in file.cases if word.lower() in case.name.lower()]
        try:
            reports = [self._run_case(file, case) for file, case in chosen]
        finally:
            for stage in self._stages.values():
                stage.close()
            self._stages.clear()
        names = {file.source_name for file in files}
        measured = [s for s in self.project.settings.sources if every_source or s.name in names]
        rules = {file.digest: file for source in measured for file in self.project.rules_of(source)}
        return SuiteReport(cases=tuple(reports), coverage=measure(rules.values(), self._reached))

    def _stage(self, name: str) -> Stage:
        if name not in self._stages:
            source = self.project.settings.source(name)
            if source is None:
                raise ConfigurationError(f"there is no source `{name}`")
            self._stages[name] = Stage(self.project, source)
        return self._stages[name]

    def _run_case(self, file: CaseFile, case: Case) -> CaseReport:
        started = time.perf_counter()
        failures: list[Failure] = []
        told: list[str] = []
        for words, way in ways_of(case):
            with self._stage(file.source_name).scene(way) as scene:
                failures = [replace(one, what=words + one.what) for one in _play(scene, way)]
                self._reached.update(self._marks(scene, file.source_name))
                self._reached.update(self._checks(scene, file.source_name))
                if failures:
                    told = list(self._story(scene))
                    break
        return CaseReport(
            file=file,
            case=case,
            failures=tuple(failures),
            story=tuple(told),
            seconds=time.perf_counter() - started,
        )

    def _checks(self, scene: Scene, source: str) -> Iterator[Mark]:
        for file in rules_of(self.project, source):
            yield from ((file.digest, "check", name) for path, name in scene.looked if path == file.path.name)

    def _story(self, scene: Scene) -> Iterator[str]:
        places = Places(self.project.files.values())
        for number, refusal in scene.refusals:
            yield f"delivery {number} was refused: {refusal}"
        for details in scene.events():
            yield from tell(details, places, now=scene.now)

    def _marks(self, scene: Scene, source: str) -> Iterator[Mark]:
        files = rules_of(self.project, source)
        for details in scene.events():
            by_hand = details.event.type.startswith(RUN_PREFIX)
            for row in details.traces:
                yield from marks_of(json.loads(row.trace), files, by_hand=by_hand)


def _store_rows(scene: Scene, case: Case) -> list[Failure]:
    """Store the rows that a case gives; those that cannot be are failures."""
    failures: list[Failure] = []
    with scene.database.transaction():
        for key, rows in case.tables:
            failures.extend(failure for row in rows if (failure := _store_row(scene, key.text, row)) is not None)
    return failures


def _store_row(scene: Scene, name: str, row: MappingNode) -> Failure | None:
    table = scene.table(name)
    written: Mapping[str, object] = row.plain()  # type: ignore[assignment]  # a mapping's own plain form
    try:
        values = {column: table.fit(column, value) for column, value in written.items()}
        if table.inserter(tuple(values))(scene.database.execute, values):
            return None
        reason = "a row with its key, or a unique value of it, is given twice"
    except (ValueDoesNotFit, RowRefused, RowConflict) as error:
        reason = str(error)
    return Failure(node=row, what=f"given.tables.{name}", expected="a row that can be stored", got=reason)


def _play(scene: Scene, case: Case) -> list[Failure]:
    refused = _store_rows(scene, case)
    if refused:
        return refused
    failures: list[Failure] = []
    for number, event in enumerate(case.events):
        happened = scene.happen(number)
        if scene.trouble is not None:
            return [*failures, Failure(node=case.place, **scene.trouble._asdict())]
        view = View(
            scene=scene,
            outcome=happened.outcome,
            logs=happened.logs,
            after=happened.after,
            findings=happened.findings,
        )
        failures.extend(compare(event.expect, view))
    whole = replace(view, logs=scene.logs, after=0, any_order=case.any_order)
    return [*failures, *compare(case.expect, whole), *_unused(scene)]


def _unused(scene: Scene) -> Iterator[Failure]:
    for number, canned, count in scene.answers.unused():
        times = canned.times or 1
        expected = "used once" if times == 1 else f"used {times} times"
        got = "never used" if count == 0 else f"used {count} times" if count > 1 else "used once"
        yield Failure(node=canned.effect.name, what=f"given.calls[{number}]", expected=expected, got=got)
