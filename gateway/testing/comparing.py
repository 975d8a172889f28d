"""What a case expects against what came of it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from gateway.actions.state import LogLine
from gateway.config.document import Mapping as MappingNode
from gateway.config.document import Node
from gateway.config.document import Sequence as SequenceNode
from gateway.config.rule_tests import Expectation, entries
from gateway.expressions import to_text
from gateway.testing.comparing_effects import compare_effects
from gateway.testing.comparing_tables import TableCheck
from gateway.testing.effects import Done, effects_of
from gateway.testing.running import Outcome, Scene
from gateway.testing.values import Failure, differences, fits, written


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """What expectations are compared with: one entry of a case, or the case as a whole."""

    scene: Scene
    outcome: Outcome | None
    """Of the last event; None where there was none."""
    logs: Sequence[LogLine]
    after: int = 0
    """The last message or call that is none of the entry's."""
    findings: Sequence[str] = ()
    """The keys of the rows that a check has found."""
    any_order: bool = False
    """Whether it is not known which event comes last, and what leaves first."""

    def effects(self, kind: str) -> list[Done]:
        """Return the calls, messages or scheduled events."""
        return effects_of(self.scene.database, kind, self.after)


def compare(expectations: Sequence[Expectation], view: View) -> list[Failure]:
    """Return the expectations that do not hold."""
    return [failure for one in expectations for failure in _compare(one, view)]


def _compare(one: Expectation, view: View) -> Iterator[Failure]:
    match one.name:
        case "tables":
            for key, node in entries(one.node):
                yield from TableCheck(view.scene, key.text).failures(node)
        case "logs":
            yield from _compare_logs(one.node, view.logs)
        case "messages" | "calls" | "scheduled":
            yield from compare_effects(one.node, one.name, view.effects(one.name), any_order=view.any_order)
        case "findings":
            yield from _compare_findings(one.node, view.findings)
        case name if view.outcome is None:
            yield Failure(node=one.node, what=name, expected=written(one.node.plain()), got="(no event)")
        case "response":
            yield from _compare_response(one, view.outcome)
        case name:
            yield from _SCALARS[name](one.node, view.outcome)


def _compare_field(name: str) -> Callable[[Node, Outcome], Iterator[Failure]]:
    def check(node: Node, outcome: Outcome) -> Iterator[Failure]:
        got = getattr(outcome, name)
        if got != node.plain():
            because = f"  ({outcome.error})" if outcome.error else ""
            yield Failure(node=node, what=name, expected=written(node.plain()), got=written(got) + because)

    return check


def _compare_error(node: Node, outcome: Outcome) -> Iterator[Failure]:
    wanted, got = node.plain(), outcome.error
    fits = got is None if wanted is None else got is not None and str(wanted) in got
    if not fits:
        expected = "null" if wanted is None else f"… {wanted} …"
        yield Failure(node=node, what="error", expected=expected, got=written(got))


def _compare_duplicate(node: Node, outcome: Outcome) -> Iterator[Failure]:
    if outcome.duplicate is not node.plain():
        yield Failure(node=node, what="duplicate", expected=written(node.plain()), got=written(outcome.duplicate))


_SCALARS: Mapping[str, Callable[[Node, Outcome], Iterator[Failure]]] = {
    "status": _compare_field("status"),
    "result": _compare_field("result"),
    "rule": _compare_field("rule"),
    "error": _compare_error,
    "duplicate": _compare_duplicate,
}


def _compare_response(one: Expectation, outcome: Outcome) -> Iterator[Failure]:
    got = json.loads(outcome.response, parse_float=Decimal) if outcome.response is not None else None
    if not isinstance(got, dict):
        yield Failure(node=one.node, what="response", expected=written(one.node.plain()), got=written(got))
        return
    yield from differences(one.node, got, "response", exactly=True)


def _compare_findings(node: Node, findings: Sequence[str]) -> Iterator[Failure]:
    wanted = [to_text(item.plain()) for item in node.items] if isinstance(node, SequenceNode) else []
    if sorted(wanted) != sorted(findings):
        yield Failure(node=node, what="findings", expected=written(wanted), got=written(list(findings)))


def _compare_logs(node: Node, logs: Sequence[LogLine]) -> Iterator[Failure]:
    items = node.items if isinstance(node, SequenceNode) else ()
    if not items and logs:
        yield Failure(node=node, what="logs", expected="[]", got=_lines(logs))
    for item in items:
        if not any(_is_line(item, line) for line in logs):
            yield Failure(node=item, what="logs", expected=written(item.plain()), got=_lines(logs))


def _is_line(node: Node, line: LogLine) -> bool:
    if not isinstance(node, MappingNode):
        return node.plain() == line.text
    wanted = {"text": line.text, "level": line.level, "fields": dict(line.fields)}
    return fits(node, wanted)


def _lines(logs: Sequence[LogLine]) -> str:
    return "\n".join(f"{line.level}: {line.text}" for line in logs) or "[]"
