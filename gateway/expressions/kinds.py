"""The kinds of run-time values, by the names that messages use."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from gateway.expressions.errors import EvaluationError

KINDS: dict[type, str] = {
    type(None): "null",
    bool: "boolean",
    int: "number",
    Decimal: "number",
    float: "number",
    str: "text",
    date: "date",
    datetime: "timestamp",
    list: "list",
    tuple: "list",
    dict: "object",
}
"""The kind of each Python type that a run-time value can have; a float only comes from a foreign parse."""

NUMBERS = frozenset({int, Decimal, float})
"""Types whose values are true even when they are 0."""

EXACT_NUMBERS = frozenset({int, Decimal})
"""Types whose values Python compares exactly with each other."""

_BROADER: tuple[tuple[type, str], ...] = (
    (bool, "boolean"),
    (int, "number"),
    (Decimal, "number"),
    (float, "number"),
    (str, "text"),
    (datetime, "timestamp"),
    (date, "date"),
    (Mapping, "object"),
    (list, "list"),
    (tuple, "list"),
)


def kind_of(value: object) -> str:
    """Return the kind of a value; a subclass (an enum, a row mapping) counts as what it extends."""
    kind = KINDS.get(value.__class__)
    if kind is not None:
        return kind
    for broader, name in _BROADER:
        if isinstance(value, broader):
            return name
    raise TypeError(f"{type(value).__name__} is not a type of run-time values")


def is_true(value: object) -> bool:
    """Return whether JMESPath takes a value for true: all but null, false, empty text, list and object."""
    return True if value else value.__class__ in NUMBERS


def exact(value: Any) -> int | Decimal:
    """Return a number as int or Decimal, a float as the shortest decimal that reads back as it.

    Raises EvaluationError for NaN and infinities.
    """
    if isinstance(value, int):
        return int(value)
    number = value if isinstance(value, Decimal) else Decimal(repr(float(value)))
    if not number.is_finite():
        raise EvaluationError(f"`{number}` is not a number to work with")
    return number


def instant(value: date) -> datetime:
    """Return a timestamp as it is and a date as its midnight in UTC."""
    if isinstance(value, datetime):
        return value if value.tzinfo else value.replace(tzinfo=UTC)
    return datetime(value.year, value.month, value.day, tzinfo=UTC)
