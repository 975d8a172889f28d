"""Deleting events that have been kept for long enough, a few at a time.

Events are looked at in the order received, from a number on that the caller keeps; nobody waits for long.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from gateway.store.database import Database, storage_errors


class Sweep(NamedTuple):
    """What one batch did."""

    deleted: int
    last: int | None
    """The number to go on from; None when everything that is old enough has been looked at."""


_OLD = """
SELECT seq, status, finished_at, received_at FROM gateway_events WHERE seq > ? ORDER BY seq LIMIT ?
"""

# A message or call that has not left yet still needs its event's body, and its event's story.
_OPEN = "SELECT DISTINCT event FROM gateway_outbox WHERE status = 'ready' AND event IS NOT NULL"

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
        needed = {row[0] for row in database.execute(_OPEN, ()).fetchall()}
        old = [
            (seq,)
            for seq, status, finished_at, _ in rows
            if finished_at is not None and finished_at < before.get(status, 0) and seq not in needed
        ]
        for statement in _DELETE:
            database.execute_many(statement, old)
    done = len(rows) < limit or rows[-1][3] >= latest
    return Sweep(len(old), None if done else rows[-1][0])
