"""The outbox: messages that leave after their event has committed, and awaited calls with their answers.

A row is written in the transaction of the event that it comes from, and sent by a courier afterwards. Its message id
is derived from the event, so it is the same at every try, after every crash, and wherever the event runs again.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from decimal import Decimal
from hashlib import sha256
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from gateway.store.database import Database, Execute


class Outgoing(NamedTuple):
    """What a pass wants sent."""

    kind: str
    """`message` or `call`."""
    action: str
    """`stripe`, `send`, `notify`, `cache` or `publish`."""
    target: str
    """The destination or channel; `stripe`; `redis`."""
    position: str
    """Which of its event's messages and calls it is, such as `stripe customers.create#1`."""
    message_id: str
    request: str
    """JSON: what its transport needs."""


class Answer(NamedTuple):
    """What came of an awaited call."""

    ok: bool
    value: object
    """The answer, decoded, when `ok`."""
    error: str | None
    """What the other side said, when not."""
    code: str | None
    """`not_found`, `refused` or `gave_up`, when not `ok`."""


def message_id(source: str, event_second: int, event_id: str, position: str) -> str:
    """Return the id of an event's message or call: `msg_` and 32 hexadecimal digits."""
    identity = "\0".join((source, str(event_second), event_id, position))
    return f"msg_{sha256(identity.encode()).hexdigest()[:32]}"


# An event that an operator runs once more sends its messages once more, under the same ids.
_ADD = """
INSERT INTO gateway_outbox (event, kind, action, target, position, message_id, request, created_at, next_attempt_at)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (event, position) DO UPDATE
SET action = excluded.action, target = excluded.target, request = excluded.request, status = 'ready', attempts = 0,
    next_attempt_at = excluded.next_attempt_at, leased_by = NULL, finished_at = NULL, answer = NULL, code = NULL,
    error = NULL
WHERE gateway_outbox.kind = 'message'
"""

_AWAIT = """
UPDATE gateway_events SET status = 'waiting', next_attempt_at = NULL, finished_at = NULL, rule = ?, error = ?,
                          calls = calls + 1
WHERE seq = ?
"""

_ANSWERS = """
SELECT position, status, answer, error, code FROM gateway_outbox
WHERE event = ? AND kind = 'call' AND status IN ('done', 'dead')
"""

_REFUSALS = """
SELECT count(*) FROM gateway_outbox
WHERE event = ? AND kind = 'call' AND position >= ? AND position < ? AND code <> 'gave_up'
"""


def add_outgoing(database: Database, rows: Iterable[tuple[int | None, Outgoing]], now: int) -> None:
    """Write messages and calls of events (or of none). One statement, run for each.

    A call that is recorded already stays as it is; a message becomes ready again.
    """
    database.execute_many(_ADD, [(event, *outgoing, now, now) for event, outgoing in rows])


def await_call(database: Database, event: int, call: Outgoing, rule: str | None, now: int) -> None:
    """Record a call that an event waits for; the event is `waiting` until its answer is there. Three statements.

    A call that was refused before is superseded by this one, which gets an id of its own: the one before may have
    been remembered with its refusal on the other side.
    """
    marker = f"{call.position}~"
    refused = database.execute(_REFUSALS, (event, marker, marker + "\uffff")).fetchone()[0]
    if refused:
        call = call._replace(message_id=f"{call.message_id}_{refused}")
    add_outgoing(database, [(event, call)], now)
    database.execute(_AWAIT, (rule, f"waits for the answer of {call.position}", event))


def answers_of(execute: Execute, event: int) -> dict[str, Answer]:
    """Return the answers of an event's calls by position. One statement."""
    return {
        position: Answer(status == "done", None if answer is None else decode(answer), error, code)
        for position, status, answer, error, code in execute(_ANSWERS, (event,)).fetchall()
    }


def decode(text: str) -> object:
    """Read JSON text that this package has written: numbers with a point become Decimal."""
    return json.loads(text, parse_float=Decimal)
