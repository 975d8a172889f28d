"""Values on their way into columns: most are seen to fit at a glance, `expressions.fit` decides about all others."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from gateway.config.tables import Column
from gateway.expressions import CoercionError, fit
from gateway.store.shapes import ValueDoesNotFit

Fit = Callable[[Any], object]
"""Takes a value, gives it as a column holds it."""


def fitter(table: str, column: Column) -> Fit:
    """Return the function that gives a value as a column holds it; null fits. It raises ValueDoesNotFit."""
    decide = _deciding(table, column)
    if column.values:
        return _one_of(frozenset(item for item in column.values if _keeps(decide, item)), decide)
    return _GLANCES[column.type](decide)


def _deciding(table: str, column: Column) -> Fit:
    name, type_name, allowed = column.name, column.type, column.values

    def decide(value: object) -> object:
        try:
            fitted = fit(value, type_name)
        except CoercionError as error:
            raise ValueDoesNotFit(table, name, str(error)) from None
        if allowed and fitted is not None and fitted not in allowed:
            listed = ", ".join(f"`{item}`" for item in allowed)
            raise ValueDoesNotFit(table, name, f"`{fitted}` is not one of {listed}")
        return fitted

    return decide


def _keeps(decide: Fit, item: object) -> bool:
    """Say whether a column holds a text as it is."""
    try:
        return item.__class__ is str and decide(item) == item
    except ValueDoesNotFit:
        return False


def _one_of(texts: frozenset[object], decide: Fit) -> Fit:
    return lambda value: value if value.__class__ is str and value in texts else decide(value)


def _text(decide: Fit) -> Fit:
    def fit_text(value: Any) -> object:
        if value is None or (value.__class__ is str and value.isascii() and "\0" not in value):
            return value
        return decide(value)

    return fit_text


def _integer(decide: Fit) -> Fit:
    return lambda value: value if value.__class__ is int and -(2**63) <= value < 2**63 else decide(value)


def _decimal(decide: Fit) -> Fit:
    def fit_decimal(value: Any) -> object:
        if value.__class__ is Decimal and value.is_finite() and -30 < value.adjusted() < 30:
            return value
        return decide(value)

    return fit_decimal


def _timestamp(decide: Fit) -> Fit:
    return lambda value: value if value.__class__ is datetime and value.tzinfo is UTC else decide(value)


def _date(decide: Fit) -> Fit:
    return lambda value: value if value.__class__ is date else decide(value)


def _boolean(decide: Fit) -> Fit:
    return lambda value: value if value.__class__ is bool else decide(value)


_GLANCES: dict[str, Callable[[Fit], Fit]] = {
    "text": _text,
    "integer": _integer,
    "decimal": _decimal,
    "boolean": _boolean,
    "timestamp": _timestamp,
    "date": _date,
    "json": lambda decide: decide,
}
