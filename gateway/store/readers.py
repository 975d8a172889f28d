"""Read-only connections of their own, so that looking at the database holds up neither receiving nor processing.

Each sees what was committed when its statement began; in WAL mode a reader waits for no writer, nor a writer for it.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from gateway.store.database import Database, DatabaseAddress, open_database

T = TypeVar("T")


class Readers:
    """A few threads, each with a read-only connection."""

    def __init__(self, address: DatabaseAddress, *, threads: int = 2) -> None:
        """Take a database that is there already; connections are opened when first needed."""
        assert not address.in_memory, "a database in memory has one connection only"
        self._address = address
        self._own = threading.local()
        self._opened: list[Database] = []
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="reader")

    async def call(self, run: Callable[[Database], T]) -> T:
        """Run a function that only reads, in one of the threads; its exceptions are raised here."""
        return await asyncio.get_running_loop().run_in_executor(self._pool, self._run, run)

    def close(self) -> None:
        """Finish what is queued and close the connections."""
        self._pool.shutdown(wait=True, cancel_futures=True)
        for database in self._opened:
            database.close()

    def _run(self, run: Callable[[Database], T]) -> T:
        database: Database | None = getattr(self._own, "database", None)
        if database is None:
            database = self._own.database = open_database(self._address, read_only=True)
            self._opened.append(database)
        return run(database)
