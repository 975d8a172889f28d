"""What an editor's cursor stands on: a key or a value, and the way to it from the root of the file."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from gateway.config.diagnostics import Position, Span
from gateway.config.nodes import Mapping, Node, Scalar, Sequence, Step
from gateway.editor.outline import outline
from gateway.editor.positions import Text

CURSOR = "\ue0f0"
"""Stands in a text where the cursor is: a character of no language (Unicode, Private Use Area)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Spot:
    """A scalar of a file."""

    root: Node
    path: tuple[Step, ...]
    """The way to it; of a key, the way to what stands under it."""
    node: Scalar
    on_key: bool

    def above(self, levels: int = 1) -> Node | None:
        """Return the node so many levels above; None above the root."""
        return follow(self.root, self.path[:-levels]) if len(self.path) >= levels else None


def follow(root: Node | None, path: tuple[Step, ...]) -> Node | None:
    """Return the node that a path leads to, or None where it leads nowhere."""
    for step in path:
        if isinstance(root, Mapping):
            root = root.get(str(step))
        elif isinstance(root, Sequence) and isinstance(step, int) and step < len(root.items):
            root = root.items[step]
        else:
            return None
    return root


def text_at(root: Node | None, *path: Step) -> str:
    """Return the text of the scalar that a path leads to, empty where there is none."""
    found = follow(root, path)
    return found.text if isinstance(found, Scalar) else ""


def spots(root: Node) -> Iterator[Spot]:
    """Yield every scalar of a file, keys included, in the order written."""
    pending: list[tuple[Node, tuple[Step, ...], bool]] = [(root, (), False)]
    while pending:
        node, path, on_key = pending.pop()
        match node:
            case Scalar():
                yield Spot(root=root, path=path, node=node, on_key=on_key)
            case Sequence():
                pending.extend(reversed([(item, (*path, at), False) for at, item in enumerate(node.items)]))
            case Mapping():
                inner = [one for key, item in node.entries for one in _entry(key, item, path)]
                pending.extend(reversed(inner))


def _entry(key: Scalar, item: Node, path: tuple[Step, ...]) -> list[tuple[Node, tuple[Step, ...], bool]]:
    return [(key, (*path, key.text), True), (item, (*path, key.text), False)]


def spot_at(root: Node, position: Position) -> Spot | None:
    """Return the scalar that a place is in or right behind, or None."""
    return next((spot for spot in spots(root) if spot.node.raw and within(spot.node.span, position)), None)


def within(span: Span, position: Position) -> bool:
    """Say whether a place is in a stretch, its end included."""
    return span.start <= position <= span.end


def writing_at(text: Text, position: Position) -> Spot | None:
    """Return what is being written at a place, however incomplete: its texts hold CURSOR where the cursor is."""
    offset = text.offset(position)
    root = outline(text.text[:offset] + CURSOR + text.text[offset:])
    found = (spot for spot in spots(root) if CURSOR in spot.node.raw)
    return next(found, None)
