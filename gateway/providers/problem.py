"""What keeps a part of a source from working."""

from __future__ import annotations

from gateway.records import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """What keeps a part of a source from working."""

    key: str
    """Which key of the part is to blame; empty for the whole."""
    message: str
    help: str | None = None
    index: int | None = None
    """Which entry, where the key holds a list."""
