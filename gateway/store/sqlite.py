"""SQLite: one file with a write-ahead log, written by one process at a time, durable at every commit."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterable, Sequence
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any

from gateway.errors import StorageUnavailable
from gateway.expressions import CoercionError, coerce
from gateway.store.database import Database, DatabaseAddress, Execute, storage_errors

BUSY_TIMEOUT = 5.0
"""Seconds a statement waits for another process's write before it gives up."""

LOCK_PAUSE = 0.0001
"""Seconds between two tries to take the write lock."""

# A checkpoint moves the write-ahead log into the database; small and often keeps its pauses short.
CHECKPOINT_PAGES = 250


class SqliteDatabase(Database):
    """One connection to a SQLite file."""

    one_writer = True

    def __init__(self, connection: sqlite3.Connection, address: DatabaseAddress) -> None:
        """Take an open connection."""
        self.connection = connection
        self.address = address
        self.dialect = address.dialect
        self.execute: Execute = connection.execute
        self.lock_seconds = BUSY_TIMEOUT
        """How long a transaction waits for another process's before it gives up."""

    def execute_many(self, statement: str, rows: Iterable[Sequence[object]]) -> Any:
        """Run one statement for each of the rows; `rowcount` counts for all of them."""
        return self.connection.executemany(statement, rows)

    def begin(self) -> None:
        """Open a write transaction. Raises StorageUnavailable."""
        with storage_errors():
            deadline = time.monotonic() + self.lock_seconds
            while not self._begin_now():
                if time.monotonic() > deadline:
                    raise StorageUnavailable("the database cannot be used: another process keeps it locked")
                # SQLite's own wait sleeps for whole milliseconds; the other writer's transaction is about as short.
                time.sleep(LOCK_PAUSE)

    def _begin_now(self) -> bool:
        try:
            self.execute("BEGIN IMMEDIATE", ())
        except sqlite3.OperationalError as error:
            if error.sqlite_errorname != "SQLITE_BUSY":
                raise
            return False
        return True

    def commit(self) -> None:
        """Make the open transaction durable: it is on disk when this returns. Raises StorageUnavailable."""
        with storage_errors():
            self.execute("COMMIT", ())

    def rollback(self) -> None:
        """Undo the open transaction, if one is still open (SQLite ends it by itself when the disk is full)."""
        if self.connection.in_transaction:
            self.execute("ROLLBACK", ())

    @property
    def within(self) -> bool:
        """Say whether a transaction is open."""
        return self.connection.in_transaction

    @property
    def failed(self) -> bool:
        """Say no: a statement that fails undoes itself alone."""
        return False

    def lock_schema(self) -> None:
        """Do nothing: an open transaction keeps every other writer out."""

    def checkpoint_every(self, pages: int) -> None:
        """Move the write-ahead log into the database when a commit of this connection finds it this long."""
        self.execute(f"PRAGMA wal_autocheckpoint = {pages}", ())

    def close(self) -> None:
        """Close the connection; an open transaction is rolled back."""
        self.connection.close()


def open_sqlite(address: DatabaseAddress, *, read_only: bool = False) -> SqliteDatabase:
    """Open a SQLite file, creating it and its folder when they are missing. Raises StorageUnavailable."""
    if address.file is not None:
        _require_place(address.file, make=not read_only)
    with storage_errors():
        connection = sqlite3.connect(
            _target(address, read_only=read_only),
            isolation_level=None,
            check_same_thread=False,
            cached_statements=1024,
            timeout=BUSY_TIMEOUT,
            uri=True,
        )
        try:
            _prepare(connection, read_only=read_only)
        except BaseException:
            connection.close()
            raise
    return SqliteDatabase(connection, address)


def _require_place(file: Path, *, make: bool) -> None:
    """Make the folder of a database's file, where it may be made. Raises StorageUnavailable."""
    if file.is_dir():
        raise StorageUnavailable(f"the database cannot be used: `{file}` is a directory, not a file")
    try:
        if make:
            file.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        said = "it is not a directory" if isinstance(error, FileExistsError) else error.strerror or str(error)
        raise StorageUnavailable(f"the database cannot be made in `{file.parent}`: {said.lower()}") from error


def _target(address: DatabaseAddress, *, read_only: bool) -> str:
    if address.file is None:
        return ":memory:"
    return f"{address.file.resolve().as_uri()}{'?mode=ro' if read_only else ''}"


def _prepare(connection: sqlite3.Connection, *, read_only: bool) -> None:
    if not read_only:
        connection.execute("PRAGMA journal_mode = WAL")
        # From here on waiting for the write lock is our own: `SqliteDatabase.begin`.
        connection.execute("PRAGMA busy_timeout = 0")
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute(f"PRAGMA wal_autocheckpoint = {CHECKPOINT_PAGES}")
    connection.execute("PRAGMA temp_store = MEMORY")
    connection.execute("PRAGMA foreign_keys = ON")
    connection.execute("PRAGMA cache_size = -32768")
    connection.create_collation(DECIMAL_COLLATION, _compare_decimals)
    connection.create_collation(TIME_COLLATION, _compare_times)


# SQLite keeps decimals and times as text, so that they are exact; these order them by what they mean. They are
# named in queries only, never in the schema, so any other program can read the file.
DECIMAL_COLLATION = "gateway_decimal"
TIME_COLLATION = "gateway_time"


def _compare_decimals(left: str, right: str) -> int:
    if left == right:
        return 0
    try:
        return int(Decimal(left).compare(Decimal(right)))
    except (InvalidOperation, ValueError):
        return (left > right) - (left < right)


def _compare_times(left: str, right: str) -> int:
    if left == right:
        return 0
    first: Any
    second: Any
    try:
        first, second = coerce(left, "timestamp"), coerce(right, "timestamp")
    except CoercionError:
        first, second = left, right
    return int(first > second) - int(first < second)
