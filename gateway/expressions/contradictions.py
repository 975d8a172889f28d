"""What the form of an expression shows by itself: conditions that cannot both hold, alternatives that never count."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import fields
from typing import NamedTuple

from gateway.expressions import tree

Shape = tuple[object, ...]
"""A part of an expression without its place: two of one shape give the same."""


class Remark(NamedTuple):
    """Something about a part of an expression."""

    message: str
    place: tree.Node


def shape(node: tree.Node) -> Shape:
    """Return what a part of an expression says, wherever it stands."""
    known = _SHAPES.get(id(node))
    if known is None:
        if len(_SHAPES) >= _MOST_SHAPES:
            _SHAPES.clear()
        said = (type(node), *[_plain(getattr(node, name)) for name in _parts(type(node))])
        known = _SHAPES[id(node)] = (node, said)
    return known[1]


# Each expression is looked at for every rule that comes by it. The node is kept, so that no other comes to have its id.
_SHAPES: dict[int, tuple[tree.Node, Shape]] = {}
_MOST_SHAPES = 20_000


_NAMES: dict[type[tree.Node], tuple[str, ...]] = {}


def _parts(kind: type[tree.Node]) -> tuple[str, ...]:
    if kind not in _NAMES:
        _NAMES[kind] = tuple(one.name for one in fields(kind) if one.name not in _PLACE)
    return _NAMES[kind]


_PLACE = frozenset(("start", "end", "quoted", "style"))


def _plain(value: object) -> object:
    if isinstance(value, tree.Node):
        return shape(value)
    if isinstance(value, tuple):
        return tuple(_plain(item) for item in value)
    return repr(value)


def never_both(operands: Sequence[tree.Node], operator: str) -> Iterator[Remark]:
    """Yield comparisons of one thing with two values: by `==` both never hold, by `!=` one of them always does."""
    seen: dict[Shape, str] = {}
    for operand in operands:
        if not isinstance(operand, tree.Comparison) or operand.operator != operator:
            continue
        what, value = _sides(operand)
        if what is None or value is None:
            continue
        before = seen.setdefault(shape(what), str(value.value))
        if before != str(value.value) and operator == "==":
            yield Remark(f"this never holds beside the comparison with `{before}`", operand)
        elif before != str(value.value):
            yield Remark(f"one of the two always holds: nothing is both `{before}` and `{value.value}`", operand)


def _sides(comparison: tree.Comparison) -> tuple[tree.Node | None, tree.Literal | None]:
    """Return what is compared, and the value that it is compared with, where one side is a value."""
    for what, value in ((comparison.left, comparison.right), (comparison.right, comparison.left)):
        if isinstance(value, tree.Literal) and value.value is not None and not isinstance(what, tree.Literal):
            return what, value
    return None, None


def idle(operands: Sequence[tree.Node]) -> Iterator[Remark]:
    """Yield operands that never count: one like it stands before, or a value that is there in any case."""
    seen: set[Shape] = set()
    for at, operand in enumerate(operands):
        own = shape(operand)
        if own in seen:
            yield Remark("this is written twice: the first counts", operand)
            return
        seen.add(own)
        if isinstance(operand, tree.Literal) and operand.value and at + 1 < len(operands):
            yield Remark(f"this never counts: `{operand.value}` before it always does", operands[at + 1])
            return


def twice(operands: Sequence[tree.Node]) -> Iterator[Remark]:
    """Yield operands of a condition that stand in it before."""
    seen: set[Shape] = set()
    for operand in operands[:-1]:  # the last is what comes of it: `a && a` gives a value, and is only clumsy
        own = shape(operand)
        if own in seen:
            yield Remark("this is written twice", operand)
        seen.add(own)


def lost_by_pipe(node: tree.Pipe) -> Iterator[Remark]:
    """Yield what stands before a `|` and a value that does not look at it."""
    for before, part in zip(node.parts, node.parts[1:], strict=False):
        if isinstance(part, tree.Literal):
            yield Remark("this never counts: `|` hands it to a value that does not look at it, `||` was meant", before)


def same_sides(comparison: tree.Comparison) -> bool:
    """Say whether something is compared with itself."""
    return shape(comparison.left) == shape(comparison.right)
