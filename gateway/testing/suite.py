"""A run of cases, and what they have shown."""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from gateway.admin.places import Places
from gateway.admin.story import tell
from gateway.config.document import Mapping as MappingNode
from gateway.config.rule_tests import Case, CaseFile
from gateway.errors import ConfigurationError
from gateway.project import Project
from gateway.store.shapes import RowConflict, RowRefused, ValueDoesNotFit
from gateway.testing.comparing import Failure, compare
from gateway.testing.coverage import Coverage, Mark, marks_of, measure
from gateway.testing.loading import rules_of
from gateway.testing.running import Outcome, Scene, Stage


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
        reports = [
            self._run_case(file, case) for file in files for case in file.cases if word.lower() in case.name.lower()
        ]
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
        with self._stage(file.source_name).scene(case) as scene:
            refused = _store_rows(scene, case)
            failures, outcomes = (refused, []) if refused else _play(scene, case)
            self._reached.update(self._marks(outcomes, file.source_name))
            told = [line for outcome in outcomes for line in self._story(outcome, scene)] if failures else []
        return CaseReport(
            file=file,
            case=case,
            failures=tuple(failures),
            story=tuple(told),
            seconds=time.perf_counter() - started,
        )

    def _story(self, outcome: Outcome, scene: Scene) -> list[str]:
        if outcome.details is None:
            return [f"delivery {outcome.number} was refused: {outcome.refusal}"]
        return tell(outcome.details, Places(self.project.files.values()), now=scene.now)

    def _marks(self, outcomes: Iterable[Outcome], source: str) -> Iterator[Mark]:
        files = rules_of(self.project, source)
        for outcome in outcomes:
            for row in outcome.details.traces if outcome.details is not None else ():
                yield from marks_of(json.loads(row.trace), files)


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


def _play(scene: Scene, case: Case) -> tuple[list[Failure], list[Outcome]]:
    failures: list[Failure] = []
    outcomes: list[Outcome] = []
    for number, event in enumerate(case.events):
        outcome = scene.deliver(number)
        if outcome is not None:
            outcomes.append(outcome)
        if event.expect and outcomes:
            last = scene.standing(outcomes[-1])
            failures.extend(compare(event.expect, last, outcome.logs if outcome else scene.logs, scene))
    outcomes = [scene.standing(outcome) for outcome in outcomes]
    failures.extend(compare(case.expect, outcomes[-1], scene.logs, scene))
    return failures, outcomes
