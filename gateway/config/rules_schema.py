"""The JSON Schema (draft 2020-12) of rules files, made from the specs of the actions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gateway.config.conditions import OPERATOR_SCHEMA
from gateway.config.consistency import CHECKS_SCHEMA
from gateway.config.extraction import EXTRACTION_SCHEMA
from gateway.config.remembering import once_for_each
from gateway.config.steps import ActionSpec
from gateway.expressions import VALUE_TYPES

DRAFT = "https://json-schema.org/draft/2020-12/schema"

COLUMN_SCHEMA: dict[str, Any] = {
    "type": "object",
    "additionalProperties": False,
    "required": ["type"],
    "properties": {
        "type": {
            "enum": list(VALUE_TYPES),
            "description": "What the column holds; a value that does not fit ends the event.",
        },
        "primary_key": {"type": "boolean", "description": "Whether the column names the row. Exactly one column does."},
        "unique": {"type": "boolean", "description": "Whether no two rows may have the same value."},
        "required": {"type": "boolean", "description": "Whether the column must never be null."},
        "index": {"type": "boolean", "description": "Whether looking rows up by this column should be fast."},
        "values": {
            "type": "array",
            "minItems": 1,
            "description": "The only values the column may hold.",
            "examples": [["trial", "active", "overdue"]],
        },
        "default": {"description": "What a new row has when nothing is set.", "examples": ["trial"]},
        "description": {"type": "string", "description": "For people.", "examples": ["How far the payment came."]},
    },
}

TABLE_SCHEMA: dict[str, Any] = {
    "type": "object",
    "additionalProperties": False,
    "properties": {
        "columns": {
            "type": "object",
            "minProperties": 1,
            "additionalProperties": COLUMN_SCHEMA,
            "description": "The columns, each with its type; one of them names the row.",
            "examples": [{"id": {"type": "text", "primary_key": True}, "status": {"type": "text"}}],
        },
        "existing": {
            "type": "boolean",
            "description": "Use the table as it stands in the database; the gateway never changes it.",
        },
        "description": {"type": "string", "description": "For people.", "examples": ["Who pays, and for what."]},
    },
    "anyOf": [{"required": ["columns"]}, {"required": ["existing"]}],
}

COMMON_STEP_SCHEMA: dict[str, Any] = {
    "when": {
        "type": "string",
        "description": "A JMESPath condition over the scope; the step is skipped when it does not hold.",
        "examples": ["amount > `0`"],
    },
    "as": {
        "type": "string",
        "title": "a name of letters, digits and `_`",
        "pattern": "^[A-Za-z_][A-Za-z0-9_]*$",
        "examples": ["tenant"],
        "description": "The name that the step's value is bound to.",
    },
    "name": {
        "type": "string",
        "description": "What the step is called in traces and coverage.",
        "examples": ["activate the tenant"],
    },
}

EVENT_TYPES_SCHEMA: dict[str, Any] = {
    "description": "Event types, exactly or with `*` (`invoice.*`).",
    "examples": ["invoice.paid", ["PAYMENT_CONFIRMED", "PAYMENT_RECEIVED"]],
    "oneOf": [
        {"type": "string", "minLength": 1},
        {"type": "array", "minItems": 1, "uniqueItems": True, "items": {"type": "string", "minLength": 1}},
    ],
}


@once_for_each
def step_schema(action: ActionSpec) -> dict[str, Any]:
    """Return the schema of a step with the given action."""
    common = {key: spec for key, spec in COMMON_STEP_SCHEMA.items() if key != "as" or action.binds}
    return {
        "type": "object",
        "description": action.title,
        "additionalProperties": False,
        "required": [action.name, *action.required],
        "properties": {**action.schema, **common},
    }


def rules_schema(actions: Mapping[str, ActionSpec], *, editor: bool = False) -> dict[str, Any]:
    """Return the schema of a rules file.

    With `editor` the steps are spelt out, for editors; without, a step is any mapping, because each is checked
    against the schema of the one action it names.
    """
    step: dict[str, Any] = {"$ref": "#/$defs/step"} if editor else {"type": "object"}
    steps = {"type": "array", "items": step}
    schema: dict[str, Any] = {
        "$schema": DRAFT,
        "title": "Rules of the webhook gateway",
        "type": "object",
        "additionalProperties": False,
        "required": ["version", "rules"],
        "properties": {
            "version": {"const": 1, "description": "The version of the language.", "examples": [1]},
            "description": {
                "type": "string",
                "description": "What the file is for.",
                "examples": ["What the events of the bank mean for our tenants."],
            },
            "settings": {
                "type": "object",
                "description": "Knobs of this file, `$settings.name` in rules; a source may override them.",
                "examples": [{"days_until_overdue": 1}],
            },
            "tables": {
                "type": "object",
                "additionalProperties": TABLE_SCHEMA,
                "description": "The rows that the rules keep.",
                "examples": [{"tenants": {"columns": {"id": {"type": "text", "primary_key": True}}}}],
            },
            "extract": {
                "type": "object",
                "additionalProperties": EXTRACTION_SCHEMA,
                "description": "Names for values of the payload.",
                "examples": [{"customer_id": "payment.customer"}],
            },
            "procedures": {
                "type": "object",
                "additionalProperties": steps,
                "description": "Named steps, shared by rules.",
                "examples": [{"note": [{"log": "event ${event.id}"}]}],
            },
            "checks": CHECKS_SCHEMA,
            "rules": {
                "type": "array",
                "minItems": 1,
                "items": _rule_schema(steps),
                "description": "What events mean; the first rule that fits handles the event.",
                "examples": [[{"name": "paid", "on": "invoice.paid", "do": [{"log": "invoice ${invoice} is paid"}]}]],
            },
        },
    }
    if editor:
        schema["$defs"] = {"step": _any_step(actions), "compared": _COMPARED}
        checks = schema["properties"]["checks"]
        schema["properties"]["checks"] = {
            **checks,
            "additionalProperties": _with_comparisons(checks["additionalProperties"]),
        }
    return schema


def _rule_schema(steps: dict[str, Any]) -> dict[str, Any]:
    return {
        "type": "object",
        "additionalProperties": False,
        "required": ["name", "on", "do"],
        "properties": {
            "name": {
                "type": "string",
                "minLength": 1,
                "description": "What people call the rule.",
                "examples": ["payment confirmed"],
            },
            "description": {
                "type": "string",
                "description": "For people.",
                "examples": ["Sent again when a refund is undone."],
            },
            "on": EVENT_TYPES_SCHEMA,
            "when": {
                "type": "string",
                "description": "A JMESPath condition over the scope; the first rule that fits handles the event.",
                "examples": ["days_between(due_date, now) >= settings.days_until_overdue"],
            },
            "extract": {
                "type": "object",
                "additionalProperties": EXTRACTION_SCHEMA,
                "description": "More names, for this rule alone.",
                "examples": [{"reason": "payment.refusalReason"}],
            },
            "do": {
                **steps,
                "description": "The steps, in order.",
                "examples": [[{"run": "find_tenant"}, {"log": "seen ${payment_id}"}]],
            },
            "result": {
                "type": "string",
                "description": "What the event ends with when all steps were run; the rule's name when left out.",
                "examples": ["tenant_activated"],
            },
        },
    }


def _any_step(actions: Mapping[str, ActionSpec]) -> dict[str, Any]:
    return {
        "type": "object",
        "minProperties": 1,
        "anyOf": [_with_comparisons(step_schema(action)) for action in actions.values()],
    }


def _with_comparisons(schema: dict[str, Any]) -> dict[str, Any]:
    """Return the schema of what has a `where`, with what may stand beside a column in it."""
    where = schema["properties"].get("where")
    if where is None:
        return schema
    return {**schema, "properties": {**schema["properties"], "where": _columns_compared(where)}}


def _columns_compared(where: Mapping[str, Any]) -> dict[str, Any]:
    found = dict(where)
    if where.get("type") == "object":
        found["additionalProperties"] = {"$ref": "#/$defs/compared"}
    if "oneOf" in where:
        found["oneOf"] = [_columns_compared(one) for one in where["oneOf"]]
    if "items" in where:
        found["items"] = _columns_compared(where["items"])
    return found


_COMPARED: dict[str, Any] = {
    "description": "The value that the column must have, or how it is compared.",
    "examples": ["$tenant.id", {"in": ["trial", "active"]}],
    "anyOf": [OPERATOR_SCHEMA, {"type": ["string", "number", "boolean", "array", "null"]}],
}
"""What stands beside a column in `where`."""
