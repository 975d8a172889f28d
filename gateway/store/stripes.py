"""Stripes: how many processes share the events of one database without ever running two of one key at once.

Every event lies in one of a fixed number of stripes, all events of a key in the same. Who runs events takes some
stripes for the length of its transaction, by advisory locks, and looks for events only then: it sees all that the
one before it has committed. So a key's events run one at a time and in the order received, on however many machines,
and what a process held that has died is free at once. SQLite has one writer, which holds everything.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from zlib import crc32

from gateway.store.database import Database
from gateway.store.postgres import LOCK_CLASS, PostgresDatabase

STRIPES = 64

# The first of a stripe, by an index that begins with the stripe: any other way reads the whole backlog.
_READY = """
SELECT 1 FROM gateway_events AS e WHERE e.finished_at IS NULL AND e.status = 'ready' AND e.stripe = s
ORDER BY e.seq LIMIT 1
"""
_DUE = """
SELECT 1 FROM gateway_events AS e
WHERE e.finished_at IS NULL AND e.status <> 'ready' AND e.next_attempt_at <= ? AND e.stripe = s
ORDER BY e.next_attempt_at LIMIT 1
"""

# The fence makes sure that only stripes with something to do are locked, and no more of them than asked for.
_TAKE = f"""
SELECT s FROM (SELECT s FROM unnest(CAST(? AS integer[])) AS s WHERE {{busy}} OFFSET 0) AS busy
WHERE pg_try_advisory_xact_lock({LOCK_CLASS}, s) LIMIT ?
"""
# All with something to do, and whether each could be had: somebody else has the others.
_TAKE_ALL = f"""
SELECT s, pg_try_advisory_xact_lock({LOCK_CLASS}, s)
FROM (SELECT s FROM unnest(CAST(? AS integer[])) AS s WHERE {{busy}} OFFSET 0) AS busy
"""
_HAS_READY, _HAS_ANY = f"({_READY}) IS NOT NULL", f"({_READY}) IS NOT NULL OR ({_DUE}) IS NOT NULL"
_TAKE_READY, _TAKE_DUE = _TAKE.format(busy=_HAS_READY), _TAKE.format(busy=_HAS_ANY)
_TAKE_ALL_READY, _TAKE_ALL_DUE = _TAKE_ALL.format(busy=_HAS_READY), _TAKE_ALL.format(busy=_HAS_ANY)


# In one order, so that two who hold several never wait for each other.
_HOLD_ALL = f"SELECT pg_advisory_xact_lock({LOCK_CLASS}, s) FROM unnest(CAST(? AS integer[])) AS s"
_HOLD = f"""
SELECT pg_advisory_xact_lock({LOCK_CLASS}, s) FROM (
    SELECT DISTINCT e.stripe AS s FROM gateway_events AS e WHERE e.seq = ANY (CAST(? AS bigint[])) ORDER BY 1
) AS wanted
"""

QUEUE_LOCK = -3
_QUEUE_UP = f"SELECT pg_advisory_xact_lock({LOCK_CLASS}, {QUEUE_LOCK})"


def stripe_of(source: str, key: str | None, event_id: str) -> int:
    """Return the stripe of an event: that of its key, or of its own id when it has none."""
    return crc32(f"{source}\0{event_id if key is None else key}".encode("utf-8", "surrogatepass")) % STRIPES


def take_stripes(database: Database, now: int | None) -> bool:
    """Take some stripes in which events are ready, until the transaction ends; say whether there are any.

    With `now` (microseconds), also those in which one is due that has waited. At most one statement.
    """
    if not isinstance(database, PostgresDatabase):
        return True
    # Chance is fair to all stripes, and keeps two processes from asking for the same.
    first = random.randrange(STRIPES)  # noqa: S311 - nothing secret
    turn = [(first + number) % STRIPES for number in range(STRIPES)]
    due = [] if now is None else [now]
    if database.reach < STRIPES:
        found = database.execute(_TAKE_DUE if due else _TAKE_READY, (turn, *due, database.reach)).fetchall()
        database.stripes, database.sees_part, database.passes_over = [row[0] for row in found], bool(found), not found
        if not found:
            # Others have them, or there are none: the next time it is asked which.
            database.reach = STRIPES
    else:
        found = database.execute(_TAKE_ALL_DUE if due else _TAKE_ALL_READY, (turn, *due)).fetchall()
        database.stripes, database.sees_part = [stripe for stripe, taken in found if taken], False
        database.passes_over = len(found) > len(database.stripes)
    return bool(database.stripes)


def queue_up(database: Database) -> None:
    """Wait until no other transaction that queues up is open, and have others wait for this one. One statement.

    To be said before stripes are taken. Transactions that change the same rows in different orders would wait for each
    other in a circle; one after the other they do not.
    """
    if isinstance(database, PostgresDatabase):
        database.execute(_QUEUE_UP, ())


def hold_stripes_of(database: Database, events: Sequence[int]) -> None:
    """Wait until nobody runs events of the stripes of these, and keep it so until the transaction ends. One statement.

    For who makes events ready from outside: to a slice under way an event that held up its key would else have become
    ready unseen, and what was held up behind it would run first. To be said before any row is changed.
    """
    if events and isinstance(database, PostgresDatabase):
        database.execute(_HOLD, (list(events),)).fetchall()


def hold_all_stripes(database: Database) -> None:
    """Wait until nobody runs events, and keep it so until the transaction ends. One statement."""
    if isinstance(database, PostgresDatabase):
        database.execute(_HOLD_ALL, (list(range(STRIPES)),)).fetchall()


def sees_part(database: Database) -> bool:
    """Say whether there may be more events at once than those that were claimed, besides what others have."""
    return isinstance(database, PostgresDatabase) and database.sees_part


def passes_over(database: Database) -> bool:
    """Say whether others had stripes with events that are ready: there may be more in them than those others see."""
    return isinstance(database, PostgresDatabase) and database.passes_over


def adapt_reach(database: PostgresDatabase, found: int, limit: int) -> None:
    """Ask for fewer stripes next time when these were more than enough for a slice, for more when they were not."""
    held = len(database.stripes)
    if found >= limit:
        database.reach = max(1, held // 2)
    elif found * 2 < limit:
        database.reach = min(STRIPES, database.reach * 2)
