"""Which rules, alternatives and branches the cases have reached, told from the traces of their events."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from gateway.actions.find import Find
from gateway.actions.insert import Insert
from gateway.actions.update import Update
from gateway.actions.upsert import Upsert
from gateway.config.diagnostics import Span, span_of
from gateway.config.extraction import Extraction
from gateway.config.nodes import Node
from gateway.config.rules import RulesFile
from gateway.config.steps import Step

Mark = tuple[str, ...]
"""Names a point: the file's digest, what kind of point it is, and which one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """Something in a rules file that a case can reach."""

    mark: Mark
    path: str
    span: Span
    what: str
    """What was or was not reached, in words."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Coverage:
    """What there is to reach, and what was not."""

    points: tuple[Point, ...]
    missed: tuple[Point, ...]

    @property
    def reached(self) -> int:
        """Return how many points were reached."""
        return len(self.points) - len(self.missed)

    @property
    def percent(self) -> float:
        """Return the share of points reached, from 0 to 100, rounded down to a tenth."""
        return 100.0 if not self.points else self.reached * 1000 // len(self.points) / 10


def measure(files: Iterable[RulesFile], reached: Iterable[Mark]) -> Coverage:
    """Return what of some files was reached."""
    points = tuple(point for file in files for point in points_of(file))
    marks = set(reached)
    return Coverage(points=points, missed=tuple(point for point in points if point.mark not in marks))


def points_of(file: RulesFile) -> Iterator[Point]:
    """Yield every point of a rules file, in its order."""
    maker = _Points(file)
    for extraction in file.extract:
        yield from maker.extraction(extraction, "")
    for procedure in file.procedures.values():
        for step in procedure.steps:
            yield from maker.step(step)
    for check in file.checks.values():
        yield maker.point(check.key, f"check `{check.name}` never looked", "check", check.name)
    for rule in file.rules:
        name = rule.node.get("name") or rule.node
        yield maker.point(name, f"rule `{rule.name}` handled no event", "rule", rule.name)
        if rule.when is not None:
            message = f"rule `{rule.name}`: its `when` never refused an event"
            yield maker.point(rule.when.node, message, "refused", rule.name)
        for extraction in rule.extract:
            yield from maker.extraction(extraction, rule.name)
        for step in rule.steps:
            yield from maker.step(step)


class _Points:
    def __init__(self, file: RulesFile) -> None:
        self._file = file

    def point(self, node: Node, what: str, *mark: str) -> Point:
        file = self._file
        return Point(mark=(file.digest, *mark), path=file.document.path, span=span_of(node), what=what)

    def extraction(self, extraction: Extraction, rule: str) -> Iterator[Point]:
        name = extraction.name
        for number, path in enumerate(extraction.alternatives):
            text = path.expression.text
            what = f"extract `{name}`: no event had a value at `{text}`"
            yield self.point(path.node, what, "extract", rule, name, str(number))

    def step(self, step: Step) -> Iterator[Point]:
        name = step.action.name
        node = step.node.key(name) or step.node
        title = f"`{name}`" if step.name is None else f"`{name}` ({step.name})"
        branches = _BRANCHES.get(name, _one_branch)(step)
        for branch, what in branches:
            yield self.point(node, f"step {title}: {what}", "step", step.pointer, branch)
        if step.when is not None:
            what = f"step {title}: its `when` never refused"
            yield self.point(step.when.node, what, "step", step.pointer, "skip")


Branches = Iterator[tuple[str, str]]
"""Ways that a step can go, each with the words for one that was never gone."""


def _one_branch(step: Step) -> Branches:
    yield "ran", "never ran"


def _call_branches(step: Step) -> Branches:
    yield "ran", "never ran"
    if step.node.key("missing") is not None:
        yield "missing", "what it asks for was there every time, `missing` was never used"


def _run_branches(step: Step) -> Branches:
    # A procedure's steps are points of their own; running it is another only where it may be skipped.
    if step.when is not None:
        yield "ran", "never ran"


def _find_branches(step: Step) -> Branches:
    find: Find = step.arguments
    for number in range(len(find.strategies)):
        which = f"by its {_ORDINALS[min(number, 4)]} `where`" if len(find.strategies) > 1 else ""
        yield f"found {number}", f"found nothing {which}".rstrip()
    if step.node.key("missing") is not None:
        yield "missing", "something was found every time, `missing` was never used"


def _insert_branches(step: Step) -> Branches:
    insert: Insert = step.arguments
    yield "inserted", "never added a row"
    if insert.on_conflict != "fail":
        yield "exists", "the row was new every time, `on_conflict` was never used"


def _update_branches(step: Step) -> Branches:
    update: Update = step.arguments
    yield "changed", "never changed a row"
    if update.as_of is not None:
        yield "kept", "no older event came late, `as_of` never kept a row"


def _upsert_branches(step: Step) -> Branches:
    upsert: Upsert = step.arguments
    yield "inserted", "never added a row"
    yield "changed", "the row was new every time"
    if upsert.as_of is not None:
        yield "kept", "no older event came late, `as_of` never kept a row"


_ORDINALS = ("first", "second", "third", "fourth", "last")
_BRANCHES: Mapping[str, Callable[[Step], Branches]] = {
    "run": _run_branches,
    "stripe": _call_branches,
    "send": _call_branches,
    "find": _find_branches,
    "insert": _insert_branches,
    "update": _update_branches,
    "upsert": _upsert_branches,
}


def marks_of(trace: Mapping[str, Any], files: Iterable[RulesFile], *, by_hand: bool = False) -> Iterator[Mark]:
    """Yield what one pass reached; `files` are those of the event's source. Trace: docs/traces.md.

    In a trace of what was run `by_hand` a procedure stands in the place of the rule.
    """
    for verdict in trace.get("no", ()):
        if isinstance(verdict, list):
            yield from ((file.digest, "refused", verdict[0]) for file in files)
    digest = trace.get("version")
    if digest is None:
        return
    rule = trace.get("rule")
    if rule is not None and not by_hand:
        yield digest, "rule", rule
    for name, (_, alternative) in trace.get("extract", {}).items():
        if alternative is not None:
            for scope in ("", rule or ""):
                yield digest, "extract", scope, name, str(alternative)
    yield from ((digest, "step", *rest) for rest in _step_marks(trace))


def _step_marks(trace: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    error = trace.get("error")
    for pointer, action, happened in trace.get("steps", ()):
        yield from ((pointer, branch) for branch in _taken(action, happened))
        if _is_absence(happened, error, pointer):
            yield pointer, "missing"
    if isinstance(error, dict) and "at" in error:
        yield error["at"], "ran"


def _is_absence(happened: Any, error: Any, pointer: str) -> bool:
    """Say whether a call was answered that there is no such thing, and the step's `missing` was used."""
    if not isinstance(happened, dict) or "call" not in happened or happened["answer"] == "ok":
        return False
    refusal = {"at": pointer, "message": f"{happened['call']}: {happened['answer']}"}
    return bool(error != refusal)


def _taken(action: str, happened: Any) -> list[str]:
    """Return the branches that a step's note tells of."""
    match action, happened:
        case "skip", _:
            return ["skip"]
        case "find", {"strategy": number}:
            return [f"found {number}"]
        case "find", _:
            return ["missing"]
        case "stripe" | "send", {"answer": answer} if answer != "ok":
            return []  # refused, or not there: which, is told by how the pass went on
        case "insert" | "upsert", dict():
            return [name for name in ("inserted", "exists", "changed", "kept") if name in happened]
        case "update", list():
            return [name for name in ("changed", "kept") if any(name in row for row in happened)]
        case _:
            return ["ran"]
