"""Which events are meant: the parts of a WHERE clause, and their values."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass

STATUSES = ("ready", "waiting", "parked", "done", "ignored", "dead")
"""What an event can be."""

UNFINISHED = frozenset({"ready", "waiting", "parked"})

LONGEST_TEXT = 200
"""Characters of a text that is searched for."""

Clause = tuple[str, tuple[object, ...]]
"""A condition over `gateway_events AS e`, and its values."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EventFilter:
    """What is asked of events; what is None does not matter."""

    source: str | None = None
    type: str | None = None
    """An event type, exactly or with `*` for anything."""
    status: str | None = None
    """One of STATUSES."""
    key: str | None = None
    q: str | None = None
    """A text that occurs in the event's id, key, error, result or payload, or is its number or its request's id."""
    since: int | None = None
    """Received then or later (microseconds)."""
    until: int | None = None
    """Received before that (microseconds)."""

    def clauses(self, dialect: str) -> Iterator[Clause]:
        """Yield the conditions, but for the text that is searched for."""
        if self.status is not None:
            yield _status_clause(self.status)
        for column, value in (("source", self.source), ("key", self.key)):
            if value is not None:
                yield f"e.{column} = ?", (value,)
        if self.type is not None:
            yield _type_clause(self.type, dialect)
        if self.since is not None:
            yield "e.received_at >= ?", (self.since,)
        if self.until is not None:
            yield "e.received_at < ?", (self.until,)

    def search(self, dialect: str) -> Clause:
        """Return the condition for the text, over `gateway_events AS e` and `gateway_bodies AS b`."""
        assert self.q is not None
        like, body, in_body = _SEARCHES[dialect]
        tests = ["CAST(e.seq AS TEXT) = ?", "e.request_id = ?"]
        values: list[object] = [self.q, self.q]
        for column in ("e.event_id", "e.key", "e.error", "e.result"):
            tests.append(f"{column} {like} ? ESCAPE '\\'")
            values.append(f"%{_like(self.q)}%")
        for text in _spellings(self.q):
            tests.append(f"{body} {like} ? ESCAPE '\\'")
            values.append(f"%{_like(in_body(text))}%")
        return f"({' OR '.join(tests)})", tuple(values)


def joined(clauses: list[Clause]) -> Clause:
    """Return one condition that holds when all do; without any it holds always."""
    values = tuple(value for _, own in clauses for value in own)
    return " AND ".join(text for text, _ in clauses) or "1 = 1", values


def _status_clause(status: str) -> Clause:
    """Return the condition in the words of the partial indexes, which a parameter would not reach."""
    assert status in STATUSES
    unfinished = "e.finished_at IS NULL AND " if status in UNFINISHED else ""
    # What is ready has no time to wait for; said here, the index gives the events in their order.
    at_once = " AND e.next_attempt_at IS NULL" if status == "ready" else ""
    return f"{unfinished}e.status = '{status}'{at_once}", ()


def _type_clause(pattern: str, dialect: str) -> Clause:
    if "*" not in pattern:
        return "e.type = ?", (pattern,)
    if dialect == "sqlite":
        return "e.type GLOB ?", (_glob(pattern),)
    return "e.type LIKE ? ESCAPE '\\'", (_like(pattern).replace("*", "%"),)


def _escaped(text: str) -> str:
    """Return a text as PostgreSQL's `escape` format shows its bytes: what is not ASCII as octal numbers."""
    return "".join(
        "\\\\" if byte == 0x5C else chr(byte) if 0 < byte < 0x80 else f"\\{byte:03o}" for byte in text.encode()
    )


# A body need not be text: on PostgreSQL its bytes are shown as one.
_SEARCHES: dict[str, tuple[str, str, Callable[[str], str]]] = {
    "sqlite": ("LIKE", "CAST(b.body AS TEXT)", str),
    "postgresql": ("ILIKE", "encode(b.body, 'escape')", _escaped),
}


def _glob(pattern: str) -> str:
    return pattern.replace("[", "[[]").replace("?", "[?]")


def _like(text: str) -> str:
    return text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")


def _spellings(text: str) -> list[str]:
    """Return the text, and how a sender that writes pure ASCII has it in a JSON text."""
    escaped = json.dumps(text)[1:-1]
    return list(dict.fromkeys((text, escaped)))
