"""Looking at stored events, and making them run again: what an operator asks of the inbox.

Each function says whether it is one statement or one transaction.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

import orjson

from gateway.errors import Conflict, NotFound
from gateway.store.claiming import TraceRow
from gateway.store.codecs import dump_json
from gateway.store.database import Database, storage_errors
from gateway.store.event_filter import Clause, EventFilter, joined
from gateway.store.outbox_pages import OutboxItem, outbox_of, reopen_calls
from gateway.store.stripes import hold_stripes_of

MOST_SEARCHED = 50_000
"""Events that one call looks into for a text; the cursor leads on to older ones."""

RETRIABLE = ("dead", "parked", "waiting", "ignored")
"""The statuses of events that can be made to run again without more ado."""


class Event(NamedTuple):
    """An event as it stands. Times are microseconds."""

    seq: int
    source: str
    event_id: str
    type: str
    key: str | None
    status: str
    result: str | None
    rule: str | None
    attempts: int
    occurred_at: int | None
    received_at: int
    finished_at: int | None
    next_attempt_at: int | None
    error: str | None


class EventPage(NamedTuple):
    """Some events, the newest first."""

    events: list[Event]
    next: int | None
    """The cursor for the page behind this one; None when there is none."""


class EventDetails(NamedTuple):
    """An event with what was received and all that was tried."""

    event: Event
    body: bytes
    headers: str
    """JSON object, secrets left out."""
    duplicates: int
    verified_by: str | None
    request_id: str | None
    traces: list[TraceRow]
    """One an attempt, in order."""
    outbox: list[OutboxItem]
    """Its messages and calls, in order."""


@dataclass(frozen=True, slots=True)
class Retried:
    """What a bulk retry did."""

    count: int
    last: int | None
    """The greatest number among the events made ready; None when there are no more to go on with."""


_COLUMNS = ", ".join(f"e.{name}" for name in Event._fields)

_FIND_BY_EVENT_ID = "SELECT e.seq, e.source FROM gateway_events AS e WHERE e.event_id = ?"

# Written for the newest first: who asks has just sent the request.
_FIND_BY_REQUEST = "SELECT seq, source FROM gateway_events WHERE request_id = ? ORDER BY seq DESC LIMIT 1"

_DETAILS = f"""
SELECT {_COLUMNS}, e.duplicates, e.verified_by, e.request_id, b.headers, b.body
FROM gateway_events AS e LEFT JOIN gateway_bodies AS b ON b.event = e.seq WHERE e.seq = ?
"""

_TRACES = """
SELECT event, attempt, started_at, microseconds, status, trace FROM gateway_traces WHERE event = ? ORDER BY attempt
"""

# An event that a sender has called by a type of the gateway's own: it must never run a procedure.
_FOREIGN = """
((substr(e.type, 1, 4) = 'run.' OR substr(e.type, 1, 9) = 'schedule.') AND coalesce(e.verified_by, '') <> 'gateway')
"""

_STANDING = f"SELECT e.status, e.error, {_FOREIGN} FROM gateway_events AS e WHERE e.seq = ?"

_MAKE_READY = """
UPDATE gateway_events SET status = 'ready', result = NULL, error = NULL, next_attempt_at = NULL, finished_at = NULL,
                          behind = NULL
WHERE seq = ?
"""

_RECORD = """
INSERT INTO gateway_changes (at, actor, table_name, row_key, before, after) VALUES (?, ?, 'gateway_events', ?, ?, ?)
"""


def list_events(database: Database, wanted: EventFilter, *, limit: int, cursor: int | None = None) -> EventPage:
    """Return up to `limit` events, the newest first, older than the cursor. One statement.

    A text is looked for in the MOST_SEARCHED newest events that fit the rest (two statements): such a page may hold
    few events, or none, and still lead on.
    """
    clauses = list(wanted.clauses(database.dialect))
    if cursor is not None:
        clauses.append(("e.seq < ?", (cursor,)))
    if wanted.q is None:
        return _page(_select(database, clauses, limit + 1), limit, None)
    floor = _search_floor(database, clauses)
    if floor is not None:
        clauses.append(("e.seq >= ?", (floor,)))
    clauses.append(wanted.search(database.dialect))
    return _page(_select(database, clauses, limit + 1, bodies=True), limit, floor)


def _select(database: Database, clauses: list[Clause], limit: int, *, bodies: bool = False) -> list[Event]:
    with storage_errors():
        rows = _query(database, _COLUMNS, clauses, f"ORDER BY e.seq DESC LIMIT {limit}", bodies=bodies)
        return [Event(*row) for row in rows]


def _query(
    database: Database, columns: str, clauses: list[Clause], tail: str, *, bodies: bool = False
) -> list[tuple[Any, ...]]:
    where, values = joined(clauses)
    join = " LEFT JOIN gateway_bodies AS b ON b.event = e.seq" if bodies else ""
    statement = f"SELECT {columns} FROM gateway_events AS e{join} WHERE {where} {tail}"
    return database.execute(statement, values).fetchall()  # type: ignore[no-any-return]  # the driver's rows are tuples


def _search_floor(database: Database, clauses: list[Clause]) -> int | None:
    """Return the number of the last event to look into, or None when that is all of them."""
    with storage_errors():
        rows = _query(database, "e.seq", clauses, f"ORDER BY e.seq DESC LIMIT 1 OFFSET {MOST_SEARCHED - 1}")
    return int(rows[0][0]) if rows else None


def _page(found: list[Event], limit: int, floor: int | None) -> EventPage:
    events = found[:limit]
    return EventPage(events, events[-1].seq if len(found) > limit else floor)


def get_event(database: Database, name: str, source: str | None = None) -> EventDetails:
    """Return an event with its body and traces, by the gateway's number or the provider's id. Up to five statements.

    Raises NotFound, and Conflict when the provider's id names several events: then `source` decides, or the number.
    """
    with storage_errors():
        seq = find_event(database, name, source)
        row = database.execute(_DETAILS, (seq,)).fetchone()
        if row is None:
            raise NotFound(f"there is no event `{name}`")
        traces = [TraceRow(*trace) for trace in database.execute(_TRACES, (seq,)).fetchall()]
        outbox = outbox_of(database, seq)
    event, (duplicates, verified_by, request_id, headers, body) = Event(*row[:14]), row[14:]
    return EventDetails(event, body or b"", headers or "{}", duplicates, verified_by, request_id, traces, outbox)


def find_event(database: Database, name: str, source: str | None = None) -> int:
    """Return an event's number, given that number or the provider's id. Up to two statements.

    Raises NotFound, and Conflict when the provider's id names several events.
    """
    with storage_errors():
        if name.isascii() and name.isdigit() and len(name) < 19 and _is_there(database, int(name), source):
            return int(name)
        rows = database.execute(_FIND_BY_EVENT_ID, (name,)).fetchall()
    found = [(seq, own) for seq, own in rows if source in {None, own}]
    if not found:
        raise NotFound(f"there is no event `{name}`" + (f" of source `{source}`" if source else ""))
    if len(found) > 1:
        listed = ", ".join(f"{seq} ({own})" for seq, own in sorted(found))
        raise Conflict(f"`{name}` names several events: {listed}; say which by the number")
    return int(found[0][0])


def find_request(database: Database, source: str, request_id: str) -> int:
    """Return the number of the event that a request brought. One statement. Raises NotFound."""
    with storage_errors():
        row = database.execute(_FIND_BY_REQUEST, (request_id,)).fetchone()
    if row is None or row[1] != source:
        raise NotFound(f"request `{request_id}` brought no new event of source `{source}`")
    return int(row[0])


def _is_there(database: Database, seq: int, source: str | None) -> bool:
    row = database.execute("SELECT source FROM gateway_events WHERE seq = ?", (seq,)).fetchone()
    return row is not None and source in {None, row[0]}


def retry_event(
    database: Database, name: str, *, actor: str, now: int, source: str | None = None, done: bool = False
) -> int:
    """Make an event ready to run again, from the top and under today's rules; return its number. One transaction.

    Its attempts go on counting, and who asked is recorded. Raises NotFound, and Conflict for an event that is ready
    already, or done unless `done` says to run it all the same, or of a type that only the gateway's own events have.
    """
    with storage_errors(), database.transaction():
        seq = find_event(database, name, source)
        status, error, foreign = database.execute(_STANDING, (seq,)).fetchone()
        if foreign:
            raise Conflict(f"event {seq} never runs: a sender has given it a type that is the gateway's own")
        if status not in RETRIABLE and not (status == "done" and (done or not _has_applied(database, seq))):
            raise Conflict(_REFUSALS[status].format(seq=seq))
        _make_ready(database, [(seq, status, error)], actor, now)
        return seq


_REFUSALS = {
    "ready": "event {seq} is ready: it is about to run",
    "done": "event {seq} is done: to run it again would apply it twice",
}


def _has_applied(database: Database, seq: int) -> bool:
    """Say whether an event's last attempt has changed rows, called or scheduled anything: then it must not run twice.

    An event that found nothing to do (a payment that nobody knows yet) may run again when there is something.
    """
    row = database.execute(_LAST_TRACE, (seq,)).fetchone()
    steps = [] if row is None else orjson.loads(row[0]).get("steps", [])
    return row is None or any(action in _APPLYING and _applies(detail) for _, action, detail in steps)


_LAST_TRACE = "SELECT trace FROM gateway_traces WHERE event = ? ORDER BY attempt DESC LIMIT 1"

_APPLYING = frozenset(("insert", "upsert", "update", "delete", "stripe", "send", "publish", "schedule", "cancel"))


def _applies(detail: object) -> bool:
    """Say whether what a step has noted is a change: docs/traces.md."""
    if not isinstance(detail, dict):
        return True
    return not ({"exists", "kept"} & detail.keys() or detail.get("deleted") == [] or detail.get("dropped", 0) is None)


def retry_events(
    database: Database, wanted: EventFilter, *, actor: str, now: int, limit: int, after: int = 0
) -> Retried:
    """Make up to `limit` events that fit ready to run again, in the order received. One transaction.

    Only events with numbers beyond `after` are touched: hand back `last` until it is None, and each is taken once.
    """
    assert wanted.status in RETRIABLE
    clauses = [*wanted.clauses(database.dialect), ("e.seq > ?", (after,)), (f"NOT {_FOREIGN}", ())]
    if wanted.q is not None:
        clauses.append(wanted.search(database.dialect))
    tail, bodies = f"ORDER BY e.seq LIMIT {limit}", wanted.q is not None
    with storage_errors(), database.transaction():
        rows = _query(database, "e.seq, e.status, e.error", clauses, tail, bodies=bodies)
        _make_ready(database, rows, actor, now)
    return Retried(len(rows), rows[-1][0] if len(rows) == limit else None)


def _make_ready(database: Database, rows: list[tuple[Any, ...]], actor: str, now: int) -> None:
    after = dump_json({"status": "ready"})
    hold_stripes_of(database, [seq for seq, _, _ in rows])
    records = [
        (now, actor, str(seq), dump_json({"status": status, "error": error}), after) for seq, status, error in rows
    ]
    database.execute_many(_RECORD, records)
    for seq, _, _ in rows:
        reopen_calls(database.execute, seq, now)
    database.execute_many(_MAKE_READY, [(seq,) for seq, _, _ in rows])
