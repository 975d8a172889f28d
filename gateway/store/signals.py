"""Waking other processes of the same database: a word to whoever listens, and a look at the clock behind it.

A signal says only that it is worth looking; one that is lost costs the time up to the next look. It is sent in a
statement of its own, after the commit that it tells of: PostgreSQL lets commits that signal follow one after another.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence

from gateway.errors import StorageUnavailable
from gateway.store.database import Database, DatabaseAddress, PostgresError, storage_errors
from gateway.store.postgres import PostgresDatabase

READY = "gateway_ready"
"""Events are ready to run."""
OUTBOX = "gateway_outbox"
"""There is something to send."""

_WAIT = 1.0
"""Seconds after which a listener looks whether it is to end, or tries to connect again."""


def signal(database: Database, name: str) -> None:
    """Wake whoever listens for that. One statement, after the transaction that it tells of."""
    if isinstance(database, PostgresDatabase):
        with storage_errors():
            database.execute("SELECT pg_notify(?, '')", (name,))


class Listener:
    """Listens in a thread of its own, on a connection of its own. On SQLite nothing is to be heard."""

    def __init__(self, address: DatabaseAddress, names: Sequence[str], heard: Callable[[str], None]) -> None:
        """Take the database, the signals, and who is told of each, in the listener's thread."""
        self._database = None if address.dialect == "sqlite" else PostgresDatabase(address)
        self._names, self._heard = names, heard
        self._stopping = False
        self._thread = threading.Thread(target=self._run, name="signals", daemon=True)

    def start(self) -> None:
        """Begin to listen."""
        if self._database is not None and self._names:
            self._thread.start()

    def stop(self) -> None:
        """Listen no longer, from the next second on; the thread ends by itself."""
        self._stopping = True

    def _run(self) -> None:
        assert self._database is not None
        while not self._stopping:
            try:
                self._listen(self._database)
            except (PostgresError, StorageUnavailable):
                # The engine and the receiver say so themselves; until it works again, looks at the clock must do.
                time.sleep(_WAIT)
        self._database.close()

    def _listen(self, database: PostgresDatabase) -> None:
        if database.lost:
            for name in self._names:
                database.execute(f"LISTEN {name}", ())
        for name in database.notifications(_WAIT):
            self._heard(name)
