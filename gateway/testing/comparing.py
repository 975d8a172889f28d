"""What a case expects against what came of it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from gateway.actions.state import LogLine
from gateway.config.document import Mapping as MappingNode
from gateway.config.document import Node, Scalar
from gateway.config.document import Sequence as SequenceNode
from gateway.config.rule_tests import Expectation, entries, mappings
from gateway.config.rule_tests_checks import is_presence
from gateway.expressions import EvaluationError, fit, to_json
from gateway.expressions.comparison import same
from gateway.store.rows import RowTable
from gateway.store.shapes import Row
from gateway.testing.running import Outcome, Scene

_MOST_ROWS = 10
"""How many rows of a table a failure shows."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """One expectation that does not hold."""

    node: Node
    """Its place in the tests file."""
    what: str
    """What was compared, such as `tables.tenants[tenant-1].status`."""
    expected: str
    got: str


def compare(
    expectations: Sequence[Expectation], outcome: Outcome, logs: Sequence[LogLine], scene: Scene
) -> list[Failure]:
    """Return the expectations that do not hold of a delivery, of what was logged and of the tables."""
    return [failure for one in expectations for failure in _compare(one, outcome, logs, scene)]


def _compare(one: Expectation, outcome: Outcome, logs: Sequence[LogLine], scene: Scene) -> Iterator[Failure]:
    match one.name:
        case "tables":
            for key, node in entries(one.node):
                yield from _TableCheck(scene, key.text).failures(node)
        case "logs":
            yield from _compare_logs(one.node, logs)
        case "response":
            yield from _compare_response(one, outcome)
        case "messages" | "calls":
            return  # nothing sends or calls yet, and only `[]` can be expected
        case name:
            yield from _SCALARS[name](one.node, outcome)


def _compare_field(name: str) -> Callable[[Node, Outcome], Iterator[Failure]]:
    def check(node: Node, outcome: Outcome) -> Iterator[Failure]:
        got = getattr(outcome, name)
        if got != node.plain():
            because = f"  ({outcome.error})" if outcome.error else ""
            yield Failure(node=node, what=name, expected=_written(node.plain()), got=_written(got) + because)

    return check


def _compare_error(node: Node, outcome: Outcome) -> Iterator[Failure]:
    wanted, got = node.plain(), outcome.error
    fits = got is None if wanted is None else got is not None and str(wanted) in got
    if not fits:
        expected = "null" if wanted is None else f"… {wanted} …"
        yield Failure(node=node, what="error", expected=expected, got=_written(got))


def _compare_duplicate(node: Node, outcome: Outcome) -> Iterator[Failure]:
    if outcome.duplicate is not node.plain():
        yield Failure(node=node, what="duplicate", expected=_written(node.plain()), got=_written(outcome.duplicate))


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
        yield Failure(node=one.node, what="response", expected=_written(one.node.plain()), got=_written(got))
        return
    for key, node in entries(one.node):
        if key.text not in got or not _alike(node.plain(), got[key.text]):
            found = _written(got[key.text]) if key.text in got else "(no such key)"
            yield Failure(node=node, what=f"response.{key.text}", expected=_written(node.plain()), got=found)
    wanted = {key.text for key, _ in entries(one.node)}
    for name in got:
        if name not in wanted:
            yield Failure(node=one.key, what=f"response.{name}", expected="(no such key)", got=_written(got[name]))


def _compare_logs(node: Node, logs: Sequence[LogLine]) -> Iterator[Failure]:
    items = node.items if isinstance(node, SequenceNode) else ()
    if not items and logs:
        yield Failure(node=node, what="logs", expected="[]", got=_lines(logs))
    for item in items:
        if not any(_is_line(item, line) for line in logs):
            yield Failure(node=item, what="logs", expected=_written(item.plain()), got=_lines(logs))


def _is_line(node: Node, line: LogLine) -> bool:
    if isinstance(node, Scalar):
        return node.plain() == line.text
    wanted = node.plain()
    assert isinstance(wanted, dict)
    fields = wanted.get("fields") or {}
    return (
        wanted["text"] == line.text
        and wanted.get("level", line.level) == line.level
        and isinstance(fields, dict)
        and all(_alike(value, line.fields.get(name)) for name, value in fields.items())
    )


def _lines(logs: Sequence[LogLine]) -> str:
    return "\n".join(f"{line.level}: {line.text}" for line in logs) or "[]"


class _TableCheck:
    """Compares one table's rows."""

    def __init__(self, scene: Scene, name: str) -> None:
        self._name = name
        self._table: RowTable = scene.table(name)
        self._rows = scene.rows(name)
        self._key = self._table.spec.key

    def failures(self, node: Node) -> Iterator[Failure]:
        """Yield what does not hold of a list of rows, or of `{rows: …, count: …}`."""
        spelt_out = isinstance(node, MappingNode)
        rows = mappings(node.get("rows") if isinstance(node, MappingNode) else node)
        count = node.get("count") if isinstance(node, MappingNode) else None
        for row in rows:
            yield from self._row(row)
        if not rows and not spelt_out and self._rows:
            yield self._failure(node, "", "no rows", self._all())
        if count is not None and count.plain() != len(self._rows):
            yield self._failure(count, ".count", _written(count.plain()), f"{len(self._rows)}\n{self._all()}")

    def _row(self, node: MappingNode) -> Iterator[Failure]:
        key_node = node.get(self._key.name) if self._key is not None else None
        if self._key is None or key_node is None or not isinstance(key_node, Scalar):
            yield from self._any_row(node)
            return
        key = fit(key_node.plain(), self._key.type)
        row = next((row for row in self._rows if row[self._key.name] == key), None)
        if row is None:
            yield self._failure(node, f"[{key_node.text}]", _written(node.plain()), f"no such row among\n{self._all()}")
            return
        for name, value in node.entries:
            if not self._fits(row, name.text, value):
                shown = _written(row[name.text])
                yield self._failure(value, f"[{key_node.text}].{name.text}", _written(value.plain()), shown)

    def _any_row(self, node: MappingNode) -> Iterator[Failure]:
        if not any(all(self._fits(row, name.text, value) for name, value in node.entries) for row in self._rows):
            yield self._failure(node, "", _written(node.plain()), f"no such row among\n{self._all()}")

    def _fits(self, row: Row, name: str, node: Node) -> bool:
        if is_presence(node):
            return row[name] is not None
        column = self._table.spec.column(name)
        assert column is not None
        return _alike(fit(node.plain(), column.type), row[name])

    def _failure(self, node: Node, rest: str, expected: str, got: str) -> Failure:
        return Failure(node=node, what=f"tables.{self._name}{rest}", expected=expected, got=got)

    def _all(self) -> str:
        """Return the rows that there are, without their empty columns."""
        rows = [{name: value for name, value in row.items() if value is not None} for row in self._rows[:_MOST_ROWS]]
        more = [f"… and {len(self._rows) - _MOST_ROWS} more"] if len(self._rows) > _MOST_ROWS else []
        return "\n".join([*map(_written, rows), *more]) or "no rows"


def _alike(wanted: object, got: object) -> bool:
    try:
        return same(wanted, got)
    except EvaluationError:
        return False


def _written(value: object) -> str:
    if isinstance(value, str) and not _looks_otherwise(value):
        return value
    return to_json(value)


def _looks_otherwise(text: str) -> bool:
    """Say whether a text would be taken for another kind of value if it stood without quotes."""
    try:
        json.loads(text)
    except ValueError:
        return not text
    return True
