"""The checker: from what a database, the senders and the receivers hold, what was promised and is not so.

A pure function over evidence, so that each fault can be planted in it: `test_checker` does.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """An event that a sender has tried to deliver; those of one account were acknowledged in the order of numbers."""

    event: str
    account: str
    number: int
    asks: bool
    """Whether its rule makes an awaited call before it applies."""
    acknowledged: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Stored:
    """A row of the inbox."""

    seq: int
    event: str
    account: str
    status: str
    attempts: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Booking:
    """One application of an event: the row that its rule has written, with how many there were before it."""

    account: str
    position: int
    event: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Left:
    """A row of the outbox."""

    seq: int
    event: int
    kind: str
    message_id: str
    status: str
    owner: str | None
    superseded: bool = False
    """Whether it is a call that was refused, in whose place somebody has had another one made."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrived:
    """A request that a receiver has got whole."""

    id: str
    event: str
    path: str
    answered: bool
    """Whether it was told that all is well."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """All that there is to judge by, read when everything had come to rest."""

    sent: Sequence[Sent]
    stored: Sequence[Stored]
    balances: Mapping[str, int]
    """How many applications each account has counted."""
    bookings: Sequence[Booking]
    outbox: Sequence[Left]
    arrived: Sequence[Arrived]


@dataclass(frozen=True, slots=True, order=True)
class Fault:
    """A promise that was not kept."""

    kind: str
    about: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What was found, and how much was looked at."""

    faults: tuple[Fault, ...]
    acknowledged: int
    stored: int
    applied: int
    messages: int
    calls: int
    repeated: int
    """Requests that came again, under an id that the receiver has seen before."""
    retried: int
    """Events that took more than one try, so that others of their account may have gone before them."""

    @property
    def kinds(self) -> set[str]:
        """Return the kinds of faults."""
        return {fault.kind for fault in self.faults}


def judge(evidence: Evidence) -> Verdict:
    """Say which promises were not kept."""
    faults = [
        *_acknowledged(evidence),
        *_stored_once(evidence),
        *_applied_once(evidence),
        *_counted(evidence),
        *_in_order(evidence),
        *_at_rest(evidence),
        *_written(evidence),
        *_delivered(evidence),
        *_same_ids(evidence),
    ]
    ids = Counter(one.id for one in evidence.arrived)
    return Verdict(
        faults=tuple(sorted(set(faults))),
        acknowledged=sum(one.acknowledged for one in evidence.sent),
        stored=len(evidence.stored),
        applied=len(evidence.bookings),
        messages=sum(row.kind == "message" for row in evidence.outbox),
        calls=sum(row.kind == "call" for row in evidence.outbox),
        repeated=sum(ids.values()) - len(ids),
        retried=sum(_is_retried(row) for row in evidence.stored),
    )


def _is_retried(row: Stored) -> bool:
    return row.attempts != 1


def _acknowledged(evidence: Evidence) -> Iterator[Fault]:
    stored = {row.event for row in evidence.stored}
    yield from (Fault("lost", one.event) for one in evidence.sent if one.acknowledged and one.event not in stored)
    sent = {one.event for one in evidence.sent}
    yield from (Fault("nobody sent it", event) for event in stored - sent)


def _stored_once(evidence: Evidence) -> Iterator[Fault]:
    counted = Counter(row.event for row in evidence.stored)
    yield from (Fault("stored twice", event) for event, count in counted.items() if count > 1)


def _applied_once(evidence: Evidence) -> Iterator[Fault]:
    counted = Counter(row.event for row in evidence.bookings)
    yield from (Fault("applied twice", event) for event, count in counted.items() if count > 1)
    for row in evidence.stored:
        if row.status == "done" and row.event not in counted:
            yield Fault("done and not applied", row.event)
        if row.status not in {"done", "ignored"} and row.event in counted:
            yield Fault("applied and not done", row.event)
    stored = {row.event for row in evidence.stored}
    yield from (Fault("applied and not stored", event) for event in counted.keys() - stored)


def _counted(evidence: Evidence) -> Iterator[Fault]:
    positions: dict[str, list[int]] = defaultdict(list)
    for row in evidence.bookings:
        positions[row.account].append(row.position)
    for account in positions.keys() | evidence.balances.keys():
        found = sorted(positions.get(account, []))
        if found != list(range(len(found))):
            yield Fault("counted wrongly", f"{account}: the positions {_around_gap(found)}")
        if evidence.balances.get(account, 0) != len(found):
            yield Fault("counted wrongly", f"{account}: {evidence.balances.get(account, 0)} of {len(found)}")


def _around_gap(positions: Sequence[int]) -> str:
    return next((f"{a}, {b}" for a, b in pairwise(positions) if b != a + 1), f"from {positions[0]}")


def _in_order(evidence: Evidence) -> Iterator[Fault]:
    """Hold the order of application against the order of receipt, and that against the order of sending."""
    numbers = {one.event: one.number for one in evidence.sent}
    straight = {row.event: row.seq for row in evidence.stored if not _is_retried(row)}
    received = sorted(evidence.stored, key=lambda row: row.seq)
    yield from _inversions(
        "stored out of order", ((row.account, row.event, numbers.get(row.event)) for row in received)
    )
    applied = sorted(evidence.bookings, key=lambda row: row.position)
    yield from _inversions(
        "applied out of order", ((row.account, row.event, straight.get(row.event)) for row in applied)
    )


def _inversions(kind: str, rows: Iterable[tuple[str, str, int | None]]) -> Iterator[Fault]:
    last: dict[str, int] = {}
    for account, event, place in rows:
        if place is None:
            continue
        if place < last.get(account, -1):
            yield Fault(kind, event)
        last[account] = max(place, last.get(account, -1))


def _standing(evidence: Evidence) -> Iterator[Left]:
    return (left for left in evidence.outbox if not left.superseded)


def _at_rest(evidence: Evidence) -> Iterator[Fault]:
    for row in evidence.stored:
        if row.status in {"ready", "waiting", "parked"}:
            yield Fault("stuck", f"{row.event} is {row.status}")
        elif row.status != "done":
            yield Fault("given up", f"{row.event} is {row.status}")
    for left in _standing(evidence):
        if left.status == "ready" or left.owner is not None:
            yield Fault("stuck", f"{left.message_id} is {left.status}, leased by {left.owner}")
        elif left.status == "dead":
            yield Fault("given up", f"{left.message_id} is dead")


def _written(evidence: Evidence) -> Iterator[Fault]:
    """Each event that was applied has left one message, and a call before that where its rule makes one."""
    events = {row.seq: row.event for row in evidence.stored}
    asks = {one.event for one in evidence.sent if one.asks}
    rows = Counter((events.get(left.event), left.kind) for left in _standing(evidence))
    for booking in evidence.bookings:
        if rows[booking.event, "message"] != 1:
            yield Fault("message not written once", f"{booking.event}: {rows[booking.event, 'message']}")
        wanted = int(booking.event in asks)
        if rows[booking.event, "call"] != wanted:
            yield Fault("call not written once", f"{booking.event}: {rows[booking.event, 'call']} of {wanted}")
    yield from (
        Fault("message of an event that is not there", left.message_id)
        for left in evidence.outbox
        if left.event not in events
    )


def _delivered(evidence: Evidence) -> Iterator[Fault]:
    answered = {one.id for one in evidence.arrived if one.answered}
    for left in evidence.outbox:
        if left.status == "done" and left.message_id not in answered:
            yield Fault("message lost", left.message_id)


def _same_ids(evidence: Evidence) -> Iterator[Fault]:
    """Each message has one id however often it arrives, and no id is that of two messages."""
    ids: dict[tuple[str, str], set[str]] = defaultdict(set)
    messages: dict[str, set[tuple[str, str]]] = defaultdict(set)
    superseded = {left.message_id for left in evidence.outbox if left.superseded}
    for one in evidence.arrived:
        messages[one.id].add((one.event, one.path))
        if one.id not in superseded:
            ids[one.event, one.path].add(one.id)
    known = {left.message_id for left in evidence.outbox}
    for (event, path), found in ids.items():
        if len(found) > 1:
            yield Fault("message under two ids", f"{event} at {path}")
        yield from (Fault("message that nobody wrote", id) for id in found - known)
    yield from (Fault("two messages under one id", id) for id, found in messages.items() if len(found) > 1)
