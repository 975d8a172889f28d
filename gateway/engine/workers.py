"""More workers in one process: threads that run slices beside the first, each on a connection of its own.

While one waits for the database another computes. They look by themselves now and then, and at once when they are
told that there is more to do than the first can take.
"""

from __future__ import annotations

import threading
from collections.abc import Callable

from gateway.engine.worker import EngineWork
from gateway.store.database import Database


class Worker:
    """One more thread that runs slices."""

    def __init__(self, work: EngineWork, database: Database, number: int) -> None:
        """Take the work and the connection that it uses, which is closed at the end."""
        self.work = work
        self._database = database
        self._wanted = threading.Event()
        self._stopping = False
        self._thread = threading.Thread(target=self._run, name=f"worker-{number}", daemon=True)

    def start(self) -> None:
        """Begin to run slices."""
        self._thread.start()

    def wake(self) -> None:
        """Look at once for what is ready."""
        self._wanted.set()

    def stop(self) -> None:
        """Commit the running slice and end."""
        self._stopping = True
        self._wanted.set()

    def join(self) -> None:
        """Wait until the thread has ended."""
        self._thread.join()

    def _run(self) -> None:
        while not self._stopping:
            self._wanted.clear()
            pause = self.work(0)
            if pause > 0 and not self._stopping:
                self._wanted.wait(pause)
        self._database.close()


class Workers:
    """The workers beside the first."""

    def __init__(self, count: int, build: Callable[[int], Worker]) -> None:
        """Take how many there are, and what makes one."""
        self._workers = [build(number) for number in range(1, count + 1)]

    @property
    def trouble(self) -> str | None:
        """Return why one of them cannot process events at the moment, or None."""
        return next((worker.work.trouble for worker in self._workers if worker.work.trouble), None)

    def start(self) -> None:
        """Begin to run slices."""
        for worker in self._workers:
            worker.start()

    def wake(self) -> None:
        """Have all of them look at once."""
        for worker in self._workers:
            worker.wake()

    def stop(self) -> None:
        """Commit the running slices and end."""
        for worker in self._workers:
            worker.stop()
        for worker in self._workers:
            worker.join()
