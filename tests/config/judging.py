"""What becomes of a mutated file: what `gateway validate` says of it, and else whether events come out differently.

The shipped files are laid into a folder of their own, with those sources alone that have to do with the mutated file.
Where validate says nothing, the shipped tests of rules are run, and all that they leave is compared with what the
shipped files leave: how each event ended, rows, messages, calls, what is scheduled, log lines.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass, fields, is_dataclass
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Any
from unittest.mock import patch

from config.mutating import Mutation, Text

from gateway.cli.checking import check_paths
from gateway.config.diagnostics import Diagnostic, Findings
from gateway.config.document import Mapping, Scalar
from gateway.config.document import Sequence as SequenceNode
from gateway.config.environment import Secret
from gateway.config.nodes import node_at
from gateway.config.rule_tests import Case, CaseFile
from gateway.errors import ConfigurationError
from gateway.project import Project, load_project
from gateway.settings import Settings
from gateway.testing.effects import effects_of
from gateway.testing.loading import find_tests, load_tests
from gateway.testing.ordering import ways_of
from gateway.testing.running import Scene
from gateway.testing.stage import Stage

ROOT = Path(__file__).parents[2]
GATEWAY = "gateway.yaml"
FILES = (GATEWAY, *sorted(path.relative_to(ROOT).as_posix() for path in (ROOT / "rules").glob("*.yaml")))
"""The shipped files."""
ENVIRON = {
    "ASAAS_WEBHOOK_TOKEN": "token-0123456789",
    "STRIPE_WEBHOOK_SECRET": "whsec_c2VjcmV0IG9mIHRoZSB0ZXN0cw",
    "STRIPE_INVOICES_WEBHOOK_SECRET": "whsec_c2VjcmV0IG9mIHRoZSB0ZXN0cw",
    "PAYPAL_WEBHOOK_ID": "40L71081MK3756722",
    "WORKOS_WEBHOOK_SECRET": "secret-0123456789",
    "STRIPE_API_KEY": "sk_test_0123456789",
}


@dataclass(frozen=True, slots=True)
class Ending:
    """What a run of the shipped cases leaves: `did` is what other programs see, `said` what people read."""

    did: tuple[str, ...]
    said: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What became of one mutation."""

    mutation: Mutation
    findings: tuple[Diagnostic, ...]
    differs: str = ""
    """Where validate is silent: the first thing that came out differently, empty where all is the same."""
    only_said: bool = False
    """Whether what differs is read by people alone."""

    @property
    def pointed(self) -> bool:
        """Say whether a finding points at the mutated place."""
        return any(_touches(one, self.mutation) for one in self.findings)


_LINE = re.compile(r"(?:in|and) (?:line (\d+)|\S+?\.yaml:(\d+))")


def _touches(one: Diagnostic, mutation: Mutation) -> bool:
    """Say whether a finding is at the mutated place, or a note of it names that place."""
    named = {int(line[1] or line[2]) for note in one.notes for line in _LINE.finditer(note)}
    first, last = one.span
    here = Path(one.path).name == Path(mutation.file).name
    return bool(named & mutation.lines) or (here and any(first.line <= line <= last.line for line in mutation.lines))


@cache
def shipped(file: str) -> Text:
    """Return one of the shipped files."""
    return Text(file, (ROOT / file).read_text())


@cache
def sources_of(file: str) -> tuple[str, ...]:
    """Return the sources whose rules a file holds; all of them for gateway.yaml."""
    sources = node_at(shipped(GATEWAY).root, ("sources",))
    assert isinstance(sources, Mapping)
    named = {key.text: node_at(source, ("rules",)).plain() for key, source in sources.entries}
    return tuple(name for name, rules in named.items() if file == GATEWAY or file in (rules or ()))  # type: ignore[operator]


@cache
def gateway_with(names: tuple[str, ...]) -> str:
    """Return gateway.yaml without the sources that have other names."""
    text = shipped(GATEWAY)
    sources = node_at(text.root, ("sources",))
    assert isinstance(sources, Mapping)
    lines = text.lines
    starts = [key.span.start.line for key, _ in sources.entries]
    end = next(key for key, _ in text.root.entries if key.text == "destinations").span.start.line  # type: ignore[union-attr]
    out: set[int] = set()
    for (key, _), start, after in zip(sources.entries, starts, [*starts[1:], end], strict=True):
        if key.text not in names:
            out.update(range(start, after))
    return "\n".join(line for number, line in enumerate(lines, 1) if number not in out)


def lay_out(mutation: Mutation | None, file: str, folder: Path) -> Path:
    """Write the project that a file belongs to into a folder, mutated; return its gateway.yaml."""
    (folder / "rules" / "tests").mkdir(parents=True)
    texts = {name: shipped(name).text for name in FILES}
    texts[GATEWAY] = gateway_with(sources_of(file))
    if mutation is not None:
        texts[file] = mutation.text
    for name, text in texts.items():
        (folder / name).write_text(text)
    for path in (ROOT / "rules" / "tests").glob("*.yaml"):
        if _source_of(path) in sources_of(file):
            (folder / "rules" / "tests" / path.name).write_bytes(path.read_bytes())
    return folder / GATEWAY


@cache
def _source_of(tests: Path) -> str:
    return str(node_at(Text(tests.name, tests.read_text()).root, ("source",)).plain())


def judge(mutation: Mutation, folder: Path) -> Verdict:
    """Say what becomes of a mutation; `folder` does not exist yet."""
    gateway = lay_out(mutation, mutation.file, folder)
    findings = Findings()
    with patch.dict(os.environ, ENVIRON):
        check_paths([gateway], gateway, findings)
    if findings.diagnostics:
        return Verdict(mutation=mutation, findings=findings.diagnostics)
    differs, only_said = _difference(mutation, gateway)
    return Verdict(mutation=mutation, findings=(), differs=differs, only_said=only_said)


def _difference(mutation: Mutation, gateway: Path) -> tuple[str, bool]:
    project = load_project(gateway, Findings(), ENVIRON)
    assert project is not None
    before = _shipped_ending(mutation.file, gateway.parent.with_name("shipped"))
    try:
        after = ending_of(project)
    except ConfigurationError as error:
        return f"it does not start: {error}", False
    for old, new, said in ((before.did, after.did, False), (before.said, after.said, True)):
        changed = next((pair for pair in zip(old, new, strict=False) if pair[0] != pair[1]), None)
        if changed is not None:
            return _first_difference(*changed), said
    return "", False


def _first_difference(old: str, new: str) -> str:
    at = next((i for i, (a, b) in enumerate(zip(old, new, strict=False)) if a != b), min(len(old), len(new)))
    start = max(0, at - 60)
    return f"{old[start : at + 60]!r} is {new[start : at + 60]!r}"


_ENDINGS: dict[str, Ending] = {}


def _shipped_ending(file: str, folder: Path) -> Ending:
    if file not in _ENDINGS:
        project = load_project(lay_out(None, file, folder), Findings(), ENVIRON)
        assert project is not None
        _ENDINGS[file] = ending_of(project)
    return _ENDINGS[file]


def ending_of(project: Project) -> Ending:
    """Run the cases beside a project's rules, and return all that they leave. Raises ConfigurationError."""
    did, said = [_effective(project.settings)], [""]
    for file in load_tests(project, find_tests([project.settings.path.parent / "rules" / "tests"]), Findings()):
        source = project.settings.source(file.source_name)
        if source is None:
            raise ConfigurationError(f"there is no source `{file.source_name}`")
        stage = Stage(project, source)
        try:
            for one, other in _endings(stage, file):
                did.append(one)
                said.append(other)
        finally:
            stage.close()
    return Ending(tuple(did), tuple(said))


def _endings(stage: Stage, file: CaseFile) -> Iterator[tuple[str, str]]:
    for case in file.cases:
        _, way = next(ways_of(case))
        with stage.scene(way) as scene:
            _play(scene, way)
            yield (
                f"{case.name}: {json.dumps(list(_done(scene, stage)), default=str, sort_keys=True)}",
                json.dumps(list(_told(scene)), default=str),
            )


def _done(scene: Scene, stage: Stage) -> Iterator[object]:
    for details in scene.events():
        event = details.event
        yield [event.type, event.status, event.attempts, event.result]
    for table in sorted(stage.tables, key=lambda one: one.name):
        yield [table.name, scene.rows(table.name)]
    for kind in ("calls", "messages", "scheduled"):
        for one in effects_of(scene.database, kind):
            if one.action != "notify":
                yield [one.action, one.target, one.details]


def _told(scene: Scene) -> Iterator[object]:
    for details in scene.events():
        yield [details.event.rule, details.event.error]
    for one in effects_of(scene.database, "messages"):
        if one.action == "notify":
            yield [one.target, one.details]
    for line in scene.logs:
        yield [line.level, line.text, line.fields]


def _play(scene: Scene, case: Case) -> None:
    with scene.database.transaction():
        for key, rows in case.tables:
            table = scene.table(key.text)
            for row in rows:
                written: Any = row.plain()
                values = {column: table.fit(column, value) for column, value in written.items()}
                table.inserter(tuple(values))(scene.database.execute, values)
    for number in range(len(case.events)):
        scene.happen(number)
        if scene.trouble is not None:
            break


def _effective(settings: Settings) -> str:
    """Return the settings that a gateway would work with, without their places in files."""
    plain = {
        one.name: _plain(getattr(settings, one.name), settings.path.parent)
        for one in fields(settings)
        if one.name not in {"path", "document", "root", "secrets"}
    }
    return json.dumps(plain, default=str, sort_keys=True)


def _plain(value: Any, folder: Path) -> Any:
    match value:
        case Secret():
            return value.reveal()
        case Path():
            return value.relative_to(folder).as_posix() if value.is_relative_to(folder) else str(value)
        case Scalar() | Mapping() | SequenceNode():
            return value.plain()
        case dict() | MappingProxyType():
            return {str(key): _plain(item, folder) for key, item in value.items()}
        case list() | tuple():
            return [_plain(item, folder) for item in value]
        case _ if is_dataclass(value) and not isinstance(value, type):
            return {one.name: _plain(getattr(value, one.name), folder) for one in fields(value)}
    return value
