"""Operators' rows looked at and changed by hand: read as JSON values, written with a record of who and when.

Each function says whether it is one statement or one transaction.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import InvalidOperation
from typing import Any, NamedTuple

from gateway.config.diagnostics import did_you_mean
from gateway.config.tables import Column, Table
from gateway.errors import Conflict, GatewayError, NotFound
from gateway.expressions import CoercionError, coerce, to_text
from gateway.store.codecs import dump_json
from gateway.store.database import DRIVER_ERROR, Database, is_missing, storage_errors
from gateway.store.reflection import quote
from gateway.store.rows import RowTable
from gateway.store.shapes import Row, RowConflict, RowRefused, Test, ValueDoesNotFit

WRITTEN_AS_TEXT = frozenset({"decimal", "timestamp", "date"})
"""Types whose values are JSON texts: no reader of JSON keeps them exactly otherwise."""


class RowInvalid(GatewayError):
    """The row cannot be written as asked."""

    def __init__(self, message: str, *, help: str | None = None) -> None:
        super().__init__(message)
        self.help = help


class RowPage(NamedTuple):
    """Some rows of a table."""

    rows: list[Row]
    next: str | None
    """The cursor for the page behind this one; None when there is none."""


class Put(NamedTuple):
    """What writing a row by hand did."""

    row: Row
    created: bool
    changed: tuple[str, ...]
    """The columns that have another value now."""


def row_json(row: Mapping[str, object], table: Table) -> dict[str, object]:
    """Return a row as JSON values: decimals, times and dates as text, all others as they are."""
    types = {column.name: column.type for column in table.columns}
    return {
        name: to_text(value) if value is not None and types[name] in WRITTEN_AS_TEXT else value
        for name, value in row.items()
    }


def list_rows(database: Database, table: RowTable, *, limit: int, cursor: str | None = None) -> RowPage:
    """Return up to `limit` rows by their key, behind the cursor. One statement.

    Rows of a table without a single key column come as they are stored. Raises NotFound when the database has no
    such table, RowInvalid for a cursor that is none, Conflict for rows that do not hold what the rules say.
    """
    key = table.spec.key
    if key is None:
        return _list_unkeyed(database, table, limit, cursor)
    tests = [] if cursor is None else [Test(key.name, "gt")]
    values = [] if cursor is None else [_key_value(table, key, cursor)]
    query = table.query(tests, order=[(key.name, False)], limit=limit + 1, locks=False)
    rows = _read(table, lambda: query(database.execute, values))
    more = len(rows) > limit
    return RowPage(rows[:limit], to_text(rows[limit - 1][key.name]) if more else None)


def _list_unkeyed(database: Database, table: RowTable, limit: int, cursor: str | None) -> RowPage:
    if cursor is not None and not (cursor.isascii() and cursor.isdigit() and len(cursor) < 19):
        raise RowInvalid(f"`{cursor}` is not a cursor of table `{table.name}`")
    offset = int(cursor or 0)
    columns = ", ".join(map(quote, table.spec.names))
    statement = f"SELECT {columns} FROM {quote(table.name)} LIMIT {limit + 1} OFFSET {offset}"
    rows = _read(table, lambda: [table.decode_row(row) for row in database.execute(statement, ()).fetchall()])
    return RowPage(rows[:limit], str(offset + limit) if len(rows) > limit else None)


def get_row(database: Database, table: RowTable, key: str) -> Row:
    """Return the row with a key. One statement. Raises NotFound, Conflict and RowInvalid as `list_rows` does."""
    column = require_key(table)
    row = _row_with_key(database, table, _key_value(table, column, key), locks=False)
    if row is None:
        raise NotFound(f"table `{table.name}` has no row `{key}`")
    return row


def put_row(
    database: Database, table: RowTable, key: str, values: Mapping[str, object], *, actor: str, now: int
) -> Put:
    """Create the row with a key, or change the columns given; what changed is recorded. One transaction.

    Values are converted to the types of their columns. Raises RowInvalid for an unknown column and a value that
    cannot stand in its column, Conflict when another row has a value that must be unique, NotFound when the
    database has no such table.
    """
    column = require_key(table)
    own = _key_value(table, column, key)
    wanted = _converted(table, values)
    if wanted.setdefault(column.name, own) != own:
        raise RowInvalid(f"the key `{column.name}` is `{key}`, it cannot be set to `{to_text(wanted[column.name])}`")
    with storage_errors(), database.transaction():
        before = _row_with_key(database, table, own)
        changed = {name: value for name, value in wanted.items() if before is None or _differs(before[name], value)}
        if before is None:
            _require_values(table, changed)
        if changed:
            _write(database, table, before, changed, own)
        after = _row_with_key(database, table, own)
        assert after is not None
        if changed:
            _record(database, table, key, before, after, tuple(changed), actor, now)
    return Put(after, before is None, tuple(changed))


def require_key(table: RowTable) -> Column:
    """Return the column that names a row. Raises RowInvalid when several or none do."""
    if table.spec.key is None:
        raise RowInvalid(f"rows of table `{table.name}` have no single key column, so none can be named")
    return table.spec.key


def _converted(table: RowTable, values: Mapping[str, object]) -> dict[str, Any]:
    unknown = [name for name in values if table.spec.column(name) is None]
    if unknown:
        near = did_you_mean(unknown[0], table.spec.names)
        listed = ", ".join(f"`{name}`" for name in table.spec.names)
        raise RowInvalid(
            f"table `{table.name}` has no column `{unknown[0]}`",
            help=f"did you mean `{near}`?" if near else f"columns: {listed}",
        )
    return {column.name: _fitted(table, column, values[column.name]) for column in _chosen(table, values)}


def _chosen(table: RowTable, values: Mapping[str, object]) -> list[Column]:
    return [column for column in table.spec.columns if column.name in values]


def _fitted(table: RowTable, column: Column, value: object) -> object:
    if value is None and (column.required or column.primary_key):
        raise RowInvalid(f"column `{table.name}.{column.name}` cannot be null")
    try:
        return table.fit(column.name, coerce(value, column.type))
    except CoercionError as error:
        raise RowInvalid(f"column `{table.name}.{column.name}`: {error}") from None
    except ValueDoesNotFit as error:
        raise RowInvalid(str(error)) from None


def _require_values(table: RowTable, values: Mapping[str, object]) -> None:
    for column in table.spec.columns:
        if column.required and not column.has_default and column.name not in values:
            raise RowInvalid(f"a new row of table `{table.name}` needs a value for `{column.name}`")


def _key_value(table: RowTable, column: Column, key: str) -> object:
    """Return a key as its column holds it. Raises RowInvalid for a text that no key can be."""
    try:
        return table.fit(column.name, coerce(key, column.type))
    except (CoercionError, ValueDoesNotFit) as error:
        raise RowInvalid(f"`{key}` cannot be a key of table `{table.name}`: {error}") from None


def _row_with_key(database: Database, table: RowTable, key: object, *, locks: bool = True) -> Row | None:
    query = table.query([Test(require_key(table).name, "eq")], limit=1, locks=locks)
    rows = _read(table, lambda: query(database.execute, [key]))
    return rows[0] if rows else None


def _read(table: RowTable, read: Callable[[], list[Row]]) -> list[Row]:
    try:
        with storage_errors():
            return read()
    except DRIVER_ERROR as error:
        if not is_missing(error):
            raise
        raise NotFound(
            f"the database has no table `{table.name}` as the rules say; `gateway migrate` makes it"
        ) from error
    except RowRefused as error:
        raise RowInvalid(str(error)) from error
    except (CoercionError, InvalidOperation, ValueError) as error:
        raise Conflict(f"a row of table `{table.name}` does not hold what its columns say: {error}") from error


def _write(database: Database, table: RowTable, before: Row | None, changed: Mapping[str, object], key: object) -> None:
    try:
        if before is not None:
            table.updater(tuple(changed))(database.execute, changed, key)
        elif not table.inserter(tuple(changed))(database.execute, changed):
            raise Conflict(f"another row of table `{table.name}` has {_unique_values(table, changed)}")
    except RowConflict as error:
        raise Conflict(f"another row of table `{table.name}` has {_unique_values(table, changed)}") from error
    except RowRefused as error:
        raise RowInvalid(f"the database refuses the row of table `{table.name}`: {error}") from error


def _unique_values(table: RowTable, changed: Mapping[str, object]) -> str:
    unique = [column for column in table.spec.columns if column.unique and changed.get(column.name) is not None]
    listed = " or ".join(f"{column.name} `{to_text(changed[column.name])}`" for column in unique)
    return listed or "a value that must be unique"


def _differs(old: object, new: object) -> bool:
    # As JSON, since in Python 1 == True and 9.9 == Decimal("9.90").
    return dump_json(old) != dump_json(new)


_RECORD = """
INSERT INTO gateway_changes (at, actor, table_name, row_key, before, after) VALUES (?, ?, ?, ?, ?, ?)
"""


def _record(
    database: Database,
    table: RowTable,
    key: str,
    before: Row | None,
    after: Row,
    changed: tuple[str, ...],
    actor: str,
    now: int,
) -> None:
    """Write down a change; of a new row all columns, of another those that changed."""

    def part(row: Row) -> str:
        names = table.spec.names if before is None else changed
        return dump_json(row_json({name: row[name] for name in names}, table.spec))

    old = None if before is None else part(before)
    database.execute(_RECORD, (now, actor, table.name, key, old, part(after)))
