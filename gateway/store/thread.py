"""The database's own thread: every call on the connection is made there, one after the other.

What is awaited is a whole batch or a whole slice. Jobs go first; between them, and when there are none, the thread
does its background work (the engine's slices).
"""

from __future__ import annotations

import asyncio
import queue
import threading
from collections.abc import Callable
from typing import Any, NamedTuple, TypeVar

from gateway.store.database import Database

T = TypeVar("T")

Work = Callable[[int], float]
"""Does some background work; takes how many jobs wait, returns the seconds until it wants to be called again."""


class _Job(NamedTuple):
    run: Callable[[Database], Any]
    future: asyncio.Future[Any]


class DatabaseThread:
    """Owns a database connection and the thread that uses it."""

    def __init__(self, database: Database, work: Work | None = None) -> None:
        """Take an open database. Call from the loop that will await the jobs."""
        self._database = database
        self._work = work
        self._loop = asyncio.get_running_loop()
        self._jobs: queue.SimpleQueue[_Job | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._run, name="database", daemon=True)
        self._stopping = False

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    async def call(self, run: Callable[[Database], T]) -> T:
        """Run a function on the database, in the thread; its exceptions are raised here."""
        future: asyncio.Future[T] = self._loop.create_future()
        self._jobs.put(_Job(run, future))
        return await future

    def wake(self) -> None:
        """Call the background work now, whatever it last said."""
        self._jobs.put(None)

    async def stop(self) -> None:
        """Finish what is queued, end the thread, close the database."""
        self._stopping = True
        self._jobs.put(None)
        await self._loop.run_in_executor(None, self._thread.join)
        self._database.close()

    def _run(self) -> None:
        pause = 0.0
        while True:
            self._run_jobs(pause)
            if self._stopping and self._jobs.empty():
                return
            pause = self._work(self._jobs.qsize()) if self._work is not None else _FOREVER

    def _run_jobs(self, pause: float) -> None:
        """Wait up to `pause` seconds for a job, then run all that are queued."""
        try:
            job = self._jobs.get(timeout=pause) if pause > 0 else self._jobs.get_nowait()
        except queue.Empty:
            return
        while True:
            if job is not None:
                self._run_job(job)
            try:
                job = self._jobs.get_nowait()
            except queue.Empty:
                return

    def _run_job(self, job: _Job) -> None:
        try:
            result = job.run(self._database)
        except BaseException as error:  # noqa: BLE001 - handed to the one who waits for it
            self._loop.call_soon_threadsafe(_fail, job.future, error)
        else:
            self._loop.call_soon_threadsafe(_resolve, job.future, result)


_FOREVER = 3600.0


def _resolve(future: asyncio.Future[Any], result: object) -> None:
    if not future.done():
        future.set_result(result)


def _fail(future: asyncio.Future[Any], error: BaseException) -> None:
    if not future.done():
        future.set_exception(error)
