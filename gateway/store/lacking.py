"""Rows of one table that lack their row in another: one statement, read in pages by the key."""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import and_, bindparam, select
from sqlalchemy.sql import ColumnElement

from gateway.store.database import Execute
from gateway.store.rows import RowTable
from gateway.store.shapes import Row, Test
from gateway.store.statements import Statement, compile_statement

_KEY = "after_"

_COMPARE: Mapping[str, Callable[[Any, Any], Any]] = {
    "eq": operator.eq,
    "ne": operator.ne,
    "gt": operator.gt,
    "gte": operator.ge,
    "lt": operator.lt,
    "lte": operator.le,
}


@dataclass(frozen=True, slots=True)
class Pair:
    """A column of the other table compared with one of the row found."""

    column: str
    operator: str
    """One of `eq ne gt gte lt lte`."""
    other: str
    """The column of the row found."""


class LackingRows:
    """Rows of `table` that pass tests and have no row in `other` that passes others and goes with them."""

    def __init__(
        self, table: RowTable, tests: Sequence[Test], other: RowTable, pairs: Sequence[Pair], others: Sequence[Test]
    ) -> None:
        """Take the tables, the tests of each, and the pairs of columns. `table` must have a single key column."""
        assert table.spec.key is not None
        self.table = table
        self.key = table.spec.key.name
        self._tests, self._others = tuple(tests), tuple(others)
        # The same table may stand on both sides.
        self._other = RowTable(other.spec, other.dialect)
        self._other.sql = self._other.sql.alias("lacked_")  # type: ignore[assignment]  # an alias has the columns too
        self._pairs = tuple(pairs)
        key: ColumnElement[Any] = table.comparable(self.key)
        self._first = self._statement()
        self._next = self._statement(key > bindparam(_KEY))
        self._one = self._statement(key == bindparam(_KEY))

    def pages(
        self, execute: Execute, values: Sequence[object], others: Sequence[object], *, size: int
    ) -> Iterator[list[Row]]:
        """Yield the rows in the order of their keys, up to `size` at a time. One statement a page.

        `values` and `others` stand in the order of the tests; a null in `values` fits no row, one in `others` no other
        row, so that all rows lack theirs. Raises ValueDoesNotFit.
        """
        if None in values:
            return
        statement, parameters = self._first, self._parameters(values, others)
        while True:
            found = self._run(execute, statement, parameters, size)
            if found:
                yield found
            if len(found) < size:
                return
            statement, parameters[_KEY] = self._next, self._encoded(found[-1][self.key])

    def row(self, execute: Execute, values: Sequence[object], others: Sequence[object], key: object) -> Row | None:
        """Return the row with a key if it lacks its other row, else None. One statement. Raises ValueDoesNotFit."""
        if None in values:
            return None
        parameters = {**self._parameters(values, others), _KEY: self._encoded(key)}
        found = self._run(execute, self._one, parameters, 1)
        return found[0] if found else None

    def _statement(self, *more: ColumnElement[bool]) -> Statement:
        table, other = self.table, self._other
        inner = [
            _COMPARE[pair.operator](other.comparable(pair.column), table.sql.c[pair.other]) for pair in self._pairs
        ]
        inner += [other.clause(test, index) for index, test in enumerate(self._others, len(self._tests))]
        matching = select(next(iter(other.sql.c))).where(and_(*inner)).correlate(table.sql).exists()
        outer = [table.clause(test, index) for index, test in enumerate(self._tests)]
        found = table.sql.select().where(and_(*outer, *more, ~matching)).order_by(table.comparable(self.key))
        statement = compile_statement(found, table.dialect)
        return replace(statement, sql=statement.sql + " LIMIT ")

    def _run(self, execute: Execute, statement: Statement, parameters: Mapping[str, object], limit: int) -> list[Row]:
        found = execute(f"{statement.sql}{limit}", statement.values(parameters)).fetchall()
        return [self.table.decode_row(row) for row in found]

    def _parameters(self, values: Sequence[object], others: Sequence[object]) -> dict[str, object]:
        own = self.table.parameters(self._tests, values)
        return own | self._other.parameters(self._others, others, len(self._tests))

    def _encoded(self, key: object) -> object:
        return self.table.parameters([Test(self.key, "eq")], [key])["p0"]
