"""JSON Schemas of what the admin API answers, shared by its routes and its OpenAPI document."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gateway.admin.refusals import STATUSES as REFUSALS
from gateway.expressions import VALUE_TYPES
from gateway.store.event_filter import STATUSES
from gateway.store.outbox_pages import ACTIONS
from gateway.store.outbox_pages import STATUSES as OUTBOX_STATUSES

Schema = dict[str, Any]

EVENT, DETAILS, OUTBOX, ROW, TABLE = "Event", "EventDetails", "OutboxItem", "Row", "Table"
SOURCE, ERROR = "Source", "Error"


def ref(name: str) -> Schema:
    """Return the reference to a shared schema."""
    return {"$ref": f"#/components/schemas/{name}"}


def record(properties: Mapping[str, Schema], *, optional: tuple[str, ...] = ()) -> Schema:
    """Return the schema of an object that has all of the properties, but for the optional ones, and no others."""
    required = [name for name in properties if name not in optional]
    return {"type": "object", "properties": dict(properties), "required": required, "additionalProperties": False}


def list_of(items: Schema) -> Schema:
    """Return the schema of a list."""
    return {"type": "array", "items": items}


def page_of(name: str, schema: str) -> Schema:
    """Return the schema of a page of entries and the cursor to the next."""
    return record({name: list_of(ref(schema)), "next": or_null(TEXT)})


def or_null(schema: Schema) -> Schema:
    """Return the schema of a value that may be null."""
    return {**schema, "type": [schema["type"], "null"]}


TEXT: Schema = {"type": "string"}
_COUNT: Schema = {"type": "integer", "minimum": 0}
_FLAG: Schema = {"type": "boolean"}
_TIME: Schema = {"type": "string", "format": "date-time", "description": "ISO 8601 in UTC, with `Z`."}
_STATUS: Schema = {"type": "string", "enum": list(STATUSES)}

_EVENT: dict[str, Schema] = {
    "id": {"type": "string", "description": "The gateway's own number."},
    "source": TEXT,
    "event_id": {"type": "string", "description": "The provider's id."},
    "type": TEXT,
    "key": or_null({"type": "string", "description": "Events with the same one run in order."}),
    "status": _STATUS,
    "result": or_null(TEXT),
    "rule": or_null(TEXT),
    "attempts": _COUNT,
    "occurred_at": or_null(_TIME),
    "received_at": _TIME,
    "finished_at": or_null(_TIME),
    "next_attempt_at": or_null(_TIME),
    "error": or_null(TEXT),
}

_TRACE: Schema = {
    "type": "object",
    "description": "One attempt; beside these keys it has those of a trace (docs/traces.md).",
    "properties": {"attempt": _COUNT, "started_at": _TIME, "microseconds": _COUNT, "status": _STATUS},
    "required": ["attempt", "started_at", "microseconds", "status"],
}

_OUTBOX: dict[str, Schema] = {
    "id": {"type": "string", "description": "The gateway's own number."},
    "event_id": or_null({"type": "string", "description": "The gateway's number of its event; null for an alert."}),
    "kind": {"type": "string", "enum": ["message", "call"], "description": "A `call` is one that its event waits for."},
    "action": {"type": "string", "enum": list(ACTIONS)},
    "target": {"type": "string", "description": "The destination or channel; `stripe`; `redis`."},
    "position": {"type": "string", "description": "Which of its event's messages and calls it is."},
    "message_id": {"type": "string", "description": "The same at every try: the receiver's idempotency key."},
    "status": {"type": "string", "enum": list(OUTBOX_STATUSES)},
    "attempts": _COUNT,
    "created_at": _TIME,
    "next_attempt_at": or_null(_TIME),
    "finished_at": or_null(_TIME),
    "error": or_null(TEXT),
    "code": or_null({"type": "string", "description": "Why it is dead: `not_found`, `refused` or `gave_up`."}),
    "request": {"description": "What is sent; secrets are left out."},
    "answer": {"description": "What came back; null where there is nothing. Secrets are left out."},
}

_COLUMN = record(
    {
        "name": TEXT,
        "type": {"type": "string", "enum": list(VALUE_TYPES)},
        "primary_key": _FLAG,
        "unique": _FLAG,
        "required": _FLAG,
        "values": {"type": "array", "description": "The only values it may hold; empty when any will do."},
        "default": {"description": "What a new row has; left out when it has nothing."},
    },
    optional=("default",),
)

_RULE = record(
    {
        "name": TEXT,
        "on": list_of(TEXT),
        "when": or_null(TEXT),
        "pointer": {"type": "string", "description": "Where it stands in its file, as in traces: `rules[0]`."},
        "line": {"type": "integer", "minimum": 1},
    }
)

_FILE = record(
    {
        "path": TEXT,
        "version": {"type": "string", "description": "Names this state of the file, as in traces."},
        "rules": list_of(_RULE),
    }
)

SCHEMAS: Mapping[str, Schema] = {
    EVENT: record(_EVENT),
    DETAILS: record(
        {
            **_EVENT,
            "payload": {"description": "The payload's JSON; text when it is not JSON."},
            "headers": {"type": "object", "additionalProperties": True, "description": "Secrets are left out."},
            "traces": list_of(_TRACE),
            "outbox": {
                **list_of(ref(OUTBOX)),
                "description": "Its messages and calls, in the order they were written.",
            },
            "duplicates": {"type": "integer", "minimum": 0, "description": "Later deliveries of the same event."},
            "verified_by": or_null({"type": "string", "description": "Scheme and number of the secret that fitted."}),
            "request_id": or_null(TEXT),
        }
    ),
    OUTBOX: record(_OUTBOX),
    ROW: {
        "type": "object",
        "description": "A column each; decimals, times and dates are text.",
        "additionalProperties": True,
    },
    TABLE: record({"name": TEXT, "existing": _FLAG, "key": or_null(TEXT), "columns": list_of(_COLUMN)}),
    SOURCE: record(
        {
            "name": TEXT,
            "provider": or_null(TEXT),
            "path": TEXT,
            "verified": _FLAG,
            "respond": {"type": "string", "enum": ["accepted", "result"]},
            "unmatched": {"type": "string", "enum": ["ignore", "reject", "keep"]},
            "files": list_of(_FILE),
        }
    ),
    ERROR: record(
        {"error": record({"code": {"type": "string", "examples": list(REFUSALS)}, "message": TEXT, "request_id": TEXT})}
    ),
}
"""All shared schemas by name."""
