"""The parameters of queries: what each may be, for requests, for commands and for the OpenAPI document."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from gateway.admin.event_json import moment
from gateway.admin.refusals import Refused
from gateway.config.diagnostics import did_you_mean
from gateway.config.units import parse_duration
from gateway.expressions import CoercionError, coerce
from gateway.store.event_filter import LONGEST_TEXT, STATUSES, EventFilter
from gateway.store.outbox_pages import STATUSES as OUTBOX_STATUSES

DEFAULT_LIMIT, MOST = 50, 500
"""Entries of a page."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_LONGEST_NAME = 512


@dataclass(frozen=True, slots=True, kw_only=True)
class Parameter:
    """One parameter of a query."""

    name: str
    description: str
    schema: Mapping[str, Any]
    """JSON Schema of its value."""
    read: Callable[[str, int], object]
    """Takes the text and the present moment (microseconds). Raises ValueError with the sentence for the operator."""


def read_time(text: str, now: int) -> int:
    """Return a moment (microseconds) written as ISO 8601, or as how long ago it was: `90m`, `7d`.

    Raises ValueError with the sentence for the operator.
    """
    try:
        ago = parse_duration(text)
    except ValueError:
        ago = None
    try:
        at: datetime = coerce(text, "timestamp") if ago is None else moment(now) - ago
    except (CoercionError, OverflowError):
        raise ValueError(
            f"`{text}` is neither a time such as `2026-01-31T12:00:00Z` nor how long ago, as `7d`"
        ) from None
    return (at - _EPOCH) // _MICROSECOND


_MICROSECOND = datetime(1970, 1, 1, 0, 0, 0, 1, tzinfo=UTC) - _EPOCH


def read_status(text: str, _now: int = 0) -> str:
    """Return a status of events. Raises ValueError with the sentence for the operator."""
    return _one_of(STATUSES, text)


def read_outbox_status(text: str, _now: int = 0) -> str:
    """Return a status of messages and calls. Raises ValueError with the sentence for the operator."""
    return _one_of(OUTBOX_STATUSES, text)


def _one_of(statuses: Sequence[str], text: str) -> str:
    if text not in statuses:
        near = did_you_mean(text, statuses)
        raise ValueError(f"`{text}` is no status: " + (f"did you mean `{near}`?" if near else ", ".join(statuses)))
    return text


def read_limit(text: str, _now: int = 0) -> int:
    """Return how many entries a page is to have. Raises ValueError with the sentence for the operator."""
    if not (text.isascii() and text.isdigit() and 1 <= int(text[:9]) <= MOST):
        raise ValueError(f"`{text}` is not a number from 1 to {MOST}")
    return int(text)


def read_event_cursor(text: str, _now: int = 0) -> int:
    """Return where a page of events begins. Raises ValueError with the sentence for the operator."""
    if not (text.isascii() and text.isdigit() and len(text) < 19):
        raise ValueError(f"`{text}` is not a cursor: take the one that came as `next`")
    return int(text)


def read_event_number(text: str, _now: int = 0) -> int:
    """Return the gateway's own number of an event. Raises ValueError with the sentence for the operator."""
    if not (text.isascii() and text.isdigit() and len(text) < 19):
        raise ValueError(f"`{text}` is not the gateway's own number of an event")
    return int(text)


def _text_up_to(most: int) -> Callable[[str, int], str]:
    def read(text: str, _now: int) -> str:
        if len(text) > most:
            raise ValueError(f"it has {len(text)} characters, more than {most}")
        return text

    return read


def _plain(name: str, description: str, most: int = _LONGEST_NAME) -> Parameter:
    schema = {"type": "string", "maxLength": most}
    return Parameter(name=name, description=description, schema=schema, read=_text_up_to(most))


def _time(name: str, description: str) -> Parameter:
    schema = {"type": "string", "examples": ["7d", "90m", "2026-01-31T12:00:00Z"]}
    return Parameter(name=name, description=description, schema=schema, read=read_time)


SOURCE = _plain("source", "Events of this source.")
LIMIT = Parameter(
    name="limit",
    description="How many entries a page has at the most.",
    schema={"type": "integer", "minimum": 1, "maximum": MOST, "default": DEFAULT_LIMIT},
    read=read_limit,
)
EVENT_CURSOR = Parameter(
    name="cursor",
    description="Where to go on: `next` of the page before.",
    schema={"type": "string"},
    read=read_event_cursor,
)
ROW_CURSOR = _plain("cursor", "Where to go on: `next` of the page before.")
EVENT_FILTERS = (
    SOURCE,
    _plain("type", "Events of this type, exactly or with `*`: `invoice.*`."),
    Parameter(
        name="status",
        description="Events that are this.",
        schema={"type": "string", "enum": list(STATUSES)},
        read=read_status,
    ),
    _plain("key", "Events with this ordering key."),
    _plain(
        "q",
        "Events with this text in their id, key, error, result or payload. A page may then hold few events, or "
        "none, and still have a `next`: it leads on to older ones.",
        LONGEST_TEXT,
    ),
    _time("since", "Events received then or later: a time, or how long ago."),
    _time("until", "Events received before that: a time, or how long ago."),
)
OUTBOX_FILTERS = (
    Parameter(
        name="status",
        description="Messages and calls that are this.",
        schema={"type": "string", "enum": list(OUTBOX_STATUSES)},
        read=read_outbox_status,
    ),
    _plain("action", "Those of this action: `stripe`, `send`, `notify`, `cache` or `publish`."),
    _plain("target", "Those to this destination or channel."),
    Parameter(
        name="event",
        description="Those of the event with this number.",
        schema={"type": "string"},
        read=read_event_number,
    ),
)


def read_query(allowed: Sequence[Parameter], given: Sequence[tuple[str, str]], now: int) -> dict[str, Any]:
    """Return the values of a query's parameters; empty ones are left out.

    Raises Refused for an unknown parameter, one given twice, and a value that it cannot have.
    """
    known = {parameter.name: parameter for parameter in allowed}
    values: dict[str, Any] = {}
    for name, text in given:
        if name not in known:
            raise Refused("invalid_parameter", f"there is no parameter `{name}`{_instead(name, known)}")
        if name in values:
            raise Refused("invalid_parameter", f"parameter `{name}` is given twice")
        if text:
            values[name] = _read(known[name], text, now)
    return values


def _read(parameter: Parameter, text: str, now: int) -> object:
    try:
        return parameter.read(text, now)
    except ValueError as error:
        raise Refused("invalid_parameter", f"parameter `{parameter.name}`: {error}") from None


def _instead(name: str, known: Mapping[str, Parameter]) -> str:
    near = did_you_mean(name, known)
    if near:
        return f", did you mean `{near}`?"
    return f": there are {', '.join(f'`{one}`' for one in known)}" if known else ": this address takes none"


def event_filter(values: Mapping[str, Any]) -> EventFilter:
    """Return the filter that a query's parameters describe."""
    names = {parameter.name for parameter in EVENT_FILTERS}
    return EventFilter(**{name: value for name, value in values.items() if name in names})
