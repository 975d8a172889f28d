"""Operators' tables: made and added to from what the rules declare, in the words of each database.

They are only ever added to; a change that could lose data is refused with the SQL to run by hand.
"""

from __future__ import annotations

from collections.abc import Sequence
from zlib import crc32

from gateway.config.tables import Column, Table
from gateway.errors import MigrationRefused
from gateway.store.codecs import encoder
from gateway.store.database import DRIVER_ERROR, Database, is_conflict
from gateway.store.reflection import Present, column_type, columns_of, index_names, quote

# PostgreSQL cuts longer names off. Source: https://www.postgresql.org/docs/current/sql-syntax-lexical.html
_LONGEST_NAME = 63


def migrate_table(database: Database, table: Table) -> list[str]:
    """Bring one table to what the rules declare; return the statements that were run. Part of a transaction.

    Raises MigrationRefused for a change that could lose data.
    """
    dialect = database.dialect
    present = columns_of(database, table.name)
    if table.existing:
        _require_existing(table, present, dialect)
        return []
    if not present:
        made = [_create_statement(table, dialect), *_index_statements(table, table.columns, dialect)]
        return [run(database, statement) for statement in made]
    _refuse_changed_types(table, present, dialect)
    missing = [column for column in table.columns if column.name not in present]
    done = [run(database, _add_statement(table, column, dialect)) for column in missing]
    return done + _missing_indexes(database, table)


def refused_changes(table: Table, present: dict[str, Present], dialect: str) -> list[MigrationRefused]:
    """Return why `migrate_table` would refuse a table with these columns; nothing is read or changed.

    What rows hold may have it refuse more: values that are to be unique and are shared.
    """
    refused = []
    for check in (_require_existing,) if table.existing else (_refuse_changed_types, _refuse_new_required):
        try:
            check(table, present, dialect)
        except MigrationRefused as reason:
            refused.append(reason)
    return refused


def _refuse_new_required(table: Table, present: dict[str, Present], dialect: str) -> None:
    for column in table.columns if present else ():
        if column.name not in present:
            _add_statement(table, column, dialect)


def _require_existing(table: Table, present: dict[str, Present], dialect: str) -> None:
    if not present:
        raise MigrationRefused(
            f"table `{table.name}` is declared `existing: true`, but the database has no such table",
            sql=(),
        )
    absent = [column.name for column in table.columns if column.name not in present]
    if absent:
        raise MigrationRefused(
            f"table `{table.name}` is declared `existing: true`, but has no column `{'`, `'.join(absent)}`",
            sql=tuple(_add_statement(table, column, dialect) for column in table.columns if column.name in absent),
        )


def _refuse_changed_types(table: Table, present: dict[str, Present], dialect: str) -> None:
    for column in table.columns:
        found = present.get(column.name)
        if found is None:
            continue
        wanted = column_type(column.type, dialect)
        if found.type != wanted:
            raise MigrationRefused(
                f"column `{table.name}.{column.name}` is {found.type} in the database, the rules say {column.type}",
                sql=_retype_statements(table, column, dialect),
            )
        if found.primary_key != column.primary_key:
            raise MigrationRefused(
                f"the primary key of table `{table.name}` differs from the rules at column `{column.name}`", sql=()
            )


def _retype_statements(table: Table, column: Column, dialect: str) -> tuple[str, ...]:
    name, old, wanted = quote(column.name), quote(f"{column.name}_before"), column_type(column.type, dialect)
    if dialect == "postgresql":
        return (f"ALTER TABLE {quote(table.name)} ALTER COLUMN {name} TYPE {wanted} USING CAST({name} AS {wanted});",)
    return (
        f"ALTER TABLE {quote(table.name)} RENAME COLUMN {name} TO {old};",
        f"ALTER TABLE {quote(table.name)} ADD COLUMN {name} {wanted};",
        f"UPDATE {quote(table.name)} SET {name} = {old};  -- convert as needed, then drop {old}",
    )


def _create_statement(table: Table, dialect: str) -> str:
    columns = ",\n  ".join(_column_clause(column, dialect) for column in table.columns)
    return f"CREATE TABLE {quote(table.name)} (\n  {columns}\n)"


def _column_clause(column: Column, dialect: str) -> str:
    words = [quote(column.name), column_type(column.type, dialect)]
    if column.type == "text" and dialect == "postgresql":
        # The order of texts is that of their characters' numbers, as on SQLite, whatever language the server speaks.
        words.append('COLLATE "C"')
    if column.primary_key:
        words.append("PRIMARY KEY NOT NULL")
    elif column.required:
        words.append("NOT NULL")
    if column.has_default and column.default is not None:
        words.append(f"DEFAULT {_sql_literal(column, dialect)}")
    return " ".join(words)


def _sql_literal(column: Column, dialect: str) -> str:
    encode = encoder(column.type, dialect)
    value = encode(column.default) if encode else column.default
    if isinstance(value, bool):
        return str(value).lower()
    return str(value) if isinstance(value, int) else "'" + str(value).replace("'", "''") + "'"


def _add_statement(table: Table, column: Column, dialect: str) -> str:
    if column.required and not column.has_default:
        raise MigrationRefused(
            f"column `{table.name}.{column.name}` is new and `required`, but rows exist that have no value for it",
            sql=(
                f"ALTER TABLE {quote(table.name)} ADD COLUMN {quote(column.name)} {column_type(column.type, dialect)};",
                f"UPDATE {quote(table.name)} SET {quote(column.name)} = …;  -- or give it a `default` in the rules",
            ),
        )
    return f"ALTER TABLE {quote(table.name)} ADD COLUMN {_column_clause(column, dialect)}"


def _index_statements(table: Table, columns: Sequence[Column], dialect: str) -> list[str]:
    return [_index_statement(table, column, dialect) for column in columns if column.unique or column.indexed]


def _index_name(table: Table, column: Column, dialect: str) -> str:
    name = f"{table.name}_{column.name}_{'key' if column.unique else 'idx'}"
    encoded = name.encode()
    if dialect == "sqlite" or len(encoded) <= _LONGEST_NAME:
        return name
    return f"{encoded[: _LONGEST_NAME - 9].decode(errors='ignore')}_{crc32(encoded):08x}"


def _index_statement(table: Table, column: Column, dialect: str) -> str:
    unique, name = "UNIQUE " if column.unique else "", _index_name(table, column, dialect)
    return f"CREATE {unique}INDEX {quote(name)} ON {quote(table.name)} ({quote(column.name)})"


def _missing_indexes(database: Database, table: Table) -> list[str]:
    present = index_names(database, table.name)
    wanted = [column for column in table.columns if column.unique or column.indexed]
    done: list[str] = []
    for column in wanted:
        if _index_name(table, column, database.dialect) in present:
            continue
        statement = _index_statement(table, column, database.dialect)
        try:
            done.append(run(database, statement))
        except DRIVER_ERROR as error:
            if not is_conflict(error):
                raise
            raise MigrationRefused(
                f"column `{table.name}.{column.name}` is to be unique, but rows share a value",
                sql=(_duplicates_query(table, column), statement + ";"),
            ) from error
    return done


def _duplicates_query(table: Table, column: Column) -> str:
    name = quote(column.name)
    return f"SELECT {name}, count(*) FROM {quote(table.name)} GROUP BY {name} HAVING count(*) > 1;"


def run(database: Database, statement: str) -> str:
    """Run a statement that defines something, and return it. One statement."""
    database.execute(statement, ())
    return statement
