"""What a database promises of a table's rows: values that no two of them share, values that are never null."""

from __future__ import annotations

from dataclasses import dataclass

from gateway.store.database import Database
from gateway.store.reflection import quote


@dataclass(frozen=True, slots=True, kw_only=True)
class Guarantees:
    """The promises of one table."""

    unique: frozenset[frozenset[str]]
    """Columns that together name one row, the primary key among them."""
    filled: frozenset[str]
    """Columns that are never null."""


_POSTGRESQL_UNIQUE = """
SELECT i.indexrelid, a.attname FROM pg_index AS i
JOIN pg_attribute AS a ON a.attrelid = i.indrelid AND a.attnum = ANY (i.indkey)
WHERE i.indrelid = to_regclass(?) AND i.indisunique AND i.indisvalid AND i.indpred IS NULL AND i.indexprs IS NULL
"""
_POSTGRESQL_FILLED = """
SELECT attname FROM pg_attribute WHERE attrelid = to_regclass(?) AND attnum > 0 AND NOT attisdropped AND attnotnull
"""


def guarantees_of(database: Database, table: str) -> Guarantees:
    """Return what the database promises of a table; nothing when there is none. Some statements, reading only."""
    if database.dialect == "sqlite":
        return _of_sqlite(database, table)
    together: dict[object, set[str]] = {}
    for index, column in database.execute(_POSTGRESQL_UNIQUE, (quote(table),)).fetchall():
        together.setdefault(index, set()).add(column)
    filled = {row[0] for row in database.execute(_POSTGRESQL_FILLED, (quote(table),)).fetchall()}
    return Guarantees(unique=frozenset(map(frozenset, together.values())), filled=frozenset(filled))


def _of_sqlite(database: Database, table: str) -> Guarantees:
    columns = database.execute(f"PRAGMA table_info({quote(table)})", ()).fetchall()
    indexes = database.execute(f"PRAGMA index_list({quote(table)})", ()).fetchall()
    # A partial index (its last word) promises nothing of the other rows; an expression in one has no name.
    unique = [_index_columns(database, row[1]) for row in indexes if row[2] and not row[4]]
    key = frozenset(row[1] for row in columns if row[5])
    return Guarantees(
        unique=frozenset(one for one in (*unique, key) if one and None not in one),
        # The only key of whole numbers is the row's own number: it is never null, whatever is declared.
        filled=frozenset(row[1] for row in columns if row[3])
        | (key if [row[2].upper() for row in columns if row[5]] == ["INTEGER"] else frozenset()),
    )


def _index_columns(database: Database, index: str) -> frozenset[str]:
    return frozenset(row[2] for row in database.execute(f"PRAGMA index_info({quote(index)})", ()).fetchall())


def has_null(database: Database, table: str, column: str) -> bool:
    """Say whether a row has no value for a column. One statement."""
    statement = f"SELECT 1 FROM {quote(table)} WHERE {quote(column)} IS NULL LIMIT 1"
    return database.execute(statement, ()).fetchone() is not None


def has_shared(database: Database, table: str, column: str) -> bool:
    """Say whether two rows share a value of a column. One statement, over the whole table where nothing is indexed."""
    name = quote(column)
    statement = f"SELECT 1 FROM {quote(table)} WHERE {name} IS NOT NULL GROUP BY {name} HAVING count(*) > 1 LIMIT 1"
    return database.execute(statement, ()).fetchone() is not None
