"""Our `dataclass` makes what the standard library's makes."""

from __future__ import annotations

import pickle
from typing import Any

import pytest

from gateway.records import dataclass, field, replace


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """A place."""

    x: int
    y: int = 0
    note: str = field(default="", compare=False, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Named(Point):
    """One with a name."""

    name: str


@dataclass(slots=True)
class Open:
    """One that may change."""

    items: list[int] = field(default_factory=list)


@dataclass(frozen=True, slots=True, eq=False)
class Itself:
    """One that is only itself."""

    x: int


@dataclass(frozen=True)
class Nothing:
    """One without fields."""


def test_equal_values_are_equal_and_hash_alike() -> None:
    assert Point(x=1, note="a") == Point(x=1, note="b")
    assert Point(x=1) != Point(x=2)
    assert len({Point(x=1), Point(x=1, y=0), Point(x=1, y=1)}) == 2
    assert Nothing() == Nothing()
    assert len({Nothing(), Nothing()}) == 1


def test_another_class_is_another_thing() -> None:
    assert Point(x=1) != Named(x=1, name="")
    assert Point(x=1) != (1, 0)
    assert Itself(1) != Itself(1)


def test_what_may_change_has_no_hash() -> None:
    assert Open() == Open([])
    with pytest.raises(TypeError, match="unhashable"):
        hash(Open())


def test_it_shows_what_it_is_made_of() -> None:
    assert repr(Named(x=1, name="a", note="hidden")) == "Named(x=1, y=0, name='a')"


def test_it_is_made_and_changed_as_usual() -> None:
    assert replace(Point(x=1, y=2), y=3) == Point(x=1, y=3)
    assert Open().items is not Open().items
    wrong: Any = {"z": 1}
    with pytest.raises(TypeError, match="unexpected keyword"):
        Point(x=1, **wrong)
    with pytest.raises(AttributeError):
        Point(x=1).z  # noqa: B018 - reading it is what is tried
    assert pickle.loads(pickle.dumps(Point(x=1, y=2))) == Point(x=1, y=2)  # noqa: S301 - what it has written itself
