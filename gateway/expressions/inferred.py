"""What an inference works with and comes to: what is known, the type, what is wrong."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from gateway.expressions import tree
from gateway.expressions.types import Type
from gateway.records import dataclass, field

About = Literal["field", "kind", "compare", "argument", "never", "idle", "table", "unlisted"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """Something that is wrong for every event; `start` and `end` are offsets into the expression's text."""

    about: About
    """`field`: a member that the object never has; `kind`: a member, element or projection of what has none;
    `compare`: two values that cannot be compared; `argument`: one that a function refuses; `never`: a comparison that
    always comes out the same; `idle`: an alternative that never counts; `table`: a table that nobody declared;
    `unlisted`: a text that is none of the words known of what it is compared with, which may have others."""
    message: str
    start: int
    end: int
    owner: Type | None = None
    """For `field`: the object; for `never`: what is compared; for `table`: an object of all tables."""
    name: str | None = None
    """For `field`: the member; for `never`: the text it is compared with; for `table`: the table."""
    given: tuple[Type, ...] = ()
    """For `compare`: the types of both."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """What is known where an expression stands."""

    scope: Type
    """The object of all names."""
    tables: Mapping[str, Type] = field(default_factory=dict)
    """The type of a row of each table, for `lookup`."""
    keys: Mapping[str, Type] = field(default_factory=dict)
    """The type of the key of each table, for `lookup`."""
    found: dict[int, tuple[tree.Node, Inferred]] = field(default_factory=dict, repr=False)
    """What was inferred already, by the identity of the node."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Inferred:
    """The outcome of an inference."""

    type: Type
    problems: tuple[Problem, ...]
