"""PostgreSQL: one database for many machines. A connection that is lost is opened again by the next transaction.

Statements are prepared by the server at their first use; their values travel apart from them, as texts or numbers.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from functools import cache
from typing import TYPE_CHECKING, Any

import structlog

from gateway.errors import StorageUnavailable
from gateway.store.database import Database, DatabaseAddress, PostgresError, storage_errors
from gateway.store.prepared import NOBODY_LOOKS, PreparedConnection

if TYPE_CHECKING:
    import psycopg

_log = structlog.get_logger("gateway.store")

CONNECT_SECONDS = 5
"""How long a server may take to accept a connection."""
LOCK_SECONDS = 10
"""How long a statement waits for another's lock before it gives up."""
IDLE_SECONDS = 30
"""After so long without a word the server ends an open transaction: its process is frozen or cut off."""

# A server that is gone without a word is noticed within seconds, on both sides. Sources: the parameters of libpq
# (https://www.postgresql.org/docs/current/libpq-connect.html) and of the server (…/runtime-config-connection.html).
_CONNECTION: dict[str, str] = {
    "connect_timeout": str(CONNECT_SECONDS),
    "keepalives": "1",
    "keepalives_idle": "5",
    "keepalives_interval": "2",
    "keepalives_count": "3",
    "tcp_user_timeout": "11000",
    "application_name": "gateway",
}
# A statement is planned once, maybe while its table is still empty: to read that whole would be right then, and wrong
# for as long as the connection lives. Hot statements have indexes; where there is none, a table is read all the same.
SESSION = f"""
SELECT CASE WHEN CAST(current_setting('idle_in_transaction_session_timeout') AS interval) NOT BETWEEN '1ms' AND
                 '{IDLE_SECONDS}s' THEN set_config('idle_in_transaction_session_timeout', '{IDLE_SECONDS}s', false) END,
       set_config('lock_timeout', '{LOCK_SECONDS}s', false),
       set_config('tcp_keepalives_idle', '5', false),
       set_config('tcp_keepalives_interval', '2', false),
       set_config('tcp_keepalives_count', '3', false),
       set_config('enable_seqscan', 'off', false),
       set_config('jit', 'off', false),
       CASE WHEN current_setting('synchronous_commit') = 'off' THEN set_config('synchronous_commit', 'on', false) END
"""

# To the server a process that is frozen between two writes sent ahead is not idle: only a limit to the whole
# transaction ends it, where the server knows one (since 17). A shorter one, from the address, stays.
LIMIT = f"""
SELECT set_config('transaction_timeout', '{IDLE_SECONDS}s', false) FROM pg_settings
WHERE name = 'transaction_timeout' AND (setting = '0' OR CAST(setting AS bigint) > {IDLE_SECONDS * 1000})
"""
NO_LIMIT = "SELECT set_config('transaction_timeout', '0', {}) FROM pg_settings WHERE name = 'transaction_timeout'"

# Kept as they are written: what reads them knows their exact form.
_TEXT_TYPES = ("json", "jsonb", "uuid", "inet", "cidr", "interval", "time", "timetz", "money")


class PostgresDatabase(Database):
    """One connection to a PostgreSQL server."""

    def __init__(self, address: DatabaseAddress, *, read_only: bool = False, limited: bool = True) -> None:
        """Take the address; `open` connects. A transaction may take IDLE_SECONDS, unless it is not `limited`."""
        import psycopg
        from psycopg.pq import TransactionStatus

        self.address = address
        self.dialect = "postgresql"
        self.execute = self._execute
        self.stripes: Sequence[int] = ()
        """The stripes whose events this connection's transaction may take: `store.stripes`."""
        self.reach = math.inf
        """How many stripes it asks for at the most: `store.stripes`."""
        self.sees_part = self.passes_over = False
        """Whether there may be more in other stripes, and whether others had some of them: `store.stripes`."""
        self._read_only, self._limited = read_only, limited
        self._driver = psycopg
        self._error: type[psycopg.Error] = psycopg.Error
        self._in_error = TransactionStatus.INERROR
        self._idle = TransactionStatus.IDLE
        self._connection: psycopg.Connection[Any] | None = None
        self._prepared: PreparedConnection | None = None
        self._began = False

    def open(self) -> None:
        """Connect. Raises StorageUnavailable."""
        with storage_errors():
            self._connect()

    def _connect(self) -> None:
        self.close()
        parameters = {**_CONNECTION, **self._driver.conninfo.conninfo_to_dict(self.address.url)}
        try:
            connection = self._driver.Connection[Any].connect(
                **parameters,  # type: ignore[arg-type]  # libpq's own parameters, all texts
                autocommit=True,
            )
            _keep_texts(connection)
            connection.execute(SESSION)
            connection.execute(LIMIT if self._limited else NO_LIMIT.format("false"))
            if self._read_only:
                connection.execute("SET default_transaction_read_only = on")
        except self._error as error:
            raise _translated(error) from error
        self._connection, self._prepared = connection, PreparedConnection(connection)

    def _execute(self, statement: str, values: Sequence[object]) -> Any:
        run = self._statements().put_off if self.putting_off and _is_write(statement) else self._statements().run
        try:
            return run(statement, values)
        except self._error as error:
            lost = _translated(error)
        except PostgresError as error:
            lost = error
        if not (self._read_only and self.lost):
            raise lost
        # To read once more does nothing twice.
        try:
            return self._statements().run(statement, values)
        except self._error as error:
            raise _translated(error) from error

    def execute_many(self, statement: str, rows: Iterable[Sequence[object]]) -> Any:
        """Run one write for each of the rows, all sent at once; `rowcount` counts for all of them."""
        statements = self._statements()
        try:
            if not self.putting_off:
                return statements.run_many(statement, list(rows))
            for values in rows:
                statements.put_off(statement, values)
        except self._error as error:
            raise _translated(error) from error
        return NOBODY_LOOKS

    def settle(self) -> None:
        """Wait for writes that were put off. Raises WriteFailed when one did not go well: nothing may be committed."""
        if self._prepared is not None:
            try:
                self._prepared.settle()
            except self._error as error:
                raise _translated(error) from error

    def _statements(self) -> PreparedConnection:
        if self._connection is None or self._connection.closed:
            if self._began:
                # Over another connection, the rest of a transaction would be done without what came before.
                raise PostgresError.told("the connection was lost", None)
            self._connect()
        assert self._prepared is not None
        return self._prepared

    def begin(self) -> None:
        """Open a transaction, over a new connection when the last one is lost. Raises StorageUnavailable."""
        if self._prepared is not None:
            self._prepared.answering.unlimited = False
        self.putting_off = self._began = False
        with storage_errors():
            try:
                self._execute("BEGIN", ())
            except PostgresError:
                if not self.lost:
                    raise
                # Nothing has been done yet, so nothing can be done twice.
                self._execute("BEGIN", ())
        self._began = True

    @property
    def lost(self) -> bool:
        """Say whether the connection is gone, so that the next statement opens another."""
        return self._connection is None or self._connection.closed

    def commit(self) -> None:
        """Make the open transaction durable: it is on disk when this returns. Raises StorageUnavailable."""
        with storage_errors():
            if self.lost:
                raise StorageUnavailable("the database cannot be used: the connection was lost")
            # Before, not together with it: what was taken for granted must have come true.
            self.settle()
            self.putting_off = False
            self._execute("COMMIT", ())
        self._began = False

    def rollback(self) -> None:
        """Undo the open transaction, if one is open; with its connection it is gone by itself."""
        self.putting_off = self._began = False
        if self.lost or self._prepared is None:
            return
        try:
            self._prepared.discard()
            if self.within:
                self._execute("ROLLBACK", ())
        except (PostgresError, self._error) as error:
            _log.warning("a transaction ended with its connection", error=str(error))
            self.close()

    @property
    def within(self) -> bool:
        """Say whether a transaction is open."""
        connection = self._connection
        return not (connection is None or connection.closed) and connection.pgconn.transaction_status != self._idle

    @property
    def failed(self) -> bool:
        """Say whether a statement has failed that took its transaction with it, up to the last savepoint."""
        connection = self._connection
        return connection is not None and connection.pgconn.transaction_status == self._in_error

    def lock_schema(self) -> None:
        """Have no other process change tables until the open transaction ends, however long that takes."""
        self._statements().answering.unlimited = True
        self.execute(NO_LIMIT.format("true"), ()).fetchall()
        self.execute("SELECT pg_advisory_xact_lock(?, ?)", (LOCK_CLASS, SCHEMA_LOCK))

    def notifications(self, seconds: float) -> set[str]:
        """Wait up to so long for a notification; return the names of those that have come. Raises PostgresError."""
        self._statements()
        assert self._connection is not None
        try:
            return {n.channel for n in self._connection.notifies(timeout=seconds, stop_after=1)}
        except self._error as error:
            raise _translated(error) from error

    def close(self) -> None:
        """Close the connection; an open transaction is rolled back."""
        connection, self._connection, self._prepared = self._connection, None, None
        if connection is not None:
            connection.close()


LOCK_CLASS = 0x67617465
"""The first number of all advisory locks that the gateway takes ("gate"); the second says what for."""
SCHEMA_LOCK = -1


def open_postgres(address: DatabaseAddress, *, read_only: bool = False) -> PostgresDatabase:
    """Connect to a PostgreSQL server. Raises StorageUnavailable when that cannot be done."""
    database = PostgresDatabase(address, read_only=read_only)
    database.open()
    return database


def _keep_texts(connection: psycopg.Connection[Any]) -> None:
    from psycopg.types.string import TextLoader

    for name in _TEXT_TYPES:
        connection.adapters.register_loader(name, TextLoader)


def _translated(error: psycopg.Error) -> PostgresError:
    message = (error.diag.message_primary or str(error)).strip().partition("\n")[0]
    import psycopg

    if error.sqlstate is None and not isinstance(error, psycopg.OperationalError | psycopg.InterfaceError):
        return PostgresError(message, None, trouble=False)
    return PostgresError.told(message, error.sqlstate)


@cache
def _is_write(statement: str) -> bool:
    """Say whether a statement only changes rows, and says no more than how many."""
    return statement.lstrip().startswith(("INSERT", "UPDATE", "DELETE")) and "RETURNING" not in statement
