"""The names that an expression reads from its scope, and the calls it makes."""

from __future__ import annotations

from collections.abc import Iterator

from gateway.expressions import tree
from gateway.records import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Reference:
    """A name read from the root scope, with the fields after it as far as they are written out.

    `start` and `end` cover the whole of `path` in the text.
    """

    path: tuple[str, ...]
    start: int
    end: int


def references(node: tree.Node) -> tuple[Reference, ...]:
    """Return every name that an expression reads from the root scope, in the order of the text.

    Names read from another value (inside a projection or filter, after a pipe or a field) are not among them.
    """
    return tuple(_read(node, at_root=True))


def calls(node: tree.Node) -> tuple[tree.FunctionCall, ...]:
    """Return every function call of an expression, outermost first."""
    return tuple(part for part in tree.walk(node) if isinstance(part, tree.FunctionCall))


def _read(node: tree.Node, *, at_root: bool) -> Iterator[Reference]:
    # `at_root` says whether the value that `node` is applied to is the root scope itself.
    match node:
        case tree.Field(name=name):
            if at_root:
                yield Reference(path=(name,), start=node.start, end=node.end)
        case tree.Path(parts=parts):
            yield from _read_path(parts, at_root=at_root)
        case tree.Pipe(parts=parts):
            yield from _read_in_turn(parts, at_root=at_root)
        case tree.Projection() | tree.ValueProjection():
            yield from _read(node.source, at_root=at_root)
            yield from _read(node.target, at_root=False)
        case tree.FilterProjection():
            yield from _read(node.source, at_root=at_root)
            yield from _read(node.condition, at_root=False)
            yield from _read(node.target, at_root=False)
        case tree.ExpressionReference(expression=expression):
            yield from _read(expression, at_root=False)
        case _:
            for child in tree.children(node):
                yield from _read(child, at_root=at_root)


def _read_path(parts: tuple[tree.Node, ...], *, at_root: bool) -> Iterator[Reference]:
    while at_root and len(parts) > 1 and isinstance(parts[0], tree.Current):
        parts = parts[1:]
    fields: list[tree.Field] = []
    for part in parts:
        if not isinstance(part, tree.Field):
            break
        fields.append(part)
    if not (fields and at_root):
        yield from _read_in_turn(parts, at_root=at_root)
        return
    path = tuple(field.name for field in fields)
    yield Reference(path=path, start=fields[0].start, end=fields[-1].end)
    yield from _read_in_turn(parts[len(fields) :], at_root=False)


def _read_in_turn(parts: tuple[tree.Node, ...], *, at_root: bool) -> Iterator[Reference]:
    for part in parts:
        yield from _read(part, at_root=at_root)
        at_root = at_root and isinstance(part, tree.Current)
