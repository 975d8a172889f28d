"""Retention: old events are deleted while the engine has nothing else to do, in small batches."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

import structlog

from gateway.errors import StorageUnavailable
from gateway.store.database import Database
from gateway.store.retention import delete_old, delete_old_notices

_log = structlog.get_logger("gateway.engine")

BATCH = 500
"""Events that one transaction looks at."""
PAUSE = 0.05
"""Seconds between two batches, in which others get their turn."""
SWEEP_AGAIN = 3600.0
"""Seconds from the end of one sweep to the next."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Keep:
    """How long finished events are kept, in seconds."""

    done: float
    ignored: float
    dead: float

    def before(self, now: int) -> dict[str, int]:
        """Return the time (microseconds) before which events of each status are old."""
        return {
            status: now - int(seconds * 1_000_000)
            for status, seconds in (("done", self.done), ("ignored", self.ignored), ("dead", self.dead))
        }


class Retention:
    """Sweeps through the events once an hour. Not for several threads."""

    def __init__(self, database: Database, keep: Keep, *, clock: Callable[[], int]) -> None:
        """Take the engine's connection, how long events are kept, and a clock (microseconds)."""
        self.keep = keep
        self._database = database
        self._clock = clock
        self._at: int | None = 0
        self._notice = ""
        self._deleted = 0
        self._next = 0.0

    def turn(self) -> float:
        """Look at one batch, if it is time to; return the seconds until the next."""
        now = time.monotonic()
        if now < self._next:
            return self._next - now
        try:
            more = self._sweep(self.keep.before(self._clock()))
        except StorageUnavailable:
            # The engine says so itself; nothing was deleted.
            self._next = now + PAUSE
            return PAUSE
        if more:
            self._next = time.monotonic() + PAUSE
            return PAUSE
        if self._deleted:
            _log.info("old events were deleted", count=self._deleted)
        self._at, self._notice, self._deleted = 0, "", 0
        self._next = time.monotonic() + SWEEP_AGAIN
        return SWEEP_AGAIN

    def _sweep(self, before: dict[str, int]) -> bool:
        """Look at one batch of events, or of notices when that was the last; say whether there is more to look at."""
        if self._at is not None:
            sweep = delete_old(self._database, before, after=self._at, limit=BATCH)
            self._deleted += sweep.deleted
            self._at = sweep.last
            if self._at is not None:
                return True
        notices = delete_old_notices(self._database, before, after=self._notice, limit=BATCH)
        self._notice = notices.last or ""
        return notices.last is not None
