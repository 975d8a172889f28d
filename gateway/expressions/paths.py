"""The fastest way along plain fields: one closure for a whole path."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

Run = Callable[[Any, Any], Any]
"""A compiled part: called with the value it is applied to and the context."""

_NOTHING: Mapping[str, Any] = {}


def read_fields(names: tuple[str, ...]) -> Run:
    """Return a closure that reads fields one inside the other, null where one is absent or not an object."""
    if len(names) <= len(_READERS):
        return _READERS[len(names) - 1](*names)
    return _read_many(names)


def _read_1(a: str) -> Run:
    def run(value: Any, _context: Any) -> Any:
        try:
            return value.get(a)
        except AttributeError:
            return None

    return run


def _read_2(a: str, b: str) -> Run:
    def run(value: Any, _context: Any) -> Any:
        try:
            return value.get(a, _NOTHING).get(b)
        except AttributeError:
            return None

    return run


def _read_3(a: str, b: str, c: str) -> Run:
    def run(value: Any, _context: Any) -> Any:
        try:
            return value.get(a, _NOTHING).get(b, _NOTHING).get(c)
        except AttributeError:
            return None

    return run


def _read_4(a: str, b: str, c: str, d: str) -> Run:
    def run(value: Any, _context: Any) -> Any:
        try:
            return value.get(a, _NOTHING).get(b, _NOTHING).get(c, _NOTHING).get(d)
        except AttributeError:
            return None

    return run


def _read_5(a: str, b: str, c: str, d: str, e: str) -> Run:
    def run(value: Any, _context: Any) -> Any:
        try:
            return value.get(a, _NOTHING).get(b, _NOTHING).get(c, _NOTHING).get(d, _NOTHING).get(e)
        except AttributeError:
            return None

    return run


def _read_many(names: tuple[str, ...]) -> Run:
    def run(value: Any, _context: Any) -> Any:
        try:
            for name in names:
                value = value.get(name, _NOTHING)
        except AttributeError:
            return None
        return None if value is _NOTHING else value

    return run


_READERS: tuple[Callable[..., Run], ...] = (_read_1, _read_2, _read_3, _read_4, _read_5)
