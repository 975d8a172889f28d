"""Looking at the outbox, and making what failed go out again: what an operator asks of it.

Each function says whether it is one statement or one transaction.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

from gateway.errors import Conflict, NotFound
from gateway.store.codecs import dump_json
from gateway.store.database import Database, Execute, storage_errors
from gateway.store.event_filter import Clause, joined
from gateway.store.stripes import hold_stripes_of

STATUSES = ("ready", "done", "dead")
"""What a message or call can be."""

ACTIONS = ("stripe", "send", "notify", "cache", "publish")
"""What a message or call can be sent by."""


class OutboxItem(NamedTuple):
    """A message or call as it stands. Times are microseconds."""

    seq: int
    event: int | None
    kind: str
    action: str
    target: str
    position: str
    message_id: str
    status: str
    attempts: int
    created_at: int
    next_attempt_at: int | None
    """None also while it is under way."""
    finished_at: int | None
    error: str | None
    code: str | None
    request: str
    answer: str | None


class OutboxPage(NamedTuple):
    """Some of the outbox, the newest first."""

    items: list[OutboxItem]
    next: int | None
    """The cursor for the page behind this one; None when there is none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OutboxFilter:
    """What is asked of the outbox; what is None does not matter."""

    status: str | None = None
    action: str | None = None
    target: str | None = None
    event: int | None = None
    useful: bool = False
    """Whether calls are left out that their events have gone on without, or have asked anew."""

    def clauses(self) -> Iterator[Clause]:
        """Yield the conditions."""
        if self.status is not None:
            assert self.status in STATUSES
            # In the words of the partial indexes, which a parameter would not reach.
            yield f"status = '{self.status}'", ()
        for column in ("action", "target", "event"):
            value = getattr(self, column)
            if value is not None:
                yield f"{column} = ?", (value,)
        if self.useful:
            yield _USEFUL, ()


_USEFUL = """
(kind = 'message' OR (position NOT LIKE '%~%' AND EXISTS (
    SELECT 1 FROM gateway_events AS e WHERE e.seq = gateway_outbox.event AND e.status <> 'done')))
"""

# While it is leased, the time at which it is due is the end of the lease.
_COLUMNS = ", ".join(
    "CASE WHEN leased_by IS NULL THEN next_attempt_at END" if name == "next_attempt_at" else name
    for name in OutboxItem._fields
)

_BY_NAME = f"SELECT {_COLUMNS} FROM gateway_outbox WHERE message_id = ? OR seq = ?"

_OF_EVENT = f"SELECT {_COLUMNS} FROM gateway_outbox WHERE event = ? ORDER BY seq"

# It counts as new: the time after which it is given up begins again.
_AGAIN = """
UPDATE gateway_outbox SET status = 'ready', attempts = 0, next_attempt_at = ?, created_at = ?, leased_by = NULL,
                          finished_at = NULL, code = NULL
WHERE seq = ? AND (status = 'dead' OR leased_by IS NULL)
"""

# Its position is free again for the call that takes its place.
_SUPERSEDE = "UPDATE gateway_outbox SET position = position || '~' || seq WHERE seq = ?"

_DEAD_CALLS = "SELECT seq, code FROM gateway_outbox WHERE event = ? AND kind = 'call' AND status = 'dead'"

_STILL_CALLS = "SELECT 1 FROM gateway_outbox WHERE seq = ? AND position NOT LIKE '%~%'"

_EVENT_STATUS = "SELECT status FROM gateway_events WHERE seq = ?"

_EVENT_WAITS = """
UPDATE gateway_events SET status = 'waiting', next_attempt_at = NULL, finished_at = NULL, error = ?
WHERE seq = ? AND status = 'dead'
"""

_EVENT_RUNS = """
UPDATE gateway_events SET status = 'ready', next_attempt_at = NULL, finished_at = NULL, error = NULL
WHERE seq = ? AND status = 'dead'
"""

_RECORD = """
INSERT INTO gateway_changes (at, actor, table_name, row_key, before, after) VALUES (?, ?, 'gateway_outbox', ?, ?, ?)
"""


def list_outbox(database: Database, wanted: OutboxFilter, *, limit: int, cursor: int | None = None) -> OutboxPage:
    """Return up to `limit` messages and calls, the newest first, older than the cursor. One statement."""
    clauses = [*wanted.clauses(), *([("seq < ?", (cursor,))] if cursor is not None else [])]
    where, values = joined(clauses)
    statement = f"SELECT {_COLUMNS} FROM gateway_outbox WHERE {where} ORDER BY seq DESC LIMIT {limit + 1}"
    with storage_errors():
        found = [OutboxItem(*row) for row in database.execute(statement, values).fetchall()]
    items = found[:limit]
    return OutboxPage(items, items[-1].seq if len(found) > limit else None)


def outbox_of(database: Database, event: int) -> list[OutboxItem]:
    """Return the messages and calls of an event, in the order they were made. One statement."""
    with storage_errors():
        return [OutboxItem(*row) for row in database.execute(_OF_EVENT, (event,)).fetchall()]


def get_outbox(database: Database, name: str) -> OutboxItem:
    """Return a message or call by its message id or the gateway's number. One statement. Raises NotFound."""
    number = int(name) if name.isascii() and name.isdigit() and len(name) < 19 else None
    with storage_errors():
        row = database.execute(_BY_NAME, (name, number)).fetchone()
    if row is None:
        raise NotFound(f"there is no message or call `{name}`")
    return OutboxItem(*row)


def retry_outbox(database: Database, name: str, *, actor: str, now: int) -> OutboxItem:
    """Have a message or call tried again, and return it as it stands then. One transaction.

    A call that was refused is superseded: its event runs again, and asks what the rules say now, under a new id.
    Raises NotFound, and Conflict for one that is done or that a courier has at the moment, and for a call that its
    event has no use for any more.
    """
    with storage_errors(), database.transaction():
        item = get_outbox(database, name)
        if item.status == "done":
            raise Conflict(f"`{name}` is done: to send it again would do it twice")
        before: dict[str, Any] = {"status": item.status, "attempts": item.attempts, "error": item.error}
        if item.kind == "call" and item.status == "dead":
            hold_stripes_of(database, [] if item.event is None else [item.event])
            _reopen_call(database.execute, item, now)
        elif not database.execute(_AGAIN, (now, now, item.seq)).rowcount:
            raise Conflict(f"`{name}` is being sent at this moment")
        database.execute(_RECORD, (now, actor, str(item.seq), dump_json(before), dump_json({"status": "ready"})))
        return get_outbox(database, str(item.seq))


def _reopen_call(execute: Execute, item: OutboxItem, now: int) -> None:
    if "~" in item.position:
        raise Conflict(f"`{item.message_id}` was superseded by a later call of its event")
    event = execute(_EVENT_STATUS, (item.event,)).fetchone()
    if event is None or event[0] == "done":
        raise Conflict(f"event {item.event} has gone on without the answer of `{item.message_id}`")
    reopened = _reopen(execute, item.seq, item.code, now)
    if reopened:
        execute(_EVENT_WAITS, (f"waits for the answer of {item.position}", item.event))
    else:
        execute(_EVENT_RUNS, (item.event,))


def _reopen(execute: Execute, seq: int, code: str | None, now: int) -> bool:
    """Have a dead call made again under its id, or free its position for another; say which."""
    if code == "gave_up":
        # It may have been done, with only the answer lost: another id could do it twice.
        execute(_AGAIN, (now, now, seq))
        return True
    execute(_SUPERSEDE, (seq,))
    return False


def reopen_calls(execute: Execute, event: int, now: int) -> None:
    """Make way for an event that is to run again: its dead calls are made again. Part of a transaction."""
    for seq, code in execute(_DEAD_CALLS, (event,)).fetchall():
        if execute(_STILL_CALLS, (seq,)).fetchone() is not None:
            _reopen(execute, seq, code, now)
