"""The tree of a compiled expression: what was written, with where it stands.

`start` and `end` of every node are 0-based, half-open offsets into the text that was compiled;
parentheses around a node are not part of it.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal as OneOf

from gateway.records import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """A part of an expression."""

    start: int
    end: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Literal(Node):
    """A value as written: JSON in backticks, text in single quotes, or a bare word in backticks."""

    value: object
    style: OneOf["json", "quoted", "bare"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Current(Node):
    """The value being looked at: `@`, or, with no width, what is implied (as in `[*]`)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Field(Node):
    """A name looked up in an object; `quoted` when written in double quotes."""

    name: str
    quoted: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Index(Node):
    """One element of a list; negative counts from the end."""

    position: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Slice(Node):
    """Some elements of a list."""

    first: int | None
    stop: int | None
    step: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Path(Node):
    """Steps joined by dots and brackets, each applied to the value before it."""

    parts: tuple[Node, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Pipe(Node):
    """Expressions joined by `|`, each applied to the value before it."""

    parts: tuple[Node, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Projection(Node):
    """`target` of each element of the list `source`, nulls left out."""

    source: Node
    target: Node


@dataclass(frozen=True, slots=True, kw_only=True)
class ValueProjection(Node):
    """`target` of each value of the object `source`, nulls left out."""

    source: Node
    target: Node


@dataclass(frozen=True, slots=True, kw_only=True)
class FilterProjection(Node):
    """`target` of each element of the list `source` for which `condition` is true, nulls left out."""

    source: Node
    target: Node
    condition: Node


@dataclass(frozen=True, slots=True, kw_only=True)
class Flatten(Node):
    """The list `source` with the elements of its lists in their place."""

    source: Node


@dataclass(frozen=True, slots=True, kw_only=True)
class MultiSelectList(Node):
    """A new list: `[a, b]`."""

    items: tuple[Node, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry(Node):
    """A key of a new object and its value."""

    key: str
    value: Node


@dataclass(frozen=True, slots=True, kw_only=True)
class MultiSelectHash(Node):
    """A new object: `{key: a}`."""

    entries: tuple[Entry, ...]


Operator = OneOf["==", "!=", "<", "<=", ">", ">="]


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison(Node):
    """Two values compared."""

    operator: Operator
    left: Node
    right: Node


@dataclass(frozen=True, slots=True, kw_only=True)
class Or(Node):
    """The first operand that is true, else the last."""

    operands: tuple[Node, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class And(Node):
    """The first operand that is not true, else the last."""

    operands: tuple[Node, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Not(Node):
    """The opposite of an operand's truth."""

    operand: Node


@dataclass(frozen=True, slots=True, kw_only=True)
class ExpressionReference(Node):
    """`&expression`: an argument that a function applies to each element."""

    expression: Node


@dataclass(frozen=True, slots=True, kw_only=True)
class FunctionCall(Node):
    """A function applied to arguments; the name stands at `start`."""

    name: str
    arguments: tuple[Node, ...]


_INNER: dict[type[Node], tuple[str, ...]] = {
    Path: ("parts",),
    Pipe: ("parts",),
    Projection: ("source", "target"),
    ValueProjection: ("source", "target"),
    FilterProjection: ("source", "condition", "target"),
    Flatten: ("source",),
    MultiSelectList: ("items",),
    Entry: ("value",),
    MultiSelectHash: ("entries",),
    Comparison: ("left", "right"),
    Or: ("operands",),
    And: ("operands",),
    Not: ("operand",),
    ExpressionReference: ("expression",),
    FunctionCall: ("arguments",),
}


def children(node: Node) -> tuple[Node, ...]:
    """Return the nodes directly inside a node, in the order of the text."""
    inside: list[Node] = []
    for name in _INNER.get(type(node), ()):
        value = getattr(node, name)
        if isinstance(value, tuple):
            inside.extend(value)
        else:
            inside.append(value)
    return tuple(inside)


def walk(node: Node) -> Iterator[Node]:
    """Yield a node and everything inside it, outermost first, in the order of the text."""
    pending = [node]
    while pending:
        part = pending.pop()
        yield part
        pending.extend(reversed(children(part)))
