"""The JSON Schema of a source's `verify` and `event`."""

from __future__ import annotations

from typing import Any

from gateway.providers.encodings import ENCODINGS
from gateway.providers.schemes import SCHEMES

HEADER_NAME: dict[str, Any] = {
    "title": "a name of a header such as `X-Signature`",
    "type": "string",
    "pattern": "^[A-Za-z0-9!#$%&'*+.^_`|~-]+$",
}
"""The shape of a header's name."""

_SECRET = {"type": "string", "writeOnly": True}
_PATH = {"type": "string", "minLength": 1}
_NAME = {"type": "string", "minLength": 1}

VERIFY_SCHEMA: dict[str, Any] = {
    "type": "object",
    "title": "how deliveries are verified",
    "additionalProperties": False,
    "properties": {
        "scheme": {
            "enum": ["token", "paypal", *SCHEMES],
            "description": "How the sender proves itself; the provider's own scheme when left out.",
        },
        "token": {
            **_SECRET,
            "description": "The token that the sender puts into a header.",
            "examples": ["${env:TOKEN}"],
        },
        "tokens": {
            "type": "array",
            "items": _SECRET,
            "minItems": 1,
            "description": "Several good tokens.",
            "examples": [["${env:TOKEN}", "${env:TOKEN_OLD:-}"]],
        },
        "secret": {**_SECRET, "description": "The secret that bodies are signed with.", "examples": ["${env:SECRET}"]},
        "secrets": {
            "type": "array",
            "items": _SECRET,
            "minItems": 1,
            "description": "Several good secrets, while one is being replaced by another; empty ones are passed over.",
            "examples": [["${env:SECRET}", "${env:SECRET_OLD:-}"]],
        },
        "header": {
            **HEADER_NAME,
            "description": "The header that holds the signature or token.",
            "examples": ["X-Signature"],
        },
        "prefix": {
            "type": "string",
            "description": "What stands before the signature or token.",
            "examples": ["sha256="],
        },
        "algorithm": {"enum": ["sha256", "sha512", "sha1"], "description": "The hash."},
        "encoding": {
            "enum": [*ENCODINGS],
            "description": "How the signature is written; of hex digits, upper case will do as well.",
        },
        "secret_encoding": {"enum": ["text", "hex", "base64", "whsec"], "description": "How the secret is written."},
        "separator": {
            "type": "string",
            "minLength": 1,
            "description": "What separates several signatures or pairs.",
            "examples": [","],
        },
        "pair": {
            "description": "The name of the pairs that hold signatures, `v1` in `t=…,v1=…`, or several names.",
            "anyOf": [_NAME, {"type": "array", "items": _NAME, "minItems": 1}],
            "examples": ["v1"],
        },
        "pair_separator": {
            "type": "string",
            "minLength": 1,
            "default": "=",
            "description": "What stands between the name of a pair and its value.",
        },
        "signed": {
            "type": "string",
            "description": "What is signed: `{body}`, with `{timestamp}` and `{id}` as the sender joins them.",
            "examples": ["{timestamp}.{body}"],
        },
        "timestamp": {
            "type": "object",
            "additionalProperties": False,
            "description": "Where the time of signing stands.",
            "properties": {
                "header": {**HEADER_NAME, "description": "A header of its own.", "examples": ["X-Timestamp"]},
                "pair": {"type": "string", "description": "A pair in the signature's header.", "examples": ["t"]},
                "unit": {"enum": ["s", "ms", "iso"], "description": "Seconds, milliseconds or ISO 8601."},
            },
        },
        "id_header": {
            **HEADER_NAME,
            "description": "The header that holds the message's id, where the id is signed.",
            "examples": ["webhook-id"],
        },
        "tolerance": {
            "title": "a duration such as `5m`",
            "type": "string",
            "pattern": "^([0-9]{1,9}(ms|[smhdw]))+$",
            "description": "By how much the time of signing may be off, either way.",
            "examples": ["5m"],
        },
        "webhook_id": {
            "type": "string",
            "description": "PayPal's id of this webhook: part of what it signs.",
            "examples": ["${env:PAYPAL_WEBHOOK_ID}"],
        },
        "mode": {
            "enum": ["offline", "api"],
            "default": "offline",
            "description": "PayPal: verify by its certificate, or by asking its API about each delivery.",
        },
        "certificates": {
            "type": "string",
            "description": "PayPal: a folder of certificates by the last part of their address, used instead of "
            "fetching them; nothing when empty.",
            "examples": ["${env:PAYPAL_CERT_DIR:-}"],
        },
        "trust": {
            "type": "string",
            "description": "PayPal: a PEM file of certificates that are trusted beside the pinned ones; nothing when "
            "empty.",
            "examples": ["${env:PAYPAL_TRUST_FILE:-}"],
        },
        "client_id": {
            "type": "string",
            "description": "PayPal, `mode: api` and `validate --connect`: the app's id.",
            "examples": ["${env:PAYPAL_CLIENT_ID:-}"],
        },
        "client_secret": {
            **_SECRET,
            "description": "PayPal, `mode: api` and `validate --connect`: the app's secret.",
            "examples": ["${env:PAYPAL_CLIENT_SECRET:-}"],
        },
        "api_base": {
            "type": "string",
            "description": "PayPal, `mode: api` and `validate --connect`: where the API is, if not PayPal's own.",
            "examples": ["https://api-m.sandbox.paypal.com"],
        },
        "conceal": {"type": "boolean", "description": "Tell a sender whose signature does not hold nothing of why."},
        "message": {
            "type": "string",
            "description": "What a concealing source says instead.",
            "examples": ["Invalid signature"],
        },
    },
}

_HEADER = {**HEADER_NAME, "description": "The header that holds it.", "examples": ["X-Event-Id"]}

_PART: dict[str, Any] = {
    "oneOf": [
        _PATH,
        {
            "type": "object",
            "additionalProperties": False,
            "required": ["header"],
            "properties": {"header": _HEADER},
        },
    ]
}

EVENT_SCHEMA: dict[str, Any] = {
    "type": "object",
    "title": "where an event's id, type, time and key are",
    "description": "Where an event's id, type, time and ordering key are: paths into the payload, or headers.",
    "additionalProperties": False,
    "properties": {
        "id": {
            **_PART,
            "description": "What names the event, the same in every delivery of it: a JMESPath or a header.",
        },
        "type": {**_PART, "description": "What kind of event it is."},
        "occurred_at": {
            "description": "When it happened, by the provider's clock.",
            "oneOf": [
                _PATH,
                {
                    "type": "object",
                    "additionalProperties": False,
                    "properties": {
                        "path": {**_PATH, "description": "A JMESPath into the payload.", "examples": ["sent_at"]},
                        "header": _HEADER,
                        "zone": {
                            "type": "string",
                            "description": "The IANA zone of times that name none.",
                            "examples": ["America/Sao_Paulo"],
                        },
                    },
                },
            ],
        },
        "key": {**_PART, "description": "The ordering key: events with the same one run one at a time, in order."},
    },
}
