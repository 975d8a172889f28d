"""Changing the database's tables: the gateway's own by version, operators' tables by what is missing.

All of it runs in one transaction under the database's write lock, so that two gateways that start at once do it
once. Operators' tables are only ever added to; a change that could lose data is refused with the SQL to run by hand.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from sqlalchemy import Index
from sqlalchemy import Table as SqlTable
from sqlalchemy.schema import CreateIndex, CreateTable, ExecutableDDLElement

from gateway.config.tables import Table
from gateway.errors import MigrationRefused
from gateway.store.database import DRIVER_ERROR, Database, is_entangled, storage_errors
from gateway.store.operator_tables import migrate_table, run
from gateway.store.reflection import columns_of
from gateway.store.schema import (
    COUNTS,
    CURRENT_VERSION,
    HELD_EVENTS,
    HOLDING_EVENTS,
    LEASED_OUTBOX,
    METADATA,
    OUTBOX,
    SCHEDULES,
    TALLIES,
    WAITING_EVENTS,
)
from gateway.store.statements import dialect_named

MOST_TRIES = 5
"""How often a migration is begun that stands in a circle with the work of gateways that run meanwhile."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Migration:
    """What was done to the database: the statements, in order."""

    statements: tuple[str, ...]


def migrate(database: Database, tables: Iterable[Table], *, dry_run: bool = False) -> Migration:
    """Bring the database's tables to what this version and the rules need, in one transaction.

    With `dry_run` nothing is changed and the statements are only returned. Raises MigrationRefused for a change
    that could lose data, StorageUnavailable when the database cannot be written.
    """
    wanted = list(tables)
    with storage_errors():
        for _ in range(MOST_TRIES - 1):
            try:
                return _migrate(database, wanted, dry_run=dry_run)
            except DRIVER_ERROR as error:
                if not is_entangled(error):
                    raise
        return _migrate(database, wanted, dry_run=dry_run)


def _migrate(database: Database, tables: Iterable[Table], *, dry_run: bool) -> Migration:
    database.begin()
    try:
        database.lock_schema()
        done = _migrate_own(database)
        for table in tables:
            done += migrate_table(database, table)
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
    if not columns_of(database, "gateway_migrations"):
        return 0
    row = database.execute("SELECT max(version) FROM gateway_migrations", ()).fetchone()
    return int(row[0] or 0)


def _refuse_strangers(database: Database) -> None:
    """Refuse a database without a record of migrations in which a table already has a name of the gateway's own."""
    there = [table.name for table in METADATA.sorted_tables if columns_of(database, table.name)]
    if there:
        raise MigrationRefused(
            f"the database has a table `{there[0]}` that this gateway did not make: "
            "it belongs to another program, or its record of migrations (`gateway_migrations`) is lost",
            sql=(),
        )


def _create_all(database: Database) -> list[str]:
    return [statement for table in METADATA.sorted_tables for statement in _create(database, table)]


def _create(database: Database, table: SqlTable) -> list[str]:
    return [
        _define(database, CreateTable(table)),
        *(_define(database, CreateIndex(i)) for i in _in_order(table, database.dialect)),
    ]


def _in_order(table: SqlTable, dialect: str) -> list[Index]:
    wanted = (index for index in table.indexes if index.info.get("dialect", dialect) == dialect)
    return sorted(wanted, key=lambda index: str(index.name))


def _define(database: Database, clause: ExecutableDDLElement) -> str:
    return run(database, str(clause.compile(dialect=dialect_named(database.dialect))).strip())


def _add_outbox(database: Database) -> list[str]:
    """Version 2: awaited calls and messages, scheduled events, events held up by an earlier one of their key."""
    return [
        run(database, "ALTER TABLE gateway_events ADD COLUMN calls INTEGER DEFAULT '0' NOT NULL"),
        run(database, "ALTER TABLE gateway_events ADD COLUMN behind BIGINT"),
        _define(database, CreateIndex(WAITING_EVENTS)),
        *_create(database, SCHEDULES),
        *_create(database, OUTBOX),
    ]


def _share_work(database: Database) -> list[str]:
    """Version 3: which events may run side by side in several processes, and what those have counted."""
    return [
        run(database, "ALTER TABLE gateway_events ADD COLUMN stripe INTEGER DEFAULT '0' NOT NULL"),
        *_create(database, TALLIES),
    ]


def _look_back(database: Database) -> list[str]:
    """Version 4: what holds up a key and what is leased are found among much that waits; counts outlive who leads."""
    # Where the outbox is as new as this, it has its indexes already.
    indexes = (HOLDING_EVENTS, HELD_EVENTS, LEASED_OUTBOX)
    return [
        *(_define(database, CreateIndex(index, if_not_exists=True)) for index in indexes),
        *_create(database, COUNTS),
    ]


STEPS: dict[int, Callable[[Database], list[str]]] = {2: _add_outbox, 3: _share_work, 4: _look_back}
"""For each version after the first: the function that takes the tables there from the one before."""
