"""Changing the database's tables: the gateway's own by version, operators' tables by what is missing.

All of it runs in one transaction under the database's write lock, so that two gateways that start at once do it
once. Operators' tables are only ever added to; a change that could lose data is refused with the SQL to run by hand.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from sqlalchemy import Index
from sqlalchemy import Table as SqlTable
from sqlalchemy.schema import CreateIndex, CreateTable, ExecutableDDLElement

from gateway.config.tables import Column, Table
from gateway.errors import MigrationRefused
from gateway.store.codecs import encoder
from gateway.store.database import Database, storage_errors
from gateway.store.schema import CURRENT_VERSION, METADATA, OUTBOX, SCHEDULES, WAITING_EVENTS
from gateway.store.statements import dialect_named

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


@dataclass(frozen=True, slots=True, kw_only=True)
class Migration:
    """What was done to the database: the statements, in order."""

    statements: tuple[str, ...]


def migrate(database: Database, tables: Iterable[Table], *, dry_run: bool = False) -> Migration:
    """Bring the database's tables to what this version and the rules need, in one transaction.

    With `dry_run` nothing is changed and the statements are only returned. Raises MigrationRefused for a change
    that could lose data, StorageUnavailable when the database cannot be written.
    """
    with storage_errors():
        database.begin()
        try:
            done = _migrate_own(database)
            for table in tables:
                done += _migrate_table(database, table)
            if dry_run:
                database.rollback()
            else:
                database.commit()
        except BaseException:
            database.rollback()
            raise
    return Migration(statements=tuple(done))


def _migrate_own(database: Database) -> list[str]:
    version = _version(database)
    if version >= CURRENT_VERSION:
        # A newer gateway may have been here; what it added does not disturb this one.
        return []
    if version == 0:
        _refuse_strangers(database)
    steps = [_create_all] if version == 0 else [STEPS[number] for number in range(version + 1, CURRENT_VERSION + 1)]
    done = [statement for step in steps for statement in step(database)]
    now = time.time_ns() // 1000
    database.execute("INSERT INTO gateway_migrations (version, applied_at) VALUES (?, ?)", (CURRENT_VERSION, now))
    return done


def _version(database: Database) -> int:
    if not _columns_of(database, "gateway_migrations"):
        return 0
    row = database.execute("SELECT max(version) FROM gateway_migrations", ()).fetchone()
    return int(row[0] or 0)


def _refuse_strangers(database: Database) -> None:
    """Refuse a database without a record of migrations in which a table already has a name of the gateway's own."""
    there = [table.name for table in METADATA.sorted_tables if _columns_of(database, table.name)]
    if there:
        raise MigrationRefused(
            f"the database has a table `{there[0]}` that this gateway did not make: "
            "it belongs to another program, or its record of migrations (`gateway_migrations`) is lost",
            sql=(),
        )


def _create_all(database: Database) -> list[str]:
    return [statement for table in METADATA.sorted_tables for statement in _create(database, table)]


def _create(database: Database, table: SqlTable) -> list[str]:
    return [_define(database, CreateTable(table)), *(_define(database, CreateIndex(i)) for i in _in_order(table))]


def _in_order(table: SqlTable) -> list[Index]:
    return sorted(table.indexes, key=lambda index: str(index.name))


def _define(database: Database, clause: ExecutableDDLElement) -> str:
    return _run(database, str(clause.compile(dialect=dialect_named(database.dialect))).strip())


def _add_outbox(database: Database) -> list[str]:
    """Version 2: awaited calls and messages, scheduled events, events held up by an earlier one of their key."""
    return [
        _run(database, "ALTER TABLE gateway_events ADD COLUMN calls INTEGER DEFAULT '0' NOT NULL"),
        _run(database, "ALTER TABLE gateway_events ADD COLUMN behind BIGINT"),
        _define(database, CreateIndex(WAITING_EVENTS)),
        *_create(database, SCHEDULES),
        *_create(database, OUTBOX),
    ]


STEPS: dict[int, Callable[[Database], list[str]]] = {2: _add_outbox}
"""For each version after the first: the function that takes the tables there from the one before."""


def _run(database: Database, statement: str) -> str:
    database.execute(statement, ())
    return statement


@dataclass(frozen=True, slots=True)
class _Present:
    type: str
    primary_key: bool


def _columns_of(database: Database, table: str) -> dict[str, _Present]:
    rows = database.execute(f"PRAGMA table_info({quote(table)})", ()).fetchall()
    return {row[1]: _Present(str(row[2]).upper(), bool(row[5])) for row in rows}


def quote(name: str) -> str:
    """Return a name as an SQL identifier."""
    return '"' + name.replace('"', '""') + '"'


def reflect_table(database: Database, name: str) -> Table | None:
    """Return an existing table with its columns as the database declares them, or None. One statement."""
    present = _columns_of(database, name)
    if not present:
        return None
    columns = tuple(
        Column(name=column, type=_value_type(found.type), primary_key=found.primary_key)
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


def _value_type(declared: str) -> str:
    by_exact = {sql: name for name, sql in _SQLITE_TYPES.items()}
    if declared in by_exact:
        return by_exact[declared]
    for word, name in _DECLARED_WORDS:
        if word in declared:
            return name
    return "text"


_DECLARED_WORDS = (
    ("BOOL", "boolean"), ("INT", "integer"), ("TIMESTAMP", "timestamp"), ("DATETIME", "timestamp"), ("DATE", "date"),
    ("JSON", "json"), ("DEC", "decimal"), ("NUMERIC", "decimal"), ("REAL", "decimal"), ("DOUB", "decimal"),
    ("FLOA", "decimal"), ("MONEY", "decimal"),
)  # fmt: skip


def _migrate_table(database: Database, table: Table) -> list[str]:
    present = _columns_of(database, table.name)
    if table.existing:
        _require_existing(table, present)
        return []
    if not present:
        done = [_run(database, _create_statement(table))]
        return done + [_run(database, statement) for statement in _index_statements(table, table.columns)]
    _refuse_changed_types(table, present)
    missing = [column for column in table.columns if column.name not in present]
    done = [_run(database, _add_statement(table, column)) for column in missing]
    return done + _missing_indexes(database, table)


def _require_existing(table: Table, present: dict[str, _Present]) -> None:
    if not present:
        raise MigrationRefused(
            f"table `{table.name}` is declared `existing: true`, but the database has no such table",
            sql=(),
        )
    absent = [column.name for column in table.columns if column.name not in present]
    if absent:
        raise MigrationRefused(
            f"table `{table.name}` is declared `existing: true`, but has no column `{'`, `'.join(absent)}`",
            sql=tuple(_add_statement(table, column) for column in table.columns if column.name in absent),
        )


def _refuse_changed_types(table: Table, present: dict[str, _Present]) -> None:
    for column in table.columns:
        found = present.get(column.name)
        if found is None:
            continue
        wanted = _SQLITE_TYPES[column.type]
        if found.type != wanted:
            raise MigrationRefused(
                f"column `{table.name}.{column.name}` is {found.type} in the database, the rules say {column.type}",
                sql=_retype_statements(table, column),
            )
        if found.primary_key != column.primary_key:
            raise MigrationRefused(
                f"the primary key of table `{table.name}` differs from the rules at column `{column.name}`", sql=()
            )


def _retype_statements(table: Table, column: Column) -> tuple[str, ...]:
    name, old = quote(column.name), quote(f"{column.name}_before")
    return (
        f"ALTER TABLE {quote(table.name)} RENAME COLUMN {name} TO {old};",
        f"ALTER TABLE {quote(table.name)} ADD COLUMN {name} {_SQLITE_TYPES[column.type]};",
        f"UPDATE {quote(table.name)} SET {name} = {old};  -- convert as needed, then drop {old}",
    )


def _create_statement(table: Table) -> str:
    columns = ",\n  ".join(_column_clause(column) for column in table.columns)
    return f"CREATE TABLE {quote(table.name)} (\n  {columns}\n)"


def _column_clause(column: Column) -> str:
    words = [quote(column.name), _SQLITE_TYPES[column.type]]
    if column.primary_key:
        words.append("PRIMARY KEY NOT NULL")
    elif column.required:
        words.append("NOT NULL")
    if column.has_default and column.default is not None:
        words.append(f"DEFAULT {_sql_literal(column)}")
    return " ".join(words)


def _sql_literal(column: Column) -> str:
    encode = encoder(column.type, "sqlite")
    value = encode(column.default) if encode else column.default
    return str(value) if isinstance(value, int) else "'" + str(value).replace("'", "''") + "'"


def _add_statement(table: Table, column: Column) -> str:
    if column.required and not column.has_default:
        raise MigrationRefused(
            f"column `{table.name}.{column.name}` is new and `required`, but rows exist that have no value for it",
            sql=(
                f"ALTER TABLE {quote(table.name)} ADD COLUMN {quote(column.name)} {_SQLITE_TYPES[column.type]};",
                f"UPDATE {quote(table.name)} SET {quote(column.name)} = …;  -- or give it a `default` in the rules",
            ),
        )
    return f"ALTER TABLE {quote(table.name)} ADD COLUMN {_column_clause(column)}"


def _index_statements(table: Table, columns: Sequence[Column]) -> list[str]:
    return [_index_statement(table, column) for column in columns if column.unique or column.indexed]


def _index_name(table: Table, column: Column) -> str:
    return f"{table.name}_{column.name}_{'key' if column.unique else 'idx'}"


def _index_statement(table: Table, column: Column) -> str:
    unique = "UNIQUE " if column.unique else ""
    return f"CREATE {unique}INDEX {quote(_index_name(table, column))} ON {quote(table.name)} ({quote(column.name)})"


def _missing_indexes(database: Database, table: Table) -> list[str]:
    present = {row[1] for row in database.execute(f"PRAGMA index_list({quote(table.name)})", ()).fetchall()}
    wanted = [column for column in table.columns if column.unique or column.indexed]
    done: list[str] = []
    for column in wanted:
        if _index_name(table, column) in present:
            continue
        statement = _index_statement(table, column)
        try:
            done.append(_run(database, statement))
        except sqlite3.IntegrityError as error:
            raise MigrationRefused(
                f"column `{table.name}.{column.name}` is to be unique, but rows share a value",
                sql=(_duplicates_query(table, column), statement + ";"),
            ) from error
    return done


def _duplicates_query(table: Table, column: Column) -> str:
    name = quote(column.name)
    return f"SELECT {name}, count(*) FROM {quote(table.name)} GROUP BY {name} HAVING count(*) > 1;"
