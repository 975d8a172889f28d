"""What a database says of its own tables: their columns, types and indexes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from gateway.config.tables import Column, Table
from gateway.store.database import Database


@dataclass(frozen=True, slots=True)
class Present:
    """A column as it is in the database."""

    type: str
    """The declared type, in capitals."""
    primary_key: bool


# The declared type keeps what the column means (and its affinity: TEXT, so that nothing is converted).
_SQLITE_TYPES = {
    "text": "TEXT",
    "integer": "INTEGER",
    "decimal": "DECIMAL_TEXT",
    "boolean": "BOOLEAN",
    "timestamp": "TIMESTAMP_TEXT",
    "date": "DATE_TEXT",
    "json": "JSON_TEXT",
}
_POSTGRESQL_TYPES = {
    "text": "TEXT",
    "integer": "BIGINT",
    "decimal": "NUMERIC",
    "boolean": "BOOLEAN",
    "timestamp": "TIMESTAMP WITH TIME ZONE",
    "date": "DATE",
    "json": "JSONB",
}
_TYPES = {"sqlite": _SQLITE_TYPES, "postgresql": _POSTGRESQL_TYPES}

_POSTGRESQL_COLUMNS = """
SELECT a.attname, upper(format_type(a.atttypid, NULL)), coalesce(a.attnum = ANY (i.indkey), false)
FROM pg_attribute AS a LEFT JOIN pg_index AS i ON i.indrelid = a.attrelid AND i.indisprimary
WHERE a.attrelid = to_regclass(?) AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum
"""


def column_type(type_name: str, dialect: str) -> str:
    """Return what a column of a type of ours is declared as."""
    return _TYPES[dialect][type_name]


def quote(name: str) -> str:
    """Return a name as an SQL identifier."""
    return '"' + name.replace('"', '""') + '"'


def table_names(database: Database) -> set[str]:
    """Return the names of the tables. One statement."""
    if database.dialect == "sqlite":
        statement = "SELECT name FROM sqlite_master WHERE type = 'table'"
    else:
        statement = "SELECT tablename FROM pg_tables WHERE schemaname = ANY (current_schemas(false))"
    return {str(row[0]) for row in database.execute(statement, ()).fetchall()}


def columns_of(database: Database, table: str) -> dict[str, Present]:
    """Return the columns of a table in their order; none when there is no such table. One statement."""
    if database.dialect == "sqlite":
        rows = database.execute(f"PRAGMA table_info({quote(table)})", ()).fetchall()
        return {row[1]: Present(str(row[2]).upper(), bool(row[5])) for row in rows}
    rows = database.execute(_POSTGRESQL_COLUMNS, (quote(table),)).fetchall()
    return {name: Present(kind, key) for name, kind, key in rows}


def index_names(database: Database, table: str) -> set[str]:
    """Return the names of a table's indexes. One statement."""
    if database.dialect == "sqlite":
        return {row[1] for row in database.execute(f"PRAGMA index_list({quote(table)})", ()).fetchall()}
    statement = (
        "SELECT c.relname FROM pg_index AS i JOIN pg_class AS c ON c.oid = i.indexrelid "
        "WHERE i.indrelid = to_regclass(?)"
    )
    return {row[0] for row in database.execute(statement, (quote(table),)).fetchall()}


def reflect_table(database: Database, name: str) -> Table | None:
    """Return an existing table with its columns as the database declares them, or None. One statement."""
    present = columns_of(database, name)
    if not present:
        return None
    columns = tuple(
        Column(name=column, type=_value_type(found.type, database.dialect), primary_key=found.primary_key)
        for column, found in present.items()
    )
    return Table(name=name, columns=columns, existing=True)


def reflect_existing(database: Database, tables: Mapping[str, Table]) -> dict[str, Table]:
    """Return the tables, those that are used as they stand with all columns that the database has.

    A column that the rules declare keeps the type they give it.
    """
    return {name: _complete(database, table) if table.existing else table for name, table in tables.items()}


def _complete(database: Database, table: Table) -> Table:
    found = reflect_table(database, table.name)
    if found is None:
        return table
    columns = tuple(
        replace(own, primary_key=column.primary_key) if (own := table.column(column.name)) else column
        for column in found.columns
    )
    return Table(name=table.name, columns=columns, existing=True)


def _value_type(declared: str, dialect: str) -> str:
    by_exact = {sql: name for name, sql in _TYPES[dialect].items()}
    if declared in by_exact:
        return by_exact[declared]
    return next((name for word, name in _DECLARED_WORDS if word in declared), "text")


_DECLARED_WORDS = (
    ("BOOL", "boolean"), ("INTERVAL", "text"), ("INT", "integer"), ("TIMESTAMP", "timestamp"),
    ("DATETIME", "timestamp"), ("DATE", "date"), ("JSON", "json"), ("DEC", "decimal"), ("NUMERIC", "decimal"),
    ("REAL", "decimal"), ("DOUB", "decimal"), ("FLOA", "decimal"), ("MONEY", "decimal"),
)  # fmt: skip
