"""Deliveries on their way into PostgreSQL: a whole batch is one statement, and one trip to the server.

What arrives for one key at two machines at once gets its numbers in the order of its commits: each batch holds a lock
for every key it brings until it has committed, so whoever sees a later event of a key sees the earlier ones too.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING
from zlib import crc32

from gateway.errors import StorageUnavailable
from gateway.store.database import PostgresError
from gateway.store.postgres import LOCK_CLASS, PostgresDatabase
from gateway.store.stripes import stripe_of

if TYPE_CHECKING:
    from gateway.store.inbox import Delivery

Identity = tuple[str, int, str]
"""Source, second, and the provider's id of an event."""

# Apart from the locks of stripes.
ARRIVAL_LOCKS = LOCK_CLASS + 1

_COLUMNS = {
    "source": "text",
    "event_second": "bigint",
    "event_id": "text",
    "type": "text",
    "key": "text",
    "status": "text",
    "occurred_at": "bigint",
    "received_at": "bigint",
    "finished_at": "bigint",
    "error": "text",
    "verified_by": "text",
    "request_id": "text",
    "stripe": "integer",
}
_ARRIVED = {**_COLUMNS, "headers": "text", "body": "bytea"}
_NAMES = ", ".join(_COLUMNS)

_ARRIVE = f"""
WITH arrived AS MATERIALIZED (
    SELECT * FROM unnest({", ".join(f"CAST(? AS {kind}[])" for kind in _ARRIVED.values())})
    WITH ORDINALITY AS a ({", ".join(_ARRIVED)}, number)
), held AS MATERIALIZED (
    SELECT count(*) AS locks FROM (
        SELECT pg_advisory_xact_lock({ARRIVAL_LOCKS}, one) FROM unnest(CAST(? AS integer[])) AS one
    ) AS taken
), stored AS (
    INSERT INTO gateway_events ({_NAMES})
    SELECT {_NAMES} FROM arrived, held WHERE locks >= 0 ORDER BY number
    ON CONFLICT (source, event_second, event_id) DO NOTHING
    RETURNING seq, source, event_second, event_id
), bodies AS (
    INSERT INTO gateway_bodies (event, headers, body)
    SELECT s.seq, a.headers, a.body FROM stored AS s JOIN arrived AS a USING (source, event_second, event_id)
)
SELECT source, event_second, event_id, seq FROM stored
"""

_COUNT_DUPLICATES = """
WITH again AS (
    SELECT e.seq, a.source, a.event_second, a.event_id, a.times
    FROM unnest(CAST(? AS text[]), CAST(? AS bigint[]), CAST(? AS text[]), CAST(? AS integer[]))
         AS a (source, event_second, event_id, times)
    JOIN gateway_events AS e USING (source, event_second, event_id)
    ORDER BY e.seq FOR UPDATE OF e
)
UPDATE gateway_events AS e SET duplicates = e.duplicates + again.times FROM again WHERE e.seq = again.seq
RETURNING again.source, again.event_second, again.event_id, e.seq
"""

_LOCK = f"SELECT pg_advisory_xact_lock({ARRIVAL_LOCKS}, one) FROM unnest(CAST(? AS integer[])) AS one"

_FIND = "SELECT seq FROM gateway_events WHERE source = ? AND event_second = ? AND event_id = ?"


def arrive(database: PostgresDatabase, deliveries: Sequence[Delivery]) -> list[tuple[int, bool]]:
    """Store deliveries, each event once; return each one's event, and whether that was there before.

    It is on disk when this returns. One statement, and one more for duplicates; where ids count within a window of
    time only, one transaction.
    """
    if any(delivery.event_second < 0 for delivery in deliveries):
        with database.transaction():
            return _arrive(database, deliveries, _in_windows(database, deliveries))
    return _arrive(database, deliveries, {})


def _arrive(
    database: PostgresDatabase, deliveries: Sequence[Delivery], earlier: dict[Identity, Identity]
) -> list[tuple[int, bool]]:
    identities = [earlier.get(own := _identity_of(delivery), own) for delivery in deliveries]
    firsts = dict(zip(reversed(identities), reversed(deliveries), strict=True))
    known = set(earlier.values())
    stored = _store(database, [firsts[one] for one in dict.fromkeys(identities) if one not in known])
    again = Counter(identities) - Counter(stored.keys())
    there = _count_duplicates(database, again) if again else {}
    if len(there) < len(again):
        raise StorageUnavailable("an event was deleted while it came again: it can be sent once more")
    new = set(stored)
    receipts: list[tuple[int, bool]] = []
    for identity in identities:
        receipts.append((stored[identity], False) if identity in new else (there[identity], True))
        new.discard(identity)
    return receipts


def _store(database: PostgresDatabase, deliveries: Sequence[Delivery]) -> dict[Identity, int]:
    """Store the events that are new, and return their numbers. No two of the deliveries may be of one event."""
    if not deliveries:
        return {}
    columns = list(map(list, zip(*map(_values, deliveries), strict=True)))
    # In one order, so that two batches never wait for each other in a circle.
    locks = sorted({_lock_of(d.source, d.key) for d in deliveries if d.key is not None})
    try:
        found = database.execute(_ARRIVE, [*columns, locks])
    except PostgresError:
        if not database.lost or database.within:
            raise
        # If it did commit before the connection went, the events are found to be there.
        found = database.execute(_ARRIVE, [*columns, locks])
    return {(source, second, event_id): seq for source, second, event_id, seq in found.fetchall()}


def _count_duplicates(database: PostgresDatabase, times: dict[Identity, int]) -> dict[Identity, int]:
    """Count further deliveries of stored events; return the events' numbers. One statement."""
    columns = list(zip(*((*identity, count) for identity, count in times.items()), strict=True))
    found = database.execute(_COUNT_DUPLICATES, list(map(list, columns)))
    return {(source, second, event_id): seq for source, second, event_id, seq in found.fetchall()}


def _in_windows(database: PostgresDatabase, deliveries: Sequence[Delivery]) -> dict[Identity, Identity]:
    """Return which deliveries are of events of the window before their own. A statement for each, and one."""
    derived = [delivery for delivery in deliveries if delivery.event_second < 0]
    locks = sorted({_lock_of(d.source, d.event_id) for d in derived})
    database.execute(_LOCK, (locks,))
    earlier: dict[Identity, Identity] = {}
    for source, second, event_id in map(_identity_of, derived):
        before = (source, second + 1, event_id)
        if database.execute(_FIND, before).fetchone() is not None:
            earlier[source, second, event_id] = before
    return earlier


def _identity_of(delivery: Delivery) -> Identity:
    return delivery.source, delivery.event_second, _kept(delivery.event_id)


def _values(d: Delivery) -> Iterable[object]:
    finished_at = None if d.status == "ready" else d.received_at
    return (
        d.source, d.event_second, _kept(d.event_id), _kept(d.type), None if d.key is None else _kept(d.key), d.status,
        d.occurred_at, d.received_at, finished_at, None if d.error is None else _kept(d.error), d.verified_by,
        d.request_id, stripe_of(d.source, d.key, d.event_id), _kept(d.headers), d.body,
    )  # fmt: skip


def _lock_of(source: str, key: str) -> int:
    return crc32(f"{source}\0{key}".encode("utf-8", "surrogatepass")) - 2**31


def _kept(text: str) -> str:
    """Return a text as PostgreSQL can keep it: it has no character zero, for which its picture stands."""
    return text.replace("\0", "\N{SYMBOL FOR NULL}") if "\0" in text else text
