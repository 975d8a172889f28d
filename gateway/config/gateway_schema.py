"""The JSON Schema (draft 2020-12) of gateway.yaml: keys, kinds, defaults, and what each is for."""

from __future__ import annotations

from functools import cache

from gateway.config.schema_parts import (
    ABOVE_ZERO,
    NETWORKS,
    SECRET,
    TEXT,
    WAIT,
    Schema,
    described,
    named,
    section,
)
from gateway.config.source_schema import source_schema
from gateway.config.units import PERCENT, SIZE
from gateway.providers.schema import HEADER_NAME


@cache
def gateway_schema() -> Schema:
    """Return the schema of gateway.yaml once `${env:…}` and `${file:…}` have been replaced."""
    return {
        **section(
            "Where events come from, where state lives and where messages may go.",
            {
                "version": {"const": 1, "description": "The version of this format.", "examples": [1]},
                "server": _server(),
                "database": described(
                    TEXT,
                    "Where state lives: `sqlite:///file.db` or `postgresql://user@host/name`.",
                    title="a database address such as `sqlite:///gateway.db`",
                    default="sqlite:///gateway.db",
                    examples=["sqlite:///gateway.db", "postgresql://gateway@db.internal/gateway"],
                ),
                "admin": section(
                    "The admin API (`/api`) and the console.",
                    {
                        "token": described(
                            SECRET,
                            "The bearer token. Without one the API and the console answer on loopback only.",
                            examples=["${env:GATEWAY_ADMIN_TOKEN:-}"],
                        )
                    },
                    default={},
                ),
                "sources": named(
                    source_schema(),
                    "Where events come from: one entry for each sender and address.",
                    examples=[{"shop": {"provider": "stripe", "path": "/webhooks/stripe"}}],
                ),
                "destinations": named(_destination(), "The only places rules can send to.", default={}),
                "channels": named(
                    {
                        "type": "array",
                        "minItems": 1,
                        "items": described(TEXT, "An Apprise address.", writeOnly=True),
                        "description": "Apprise addresses; each gets every message.",
                        "examples": [["${env:ADMIN_CHANNEL:-log://}"]],
                    },
                    "The people rules and alerts can tell something.",
                    default={},
                ),
                "stripe": _stripe(),
                "redis": section(
                    "The cache that `cache` steps delete keys in.",
                    {
                        "url": described(
                            {"type": "string", "writeOnly": True},
                            "Its address; without one, `cache` steps do nothing and say so.",
                            title="an address such as `redis://127.0.0.1:6379/0`",
                            examples=["${env:REDIS_URL:-}"],
                        )
                    },
                    default={},
                ),
                "retry": _retry(),
                "park": section(
                    "Events that wait for a row that is not there yet (`missing: park`).",
                    {
                        "alert_after": described(WAIT, "How long one may wait before somebody is told.", default="1h"),
                        "give_up_after": described(
                            WAIT, "How long one may wait before it becomes a dead letter.", default="7d"
                        ),
                        "notify": described(
                            TEXT, "The channel that is told; without one it is logged.", examples=["admins"]
                        ),
                    },
                    default={},
                ),
                "retention": section(
                    "How long events are kept once nothing more will happen to them.",
                    {
                        "done": described(WAIT, "Events that ended well.", default="30d"),
                        "ignored": described(WAIT, "Events that no rule named.", default="30d"),
                        "dead": described(WAIT, "Dead letters.", default="180d"),
                    },
                    default={},
                ),
                "alerts": {
                    "type": "array",
                    "items": _alert(),
                    "default": [],
                    "description": "Conditions over what the gateway measures, and whom to tell.",
                },
                "engine": _engine(),
                "log": section(
                    "What is logged, and how.",
                    {
                        "level": {
                            "enum": ["debug", "info", "warning", "error"],
                            "default": "info",
                            "description": "The least important lines that are written.",
                        },
                        "format": {
                            "enum": ["auto", "text", "json"],
                            "default": "auto",
                            "description": "`auto` is text on a terminal and JSON elsewhere.",
                        },
                    },
                    default={},
                ),
            },
            required=["version", "sources"],
        ),
    }


def _server() -> Schema:
    return section(
        "The HTTP server.",
        {
            "host": described(
                TEXT,
                "The address to listen on; `0.0.0.0` is all of them.",
                default="127.0.0.1",
                examples=["127.0.0.1", "0.0.0.0"],  # noqa: S104 - an example, not a socket
            ),
            "port": {
                "type": "integer",
                "minimum": 0,
                "maximum": 65535,
                "default": 8080,
                "description": "The port; 0 takes a free one.",
                "examples": [8080],
            },
            "max_body": described(ABOVE_ZERO, "The longest body that is taken; longer ones get 413.", default="1MiB"),
            "body_timeout": described(WAIT, "The time in which a request must have arrived as a whole.", default="15s"),
            "keep_alive": described(WAIT, "How long an idle connection is kept.", default="75s"),
            "drain": described(WAIT, "How long requests and events in progress may take after SIGTERM.", default="30s"),
            "min_free": described(
                SIZE,
                "So much of the database's disk stays free for what was taken already: deliveries get 503 before. "
                "At most a fiftieth of the disk; `0B` asks for nothing.",
                default="64MiB",
                examples=["64MiB", "1GiB"],
            ),
            "max_connections": {
                "type": "integer",
                "minimum": 0,
                "default": 0,
                "description": "Open connections at most; 0: as many as the limit of open files allows.",
            },
            "trusted_proxies": described(
                NETWORKS,
                "Proxies whose `X-Forwarded-For` is believed, for `allow_ips` and `rate_limit`.",
                default=[],
                examples=[["10.0.0.0/8"]],
            ),
        },
        default={},
    )


def _destination() -> Schema:
    return section(
        "A place that `send` steps post to, or a message broker that `publish` steps publish to.",
        {
            "url": described(
                TEXT,
                "Its address: `http://…` or `https://…`, a step's `path` is put behind it; or `nats://…` of a broker "
                "(`tls://…` when it is to be encrypted).",
                title="an address such as `https://app.internal`",
                pattern="^[a-z][a-z0-9+.-]*://[^\\s/][^\\s]*$",
                examples=["http://127.0.0.1:9000", "nats://127.0.0.1:4222"],
            ),
            "secret": described(
                SECRET, "Signs what is sent, by Standard Webhooks.", examples=["${env:APP_WEBHOOK_SECRET:-}"]
            ),
            "headers": {
                "type": "object",
                "additionalProperties": described({"type": "string", "writeOnly": True}, "A header's value."),
                "propertyNames": HEADER_NAME,
                "default": {},
                "description": "Headers that go with everything sent there.",
                "examples": [{"Authorization": "${env:APP_AUTHORIZATION}"}],
            },
            "timeout": described(WAIT, "How long an answer may take.", default="10s"),
            "concurrency": {
                "type": "integer",
                "minimum": 1,
                "maximum": 1000,
                "default": 8,
                "description": "How many requests may be under way at once.",
            },
        },
        required=["url"],
    )


def _stripe() -> Schema:
    return section(
        "The Stripe API, for `stripe` steps.",
        {
            "api_key": described(SECRET, "The secret key.", examples=["${env:STRIPE_API_KEY:-}"]),
            "api_base": described(
                {"type": "string"},
                "Another address than Stripe's own, for tests.",
                title="an address such as `http://127.0.0.1:12111`",
                pattern="^(https?://[^\\s]+)?$",
                examples=["${env:STRIPE_API_BASE:-}"],
            ),
            "timeout": described(WAIT, "How long an answer may take.", default="20s"),
        },
        default={},
    )


def _retry() -> Schema:
    return section(
        "When an event or a message that failed is tried again.",
        {
            "first": described(WAIT, "The first wait.", default="5s"),
            "factor": {
                "type": "number",
                "minimum": 1,
                "maximum": 100,
                "default": 3,
                "description": "Each wait is so many times the one before.",
                "examples": [3],
            },
            "max": described(WAIT, "The longest wait.", default="1h"),
            "jitter": described(PERCENT, "How far a wait may be off, by chance.", default="20%"),
            "give_up_after": described(WAIT, "The age at which what still fails is a dead letter.", default="3d"),
        },
        default={},
    )


def _alert() -> Schema:
    return section(
        "One condition, and whom to tell.",
        {
            "name": described(TEXT, "What it is called in messages.", examples=["failing"]),
            "when": described(
                TEXT,
                "A JMESPath condition over the measures, numbers in backticks.",
                examples=["success_rate < `0.95`"],
            ),
            "source": described(TEXT, "Measure this source alone.", examples=["asaas"]),
            "over": described(WAIT, "The stretch of time that is measured.", default="15m"),
            "notify": described(TEXT, "The channel that is told.", examples=["admins"]),
            "repeat_after": described(WAIT, "When to say it again while it lasts.", default="1h"),
        },
        required=["name", "when", "notify"],
    )


def _engine() -> Schema:
    return section(
        "How events are processed.",
        {
            "workers": {
                "type": "integer",
                "minimum": 0,
                "maximum": 64,
                "default": 2,
                "description": "Workers of this process, on PostgreSQL; 0 only receives. SQLite uses one.",
            },
            "slice": {
                "type": "integer",
                "minimum": 1,
                "maximum": 4096,
                "default": 256,
                "description": "Events a transaction holds at most.",
            },
            "process": {
                "enum": ["auto", "own", "shared"],
                "default": "auto",
                "description": "Whether events are processed in a process of their `own` or in the one that receives "
                "(`shared`); `auto` is `own` where there are two processor cores or more.",
            },
            "lease": described(
                WAIT,
                "How long a message or call may be under way before another worker takes it.",
                default="1m",
            ),
        },
        default={},
    )
