"""How much of each source waits, and what was last told about it: what alerts and metrics look at.

Each function says whether it is one statement or one transaction.
"""

from __future__ import annotations

from typing import NamedTuple

from gateway.store.database import Database, storage_errors
from gateway.store.outbox import Outgoing, add_outgoing


class Depth(NamedTuple):
    """The open events of one source, by what they wait for."""

    source: str
    ready: int
    waiting_for_retry: int
    waiting_for_answer: int
    waiting_behind: int
    """Behind an earlier event of their key."""
    scheduled: int
    parked: int
    parked_too_long: int
    oldest_ready_at: int | None
    """When the first that is ready was received (microseconds)."""


class OpenEvent(NamedTuple):
    """An event to name in a message."""

    seq: int
    event_id: str
    type: str
    key: str | None
    error: str | None


# An event whose time has not come has not been tried yet; one that was tried waits for its next try.
_DEPTHS = """
SELECT source,
       count(*) FILTER (WHERE status = 'ready'),
       count(*) FILTER (WHERE status = 'waiting' AND next_attempt_at IS NOT NULL AND attempts > 0),
       count(*) FILTER (WHERE status = 'waiting' AND next_attempt_at IS NULL AND behind IS NULL),
       count(*) FILTER (WHERE behind IS NOT NULL),
       count(*) FILTER (WHERE status = 'waiting' AND next_attempt_at IS NOT NULL AND attempts = 0),
       count(*) FILTER (WHERE status = 'parked'),
       count(*) FILTER (WHERE status = 'parked' AND received_at < ?),
       min(CASE WHEN status = 'ready' THEN received_at END)
FROM gateway_events WHERE finished_at IS NULL AND status IN ('ready', 'waiting', 'parked') GROUP BY source
"""

# Not by the number alone: PostgreSQL would look for the first of them among all events.
_LONGEST_PARKED = """
SELECT seq, event_id, type, key, error FROM gateway_events
WHERE finished_at IS NULL AND status = 'parked' AND source = ? ORDER BY received_at, seq LIMIT ?
"""

LAST_CHARACTER = "\U0010ffff"
"""Behind a beginning of texts: the end of the range in which all of them are."""

# Notices belong to no event; their positions begin with what they are about.
_LAST_NOTICE = """
SELECT position, created_at FROM gateway_outbox
WHERE event IS NULL AND position >= ? AND position < ? ORDER BY seq DESC LIMIT 1
"""


def depths(database: Database, *, parked_before: int) -> list[Depth]:
    """Return what waits, by source; parked events received before that (microseconds) wait too long. One statement."""
    with storage_errors():
        return [Depth(*row) for row in database.execute(_DEPTHS, (parked_before,)).fetchall()]


def longest_parked(database: Database, source: str, limit: int) -> list[OpenEvent]:
    """Return the events of a source that are parked for the longest time. One statement."""
    with storage_errors():
        return [OpenEvent(*row) for row in database.execute(_LONGEST_PARKED, (source, limit)).fetchall()]


def last_notice(database: Database, about: str) -> tuple[str, int] | None:
    """Return what was last told about something: the rest of its position, and when (microseconds). One statement."""
    with storage_errors():
        row = database.execute(_LAST_NOTICE, (about, about + LAST_CHARACTER)).fetchone()
    return None if row is None else (row[0].removeprefix(about), row[1])


def about_of(position: str) -> str:
    """Return what a notice is about: its position without the last two words, what it tells and when."""
    return position.rsplit(" ", 2)[0] + " "


def add_notice(database: Database, notice: Outgoing, now: int) -> None:
    """Have something told that belongs to no event. One transaction."""
    with database.transaction():
        add_outgoing(database, [(None, notice)], now)
