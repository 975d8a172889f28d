"""Events as JSON, the same from the API and from the commands. Source of the shape: docs/http.md."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import orjson

from gateway.admin.concealing import without_secrets
from gateway.engine.payload import PayloadRefused, read_payload
from gateway.expressions import to_text
from gateway.store.claiming import TraceRow
from gateway.store.events import Event, EventDetails, EventPage
from gateway.store.outbox import decode
from gateway.store.outbox_pages import OutboxItem, OutboxPage

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def moment(microseconds: int) -> datetime:
    """Return microseconds since the epoch as a time."""
    return _EPOCH + timedelta(microseconds=microseconds)


def iso_time(microseconds: int | None) -> str | None:
    """Return microseconds since the epoch as ISO 8601 in UTC with `Z`; null stays null."""
    return None if microseconds is None else to_text(moment(microseconds))


def event_json(event: Event) -> dict[str, Any]:
    """Return an event as JSON values."""
    return {
        "id": str(event.seq),
        "source": event.source,
        "event_id": event.event_id,
        "type": event.type,
        "key": event.key,
        "status": event.status,
        "result": event.result,
        "rule": event.rule,
        "attempts": event.attempts,
        "occurred_at": iso_time(event.occurred_at),
        "received_at": iso_time(event.received_at),
        "finished_at": iso_time(event.finished_at),
        "next_attempt_at": iso_time(event.next_attempt_at),
        "error": event.error,
    }


def page_json(page: EventPage) -> dict[str, Any]:
    """Return a page of events as JSON values."""
    return {
        "events": [event_json(event) for event in page.events],
        "next": None if page.next is None else str(page.next),
    }


def details_json(details: EventDetails) -> dict[str, Any]:
    """Return an event with its payload, headers and traces, for `dump_json`."""
    return {
        **event_json(details.event),
        "payload": _payload(details.body),
        "headers": orjson.loads(details.headers),
        "traces": [trace_json(trace) for trace in details.traces],
        "duplicates": details.duplicates,
        "verified_by": details.verified_by,
        "request_id": details.request_id,
        "outbox": [outbox_json(item) for item in details.outbox],
    }


def outbox_json(item: OutboxItem) -> dict[str, Any]:
    """Return a message or call as JSON values, for `dump_json`."""
    return {
        "id": str(item.seq),
        "event_id": None if item.event is None else str(item.event),
        "kind": item.kind,
        "action": item.action,
        "target": item.target,
        "position": item.position,
        "message_id": item.message_id,
        "status": item.status,
        "attempts": item.attempts,
        "created_at": iso_time(item.created_at),
        "next_attempt_at": iso_time(item.next_attempt_at),
        "finished_at": iso_time(item.finished_at),
        "error": item.error,
        "code": item.code,
        "request": without_secrets(decode(item.request)),
        "answer": None if item.answer is None else without_secrets(decode(item.answer)),
    }


def outbox_page_json(page: OutboxPage) -> dict[str, Any]:
    """Return a page of the outbox as JSON values."""
    return {
        "outbox": [outbox_json(item) for item in page.items],
        "next": None if page.next is None else str(page.next),
    }


def trace_json(row: TraceRow) -> dict[str, Any]:
    """Return one attempt as JSON values: when, how long, how it ended, and what the trace holds."""
    return {
        "attempt": row.attempt,
        "started_at": iso_time(row.started_at),
        "microseconds": row.microseconds,
        "status": row.status,
        **json.loads(row.trace, parse_float=Decimal),
    }


def _payload(body: bytes) -> object:
    """Return the bytes as they came where they are JSON, so that no number changes; else what of them is text."""
    try:
        read_payload(body)
    except PayloadRefused:
        return body.decode("utf-8", "backslashreplace")
    return orjson.Fragment(body)
