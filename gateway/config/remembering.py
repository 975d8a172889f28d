"""Remembers what was made of an object that cannot be hashed: a schema, a table of actions."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import TypeVar

T = TypeVar("T")
R = TypeVar("R")


def once_for_each(function: Callable[[T], R]) -> Callable[[T], R]:
    """Call a function once for each object, told by identity; the object is kept, so that no other gets its id.

    It is for what lives as long as the program, and its outcome is shared: nobody may change it.
    """
    made: dict[int, tuple[T, R]] = {}

    @wraps(function)
    def remembered(of: T) -> R:
        known = made.get(id(of))
        if known is None:
            known = made[id(of)] = (of, function(of))
        return known[1]

    return remembered
