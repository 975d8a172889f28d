"""From a body and its headers to what is stored: verification, envelope, identity. No socket, no clock."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Literal

from gateway.engine.program import RUN_PREFIX
from gateway.providers import Envelope, EnvelopeReader, Refused, Verified, Verifier
from gateway.providers.verification import AwaitedVerifier
from gateway.receiving.answers import Refusal
from gateway.receiving.limits import AddressList, RateLimit
from gateway.receiving.parsing import SECRET_HEADERS, Unreadable, parse, parse_strictly, stored_headers
from gateway.store.inbox import Delivery
from gateway.store.schedules import TYPE_PREFIX

MAX_NAME = 512
"""Characters of an event's id, type or ordering key; longer ones make a dead letter."""

UNKNOWN_TYPE = "unknown"
"""The type of an event that names none."""

RESERVED = (TYPE_PREFIX, RUN_PREFIX)
"""What the types of the gateway's own events begin with."""

Violated = Callable[[str, str, str], None]
"""Is told an event type, what of its schema a payload breaks, and the request's id."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_NOTHING = Envelope(None, None, None, None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """What receiving knows of one source."""

    name: str
    path: str
    verifier: Verifier | None
    """None where the configuration says `verify: none`, and where `awaited` verifies."""
    envelope: EnvelopeReader
    awaited: AwaitedVerifier | None = None
    """Verifies by something that has to be fetched or asked first."""
    max_body: int = 2**20
    body_timeout: float = 15.0
    """Seconds in which the whole body must have arrived."""
    allowed: AddressList | None = None
    rate_limit: RateLimit | None = None
    respond: Literal["accepted", "result"] = "accepted"
    handles: Callable[[str], bool] | None = None
    """Says whether a rule names an event type, where other types are rejected; None takes all types."""
    violation: Callable[[str, object], str | None] | None = None
    """Says where an event type's payload breaks its schema, and how; None where nobody looks."""
    rejects_violations: bool = False
    errors: Mapping[str, object] = field(default_factory=dict)
    """Constant keys that error answers carry beside `error`."""
    dedupe_window: int = 86_400
    """Seconds in which two equal bodies without an id are one event."""
    pending: Callable[[str, str, str | None], bytes] | None = None
    """Renders the answer for an event that no pass has answered: takes its type, its status and an error."""
    health_service: str | None = None
    """What its health page calls it; `NAME-webhook` where nothing is said."""
    stale_after: float | None = None
    """Seconds without a delivery after which its health page says `stale`; None for never."""

    secret_headers: frozenset[str] = field(init=False)
    """Lower-case names of the headers whose values are not stored."""

    def __post_init__(self) -> None:
        own: frozenset[str] = frozenset() if self.verifier is None else self.verifier.secret_headers
        object.__setattr__(self, "secret_headers", SECRET_HEADERS | own)


def read_delivery(
    source: Source,
    body: bytes,
    headers: Mapping[str, str],
    *,
    request_id: str,
    now: float,
    found: Verified | Refused | None = None,
    violated: Violated | None = None,
) -> Delivery:
    """Verify a body and return what is to be stored of it; `now` is seconds since the epoch.

    For a source with an `awaited` verifier, `found` is what that has said. `violated` is told of a payload that breaks
    its schema and is taken nevertheless.

    A verified body that cannot be read, or that is of a type which only the gateway's own events have, becomes a dead
    letter that says why: its sender has done its part, and would only send it again. Raises Refusal for everything
    else that is not taken.
    """
    verified = _verify(source, body, headers, now, found)
    error: str | None = None
    envelope = _NOTHING
    try:
        payload = parse(body) if verified else parse_strictly(body)
        envelope = _checked(source.envelope.read(payload, headers))
    except Unreadable as unreadable:
        if not verified:
            raise Refusal("invalid_json", unreadable.message) from unreadable
        error = unreadable.message
    event_type = envelope.type or UNKNOWN_TYPE
    if error is None and event_type.startswith(RESERVED):
        error = f"the event type `{event_type}` is reserved: `schedule.…` and `run.…` are the gateway's own"
    if source.handles is not None and error is None and not source.handles(event_type):
        raise Refusal("unmatched_event_type", f"no rule of this source takes events of type `{event_type}`")
    if source.violation is not None and error is None:
        violation = source.violation(event_type, payload)
        if violation is not None and source.rejects_violations:
            raise Refusal("schema_violation", f"the payload breaks the schema of `{event_type}`: {violation}")
        if violation is not None and violated is not None:
            violated(event_type, violation, request_id)
    occurred_at = None if envelope.occurred_at is None else (envelope.occurred_at - _EPOCH) // _MICROSECOND
    event_id, event_second = _identity(source, envelope.id, occurred_at, body, now)
    return Delivery(
        source=source.name,
        event_id=event_id,
        event_second=event_second,
        type=event_type,
        key=envelope.key,
        occurred_at=occurred_at,
        received_at=int(now * 1_000_000),
        headers=stored_headers(headers, source.secret_headers),
        body=body,
        status="ready" if error is None else "dead",
        error=error,
        verified_by=verified,
        request_id=request_id,
    )


def _verify(
    source: Source, body: bytes, headers: Mapping[str, str], now: float, found: Verified | Refused | None
) -> str | None:
    if found is None:
        assert source.awaited is None, "what is awaited has been asked before"
        if source.verifier is None:
            return None
        found = source.verifier.verify(body, headers, now)
    if isinstance(found, Verified):
        return f"{found.scheme}#{found.key}"
    raise Refusal(found.code, found.message, reason=found.reason)


def _checked(envelope: Envelope) -> Envelope:
    for name, value in (("id", envelope.id), ("type", envelope.type), ("key", envelope.key)):
        if value is not None and len(value) > MAX_NAME:
            raise Unreadable(f"the event's {name} has {len(value)} characters, more than {MAX_NAME}")
    return envelope


def _identity(
    source: Source, event_id: str | None, occurred_at: int | None, body: bytes, now: float
) -> tuple[str, int]:
    """Return the event's id and the second that stands before it in the inbox's unique key.

    Without an id of its own an event is its body, within a window of time whose number is the second, negated.
    """
    if not event_id:
        return f"sha256:{sha256(body).hexdigest()}", -max(1, int(now // source.dedupe_window))
    if source.envelope.fixed_time and occurred_at is not None:
        return event_id, max(0, occurred_at // 1_000_000)
    return event_id, 0
