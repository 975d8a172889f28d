"""Comparing two values: by value within a kind, with an error across kinds."""

from __future__ import annotations

import operator
from collections.abc import Callable
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from gateway.expressions.errors import EvaluationError
from gateway.expressions.kinds import exact, instant, kind_of
from gateway.expressions.writing import shown

ORDERINGS: dict[str, Callable[[Any, Any], bool]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}

ORDERED_TYPES = frozenset({int, Decimal, str, date, datetime})
"""Types whose values Python orders as this language does, when both are of the same one."""

PLAIN_TYPES = ORDERED_TYPES | {bool}
"""Types whose values Python holds equal as this language does, when both are of the same one."""

_TIMES = frozenset({"date", "timestamp"})
_NESTED = frozenset({"list", "object"})


def equal(left: object, right: object) -> bool:
    """Return whether two values are the same.

    Null is only the same as null; numbers compare by value; a date is its midnight in UTC when it meets a
    timestamp; lists and objects are compared part by part, where different kinds are merely unequal.
    Raises EvaluationError for two values of kinds that cannot be compared.
    """
    if left.__class__ is right.__class__ and left.__class__ in PLAIN_TYPES:
        return bool(left == right)
    if left is None or right is None:
        return left is right
    kinds = {kind_of(left), kind_of(right)}
    if len(kinds) > 1 and kinds != _TIMES:
        raise EvaluationError(f"cannot compare {shown(left)} with {shown(right)}")
    return same(left, right)


def ordered(symbol: str, left: object, right: object) -> bool | None:
    """Return whether `left symbol right` holds for `<`, `<=`, `>`, `>=`; null when either is null.

    Numbers, texts (by code point), dates and timestamps have an order. Raises EvaluationError for others and
    for two values of kinds that cannot be compared.
    """
    if left is None or right is None:
        return None
    a, b = _orderable(left, right, symbol)
    return ORDERINGS[symbol](a, b)


def _orderable(left: Any, right: Any, symbol: str) -> tuple[Any, Any]:
    kinds = {kind_of(left), kind_of(right)}
    if kinds == {"number"}:
        return exact(left), exact(right)
    if kinds == {"text"}:
        return str(left), str(right)
    if kinds == {"date"}:
        return left, right
    if kinds <= _TIMES:
        return instant(left), instant(right)
    what = f"cannot compare {shown(left)} with {shown(right)}"
    raise EvaluationError(f"{what} by `{symbol}`" if len(kinds) == 1 else what)


def same(left: object, right: object) -> bool:
    """Return whether two values are the same, part by part, values of different kinds being unequal."""
    pending: list[tuple[Any, Any]] = [(left, right)]
    while pending:
        a, b = pending.pop()
        kind, other = kind_of(a), kind_of(b)
        if kind == other == "list" and len(a) == len(b):
            pending.extend(zip(a, b, strict=True))
        elif kind == other == "object" and a.keys() == b.keys():
            pending.extend((value, b[key]) for key, value in a.items())
        elif kind in _NESTED or not _same_scalars(a, b, {kind, other}):
            return False
    return True


def _same_scalars(a: Any, b: Any, kinds: set[str]) -> bool:
    if kinds == {"number"}:
        return exact(a) == exact(b)
    if kinds <= _TIMES:
        return instant(a) == instant(b)
    return len(kinds) == 1 and bool(a == b)
