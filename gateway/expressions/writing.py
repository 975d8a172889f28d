"""How a value is written as text, and shown in a message."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from json.encoder import encode_basestring
from typing import Any

from gateway.expressions.errors import EvaluationError
from gateway.expressions.kinds import exact, kind_of

TEXT_LIMIT = 16 * 1024 * 1024
"""Characters that one expression may put together into a text."""

MAX_NESTING = 100
"""Levels of lists and objects inside each other that can be written as JSON."""

_PLAIN_DIGITS = 400
_SHOWN = 60


def to_text(value: object) -> str:
    """Return a value as it is written inside longer text.

    Numbers without an exponent, times as ISO 8601 in UTC with `Z`, booleans as `true` and `false`, lists and
    objects as JSON, null as nothing. Raises EvaluationError for a list or object that is too large to write.
    """
    if value.__class__ is str:
        return str(value)
    if value is None:
        return ""
    kind = kind_of(value)
    if kind in ("list", "object"):
        return to_json(value)
    return _scalar(value, kind)


def to_json(value: object) -> str:
    """Return a value as compact JSON: numbers exact, times as ISO text, keys in their order.

    Raises EvaluationError when the text would be longer than TEXT_LIMIT or deeper than MAX_NESTING.
    """
    writer = _Writer(TEXT_LIMIT)
    writer.write(value, 0)
    if writer.full:
        raise EvaluationError(f"a value is too large to be written: more than {TEXT_LIMIT} characters")
    return "".join(writer.pieces)


def shown(value: object) -> str:
    """Return a kind and a shortened value for a message: text `abc`, number 5, null."""
    kind = kind_of(value)
    if value is None:
        return kind
    if kind == "text":
        return f"text `{_shortened(str(value))}`"
    if kind not in ("list", "object"):
        return f"{kind} {_shortened(_scalar(value, kind))}"
    writer = _Writer(_SHOWN + 1)
    writer.write(value, 0)
    return f"{kind} {_shortened(''.join(writer.pieces))}"


def _shortened(text: str) -> str:
    return text if len(text) <= _SHOWN else text[:_SHOWN] + "…"


def _scalar(value: Any, kind: str) -> str:
    match kind:
        case "boolean":
            return "true" if value else "false"
        case "number":
            return number_text(value if isinstance(value, int | Decimal) else Decimal(repr(float(value))))
        case "timestamp":
            return _timestamp_text(value)
        case "date":
            return str(value.isoformat())
        case _:
            return str(value)


def number_text(number: int | Decimal) -> str:
    """Return a number without an exponent; one of hundreds of digits with it, to stay short."""
    if isinstance(number, int):
        return str(number)
    exponent = number.as_tuple().exponent
    plain = abs(number.adjusted()) <= _PLAIN_DIGITS and isinstance(exponent, int) and exponent >= -_PLAIN_DIGITS
    return format(number, "f") if plain or not number else str(number)


def _timestamp_text(value: datetime) -> str:
    aware = value if value.tzinfo else value.replace(tzinfo=UTC)
    return aware.astimezone(UTC).replace(tzinfo=None).isoformat() + "Z"


class _Writer:
    """Collects the pieces of a JSON text until a limit of characters is passed."""

    def __init__(self, limit: int) -> None:
        self.pieces: list[str] = []
        self._left = limit

    @property
    def full(self) -> bool:
        return self._left < 0

    def write(self, value: Any, depth: int) -> None:
        if self.full:
            return
        if depth > MAX_NESTING:
            raise EvaluationError(f"a value has more than {MAX_NESTING} levels inside each other")
        kind = kind_of(value)
        if kind == "object":
            self._object(value, depth)
        elif kind == "list":
            self._list(value, depth)
        elif kind in ("text", "date", "timestamp"):
            self._add(encode_basestring(_scalar(value, kind)))
        elif kind == "number":
            self._add(number_text(exact(value)))
        else:
            self._add("null" if value is None else _scalar(value, kind))

    def _object(self, entries: Mapping[object, object], depth: int) -> None:
        separator = "{"
        for key, value in entries.items():
            if self.full:
                return
            self._add(f"{separator}{encode_basestring(to_text(key))}:")
            self.write(value, depth + 1)
            separator = ","
        self._add("}" if entries else "{}")

    def _list(self, items: list[object], depth: int) -> None:
        separator = "["
        for item in items:
            if self.full:
                return
            self._add(separator)
            self.write(item, depth + 1)
            separator = ","
        self._add("]" if items else "[]")

    def _add(self, piece: str) -> None:
        self.pieces.append(piece)
        self._left -= len(piece)
