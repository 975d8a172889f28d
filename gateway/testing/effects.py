"""What has left the rules of a case: calls, messages and scheduled events, as tests files speak of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from gateway.expressions import to_json
from gateway.providers.stripe_operations import find_operation
from gateway.store.codecs import moment_of
from gateway.store.database import Database
from gateway.store.outbox import decode
from gateway.store.schedules import TYPE_PREFIX

_OUTBOX = """
SELECT seq, kind, action, target, position, request FROM gateway_outbox
WHERE event IS NOT NULL AND seq > ? AND seq <= ? ORDER BY seq
"""

_OF_EVENT = """
SELECT seq, kind, action, target, position, request FROM gateway_outbox WHERE event = ? ORDER BY seq
"""

_SCHEDULED = """
SELECT e.seq, e.type, s.key, e.occurred_at, e.received_at, b.body
FROM gateway_schedules AS s JOIN gateway_events AS e ON e.seq = s.event JOIN gateway_bodies AS b ON b.event = e.seq
WHERE e.status = 'waiting' ORDER BY e.occurred_at, e.seq
"""

_LAST = "SELECT max(seq) FROM gateway_outbox"


_LARGEST = 2**62

_SAID_ELSEWHERE = ("after", "id")
"""Details that others hold too."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """A call, a message or a scheduled event."""

    number: int
    """Its number in the outbox, or the scheduled event's own."""
    kind: str
    """`calls`, `messages` or `scheduled`: the key of `expect` that lists it."""
    action: str
    target: str
    details: Mapping[str, object]
    """What more is said of it, by the names of tests files."""
    position: str = ""
    """Which of its event's calls and messages it is."""

    def __str__(self) -> str:
        said = {n: v for n, v in self.details.items() if v not in (None, {}, False) and n not in _SAID_ELSEWHERE}
        return f"{self.action}: {self.target} {to_json(said)}" if said else f"{self.action}: {self.target}"


def last_number(database: Database) -> int:
    """Return the number of the last message or call. One statement."""
    return database.execute(_LAST, ()).fetchone()[0] or 0


def effects_of(database: Database, kind: str, after: int = 0, last: int = _LARGEST) -> list[Done]:
    """Return the calls or messages with numbers beyond `after`, up to `last`; or what is scheduled. One statement."""
    if kind == "scheduled":
        return [_scheduled(*row) for row in database.execute(_SCHEDULED, ()).fetchall()]
    found = [read_effect(*row) for row in database.execute(_OUTBOX, (after, last)).fetchall()]
    return [one for one in found if one.kind == kind]


def effects_of_event(database: Database, event: int) -> list[Done]:
    """Return the calls and messages of one event. One statement."""
    return [read_effect(*row) for row in database.execute(_OF_EVENT, (event,)).fetchall()]


def read_effect(seq: int, kind: str, action: str, target: str, position: str, request: str) -> Done:
    """Read one row of the outbox."""
    about: Any = decode(request)
    target, details = _READERS[action](target, about)
    return Done(number=seq, kind=f"{kind}s", action=action, target=target, details=details, position=position)


def _scheduled(seq: int, type_: str, key: str, due: int, since: int, body: bytes) -> Done:
    return Done(
        number=seq,
        kind="scheduled",
        action="schedule",
        target=type_.removeprefix(TYPE_PREFIX),
        details={
            "key": key,
            "at": moment_of(due),
            "after": timedelta(microseconds=due - since),
            "data": decode(body.decode()),
        },
    )


def _stripe(target: str, request: dict[str, Any]) -> tuple[str, Mapping[str, object]]:
    operation, path = find_operation(request["operation"]), request.get("path") or []
    named = dict(zip(operation.path if operation is not None else (), path, strict=False))
    details: dict[str, object] = {
        "params": {**named, **(request.get("params") or {})},
        "options": request.get("options") or {},
    }
    if len(path) == 1:
        details["id"] = path[0]
    return request["operation"], details


def _plain(target: str, request: dict[str, Any]) -> tuple[str, Mapping[str, object]]:
    return target, request


def _cache(target: str, request: dict[str, Any]) -> tuple[str, Mapping[str, object]]:
    return "delete", {"keys": request["delete"]}


_READERS: Mapping[str, Callable[[str, dict[str, Any]], tuple[str, Mapping[str, object]]]] = {
    "stripe": _stripe,
    "send": _plain,
    "notify": _plain,
    "cache": _cache,
    "publish": _plain,
}
