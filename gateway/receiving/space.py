"""Room on the disk: deliveries are refused while there is still enough of it to finish what was taken."""

from __future__ import annotations

import os
import time
from pathlib import Path

from gateway.errors import StorageUnavailable

LOOK_AGAIN = 0.5
"""Seconds between two looks while there is room; when there is none, each delivery looks."""
LARGEST_SHARE = 50
"""Never more than a fiftieth of a disk is kept free."""
RETRY_AFTER = 30
"""Seconds: room does not come back in a moment."""


class DiskSpace:
    """Looks at how much room the database's disk has."""

    def __init__(self, file: Path | None, least: int) -> None:
        """Take the database's file, None for one that is elsewhere, and how many bytes are to stay free."""
        self._folder = None if file is None else file.parent
        self._least = least
        self._looked_at = float("-inf")
        self._short: str | None = None

    def require(self) -> None:
        """Return when there is room for deliveries. Raises StorageUnavailable."""
        if self._folder is None or not self._least:
            return
        now = time.monotonic()
        if self._short is not None or now - self._looked_at >= LOOK_AGAIN:
            self._looked_at, self._short = now, self._look(self._folder)
        if self._short is not None:
            raise StorageUnavailable(self._short, retry_after=RETRY_AFTER)

    def _look(self, folder: Path) -> str | None:
        found = os.statvfs(folder)
        free, whole = found.f_bavail * found.f_frsize, found.f_blocks * found.f_frsize
        least = min(self._least, whole // LARGEST_SHARE)
        if free >= least:
            return None
        return f"the disk of the database is nearly full: {free >> 20} MiB are left, {least >> 20} are kept free"
