"""Keys under the names that they have in other tools: what was meant where the spelling is near nothing."""

from __future__ import annotations

from collections.abc import Collection

_KEYS = {
    "action": ("do",),
    "actions": ("do",),
    "address": ("url", "path"),
    "args": ("params", "with"),
    "arguments": ("params", "with"),
    "bind": ("as",),
    "body": ("json",),
    "channel": ("notify",),
    "choices": ("values",),
    "completed": ("done",),
    "condition": ("when",),
    "content": ("body", "json"),
    "data": ("json", "params"),
    "delay": ("after",),
    "endpoint": ("url", "path"),
    "enum": ("values",),
    "event": ("on",),
    "event_type": ("on",),
    "events": ("on",),
    "failed": ("dead",),
    "fallback": ("default",),
    "finished": ("done",),
    "if": ("when",),
    "interval": ("over",),
    "into": ("as",),
    "key": ("secret", "keys"),
    "message": ("body",),
    "not_found": ("missing",),
    "on_missing": ("missing",),
    "order": ("order_by",),
    "parameters": ("params", "with"),
    "params": ("with",),
    "payload": ("json", "data"),
    "pk": ("primary_key",),
    "regex": ("match",),
    "save_as": ("as",),
    "set": ("values",),
    "signing_secret": ("secret",),
    "sort": ("order_by",),
    "sort_by": ("order_by",),
    "steps": ("do",),
    "subject": ("title",),
    "text": ("body",),
    "then": ("do",),
    "title": ("subject",),
    "type": ("as", "on"),
    "uri": ("url", "path"),
    "values": ("set",),
    "webhook_secret": ("secret", "secrets"),
    "whitelist": ("allow_ips",),
    "window": ("over",),
}
_ELSEWHERE = {
    "cron": "an event that comes again and again is scheduled anew by the rule that handles it: `after: 1d`",
    "every": "an event that comes again and again is scheduled anew by the rule that handles it: `after: 1d`",
    "else": "a second step with the opposite `when` says what is done else",
    "limit": "`find` takes the first row in the order of `order_by`; `all: true` takes all",
    "nullable": "a column that may not be null is `required: true`",
    "references": "rows are joined by `find`, `lookup` and `checks`, and no column refers to another",
}
_ACTIONS = {
    "if": "a condition is the `when` of a step",
    "else": "a second step with the opposite `when` says what is done else",
    "switch": "each step has a `when` of its own",
    "for": "there are no loops: `find` with `all: true` and projections such as `rows[].id` take all rows at once",
    "for_each": "there are no loops: `find` with `all: true` and projections such as `rows[].id` take all rows at once",
    "foreach": "there are no loops: `find` with `all: true` and projections such as `rows[].id` take all rows at once",
    "loop": "there are no loops: `find` with `all: true` and projections such as `rows[].id` take all rows at once",
    "while": "there are no loops: `find` with `all: true` and projections such as `rows[].id` take all rows at once",
    "http": "a request goes to a destination of gateway.yaml: `send: NAME`",
    "request": "a request goes to a destination of gateway.yaml: `send: NAME`",
    "post": "a request goes to a destination of gateway.yaml: `send: NAME`",
    "email": "people are told by a channel of gateway.yaml: `notify: NAME`",
    "slack": "people are told by a channel of gateway.yaml: `notify: NAME`",
    "wait": "what comes later is an event of its own: `schedule: NAME`, with `after: 3d`",
    "sleep": "what comes later is an event of its own: `schedule: NAME`, with `after: 3d`",
    "delay": "what comes later is an event of its own: `schedule: NAME`, with `after: 3d`",
    "select": "rows are read by `find: TABLE`",
    "call": "a procedure is run by `run: NAME`, Stripe is called by `stripe: OPERATION`",
    "return": "`finish: RESULT` ends the event",
    "raise": "`fail: text` ends the event badly",
}


def key_meant(name: str, known: Collection[str]) -> str | None:
    """Return the key that is there for what other tools call by this name."""
    return next((one for one in _KEYS.get(name, ()) if one in known), None)


def done_otherwise(name: str) -> str | None:
    """Return how the gateway does what a key stands for that it does not have."""
    return _ELSEWHERE.get(name)


def action_done_otherwise(name: str) -> str | None:
    """Return how the gateway does what an action of other tools does."""
    return _ACTIONS.get(name)
