"""Deleting events that have been kept for long enough, and notices, a few at a time.

Events are looked at in the order received, from a number on that the caller keeps; nobody waits for long.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from gateway.store.database import Database, storage_errors
from gateway.store.depths import LAST_CHARACTER, about_of


class Sweep(NamedTuple):
    """What one batch did."""

    deleted: int
    last: int | None
    """The number to go on from; None when everything that is old enough has been looked at."""


_OLD = """
SELECT seq, status, finished_at, received_at FROM gateway_events WHERE seq > ? ORDER BY seq LIMIT ?
"""

# A message or call that has not left yet still needs its event's body, and its event's story.
# Looked for by the event: in other words than these, by all that is ready.
_OPEN = "SELECT event FROM gateway_outbox WHERE event >= ? AND event <= ? AND status NOT IN ('done', 'dead')"

_DELETE = (
    "DELETE FROM gateway_outbox WHERE event = ?",
    "DELETE FROM gateway_traces WHERE event = ?",
    "DELETE FROM gateway_bodies WHERE event = ?",
    "DELETE FROM gateway_events WHERE seq = ?",
)


def delete_old(database: Database, before: Mapping[str, int], *, after: int, limit: int) -> Sweep:
    """Look at up to `limit` events with numbers beyond `after`, and delete those that finished before their time.

    `before` gives the time (microseconds) for each status that an event ends with: `done`, `ignored`, `dead`. Messages
    and traces go with their events. One transaction. Raises StorageUnavailable.
    """
    latest = max(before.values())
    with storage_errors(), database.transaction():
        rows = database.execute(_OLD, (after, limit)).fetchall()
        numbers = (rows[0][0], rows[-1][0]) if rows else (0, 0)
        needed = {row[0] for row in database.execute(_OPEN, numbers).fetchall()}
        old = [
            (seq,)
            for seq, status, finished_at, _ in rows
            if finished_at is not None and finished_at < before.get(status, 0) and seq not in needed
        ]
        for statement in _DELETE:
            database.execute_many(statement, old)
    done = len(rows) < limit or rows[-1][3] >= latest
    return Sweep(len(old), None if done else rows[-1][0])


# Notices belong to no event. Where an alert or a check stands is read from the last one about it: that one stays.
_NOTICES = """
SELECT seq, position, status, finished_at FROM gateway_outbox
WHERE event IS NULL AND position > ? ORDER BY event, position LIMIT ?
"""
_LATER_NOTICE = """
SELECT 1 FROM gateway_outbox WHERE event IS NULL AND position >= ? AND position < ? AND seq > ? LIMIT 1
"""
_DELETE_NOTICE = "DELETE FROM gateway_outbox WHERE seq = ?"


class NoticeSweep(NamedTuple):
    """What one batch of notices did."""

    deleted: int
    last: str | None
    """The position to go on from; None when all have been looked at."""


def delete_old_notices(database: Database, before: Mapping[str, int], *, after: str, limit: int) -> NoticeSweep:
    """Look at up to `limit` notices with positions beyond `after`, and delete those that are old and not the last.

    `before` is as in `delete_old`. One transaction. Raises StorageUnavailable.
    """
    with storage_errors(), database.transaction():
        rows = database.execute(_NOTICES, (after, limit)).fetchall()
        old = [
            (seq,)
            for seq, position, status, finished_at in rows
            if finished_at is not None and finished_at < before.get(status, 0) and _is_outdated(database, position, seq)
        ]
        database.execute_many(_DELETE_NOTICE, old)
    return NoticeSweep(len(old), rows[-1][1] if len(rows) == limit else None)


def _is_outdated(database: Database, position: str, seq: int) -> bool:
    about = about_of(position)
    return database.execute(_LATER_NOTICE, (about, about + LAST_CHARACTER, seq)).fetchone() is not None
