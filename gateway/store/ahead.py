"""Rows read ahead: what the events of a slice will look for, found by one statement for all of them.

To ask a server for a row takes longer than to find it there. What was read ahead is locked like any row that is found,
so nobody else changes it; what the slice itself changes is looked for anew.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

from gateway.config.tables import Table
from gateway.store.database import Database, Execute
from gateway.store.reflection import quote
from gateway.store.shapes import Row, Test

if TYPE_CHECKING:
    from gateway.store.rows import RowTable

ReadAhead = Callable[[Execute, Sequence[object]], Mapping[object, Row | None]]
"""Reads the rows whose column has one of some fitted values; None stands for a value that no row has."""

# Types whose values are equal where the database says so, and the arrays that they travel in.
_ARRAYS = {"text": "text[]", "integer": "bigint[]"}

_TRIGGERS = """
SELECT 1 FROM unnest(CAST(? AS text[])) AS named JOIN pg_trigger ON tgrelid = to_regclass(named) LIMIT 1
"""


class Ahead:
    """What was read ahead for one slice."""

    def __init__(self) -> None:
        self._found: dict[str, dict[str, dict[object, Row | None]]] = {}

    def keep(self, table: str, column: str, rows: Mapping[object, Row | None]) -> None:
        """Keep what a `ReadAhead` has found."""
        self._found.setdefault(table, {})[column] = dict(rows)

    def take(self, table: str, column: str, value: object) -> list[Row] | None:
        """Return the row whose column has that fitted value, or no row; None when it must be looked for."""
        found = self._columns(table).get(column)
        if found is None or value not in found:
            return None
        row = found[value]
        return [] if row is None else [row]

    def note_change(self, table: Table, *rows: Mapping[str, object]) -> None:
        """Look anew for rows that were added, changed or deleted: as each was, and as it is then."""
        if table.existing:
            # It may be a view of any other.
            self._found.clear()
            return
        for column, found in self._columns(table.name).items():
            for row in rows:
                found.pop(row.get(column), None)

    def forget(self, table: str, column: str, value: object) -> None:
        """Look anew for what has that value."""
        self._columns(table).get(column, {}).pop(value, None)

    def _columns(self, table: str) -> Mapping[str, dict[object, Row | None]]:
        return self._found.get(table, _NONE)


_NONE: Mapping[str, dict[object, Row | None]] = {}

NOTHING_AHEAD = Ahead()
"""Stands where nothing was read ahead."""


def can_read_ahead(table: RowTable, column: str) -> bool:
    """Say whether a column names one row of a table made by the gateway on PostgreSQL, by a text or a whole number."""
    spec = table.spec
    found = None if spec.existing or table.dialect != "postgresql" else spec.column(column)
    return found is not None and (found is spec.key or found.unique) and found.type in _ARRAYS


def link_read_ahead(table: RowTable, column: str) -> ReadAhead:
    """Write the statement that finds what `RowTable.query` would find for each value of a column."""
    statement = table.compile_select([Test(column, "eq")], (), 1, locks=True)
    assert statement.sql.count("?") == 1
    spec = table.spec.column(column)
    assert spec is not None
    # Each value is looked for as by itself: the same row is found, and no other one is locked.
    sql = f"""
    SELECT wanted.number, found.* FROM unnest(CAST(? AS {_ARRAYS[spec.type]})) WITH ORDINALITY AS wanted (one, number)
    CROSS JOIN LATERAL ({statement.sql.replace("?", "wanted.one")}) AS found
    """
    decode = table.decode_row

    def read(execute: Execute, values: Sequence[object]) -> dict[object, Row | None]:
        rows: dict[object, Row | None] = dict.fromkeys(values)
        for number, *row in execute(sql, (list(values),)).fetchall():
            rows[values[number - 1]] = decode(row)
        return rows

    return read


def may_read_ahead(database: Database, tables: Sequence[str]) -> bool:
    """Say whether it pays to read ahead, and whether rows change only as the gateway changes them. One statement.

    A trigger could change a row that was read ahead.
    """
    if database.dialect != "postgresql":
        return False
    return database.execute(_TRIGGERS, ([quote(table) for table in tables],)).fetchone() is None
