"""Opening a database, and what differs between one kind and another.

A connection is used by one thread at a time, in plain calls: a pass is a synchronous function, and what
is awaited is a whole batch (`store.thread`). Transactions are explicit: nothing is open unless `BEGIN`
was said here.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any, Protocol

from gateway.errors import ConfigurationError, StorageUnavailable
from gateway.expressions import CoercionError, coerce

BUSY_TIMEOUT = 5.0
"""Seconds a statement waits for another process's write before it gives up."""

LOCK_PAUSE = 0.0001
"""Seconds between two tries to take the write lock."""

# A checkpoint moves the write-ahead log into the database; small and often keeps its pauses short.
CHECKPOINT_PAGES = 250

DRIVER_ERROR = sqlite3.Error
"""What the driver raises, whatever is wrong."""

_TROUBLE = frozenset(
    {
        "BUSY",
        "LOCKED",
        "NOMEM",
        "READONLY",
        "INTERRUPT",
        "IOERR",
        "CORRUPT",
        "FULL",
        "CANTOPEN",
        "PROTOCOL",
        "NOTADB",
        "PERM",
    }
)


def is_trouble(error: BaseException) -> bool:
    """Say whether an error of the driver means that the database itself is in trouble, not the statement."""
    name = getattr(error, "sqlite_errorname", None)
    if name is None:
        return isinstance(error, sqlite3.OperationalError)
    return name.split("_")[1] in _TROUBLE


class Cursor(Protocol):
    """The part of a driver's cursor that the store uses."""

    @property
    def rowcount(self) -> int: ...  # noqa: D102 - named by the DB API (PEP 249)
    def fetchone(self) -> Any: ...  # noqa: D102 - as above
    def fetchall(self) -> list[Any]: ...  # noqa: D102 - as above


Execute = Callable[[str, Sequence[object]], Any]
"""Runs one statement on an open connection and returns a cursor: what the hot paths are handed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DatabaseAddress:
    """Where a database is: its dialect and, for SQLite, its file."""

    url: str
    dialect: str
    file: Path | None


def parse_address(url: str, base: Path) -> DatabaseAddress:
    """Read a database address; a relative SQLite file is taken from `base`.

    Forms: `sqlite:///relative/file.db`, `sqlite:////absolute/file.db`, `sqlite://` (in memory, for tests).
    Raises ConfigurationError for any other.
    """
    scheme, _, rest = url.partition("://")
    if scheme != "sqlite":
        raise ConfigurationError(
            f"database `{scheme or url}` is not supported: write `sqlite:///gateway.db` (a file beside gateway.yaml)"
        )
    if rest in {"", "/:memory:"}:
        return DatabaseAddress(url=url, dialect="sqlite", file=None)
    if not rest.startswith("/"):
        raise ConfigurationError(f"database `{url}` has a host: a SQLite file takes three slashes, `sqlite:///{rest}`")
    return DatabaseAddress(url=url, dialect="sqlite", file=base / rest[1:])


class Database:
    """One connection to a database, and the transactions on it."""

    def __init__(self, connection: sqlite3.Connection, address: DatabaseAddress) -> None:
        self.connection = connection
        self.address = address
        self.dialect = address.dialect
        self.execute: Execute = connection.execute
        self.execute_many = connection.executemany
        self.lock_seconds = BUSY_TIMEOUT
        """How long a transaction waits for another process's before it gives up."""

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Hold one write transaction: committed when the block ends, rolled back when it raises.

        Raises StorageUnavailable when the database cannot be written (full, read-only, locked, damaged).
        """
        self.begin()
        try:
            yield
            self.commit()
        except BaseException:
            self.rollback()
            raise

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

    def checkpoint_every(self, pages: int) -> None:
        """Move the write-ahead log into the database when a commit of this connection finds it this long."""
        self.execute(f"PRAGMA wal_autocheckpoint = {pages}", ())

    def data_version(self) -> int:
        """Return a number that changes when another connection has committed."""
        return int(self.execute("PRAGMA data_version", ()).fetchone()[0])

    def close(self) -> None:
        """Close the connection; an open transaction is rolled back."""
        self.connection.close()


@contextmanager
def storage_errors() -> Iterator[None]:
    """Turn the driver's operational errors into StorageUnavailable, naming the cause."""
    try:
        yield
    except DRIVER_ERROR as error:
        if not is_trouble(error):
            raise
        raise StorageUnavailable(f"the database cannot be used: {error}") from error


def open_database(address: DatabaseAddress, *, read_only: bool = False) -> Database:
    """Open the database, creating its file and folder when they are missing.

    The connection may be handed to another thread, but must be used by one at a time.
    Raises StorageUnavailable when it cannot be opened.
    """
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
    return Database(connection, address)


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
        # From here on waiting for the write lock is our own: `Database.begin`.
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
