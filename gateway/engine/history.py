"""What was counted in the time that alerts look back on, kept for whoever leads next, or comes after a restart."""

from __future__ import annotations

from collections.abc import Iterator

from gateway.engine.measures import Count
from gateway.store.database import Database
from gateway.store.tallies import forget_counts, keep_counts, kept_counts

PART = 15_000_000
"""Microseconds that share a row: what is recalled is recalled as of the end of its part."""
WRITE_AGAIN = 5_000_000
"""Microseconds between two writes: what a process that dies has counted since is lost."""


class History:
    """Keeps what the process that leads has counted and collected. Times are microseconds of the clock."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._part = Count()
        self._row: int | None = None
        self._began = self._written = 0

    def begin(self, at: int, seconds: float) -> Iterator[tuple[float, Count]]:
        """Begin to keep, and yield what was kept in so many seconds up to now: how many seconds ago, and the count."""
        self._part, self._row = Count(), None
        for kept_at, text in kept_counts(self._database, at - int(seconds * 1_000_000)):
            # What another machine's clock puts ahead of ours was counted now at the latest.
            yield max(0, at - kept_at) / 1_000_000, Count.load(text)

    def add(self, count: Count) -> None:
        """Keep what was counted, with the next write."""
        self._part.add(count)

    def write(self, at: int, seconds: float) -> None:
        """Write what is to be kept, if it is time to; forget what is longer ago than so many seconds."""
        # A clock that was set back begins anew.
        if not self._part.tallies or 0 <= at - self._written < WRITE_AGAIN:
            return
        if self._row is None:
            self._began = at
            forget_counts(self._database, at - int(seconds * 1_000_000))
        self._row = keep_counts(self._database, self._row, self._part.dump(), at)
        self._written = at
        if not 0 <= at - self._began < PART:
            self._part, self._row = Count(), None
