"""Which of several processes does what one alone should do: alerts, checks by the clock, deleting what is old.

The leader holds an advisory lock in a transaction that it keeps open and says something in every second. When it
dies, the server ends the transaction, and the next process that asks is the leader; when it is frozen or cut off,
after `store.postgres.IDLE_SECONDS`. A lock of a transaction, not of a session, because a pooler may hand sessions
around. An open transaction that has read nothing holds up no vacuum.
"""

from __future__ import annotations

import time

from gateway.errors import StorageUnavailable
from gateway.store.database import DatabaseAddress, PostgresError
from gateway.store.postgres import LOCK_CLASS, PostgresDatabase

LEADER_LOCK = -2

ASK_AGAIN = 1.0
"""Seconds between two times that the server is asked."""

_TRY = f"SELECT pg_try_advisory_xact_lock({LOCK_CLASS}, {LEADER_LOCK})"


class Leadership:
    """Asks to lead, on a connection of its own. Not for several threads. A SQLite file has one process that leads."""

    def __init__(self, address: DatabaseAddress) -> None:
        """Take the database; nothing is opened before it is asked."""
        self._database = None if address.dialect == "sqlite" else PostgresDatabase(address, limited=False)
        self._leads = self._database is None
        self._asked_at = float("-inf")

    def holds(self) -> bool:
        """Say whether this process leads; at most one statement or two a second, and never an error."""
        if self._database is None:
            return True
        now = time.monotonic()
        if now - self._asked_at >= ASK_AGAIN:
            self._asked_at = now
            self._leads = self._ask(self._database)
        return self._leads

    def close(self) -> None:
        """Lead no longer."""
        if self._database is not None:
            self._database.close()

    def _ask(self, database: PostgresDatabase) -> bool:
        try:
            if self._leads and database.within:
                database.execute("SELECT 1", ())
                return True
            return self._try(database)
        except (PostgresError, StorageUnavailable):
            # The engine says so itself; without the database there is nothing to lead.
            database.close()
            return False

    def _try(self, database: PostgresDatabase) -> bool:
        database.rollback()
        database.begin()
        if database.execute(_TRY, ()).fetchone()[0]:
            return True
        database.rollback()
        return False
