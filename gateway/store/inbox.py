"""The inbox: deliveries go in once and durably, and are on disk when that is said.

Each function says whether it is one statement or one transaction. None of them waits for anything but the disk.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from gateway.store.arrivals import arrive
from gateway.store.database import Database, storage_errors
from gateway.store.dialects import LAST_NUMBER, differing
from gateway.store.postgres import PostgresDatabase
from gateway.store.stripes import stripe_of


class Delivery(NamedTuple):
    """What one HTTP request brought, verified, on its way to the inbox."""

    source: str
    event_id: str
    event_second: int
    """Second of the provider's own time; 0 where it gives none; negative where the id is derived from the
    body and counts within a window of time only (the window's number, negated)."""
    type: str
    key: str | None
    occurred_at: int | None
    received_at: int
    headers: str
    body: bytes
    status: str
    """`ready`, or `dead` for a body that cannot be read."""
    error: str | None
    verified_by: str | None
    request_id: str


class Receipt(NamedTuple):
    """The inbox's answer: the event's id, and whether it was there before."""

    id: int
    duplicate: bool


class Outcome(NamedTuple):
    """How an event stands."""

    id: int
    status: str
    result: str | None
    error: str | None
    response: bytes | None
    """The rendered JSON answer of a source that answers with the outcome."""


_INSERT_EVENT = """
INSERT INTO gateway_events (seq, source, event_second, event_id, type, key, status, occurred_at, received_at,
                            finished_at, error, verified_by, request_id, stripe)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (source, event_second, event_id) DO NOTHING
"""

_INSERT_BODY = "INSERT INTO gateway_bodies (event, headers, body) VALUES (?, ?, ?)"

_FIND_IDENTITY = """
SELECT seq FROM gateway_events WHERE source = ? AND event_second = ? AND event_id = ?
"""

_COUNT_DUPLICATE = "UPDATE gateway_events SET duplicates = duplicates + 1 WHERE seq = ?"

_OUTCOME = "SELECT seq, status, result, error, response FROM gateway_events WHERE seq = ?"


_NO_EVENT = -1
_WRITE_PROBE = differing(
    "INSERT OR REPLACE INTO gateway_bodies (event, headers, body) VALUES (?, '{}', zeroblob(?))",
    postgresql="INSERT INTO gateway_bodies (event, headers, body) VALUES (?, '{}', convert_to(repeat('0', ?), 'UTF8'))"
    " ON CONFLICT (event) DO UPDATE SET body = excluded.body",
)
_REMOVE_PROBE = "DELETE FROM gateway_bodies WHERE event = ?"


def require_writable(database: Database, size: int) -> None:
    """Return when the database can be written; with a `size`, when that many bytes can, which are taken out again.

    Raises StorageUnavailable. At most two transactions.
    """
    with storage_errors():
        with database.transaction():
            if size:
                database.execute(_WRITE_PROBE, (_NO_EVENT, size))
        if size:
            with database.transaction():
                database.execute(_REMOVE_PROBE, (_NO_EVENT,))


def append_deliveries(database: Database, deliveries: Sequence[Delivery]) -> list[Receipt]:
    """Store deliveries, each event once, in one transaction that is on disk when this returns.

    A delivery whose event is stored already, or comes earlier in the same batch, is a duplicate: it changes
    nothing but the count of duplicates, and its receipt names the event that was there. Raises StorageUnavailable.
    """
    if isinstance(database, PostgresDatabase):
        with storage_errors():
            return [Receipt(*one) for one in arrive(database, deliveries)]
    with storage_errors(), database.transaction():
        return _append(database, deliveries)


def _append(database: Database, deliveries: Sequence[Delivery]) -> list[Receipt]:
    last = database.execute(LAST_NUMBER, ()).fetchone()
    first = (last[0] if last else 0) + 1
    windowed = [d for d in deliveries if d.event_second < 0]
    if not windowed:
        inserted = database.execute_many(_INSERT_EVENT, _event_rows(deliveries, first)).rowcount
        if inserted == len(deliveries):
            database.execute_many(_INSERT_BODY, [(seq, d.headers, d.body) for seq, d in enumerate(deliveries, first)])
            return [Receipt(seq, False) for seq in range(first, first + len(deliveries))]
    return [_append_one(database, delivery, seq) for seq, delivery in enumerate(deliveries, first)]


def _event_rows(deliveries: Sequence[Delivery], first: int) -> list[tuple[object, ...]]:
    return [_event_row(delivery, seq) for seq, delivery in enumerate(deliveries, first)]


def _event_row(d: Delivery, seq: int) -> tuple[object, ...]:
    finished_at = None if d.status == "ready" else d.received_at
    return (
        seq, d.source, d.event_second, d.event_id, d.type, d.key, d.status, d.occurred_at, d.received_at,
        finished_at, d.error, d.verified_by, d.request_id, stripe_of(d.source, d.key, d.event_id),
    )  # fmt: skip


def _append_one(database: Database, delivery: Delivery, seq: int) -> Receipt:
    stored = _stored(database, delivery)
    if stored is None:
        database.execute(_INSERT_EVENT, _event_row(delivery, seq))
        stored = seq
    elif stored != seq:
        database.execute(_COUNT_DUPLICATE, (stored,))
        return Receipt(stored, True)
    database.execute(_INSERT_BODY, (seq, delivery.headers, delivery.body))
    return Receipt(seq, False)


def _stored(database: Database, delivery: Delivery) -> int | None:
    seconds = [delivery.event_second]
    if delivery.event_second < 0:
        # An id derived from the body counts in its own window of time and the one before it.
        seconds.append(delivery.event_second + 1)
    for second in seconds:
        row = database.execute(_FIND_IDENTITY, (delivery.source, second, delivery.event_id)).fetchone()
        if row is not None:
            return int(row[0])
    return None


def outcome_of(database: Database, event: int) -> Outcome | None:
    """Return how an event stands, or None. One statement."""
    row = database.execute(_OUTCOME, (event,)).fetchone()
    if row is None:
        return None
    return Outcome(row[0], row[1], row[2], row[3], row[4].encode() if row[4] is not None else None)
