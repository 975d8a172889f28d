"""What became of one event, as the database holds it: for tests of rules."""

from __future__ import annotations

from typing import NamedTuple

from gateway.store.database import Database

_RECORD = "SELECT event_id, type, status, result, rule, error, response FROM gateway_events WHERE seq = ?"

_TRACES = "SELECT attempt, status, trace FROM gateway_traces WHERE event = ? ORDER BY attempt"


class Record(NamedTuple):
    """How an event stands."""

    event_id: str
    type: str
    status: str
    result: str | None
    rule: str | None
    error: str | None
    response: str | None


class Attempt(NamedTuple):
    """One pass of an event, as it was noted down."""

    number: int
    status: str
    trace: str
    """JSON: docs/traces.md."""


def record_of(database: Database, event: int) -> Record:
    """Return how a stored event stands. One statement."""
    return Record._make(database.execute(_RECORD, (event,)).fetchone())


def attempts_of(database: Database, event: int) -> list[Attempt]:
    """Return the passes of an event, the first one first. One statement."""
    return list(map(Attempt._make, database.execute(_TRACES, (event,)).fetchall()))
