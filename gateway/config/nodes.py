"""The nodes a configuration file is made of: values that know their place."""

from __future__ import annotations

from decimal import Decimal
from typing import TypeAlias

from gateway.config.diagnostics import Span
from gateway.config.scalars import place_in
from gateway.records import dataclass

Plain: TypeAlias = "bool | int | Decimal | str | list[Plain] | dict[str, Plain] | None"
"""What a node means as plain data; the keys of a mapping are always text, as written."""
ScalarValue: TypeAlias = bool | int | Decimal | str | None
Step: TypeAlias = str | int
"""A key or an index on the way to a node."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Scalar:
    """A single value; as a key of a mapping it is always text."""

    value: ScalarValue
    raw: str
    """The value as the file writes it, quotes included."""
    text: str
    """The value as text, before it was taken for a number, a boolean or null."""
    style: str
    """How it is written: "" plain, "'" or '"' quoted, "|" literal block, ">" folded block."""
    span: Span
    origin: str | None = None
    """The variable or file the value was taken from, where the file holds only a reference to it."""
    known: bool = True
    """False where the reference led nowhere, which has been reported: then the value means nothing."""

    def plain(self) -> Plain:
        """Return the value."""
        return self.value

    def span_of(self, start: int, end: int) -> Span:
        """Return the place of a part of the text: offsets into it, 0-based, `end` not included.

        Exact for what is written on one line or as a literal block; an escape counts as a whole.
        A value that was taken from elsewhere has only one place.
        """
        if self.origin is not None or not self.known:
            return self.span
        return place_in(self.raw, self.text, self.style, self.span.start, start, end)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Sequence:
    """A list of nodes."""

    items: tuple[Node, ...]
    span: Span

    def plain(self) -> Plain:
        """Return the items as plain data."""
        return [item.plain() for item in self.items]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Mapping:
    """Keys and their nodes, in the order written; a key is text, whatever it looks like."""

    entries: tuple[tuple[Scalar, Node], ...]
    span: Span

    def plain(self) -> Plain:
        """Return the entries as plain data."""
        return {key.text: node.plain() for key, node in self.entries}

    def get(self, key: str) -> Node | None:
        """Return what stands under `key`, or None."""
        for own, node in self.entries:
            if own.text == key:
                return node
        return None

    def key(self, key: str) -> Scalar | None:
        """Return the node of the key itself, or None."""
        for own, _ in self.entries:
            if own.text == key:
                return own
        return None

    def keys(self) -> tuple[str, ...]:
        """Return the keys."""
        return tuple(key.text for key, _ in self.entries)


Node: TypeAlias = Scalar | Sequence | Mapping


def node_at(root: Node, path: tuple[Step, ...]) -> Node:
    """Return the node that a path of keys and indexes leads to, or the last one met on the way."""
    for step in path:
        below = _child(root, step)
        if below is None:
            break
        root = below
    return root


def _child(node: Node, step: Step) -> Node | None:
    if isinstance(node, Mapping):
        return node.get(str(step))
    if isinstance(node, Sequence) and isinstance(step, int) and step < len(node.items):
        return node.items[step]
    return None


def is_written(node: Node) -> bool:
    """Say whether a node is a value that stands in the file itself, not one taken from elsewhere."""
    return isinstance(node, Scalar) and node.value is not None and node.origin is None


def kind_of(node: Node) -> str:
    """Return what a node is, in words for a message."""
    match node:
        case Mapping():
            return "a mapping"
        case Sequence():
            return "a list"
        case Scalar(value=None):
            return "nothing" if not node.text else "null"
        case Scalar(value=bool()):
            return "true or false" if node.origin else f"`{node.text}`"
        case Scalar(value=int()):
            return "a whole number"
        case Scalar(value=Decimal()):
            return "a number"
        case _:
            return "text"
