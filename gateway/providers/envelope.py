"""Reading an event's id, type, time and ordering key. Nothing that a sender can send raises."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any, NamedTuple

from gateway.expressions import NO_CONTEXT, CoercionError, EvaluationError, coerce, compile_expression
from gateway.providers.headers import first_header
from gateway.providers.preset import Part, Preset

PARTS = ("id", "type", "occurred_at", "key")

_FURTHEST = 20
"""Digits of a time in seconds, milliseconds or microseconds, and then some."""
_LARGEST = 1024
"""Bits of a number that is a name; writing out a larger one takes time that grows with its square."""
_UNCLEAN = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
"""Control characters, line ends, and halves of characters."""


class Envelope(NamedTuple):
    """What stands on the outside of an event; None for what it does not say."""

    id: str | None
    type: str | None
    occurred_at: datetime | None
    key: str | None


_Read = Callable[[object, Mapping[str, str]], object]


class EnvelopeReader:
    """Reads envelopes of one source."""

    def __init__(self, parts: Mapping[str, Part], *, fixed_time: bool = False) -> None:
        """Take where each part is. Raises ExpressionError for a path that cannot be compiled."""
        self._id, self._type, self._time, self._key = (_reader(parts.get(name)) for name in PARTS)
        time = parts.get("occurred_at")
        self._zone = time.get("zone") if isinstance(time, Mapping) else None
        self.fixed_time = fixed_time and time is not None
        """Whether the event's own time is the same in every delivery of it."""

    def read(self, payload: object, headers: Mapping[str, str]) -> Envelope:
        """Return the envelope of a payload that came with these headers."""
        return Envelope(
            _text(self._id, payload, headers),
            _text(self._type, payload, headers),
            self._read_time(payload, headers),
            _text(self._key, payload, headers),
        )

    def _read_time(self, payload: object, headers: Mapping[str, str]) -> datetime | None:
        try:
            value = self._time(payload, headers)
            moment: datetime | None = None if _is_far(value) else coerce(value, "timestamp", zone=self._zone)
        except (CoercionError, EvaluationError):
            return None
        return moment


def _reader(part: Part | None) -> _Read:
    if part is None:
        return lambda payload, headers: None
    if isinstance(part, Mapping) and "header" in part:
        names = [part[name] for name in ("header", "or_header") if name in part]
        return lambda payload, headers: first_header(headers, names)
    text = part if isinstance(part, str) else part["path"]
    evaluate = compile_expression(text).evaluate
    return lambda payload, headers: evaluate(payload, NO_CONTEXT)


def _text(read: _Read, payload: object, headers: Mapping[str, str]) -> str | None:
    try:
        value = read(payload, headers)
    except EvaluationError:
        return None
    if isinstance(value, int) and not isinstance(value, bool) and value.bit_length() <= _LARGEST:
        value = str(value)
    return value if isinstance(value, str) and _is_clean(value) else None


def _is_far(value: object) -> bool:
    """Say whether a number is no time that anyone could mean, and may be too large to work with."""
    if isinstance(value, Decimal):
        return not value.is_finite() or value.adjusted() > _FURTHEST
    return isinstance(value, int) and value.bit_length() > _LARGEST


def _is_clean(text: str) -> bool:
    """Say whether a text can stand in a database, a log and an address: no control characters, whole Unicode."""
    if text.isascii():
        return text.isprintable() and text != ""
    return _UNCLEAN.search(text) is None


def build_envelope(event: Mapping[str, Any], preset: Preset | None) -> EnvelopeReader:
    """Return the reader of a source: the preset's parts, with those that the source says differently."""
    own = {name: part for name, part in event.items() if part is not None}
    parts = {**(preset.event if preset is not None else {}), **own}
    # Nobody knows whether a retry brings a time that the source names itself again: it tells no two events apart.
    fixed = preset is not None and preset.fixed_time and "occurred_at" not in own
    return EnvelopeReader(parts, fixed_time=fixed)
