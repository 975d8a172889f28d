"""Scheduled events: rows of the inbox whose time has not come, found by the key that `cancel` names.

Every function runs in the transaction of the event that schedules or cancels.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from gateway.store.ahead import ReadAhead
from gateway.store.database import Execute
from gateway.store.dialects import LAST_NUMBER
from gateway.store.shapes import Row
from gateway.store.stripes import stripe_of


class Scheduled(NamedTuple):
    """An event to come."""

    source: str
    name: str
    """Its type is `schedule.NAME`."""
    key: str
    """What `cancel` names."""
    ordering_key: str | None
    at: int
    """When it is due (microseconds)."""
    body: str
    """JSON: its payload."""
    by: int
    """The event that schedules it."""


SCHEDULES = "gateway_schedules"
"""The table of the keys, and the events that wait under them."""

TYPE_PREFIX = "schedule."
"""What the types of scheduled events begin with; no delivery may."""

_FIND = "SELECT event FROM gateway_schedules WHERE source = ? AND key = ?"

# Asked on PostgreSQL only: see `store.ahead`.
_FIND_ALL = "SELECT key FROM gateway_schedules WHERE source = ? AND key = ANY (CAST(? AS text[]))"

_REMEMBER = """
INSERT INTO gateway_schedules (source, key, event) VALUES (?, ?, ?)
ON CONFLICT (source, key) DO UPDATE SET event = excluded.event
"""

_FORGET = "DELETE FROM gateway_schedules WHERE source = ? AND key = ?"

_FIRED = "DELETE FROM gateway_schedules WHERE source = ? AND key = ? AND event = ?"

# The number is part of the id: the same key may be scheduled again, after it has fired or was canceled.
_INSERT_EVENT = """
INSERT INTO gateway_events (seq, source, event_second, event_id, type, key, status, occurred_at, received_at,
                            next_attempt_at, verified_by, stripe)
VALUES (?, ?, ?, ?, ?, ?, 'waiting', ?, ?, ?, 'gateway', ?)
"""

_INSERT_BODY = "INSERT INTO gateway_bodies (event, headers, body) VALUES (?, ?, ?)"

_CANCEL_EVENT = """
UPDATE gateway_events SET status = 'ignored', next_attempt_at = NULL, behind = NULL, finished_at = ?, error = ?
WHERE seq = ? AND status = 'waiting' AND attempts = 0
"""


def link_read_schedules(source: str) -> ReadAhead:
    """Return the function that finds under which keys of a source an event waits."""

    def read(execute: Execute, keys: Sequence[object]) -> dict[object, Row | None]:
        found: dict[object, Row | None] = dict.fromkeys(keys)
        found.update((key, {"key": key}) for (key,) in execute(_FIND_ALL, (source, list(keys))).fetchall())
        return found

    return read


def schedule_event(execute: Execute, event: Scheduled, now: int, *, replaces: bool = True) -> int:
    """Store an event that is due later; one that waits under the same key gives way to it. Up to six statements.

    `replaces` is false where it is known that none does. Returns its number.
    """
    if replaces:
        cancel_event(execute, event.source, event.key, by=event.by, now=now, why="replaced")
    seq = (execute(LAST_NUMBER, ()).fetchone() or (0,))[0] + 1
    identity = f"{event.key}#{seq}"
    name = TYPE_PREFIX + event.name
    execute(
        _INSERT_EVENT,
        (
            seq, event.source, event.at // 1_000_000, identity, name, event.ordering_key, event.at, now, event.at,
            stripe_of(event.source, event.ordering_key, identity),
        ),
    )  # fmt: skip
    execute(_INSERT_BODY, (seq, f'{{"scheduled_by":"{event.by}"}}', event.body.encode()))
    execute(_REMEMBER, (event.source, event.key, seq))
    return seq


def cancel_event(execute: Execute, source: str, key: str, *, by: int, now: int, why: str = "canceled") -> int | None:
    """Drop the event that waits under a key; it stays on record as `ignored`. Up to three statements.

    Returns its number, or None when nothing waits under the key.
    """
    found = execute(_FIND, (source, key)).fetchone()
    if found is None:
        return None
    execute(_FORGET, (source, key))
    dropped = execute(_CANCEL_EVENT, (now, f"{why} by event {by}", found[0])).rowcount
    return int(found[0]) if dropped else None


def forget_fired(execute: Execute, source: str, event_id: str, event: int) -> None:
    """Note that a scheduled event has come to its turn: its key may be scheduled anew. One statement."""
    execute(_FIRED, (source, event_id.rpartition("#")[0], event))
