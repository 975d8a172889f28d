"""A database: its address, its transactions, and what can be wrong with it, whatever kind it is.

A connection is used by one thread at a time, in plain calls: a pass is a synchronous function, and what is awaited is
a whole batch (`store.thread`). Transactions are explicit: nothing is open unless `begin` was called.
"""

from __future__ import annotations

import sqlite3
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from gateway.errors import ConfigurationError, StorageUnavailable


class PostgresError(Exception):
    """What PostgreSQL, or the way to it, answers to a statement that it does not carry out."""

    def __init__(self, message: str, sqlstate: str | None, *, trouble: bool, detail: str | None = None) -> None:
        """Take the message, the five letters of the SQL standard's code, and whether the database is in trouble."""
        super().__init__(message)
        self.sqlstate = sqlstate
        self.trouble = trouble
        self.detail = detail

    @classmethod
    def told(cls, message: str, sqlstate: str | None, detail: str | None = None) -> PostgresError:
        """Return what the server has told; without a code it is the way to the server that failed."""
        trouble = sqlstate is None or sqlstate.startswith(_TROUBLE_CLASSES) or sqlstate in _TROUBLE_STATES
        said = f"{message}: {_SHARED_SESSION_HELP}" if sqlstate in _SHARED_SESSION else message
        return cls(said, sqlstate, trouble=trouble, detail=detail)


class WriteFailed(Exception):
    """A write that nobody waited for did not do what was taken for granted: its transaction must be undone."""


DRIVER_ERROR = (sqlite3.Error, PostgresError)
"""What the drivers raise, whatever is wrong."""

# Source: https://www.postgresql.org/docs/current/errcodes-appendix.html
_UNIQUE_VIOLATION = "23505"
_UNDEFINED = frozenset({"42P01", "42703"})
_ENTANGLED = frozenset({"40001", "40P01", "55P03"})
# Connection exceptions, resources that have run out, an operator's intervention, errors of the system; a standby.
_TROUBLE_CLASSES = ("08", "53", "57", "58", "XX")
_TROUBLE_STATES = frozenset(
    {
        "25006",
        "25P03",
        "25P04",
        "40001",
        "40P01",
        "55P03",
        "0A000",
        "3D000",
        "28000",
        "28P01",
        "42501",
        "26000",
        "42P05",
    }
)
# A statement that was prepared is not there, or is there already: another session answers than the one before.
_SHARED_SESSION = frozenset({"26000", "42P05"})
_SHARED_SESSION_HELP = (
    "a pooler in between shares sessions and knows nothing of prepared statements (pgbouncer does since 1.21, with"
    " `max_prepared_statements`)"
)
# Integrity constraints, and values that a column cannot hold.
_REFUSING_CLASSES = ("22", "23")

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
    if isinstance(error, PostgresError):
        return error.trouble
    name = getattr(error, "sqlite_errorname", None)
    if name is None:
        return isinstance(error, sqlite3.OperationalError)
    return name.split("_")[1] in _TROUBLE


def is_entangled(error: BaseException) -> bool:
    """Say whether a transaction was undone because of another one: a deadlock, or rows that both changed."""
    return isinstance(error, PostgresError) and error.sqlstate in _ENTANGLED


def is_conflict(error: BaseException) -> bool:
    """Say whether a row was refused because another has its key, or one of its unique values."""
    if isinstance(error, PostgresError):
        return error.sqlstate == _UNIQUE_VIOLATION
    name = getattr(error, "sqlite_errorname", None)
    return name in {"SQLITE_CONSTRAINT_UNIQUE", "SQLITE_CONSTRAINT_PRIMARYKEY"}


def is_refusal(error: BaseException) -> bool:
    """Say whether a row was refused by what its table demands."""
    if isinstance(error, PostgresError):
        return error.sqlstate is not None and error.sqlstate.startswith(_REFUSING_CLASSES)
    return isinstance(error, sqlite3.IntegrityError)


def is_missing(error: BaseException) -> bool:
    """Say whether a statement names a table or column that is not there."""
    if isinstance(error, PostgresError):
        return error.sqlstate in _UNDEFINED
    return isinstance(error, sqlite3.OperationalError) and "no such" in str(error)


Execute = Callable[[str, Sequence[object]], Any]
"""Runs one statement on an open connection and returns a cursor: what the hot paths are handed.

Of the cursor `rowcount`, `fetchone` and `fetchall` are used, as PEP 249 has them.
Its values stand where the statement says `?`.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class DatabaseAddress:
    """Where a database is: its dialect and, for SQLite, its file."""

    url: str = field(repr=False)
    """As written; it may hold a password."""
    dialect: str
    file: Path | None

    @property
    def in_memory(self) -> bool:
        """Say whether the database lives in its one connection, as those of tests do."""
        return self.dialect == "sqlite" and self.file is None

    @property
    def shown(self) -> str:
        """Return the address for people, without a password."""
        if self.dialect == "sqlite":
            return str(self.file or self.url)
        parts = urlsplit(self.url)
        user = f"{parts.username}@" if parts.username else ""
        port = f":{parts.port}" if parts.port else ""
        return f"postgresql://{user}{parts.hostname or ''}{port}{parts.path}"

    @property
    def password(self) -> str | None:
        """Return the password that the address holds, which must not be seen."""
        if self.dialect == "sqlite":
            return None
        password = urlsplit(self.url).password
        return unquote(password) if password else None


_POSTGRES_SCHEMES = frozenset({"postgresql", "postgres"})


def parse_address(url: str, base: Path) -> DatabaseAddress:
    """Read a database address; a relative SQLite file is taken from `base`.

    Forms: `sqlite:///relative/file.db`, `sqlite:////absolute/file.db`, `sqlite://` (in memory, for tests), and
    `postgresql://[user[:password]@][host][:port][/name][?parameters]` with libpq's parameters
    (https://www.postgresql.org/docs/current/libpq-connect.html). Raises ConfigurationError for any other.
    """
    scheme, _, rest = url.partition("://")
    if scheme in _POSTGRES_SCHEMES:
        return _postgres_address(url)
    if scheme != "sqlite":
        raise ConfigurationError(
            f"database `{scheme or url}` is not supported: write `sqlite:///gateway.db` (a file beside gateway.yaml)"
            " or `postgresql://user@host/name`"
        )
    if rest in {"", "/:memory:"}:
        return DatabaseAddress(url=url, dialect="sqlite", file=None)
    if not rest.startswith("/"):
        raise ConfigurationError(f"database `{url}` has a host: a SQLite file takes three slashes, `sqlite:///{rest}`")
    return DatabaseAddress(url=url, dialect="sqlite", file=base / rest[1:])


def _postgres_address(url: str) -> DatabaseAddress:
    try:
        urlsplit(url).port  # noqa: B018 - reading it checks it
    except ValueError as error:
        raise ConfigurationError(f"the database's address cannot be read: {error}") from None
    return DatabaseAddress(url=url, dialect="postgresql", file=None)


class Database(ABC):
    """One connection to a database, and the transactions on it."""

    address: DatabaseAddress
    dialect: str
    execute: Execute
    one_writer: bool = False
    """Whether a transaction keeps every other one out, also those of other processes."""
    putting_off: bool = False
    """Whether writes of the open transaction may wait for a statement with an answer: `settle`, WriteFailed."""

    @abstractmethod
    def execute_many(self, statement: str, rows: Iterable[Sequence[object]]) -> Any:
        """Run one statement for each of the rows; `rowcount` counts for all of them."""

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Hold one write transaction: committed when the block ends, rolled back when it raises.

        Raises StorageUnavailable when the database cannot be written (full, read-only, locked, gone).
        """
        self.begin()
        try:
            yield
            self.commit()
        except BaseException:
            self.rollback()
            raise

    @abstractmethod
    def begin(self) -> None:
        """Open a write transaction. Raises StorageUnavailable."""

    @abstractmethod
    def commit(self) -> None:
        """Make the open transaction durable: it is on disk when this returns. Raises StorageUnavailable."""

    @abstractmethod
    def rollback(self) -> None:
        """Undo the open transaction, if one is open."""

    def settle(self) -> None:  # noqa: B027 - only a server far away lets writes wait
        """Wait for writes that were put off. Raises WriteFailed when one did not go well: nothing may be committed."""

    @property
    @abstractmethod
    def within(self) -> bool:
        """Say whether a transaction is open."""

    @property
    @abstractmethod
    def failed(self) -> bool:
        """Say whether a statement has failed that took its transaction with it, up to the last savepoint."""

    @abstractmethod
    def lock_schema(self) -> None:
        """Have no other process change tables until the open transaction ends."""

    @abstractmethod
    def close(self) -> None:
        """Close the connection; an open transaction is rolled back."""

    def checkpoint_every(self, pages: int) -> None:  # noqa: B027 - only a file has a log of its own
        """Move a write-ahead log into its database when a commit of this connection finds it this long."""


@contextmanager
def storage_errors() -> Iterator[None]:
    """Turn the driver's errors that mean trouble into StorageUnavailable, naming the cause."""
    try:
        yield
    except DRIVER_ERROR as error:
        if not is_trouble(error):
            raise
        raise StorageUnavailable(f"the database cannot be used: {error}") from error


def open_database(address: DatabaseAddress, *, read_only: bool = False) -> Database:
    """Open the database; a SQLite file and its folder are created when they are missing.

    The connection may be handed to another thread, but must be used by one at a time.
    Raises StorageUnavailable when it cannot be opened.
    """
    if address.dialect == "sqlite":
        from gateway.store.sqlite import open_sqlite

        return open_sqlite(address, read_only=read_only)
    from gateway.store.postgres import open_postgres

    return open_postgres(address, read_only=read_only)
