"""What functions give, where that depends on what they are given."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Protocol

from gateway.expressions.types import (
    DATE,
    INTEGER,
    NUMBER,
    TEXT,
    TIMESTAMP,
    Type,
    list_of,
    object_of,
    union,
)


class Arguments(Protocol):
    """The arguments of a call."""

    types: list[Type]
    tables: Mapping[str, Type]

    def literal(self, at: int) -> object:
        """Return the value of an argument that is written out, or None."""

    def applied(self, at: int, element: Type | None) -> Type:
        """Return the type of an `&expression` argument for elements of a type."""


Result = Callable[[Arguments], Type | None]
"""Gives a call's type beside null, or None where nothing more is known than the function's spec says."""


def _lookup(call: Arguments) -> Type | None:
    subject, name = call.types[0], call.literal(0)
    if isinstance(name, str):
        return call.tables.get(name)
    if subject.certain == {"object"} and subject.fields is not None and not subject.open:
        return union(subject.fields.values())
    return None


def _values(call: Arguments) -> Type | None:
    subject = call.types[0]
    known = subject.fields is not None and not subject.open and subject.certain == {"object"}
    return list_of(union((subject.fields or {}).values())) if known else None


def _merge(call: Arguments) -> Type | None:
    merged: dict[str, Type] = {}
    for subject in call.types:
        if subject.fields is None or subject.certain != {"object"}:
            return None
        merged.update(subject.fields)
    return object_of(merged, open=any(subject.open for subject in call.types))


def _map(call: Arguments) -> Type | None:
    return list_of(call.applied(0, call.types[1].element))


def _ordered_by(call: Arguments) -> Type | None:
    call.applied(1, call.types[0].element)
    return call.types[0].element


def _sorted_by(call: Arguments) -> Type | None:
    call.applied(1, call.types[0].element)
    return _same_list(call)


def _element(call: Arguments) -> Type | None:
    return call.types[0].element


def _same_list(call: Arguments) -> Type | None:
    element = call.types[0].element
    return None if element is None else list_of(element)


def _reversed(call: Arguments) -> Type | None:
    return call.types[0] if call.types[0].certain <= {"text", "list"} else None


def _first(call: Arguments) -> Type | None:
    return union(call.types)


def _to_array(call: Arguments) -> Type | None:
    only = call.types[0]
    if "list" not in only.kinds:
        return list_of(only)
    return list_of(only.element) if only.certain == {"list"} and only.element is not None else None


def _moved_days(call: Arguments) -> Type | None:
    return call.types[0] if call.types[0].certain and call.types[0].certain <= {"date", "timestamp"} else None


def _later(call: Arguments) -> Type | None:
    kinds = call.types[0].certain | call.types[1].certain
    return DATE if kinds == {"date"} else TIMESTAMP if kinds == {"timestamp"} else None


def _whole(call: Arguments) -> Type | None:
    return INTEGER if all(given.certain == {"integer"} for given in call.types) else NUMBER


def _sum(call: Arguments) -> Type | None:
    element = call.types[0].element
    return INTEGER if element is not None and element.certain == {"integer"} else NUMBER


RESULTS: Mapping[str, Result] = {
    "lookup": _lookup,
    "values": _values,
    "merge": _merge,
    "map": _map,
    "max_by": _ordered_by,
    "min_by": _ordered_by,
    "sort_by": _sorted_by,
    "sort": _same_list,
    "max": _element,
    "min": _element,
    "reverse": _reversed,
    "not_null": _first,
    "to_array": _to_array,
    "keys": lambda call: list_of(TEXT),
    "split": lambda call: list_of(TEXT),
    "add_days": _moved_days,
    "later": _later,
    "add": _whole,
    "sub": _whole,
    "mul": _whole,
    "abs": _whole,
    "sum": _sum,
}
"""By function; every other one gives what its spec says."""
