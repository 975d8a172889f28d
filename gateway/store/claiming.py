"""Events on their way through the engine: taken in their order, finished, and made ready again.

Every function runs in the transaction of a slice.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

from gateway.store.database import Database, Execute
from gateway.store.dialects import differing
from gateway.store.postgres import PostgresDatabase
from gateway.store.stripes import adapt_reach, stripe_of


class Claimed(NamedTuple):
    """An event that the engine has taken, inside the transaction that will finish it."""

    seq: int
    source: str
    event_id: str
    type: str
    key: str | None
    occurred_at: int | None
    received_at: int
    attempts: int
    headers: str
    body: bytes
    event_second: int = 0
    calls: int = 0
    """How many awaited calls are recorded for it."""


class Finish(NamedTuple):
    """What becomes of an event after a pass."""

    status: str
    attempts: int
    next_attempt_at: int | None
    finished_at: int | None
    rule: str | None
    result: str | None
    error: str | None
    response: str | None
    seq: int


class TraceRow(NamedTuple):
    """One attempt, as kept."""

    event: int
    attempt: int
    started_at: int
    microseconds: int
    status: str
    trace: str


_CLAIM_COLUMNS = """
SELECT e.seq, e.source, e.event_id, e.type, e.key, e.occurred_at, e.received_at, e.attempts, b.headers, b.body,
       e.event_second, e.calls
FROM gateway_events AS e JOIN gateway_bodies AS b ON b.event = e.seq
"""

_CLAIM_READY = (
    _CLAIM_COLUMNS
    + "WHERE e.finished_at IS NULL AND e.status = 'ready' AND e.next_attempt_at IS NULL ORDER BY e.seq LIMIT ?"
)

_CLAIM_DUE = (
    _CLAIM_COLUMNS
    + "WHERE e.finished_at IS NULL AND e.status IN ('waiting', 'parked') AND e.next_attempt_at <= ? "
    + "ORDER BY e.next_attempt_at, e.seq LIMIT ?"
)

# The locks keep away who changes an event by hand; nobody else runs events of these stripes.
_CLAIM_STRIPES = """
SELECT e.seq, e.source, e.event_id, e.type, e.key, e.occurred_at, e.received_at, e.attempts, b.headers, b.body,
       e.event_second, e.calls
FROM unnest(CAST(? AS integer[])) AS s CROSS JOIN LATERAL (
    SELECT * FROM gateway_events AS o WHERE o.stripe = s AND o.finished_at IS NULL AND {which} LIMIT ? FOR UPDATE
) AS e JOIN gateway_bodies AS b ON b.event = e.seq
"""

# Written so that no index but that of the stripe fits, whatever the server knows of the table: another one would have
# it read the whole backlog. What is ready has no time to wait for; what is open and not ready waits, or is parked.
_CLAIM_READY_STRIPES = _CLAIM_STRIPES.format(which="o.status = 'ready' ORDER BY o.seq") + "ORDER BY e.seq"

_CLAIM_DUE_STRIPES = (
    _CLAIM_STRIPES.format(which="o.status <> 'ready' AND o.next_attempt_at <= ? ORDER BY o.next_attempt_at, o.seq")
    + "ORDER BY e.next_attempt_at, e.seq"
)

# The first of each by the index: among those that wait there may be thousands without a time.
_NEXT_DUE = """
SELECT min(next_attempt_at) FROM (
    SELECT * FROM (SELECT next_attempt_at FROM gateway_events
                   WHERE finished_at IS NULL AND status = 'waiting' AND next_attempt_at IS NOT NULL
                   ORDER BY status, next_attempt_at LIMIT 1) AS waiting
    UNION ALL
    SELECT * FROM (SELECT next_attempt_at FROM gateway_events
                   WHERE finished_at IS NULL AND status = 'parked' AND next_attempt_at IS NOT NULL
                   ORDER BY status, next_attempt_at LIMIT 1) AS parked
) AS first
"""

_ANY_PARKED = "SELECT 1 FROM gateway_events WHERE finished_at IS NULL AND status = 'parked' LIMIT 1"

_UNPARK = """
UPDATE gateway_events SET status = 'ready', next_attempt_at = NULL
WHERE finished_at IS NULL AND status = 'parked' AND source = ? AND key = ?
"""

# PostgreSQL could be led by the order to read all events from the last one on.
_EVENT_AT = differing(
    """
SELECT event_id FROM gateway_events WHERE source = ? AND event_second = ? AND occurred_at = ? ORDER BY seq DESC LIMIT 1
""",
    postgresql="""
SELECT event_id FROM (
    SELECT seq, event_id FROM gateway_events WHERE source = ? AND event_second = ? AND occurred_at = ? OFFSET 0
) AS found ORDER BY seq DESC LIMIT 1
""",
)

_FINISH = """
UPDATE gateway_events SET status = ?, attempts = ?, next_attempt_at = ?, finished_at = ?, rule = ?, result = ?,
                          error = ?, response = ?
WHERE seq = ?
"""

_INSERT_TRACE = """
INSERT INTO gateway_traces (event, attempt, started_at, microseconds, status, trace) VALUES (?, ?, ?, ?, ?, ?)
ON CONFLICT (event, attempt) DO UPDATE SET started_at = excluded.started_at, microseconds = excluded.microseconds,
                                           status = excluded.status, trace = excluded.trace
"""

# On PostgreSQL all events of a slice at once: each value is the list of one column.
_FINISH_ALL = """
UPDATE gateway_events AS e
SET status = f.status, attempts = f.attempts, next_attempt_at = f.next_attempt_at, finished_at = f.finished_at,
    rule = f.rule, result = f.result, error = f.error, response = f.response
FROM unnest(CAST(? AS text[]), CAST(? AS integer[]), CAST(? AS bigint[]), CAST(? AS bigint[]), CAST(? AS text[]),
            CAST(? AS text[]), CAST(? AS text[]), CAST(? AS text[]), CAST(? AS bigint[]))
     AS f (status, attempts, next_attempt_at, finished_at, rule, result, error, response, seq)
WHERE e.seq = f.seq
"""

_INSERT_TRACES = """
INSERT INTO gateway_traces (event, attempt, started_at, microseconds, status, trace)
SELECT * FROM unnest(CAST(? AS bigint[]), CAST(? AS integer[]), CAST(? AS bigint[]), CAST(? AS integer[]),
                     CAST(? AS text[]), CAST(? AS text[]))
ON CONFLICT (event, attempt) DO UPDATE SET started_at = excluded.started_at, microseconds = excluded.microseconds,
                                           status = excluded.status, trace = excluded.trace
"""


def claim_ready(database: Database, limit: int) -> list[Claimed]:
    """Take up to `limit` events that are ready, in the order received, of the stripes taken. One statement."""
    if not isinstance(database, PostgresDatabase):
        return list(map(Claimed._make, database.execute(_CLAIM_READY, (limit,)).fetchall()))
    found = _claim(database, _CLAIM_READY_STRIPES, (), limit)
    adapt_reach(database, len(found), limit)
    return found


def claim_due(database: Database, now: int, limit: int) -> list[Claimed]:
    """Take up to `limit` waiting events whose time has come (`now`, microseconds). One statement."""
    if not isinstance(database, PostgresDatabase):
        return list(map(Claimed._make, database.execute(_CLAIM_DUE, (now, limit)).fetchall()))
    return _claim(database, _CLAIM_DUE_STRIPES, (now,), limit)


def _claim(database: PostgresDatabase, statement: str, values: tuple[object, ...], limit: int) -> list[Claimed]:
    each = -(-limit // len(database.stripes))
    found = list(map(Claimed._make, database.execute(statement, (database.stripes, *values, each)).fetchall()))
    if each <= len(found) < limit:
        # Of a stripe that gave its whole share there may be more.
        counts = Counter(stripe_of(event.source, event.key, event.event_id) for event in found)
        database.sees_part |= max(counts.values()) >= each
    return found


def next_due(database: Database) -> int | None:
    """Return when the next waiting event is due (microseconds), or None. One statement."""
    due: int | None = database.execute(_NEXT_DUE, ()).fetchone()[0]
    return due


def finish_events(database: Database, finishes: Sequence[Finish], traces: Sequence[TraceRow]) -> None:
    """Write what became of events, and their traces. Two statements; on SQLite run for each event."""
    if isinstance(database, PostgresDatabase):
        for statement, rows in ((_FINISH_ALL, finishes), (_INSERT_TRACES, traces)):
            if rows:
                database.execute(statement, list(zip(*rows, strict=True)))
        return
    database.execute_many(_FINISH, finishes)
    database.execute_many(_INSERT_TRACE, traces)


def any_parked(database: Database) -> bool:
    """Say whether any event is parked. One statement."""
    return database.execute(_ANY_PARKED, ()).fetchone() is not None


def unpark(database: Database, source: str, key: str) -> int:
    """Make the parked events of a key ready, as a later one has committed; return how many. One statement."""
    unparked: int = database.execute(_UNPARK, (source, key)).rowcount
    return unparked


def event_at(execute: Execute, source: str, occurred_at: int) -> str | None:
    """Return the provider's id of a source's latest event with that time (microseconds), or None. One statement."""
    row = execute(_EVENT_AT, (source, occurred_at // 1_000_000, occurred_at)).fetchone()
    return None if row is None else str(row[0])
