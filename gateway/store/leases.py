"""Leases on the outbox: what a courier takes to send, and how it says what came of it.

A lease is a due time in the future with an owner: nobody else takes the row until then, and a dead owner's rows come
back by themselves. Each function is one transaction.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

from gateway.store.database import Database, storage_errors
from gateway.store.dialects import differing
from gateway.store.stripes import hold_stripes_of

Target = tuple[str, str]
"""An action and where it goes: (`send`, `app`)."""


class Leased(NamedTuple):
    """A row of the outbox that is to be sent now."""

    seq: int
    event: int | None
    kind: str
    action: str
    target: str
    message_id: str
    request: str
    attempts: int
    """Tries made before."""
    created_at: int
    answer: str | None
    """JSON that an earlier try left, such as which of several receivers have got it."""
    content_type: str | None
    body: bytes | None
    """What the event brought, for a request that forwards it."""


class Waiting(NamedTuple):
    """What is not sent yet to one target."""

    rows: int
    since: int
    """When the first of it was written (microseconds)."""


NONE_WAITING = Waiting(0, 2**62)


class Settled(NamedTuple):
    """What came of a try."""

    seq: int
    event: int | None
    kind: str
    status: str
    """`done`, `dead`, or `ready` to be tried again at `next_attempt_at`."""
    attempts: int
    next_attempt_at: int | None
    finished_at: int | None
    answer: str | None
    code: str | None
    error: str | None


_ANY_DUE = """
SELECT 1 FROM gateway_outbox
WHERE status = 'ready' AND action = ? AND target = ? AND next_attempt_at <= ? LIMIT 1
"""

_DUE = """
SELECT o.seq, o.event, o.kind, o.action, o.target, o.message_id, o.request, o.attempts, o.created_at, o.answer
FROM gateway_outbox AS o
WHERE o.status = 'ready' AND o.action = ? AND o.target = ? AND o.next_attempt_at <= ?
ORDER BY o.next_attempt_at, o.seq LIMIT ?
"""
# What another courier is leasing at this moment is left to it.
differing(_DUE, postgresql=_DUE + "FOR UPDATE SKIP LOCKED")

_FORWARDED = '"forward":true'

_BODY = "SELECT headers, body FROM gateway_bodies WHERE event = ?"

_LEASE = "UPDATE gateway_outbox SET next_attempt_at = ?, leased_by = ?, attempts = attempts + 1 WHERE seq = ?"

# A row whose lease has run out belongs to whoever took it then.
_SETTLE = """
UPDATE gateway_outbox SET status = ?, attempts = ?, next_attempt_at = ?, finished_at = ?, answer = ?, code = ?,
                          error = ?, leased_by = NULL
WHERE seq = ? AND status = 'ready' AND leased_by = ?
"""

_ANSWERED = """
UPDATE gateway_events SET status = 'ready', error = NULL
WHERE seq = ? AND status = 'waiting' AND next_attempt_at IS NULL AND behind IS NULL
"""

# What is leased has not left yet. Said in other words than those of the index of all that waits, which is long.
_RELEASE = """
UPDATE gateway_outbox SET next_attempt_at = ?, leased_by = NULL WHERE leased_by = ? AND status NOT IN ('done', 'dead')
"""

_OWNERS = "SELECT DISTINCT leased_by FROM gateway_outbox WHERE leased_by IS NOT NULL"

_NEXT_DUE = "SELECT min(next_attempt_at) FROM gateway_outbox WHERE status = 'ready' AND action = ? AND target = ?"

# From one target to the next by the index: `DISTINCT` would read every row that waits.
_NEXT_TARGET = """
SELECT action, target FROM gateway_outbox WHERE status = 'ready' AND (action, target) > (?, ?)
ORDER BY action, target LIMIT 1
"""

_WAITING = """
SELECT action, target, count(*), min(created_at) FROM gateway_outbox WHERE status = 'ready' GROUP BY action, target
"""

_ABANDON = """
SELECT seq, event, kind, attempts FROM gateway_outbox WHERE status = 'ready' AND action = ? AND target = ?
"""


def lease(database: Database, free: Mapping[Target, int], *, now: int, until: int, owner: str) -> list[Leased]:
    """Take what is due (`now`, microseconds) of each target, at most as many rows as it has `free` places.

    The rows are the owner's up to `until`. Raises StorageUnavailable.
    """
    # Looking holds up nobody; the lock is only taken when there is something to lease.
    with storage_errors():
        if not any(database.execute(_ANY_DUE, (*target, now)).fetchone() for target in free):
            return []
    with storage_errors(), database.transaction():
        found = [row for target, places in free.items() for row in _due(database, target, now, places)]
        database.execute_many(_LEASE, [(until, owner, row[0]) for row in found])
        return [Leased._make((*row, *_forwarded(database, row[1], row[6]))) for row in found]


def _due(database: Database, target: Target, now: int, places: int) -> list[Any]:
    return database.execute(_DUE, (*target, now, places)).fetchall()  # type: ignore[no-any-return]  # rows of the driver


def _forwarded(database: Database, event: int | None, request: str) -> tuple[str | None, bytes | None]:
    if event is None or _FORWARDED not in request:
        return None, None
    row = database.execute(_BODY, (event,)).fetchone()
    if row is None:
        return None, None
    import orjson

    return orjson.loads(row[0]).get("content-type"), row[1]


def settle(database: Database, settled: Sequence[Settled], owner: str) -> bool:
    """Write what came of tries; an answered call makes its event ready. Say whether one did.

    What another has taken over meanwhile is left to it. Raises StorageUnavailable.
    """
    answered = False
    with storage_errors(), database.transaction():
        calls = [one.event for one in settled if one.kind == "call" and one.status != "ready" and one.event is not None]
        hold_stripes_of(database, calls)
        for one in settled:
            values = (one.status, one.attempts, one.next_attempt_at, one.finished_at, one.answer, one.code, one.error)
            own = database.execute(_SETTLE, (*values, one.seq, owner)).rowcount
            if own and one.kind == "call" and one.status != "ready":
                database.execute(_ANSWERED, (one.event,))
                answered = True
    return answered


def release(database: Database, owner: str, now: int) -> int:
    """Give back what an owner has leased; return how many rows. Raises StorageUnavailable."""
    with storage_errors(), database.transaction():
        released: int = database.execute(_RELEASE, (now, owner)).rowcount
        return released


def release_dead_owners(database: Database, now: int) -> int:
    """Give back what processes of this machine have leased that are no more; return how many rows."""
    with storage_errors():
        owners = [row[0] for row in database.execute(_OWNERS, ()).fetchall()]
    return sum(release(database, owner, now) for owner in owners if is_dead(owner))


def next_due(database: Database, targets: Sequence[Target]) -> int | None:
    """Return when the next row of any of the targets is due (microseconds), or None."""
    with storage_errors():
        times = [database.execute(_NEXT_DUE, target).fetchone()[0] for target in targets]
    return min((time for time in times if time is not None), default=None)


def open_targets(database: Database) -> list[Target]:
    """Return the targets for which something waits. One statement for each, and one."""
    found: list[Target] = []
    with storage_errors():
        while (row := database.execute(_NEXT_TARGET, found[-1] if found else ("", "")).fetchone()) is not None:
            found.append((row[0], row[1]))
    return found


def count_waiting(database: Database) -> dict[Target, Waiting]:
    """Return how much waits for each target for which anything does. One statement."""
    with storage_errors():
        rows = database.execute(_WAITING, ()).fetchall()
    return {(action, target): Waiting(*rest) for action, target, *rest in rows}


def abandon(database: Database, target: Target, error: str, *, now: int) -> bool:
    """Make everything for a target dead that is configured no more; say whether that answered a call."""
    with storage_errors(), database.transaction():
        rows = database.execute(_ABANDON, target).fetchall()
        hold_stripes_of(database, [event for _, event, kind, _ in rows if kind == "call"])
        for seq, event, kind, attempts in rows:
            database.execute(
                "UPDATE gateway_outbox SET status = 'dead', attempts = ?, next_attempt_at = NULL, finished_at = ?,"
                " code = 'refused', error = ?, leased_by = NULL WHERE seq = ?",
                (attempts, now, error, seq),
            )
            if kind == "call":
                database.execute(_ANSWERED, (event,))
    return any(kind == "call" for _, _, kind, _ in rows)


@cache
def own_name() -> str:
    """Return the name of this process, such as nobody else has ever had: host, number, and when it began."""
    return f"{socket.gethostname()}/{os.getpid()}/{_began(os.getpid())}"


def is_dead(owner: str) -> bool:
    """Say whether a process of this machine is no more; nothing is known of those of others."""
    host, number, began = owner.rsplit("/", 2)
    return host == socket.gethostname() and _began(int(number)) != began


def _began(process: int) -> str:
    """Return when a process began, in the system's own count; empty when there is none. Source: proc(5), stat."""
    try:
        stat = Path(f"/proc/{process}/stat").read_text()
    except OSError:
        return _lives(process)
    state, *fields = stat.rpartition(")")[2].split()
    # One that has ended and waits for its parent to take note is no more.
    return "" if state in {"Z", "X"} else fields[18]


def _lives(process: int) -> str:
    # Without a /proc, a number that is in use again counts as alive: its lease then just runs out.
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return ""
    except PermissionError:
        return "alive"
    return "alive"
