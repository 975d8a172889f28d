"""The rows that a case expects against those of a table."""

from __future__ import annotations

from collections.abc import Iterator

from gateway.config.document import Mapping as MappingNode
from gateway.config.document import Node, Scalar
from gateway.config.rule_tests import mappings
from gateway.config.rule_tests_values import test_of
from gateway.expressions import fit
from gateway.store.rows import RowTable
from gateway.store.shapes import Row
from gateway.testing.running import Scene
from gateway.testing.values import Failure, alike, differences, written

_MOST_ROWS = 10
"""How many rows of a table a failure shows."""


class TableCheck:
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
            yield self._failure(count, ".count", written(count.plain()), f"{len(self._rows)}\n{self._all()}")

    def _row(self, node: MappingNode) -> Iterator[Failure]:
        key_node = node.get(self._key.name) if self._key is not None else None
        if self._key is None or key_node is None or not isinstance(key_node, Scalar):
            yield from self._any_row(node)
            return
        key = fit(key_node.plain(), self._key.type)
        row = next((row for row in self._rows if row[self._key.name] == key), None)
        if row is None:
            yield self._failure(node, f"[{key_node.text}]", written(node.plain()), f"no such row among\n{self._all()}")
            return
        for name, value in node.entries:
            if not self._fits(row, name.text, value):
                shown = written(row[name.text])
                yield self._failure(value, f"[{key_node.text}].{name.text}", written(value.plain()), shown)

    def _any_row(self, node: MappingNode) -> Iterator[Failure]:
        if not any(all(self._fits(row, name.text, value) for name, value in node.entries) for row in self._rows):
            yield self._failure(node, "", written(node.plain()), f"no such row among\n{self._all()}")

    def _fits(self, row: Row, name: str, node: Node) -> bool:
        column = self._table.spec.column(name)
        assert column is not None
        if column.type == "json" or test_of(node) is not None:
            return next(differences(node, row[name], "", exactly=True), None) is None
        return alike(fit(node.plain(), column.type), row[name])

    def _failure(self, node: Node, rest: str, expected: str, got: str) -> Failure:
        return Failure(node=node, what=f"tables.{self._name}{rest}", expected=expected, got=got)

    def _all(self) -> str:
        """Return the rows that there are, without their empty columns."""
        rows = [{name: value for name, value in row.items() if value is not None} for row in self._rows[:_MOST_ROWS]]
        more = [f"… and {len(self._rows) - _MOST_ROWS} more"] if len(self._rows) > _MOST_ROWS else []
        return "\n".join([*map(written, rows), *more]) or "no rows"
