"""The JSON Schema of a source in gateway.yaml."""

from __future__ import annotations

from gateway.config.schema_parts import ABOVE_ZERO, NETWORKS, PATH, SECRET, TEXT, WAIT, Schema, described, section
from gateway.config.units import RATE
from gateway.providers import EVENT_SCHEMA, PRESETS, VERIFY_SCHEMA


def source_schema() -> Schema:
    """Return the schema of one entry of `sources`."""
    return section(
        "One sender and the address it posts to.",
        {
            "provider": described(
                TEXT,
                "A preset: how to verify, where id, type and time are, which event types there are.",
                examples=sorted(PRESETS),
            ),
            "path": described(PATH, "The path it posts to.", examples=["/webhook/partner"]),
            "verify": {
                "description": "How a delivery proves who sent it. `none` takes anything from anyone.",
                "anyOf": [{"const": "none"}, VERIFY_SCHEMA],
            },
            "event": EVENT_SCHEMA,
            "account": section(
                "The account at ASAAS or WorkOS, which `gateway validate --connect` asks for its webhooks.",
                {
                    "api_key": described(SECRET, "The key of its API.", examples=["${env:ASAAS_API_KEY:-}"]),
                    "api_base": described(
                        {"type": "string"},
                        "Another address than the provider's own, such as that of its sandbox.",
                        title="an address such as `https://api-sandbox.asaas.com`",
                        pattern="^(https?://[^\\s]+)?$",
                        examples=["https://api-sandbox.asaas.com"],
                    ),
                },
                default={},
            ),
            "rules": {
                "type": "array",
                "items": described(TEXT, "A path, from the directory of gateway.yaml."),
                "uniqueItems": True,
                "default": [],
                "description": "Rules files, tried in order: the first rule that fits handles the event.",
                "examples": [["rules/partner.yaml"]],
            },
            "settings": {
                "type": "object",
                "default": {},
                "description": "Overrides for the `settings` of its rules files.",
            },
            "respond": {
                "enum": ["accepted", "result"],
                "default": "accepted",
                "description": "Answer once the event is stored, or wait for the outcome (4 s at most).",
            },
            "response": section(
                "The shape of this source's answers.",
                {
                    "body": {
                        "type": "object",
                        "description": "The answer of `respond: result`; values may hold `$name`, `${ … }`.",
                        "examples": [{"success": True, "message": "$result"}],
                    },
                    "errors": {
                        "type": "object",
                        "description": "Constant keys that error answers carry beside `error`.",
                        "examples": [{"success": False}],
                    },
                },
            ),
            "unmatched": {
                "enum": ["ignore", "reject", "keep"],
                "default": "ignore",
                "description": (
                    "What becomes of an event type that no rule names: "
                    "`ignore` keeps a record, `reject` answers 422, `keep` makes a dead letter."
                ),
            },
            "schema": {
                "enum": ["warn", "reject"],
                "description": (
                    "What becomes of a payload that breaks the JSON Schema of its event type: `warn` stores it and "
                    "says so, `reject` answers 422. Without it payloads are not looked at."
                ),
            },
            "ordering": {
                "enum": ["key", "strict"],
                "default": "key",
                "description": "Events of a key run in turn; `strict`: even behind one that awaits a retry.",
            },
            "allow_ips": described(
                NETWORKS, "The only addresses that may send.", default=[], examples=[["127.0.0.0/8"]]
            ),
            "rate_limit": described(RATE, "How many deliveries one address may send."),
            "max_body": described(ABOVE_ZERO, "The longest body of this source, where it is not the server's."),
            "dedupe": section(
                "Events that name no id of their own.",
                {"window": described(WAIT, "The time in which two equal bodies are one event.", default="1d")},
                default={},
            ),
            "health": section(
                "The source's own health address.",
                {
                    "service": described(
                        TEXT, "The name it reports; `NAME-webhook` when it is left out.", examples=["billing"]
                    ),
                    "stale_after": described(WAIT, "Report `stale` when nothing came for so long."),
                },
                default={},
            ),
        },
        required=["path"],
    )
