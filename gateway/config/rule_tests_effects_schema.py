"""The JSON Schemas of what leaves a rule in a tests file: calls, messages and scheduled events."""

from __future__ import annotations

from gateway.config.schema_parts import TEXT, WAIT, Schema, described, section

CALLS = ("stripe", "send")
"""Actions whose answer an event can wait for."""

MESSAGES = ("send", "notify", "cache", "publish")
"""Actions whose message leaves after the commit."""

DETAILS = {
    "stripe": ("id", "params", "options"),
    "send": ("path", "method", "json", "forward", "headers"),
    "notify": ("title", "body", "level"),
    "cache": ("keys",),
    "publish": ("subject", "json"),
    "schedule": ("key", "at", "after", "data"),
}
"""What can be said of each action beside its name."""

OUTCOMES = ("answer", "error", "down")
"""What can come of a call; exactly one."""

CODES = ("refused", "not_found", "gave_up")
"""How a call can fail for good."""

_TEST = (
    "A value, or `{contains: …}`, `{matches: RE2}`, `{is: present}`; of a mapping, the keys that are named count, "
    "unless it stands under `exactly`."
)

_ANY: Schema = {"description": _TEST}
_WORDS: Schema = {"type": ["string", "object", "null"], "description": _TEST}
_MAPPING: Schema = {"type": "object", "description": _TEST}

_ABOUT: dict[str, Schema] = {
    "stripe": described(TEXT, "The operation.", examples=["customers.create"]),
    "id": {
        **_WORDS,
        "description": f"The id, for an operation whose address has one. {_TEST}",
        "examples": ["cus_123"],
    },
    "params": {**_MAPPING, "description": f"Its parameters. {_TEST}", "examples": [{"email": {"is": "present"}}]},
    "options": {**_MAPPING, "description": f"Its options. {_TEST}", "examples": [{"stripe_account": "acct_123"}]},
    "send": described(TEXT, "The destination.", examples=["app"]),
    "path": {**_WORDS, "description": f"The path. {_TEST}", "examples": ["/tenants/tenant-123"]},
    "method": {"enum": ["GET", "POST", "PUT", "PATCH", "DELETE"], "description": "The method."},
    "json": {**_ANY, "description": f"The body. {_TEST}", "examples": [{"status": "active"}]},
    "forward": {"const": True, "description": "The untouched body of the event."},
    "headers": {
        **_MAPPING,
        "description": f"Headers of the request. {_TEST}",
        "examples": [{"X-Tenant": "tenant-123"}],
    },
    "notify": described(TEXT, "The channel.", examples=["admins"]),
    "title": {**_WORDS, "description": f"The title. {_TEST}", "examples": ["A payment failed"]},
    "body": {**_WORDS, "description": f"The text. {_TEST}", "examples": [{"contains": "was not paid"}]},
    "level": {"enum": ["info", "success", "warning", "failure"], "description": "How much it matters."},
    "cache": {"const": "delete", "description": "Keys that are dropped from the cache."},
    "keys": {"type": ["array", "object"], "description": f"The keys. {_TEST}", "examples": [["customer:cus_123"]]},
    "publish": described(TEXT, "The destination.", examples=["events"]),
    "subject": {**_WORDS, "description": f"The subject. {_TEST}", "examples": ["tenants.activated"]},
    "schedule": described(TEXT, "The NAME of the event type `schedule.NAME`.", examples=["suspend"]),
    "key": {**_WORDS, "description": f"What `cancel` would name. {_TEST}", "examples": ["suspend-tenant-123"]},
    "at": described(TEXT, "When it is due.", examples=["2024-01-30T12:00:00Z"]),
    "after": described(WAIT, "When it is due: so long after it was scheduled.", examples=["15d"]),
    "data": {**_ANY, "description": f"Its payload. {_TEST}", "examples": [{"tenant_id": "tenant-123"}]},
}

_ANSWERS: dict[str, Schema] = {
    "answer": {
        "description": "What comes back: Stripe's object; of a `send`, `{status, headers, body}`.",
        "examples": [{"id": "cus_123"}, {"status": 200, "body": {"ok": True}}],
    },
    "error": {
        "title": "what the other side says, or `{code: …, message: …}`",
        "description": "A final refusal.",
        "oneOf": [
            TEXT,
            section(
                "A final refusal.",
                {
                    "code": {"enum": list(CODES), "description": "How it fails; `refused` when left out."},
                    "message": described(TEXT, "What the other side says.", examples=["no such customer"]),
                },
                minProperties=1,
            ),
        ],
    },
    "down": {
        "const": True,
        "description": "Nothing comes back this time: the event stays waiting, a `wait` tries again.",
    },
    "times": {
        "type": "integer",
        "minimum": 1,
        "maximum": 1000,
        "description": "How often it is used; once when left out.",
        "examples": [2],
    },
    "always": {"type": "boolean", "description": "Whether it is used as often as it fits."},
    "optional": {"type": "boolean", "description": "Whether the case may do without it."},
}


def _entry(description: str, title: str, actions: tuple[str, ...], more: dict[str, Schema]) -> Schema:
    keys = dict.fromkeys([*actions, *(key for action in actions for key in DETAILS[action])])
    return section(description, {**{key: _ABOUT[key] for key in keys}, **more}, title=title)


def _strict(entry: Schema, actions: tuple[str, ...]) -> Schema:
    return {**entry, "oneOf": [{"required": [action]} for action in actions]}


def _expected(what: str, entry: Schema, example: Schema) -> Schema:
    every: Schema = {"type": "array", "items": entry, "title": f"a list of {what}"}
    return {
        "title": f"a list of {what}, or `{{contains: […]}}`, `{{count: N}}`",
        "description": f"All the {what}, in order; `[]`: none; or `{{contains: […], count: N}}`.",
        "examples": [[example], {"contains": [example]}],
        "oneOf": [
            every,
            section(
                f"Some of the {what}, and how many there are in all.",
                {
                    "contains": {
                        **every,
                        "minItems": 1,
                        "description": "These are among them, in any order.",
                        "examples": [[example]],
                    },
                    "count": {"type": "integer", "minimum": 0, "description": "How many there are.", "examples": [1]},
                },
                minProperties=1,
                title="a mapping `{contains: […]}`",
            ),
        ],
    }


_CANNED = _entry(
    "The answer of a call: the first that fits a call and is not used up is taken.",
    "a call and its answer",
    CALLS,
    _ANSWERS,
)
_CALL = _entry("A call that was made.", "a call", CALLS, {})
_MESSAGE = _entry("A message that left.", "a message", MESSAGES, {})
_SCHEDULED = _entry("An event that is scheduled.", "a scheduled event", ("schedule",), {})

EFFECTS: dict[str, Schema] = {
    "calls": _expected("calls", {"$ref": "#/$defs/call"}, {"stripe": "customers.create"}),
    "messages": _expected("messages", {"$ref": "#/$defs/message"}, {"notify": "admins"}),
    "scheduled": _expected("scheduled events", {"$ref": "#/$defs/scheduled"}, {"schedule": "suspend"}),
}
"""The keys of `expect` about what leaves."""

CANNED: Schema = {
    "type": "array",
    "items": {"$ref": "#/$defs/canned"},
    "description": "The answers of awaited calls.",
    "examples": [[{"stripe": "customers.create", "answer": {"id": "cus_123"}}]],
}
"""The schema of `given.calls`."""

LENIENT: dict[str, Schema] = {"canned": _CANNED, "call": _CALL, "message": _MESSAGE, "scheduled": _SCHEDULED}
"""What files are checked against; the reader itself looks at keys of which exactly one is needed."""

STRICT: dict[str, Schema] = {
    "canned": {
        **_strict(_CANNED, CALLS),
        "allOf": [{"oneOf": [{"required": [outcome]} for outcome in OUTCOMES]}],
    },
    "call": _strict(_CALL, CALLS),
    "message": _strict(_MESSAGE, MESSAGES),
    "scheduled": {**_SCHEDULED, "required": ["schedule"]},
}
"""What editors check by."""
