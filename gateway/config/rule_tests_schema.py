"""The JSON Schema (draft 2020-12) of tests files."""

from __future__ import annotations

from typing import Any

from gateway.config.rule_tests_effects_schema import CANNED, EFFECTS, LENIENT, STRICT
from gateway.config.schema_parts import TEXT, WAIT, Schema, described, section

DELIVERY_MARKS = ("payload", "file", "again", "wait", "run", "check")
"""A mapping with one of these keys is a delivery spelt out; any other mapping is a payload itself."""

STATUSES = ("ready", "waiting", "parked", "done", "ignored", "dead", "refused")
"""How an event can stand; `refused`: there is none, because the delivery was not taken."""

_ROW: Schema = {"type": "object", "minProperties": 1, "title": "a row: columns and their values"}
_ROWS: Schema = {"type": "array", "items": _ROW}

_TABLE: Schema = {
    "description": (
        "Rows that must be there; `[]`: the table is empty; or `{rows: […], count: N}`. A value may be "
        "`{is: present}`, `{contains: …}` or `{matches: …}`."
    ),
    "title": "a list of rows, or `{count: N}`",
    "oneOf": [
        {**_ROWS, "title": "a list of rows"},
        section(
            "Rows that must be there, and how many the table has in all.",
            {
                "rows": {
                    **_ROWS,
                    "minItems": 1,
                    "description": "Rows that must be there.",
                    "examples": [[{"id": "tenant-123", "status": "active"}]],
                },
                "count": {
                    "type": "integer",
                    "minimum": 0,
                    "description": "How many rows the table has.",
                    "examples": [1],
                },
            },
            minProperties=1,
            title="a mapping `{count: N}`",
        ),
    ],
}

_LOG_LINE: Schema = {
    "title": "a line, or `{text: …, level: …}`",
    "oneOf": [
        {"type": "string"},
        section(
            "A line of the log.",
            {
                "text": {
                    "type": ["string", "object"],
                    "description": "The whole line, or a test of it.",
                    "examples": ["payment pay_123 is overdue", {"contains": "overdue"}],
                },
                "level": {"enum": ["debug", "info", "warning", "error"], "description": "How much it matters."},
                "fields": {
                    "type": "object",
                    "description": "Fields of the line; others may stand beside them.",
                    "examples": [{"payment": "pay_123"}],
                },
            },
            required=["text"],
        ),
    ],
}

EXPECT_SCHEMA: Schema = section(
    "What must have come of it; at least one thing.",
    {
        "status": {"enum": list(STATUSES), "description": "How the event stands."},
        "result": {
            "type": ["string", "null"],
            "description": "What the event ended with.",
            "examples": ["tenant_activated"],
        },
        "rule": {
            "type": ["string", "null"],
            "description": "The rule that handled the event; null: none did.",
            "examples": ["payment confirmed"],
        },
        "error": {
            "type": ["string", "null"],
            "description": "A part of the event's error; null: it has none.",
            "examples": ["no days are sold for"],
        },
        "duplicate": {"type": "boolean", "description": "Whether the delivery was of an event that was there before."},
        "response": {
            "type": "object",
            "description": "The whole answer of a source with `respond: result`; a value may be a test.",
            "examples": [{"success": True, "message": {"contains": "activated"}}],
        },
        "tables": {
            "type": "object",
            "minProperties": 1,
            "additionalProperties": _TABLE,
            "description": "Tables, and what they hold afterwards: the columns named, of the rows named.",
            "examples": [{"tenants": [{"id": "tenant-123", "status": "active"}]}],
        },
        "logs": {
            "type": "array",
            "items": _LOG_LINE,
            "description": "Lines that were logged; `[]`: none was.",
            "examples": [["payment pay_123 is overdue"]],
        },
        "findings": {
            "type": "array",
            "items": {"type": ["string", "number"]},
            "description": "The keys of the rows that the check finds, in any order; `[]`: none.",
            "examples": [["pay_123"]],
        },
        **EFFECTS,
    },
    minProperties=1,
)

_DELIVERY: Schema = section(
    "One delivery, spelt out.",
    {
        "payload": {
            "type": "object",
            "description": "The payload.",
            "examples": [{"event": "PAYMENT_CONFIRMED", "payment": {"id": "pay_123"}}],
        },
        "file": described(
            TEXT,
            "A JSON file with the payload; the path is relative to this file's folder.",
            examples=["payloads/payment-confirmed.json"],
        ),
        "again": {
            "type": "integer",
            "minimum": 1,
            "description": "Deliver the n-th entry of `events` once more, byte for byte.",
            "examples": [1],
        },
        "wait": described(WAIT, "Deliver nothing: so much time passes."),
        "run": described(TEXT, "Deliver nothing: somebody runs this procedure by hand.", examples=["grant_days"]),
        "with": {
            "type": "object",
            "description": "The names that the procedure needs, and their values.",
            "examples": [{"user_id": "user-1", "days": 30}],
        },
        "check": described(
            TEXT, "Deliver nothing: somebody has this check of the rules look.", examples=["paid_without_days"]
        ),
        "repair": {"type": "boolean", "description": "Whether what the check finds is repaired."},
        "set": {
            "type": "object",
            "minProperties": 1,
            "description": "Changes to the payload: paths such as `data.object.items[0].id`, and their values.",
            "examples": [{"payment.status": "OVERDUE"}],
        },
        "headers": {
            "type": "object",
            "additionalProperties": {"type": "string"},
            "description": "Headers of the request.",
            "examples": [{"X-Tenant": "tenant-123"}],
        },
        "id": described(TEXT, "The event's id, in place of the payload's own.", examples=["evt_1"]),
        "type": described(TEXT, "The event's type, in place of the payload's own.", examples=["invoice.paid"]),
        "occurred_at": described(
            TEXT, "The event's own time, in place of the payload's.", examples=["2024-01-15T12:00:00Z"]
        ),
        "expect": {"$ref": "#/$defs/expect"},
    },
)

DELIVERY_KEYS = tuple(_DELIVERY["properties"])
"""The keys of a delivery spelt out."""

_EVENT: Schema = {
    "title": "a payload, or the path of a JSON file",
    "description": (
        "A payload as it stands, the path of a JSON file, or a delivery spelt out: "
        "`{payload: …}` or `{file: …}`, with `set`, `headers`, `id`, `type`, `occurred_at`, `expect`."
    ),
    "examples": [
        {"event": "PAYMENT_CONFIRMED", "payment": {"id": "pay_123"}},
        "payloads/payment-confirmed.json",
        {"file": "payloads/payment-confirmed.json", "set": {"payment.status": "OVERDUE"}},
    ],
    "type": ["object", "string"],
    "if": {"type": "object", "anyOf": [{"required": [mark]} for mark in DELIVERY_MARKS]},
    "then": {"$ref": "#/$defs/delivery"},
}

_CASE: Schema = section(
    "One case, on a database of its own.",
    {
        "name": described(TEXT, "What it shows, in few words.", examples=["a confirmed payment activates the tenant"]),
        "description": {
            "type": "string",
            "description": "For people.",
            "examples": ["The customer is known, the subscription is not."],
        },
        "given": section(
            "What there is before.",
            {
                "tables": {
                    "type": "object",
                    "additionalProperties": _ROWS,
                    "description": "Tables and their rows; columns left out have their default.",
                    "examples": [{"tenants": [{"id": "tenant-123", "status": "trial"}]}],
                },
                "now": described(TEXT, "The instant at which everything happens.", examples=["2024-01-15T12:00:00Z"]),
                "settings": {
                    "type": "object",
                    "description": "Settings of the rules that differ in this case.",
                    "examples": [{"days_until_overdue": 3}],
                },
                "calls": CANNED,
            },
        ),
        "event": _EVENT,
        "events": {
            "type": "array",
            "minItems": 1,
            "items": _EVENT,
            "description": "Several deliveries, one after the other; the case's `expect` is about the last one.",
            "examples": [[{"file": "payloads/payment-confirmed.json"}, {"wait": "3d"}, {"again": 1}]],
        },
        "any_order": {
            "type": "boolean",
            "description": "Whether `events` may come in any order, and twice: every way must end as `expect` says.",
        },
        "expect": {"$ref": "#/$defs/expect"},
    },
    required=["name"],
)

_DEFINITIONS: Schema = {"expect": EXPECT_SCHEMA, "delivery": _DELIVERY, **LENIENT}

CASE_SCHEMA: Schema = {**_CASE, "$defs": _DEFINITIONS}
"""The schema of one case by itself."""


def _tests(case: Schema, definitions: Schema) -> dict[str, Any]:
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Tests of rules of the webhook gateway",
        **section(
            "Cases that show what rules do.",
            {
                "source": described(TEXT, "The source of gateway.yaml whose rules are tested.", examples=["asaas"]),
                "description": {"type": "string", "description": "For people.", "examples": ["How tenants pay."]},
                "cases": {
                    "type": "array",
                    "minItems": 1,
                    "items": case,
                    "description": "The cases, each on a database of its own.",
                    "examples": [
                        [
                            {
                                "name": "a payment that is confirmed",
                                "event": {"file": "payloads/payment-confirmed.json"},
                                "expect": {"result": "tenant_activated"},
                            }
                        ]
                    ],
                },
            },
            required=["source", "cases"],
        ),
        "$defs": definitions,
    }


SHAPE = _tests(_CASE, _DEFINITIONS)
"""What a tests file is checked against; the reader itself looks at keys of which exactly one is needed, because it
can tell a missing one from a misspelt one."""

TESTS_SCHEMA = _tests(
    {**_CASE, "oneOf": [{"required": ["event"]}, {"required": ["events"]}]},
    {**_DEFINITIONS, **STRICT, "delivery": {**_DELIVERY, "oneOf": [{"required": [mark]} for mark in DELIVERY_MARKS]}},
)
"""The schema of a tests file, for editors."""
