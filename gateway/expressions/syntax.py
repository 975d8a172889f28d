"""Text to tree: the parser's nodes made into `gateway.expressions.tree`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from gateway.expressions import tree
from gateway.expressions.errors import ExpressionError
from gateway.expressions.parser import Parser, RawNode


def parse(text: str, offset: int = 0) -> tree.Node:
    """Return the tree of an expression that begins at `offset` of a longer text; places count from there.

    Raises ExpressionError, with places counted the same way.
    """
    try:
        raw = Parser(text).tree()
    except ExpressionError as error:
        raise ExpressionError(error.message, error.start + offset, error.end + offset, error.help) from None
    return _node(raw, offset)


def _node(raw: RawNode, offset: int) -> tree.Node:
    return _BUILDERS[raw["type"]](raw, {"start": raw["start"] + offset, "end": raw["end"] + offset}, offset)


def _nodes(raw: RawNode, offset: int) -> tuple[tree.Node, ...]:
    return tuple(_node(child, offset) for child in raw["children"])


def _leaf(raw: RawNode, place: dict[str, int], _offset: int) -> tree.Node:
    match raw["type"]:
        case "literal":
            return tree.Literal(value=raw["value"], style=raw["style"], **place)
        case "field":
            return tree.Field(name=raw["value"], quoted=raw["quoted"], **place)
        case "index":
            return tree.Index(position=raw["value"], **place)
        case "slice":
            first, stop, step = raw["children"]
            return tree.Slice(first=first, stop=stop, step=step, **place)
        case _:
            return tree.Current(**place)


def _path(raw: RawNode, place: dict[str, int], offset: int) -> tree.Node:
    # jmespath nests `a.b[0].c`; one flat path compiles to fewer closures and means the same.
    parts: list[tree.Node] = []
    for node in _nodes(raw, offset):
        if isinstance(node, tree.Path):
            parts.extend(node.parts)
        elif not (isinstance(node, tree.Current) and node.start == node.end):
            parts.append(node)
    return tree.Path(parts=tuple(parts), **place) if len(parts) > 1 else parts[0]


def _pipe(raw: RawNode, place: dict[str, int], offset: int) -> tree.Node:
    return tree.Pipe(parts=_nodes(raw, offset), **place)


def _projection(raw: RawNode, place: dict[str, int], offset: int) -> tree.Node:
    source, target = _nodes(raw, offset)
    kind = tree.Projection if raw["type"] == "projection" else tree.ValueProjection
    return kind(source=source, target=target, **place)


def _filter(raw: RawNode, place: dict[str, int], offset: int) -> tree.Node:
    source, target, condition = _nodes(raw, offset)
    return tree.FilterProjection(source=source, target=target, condition=condition, **place)


def _flatten(raw: RawNode, place: dict[str, int], offset: int) -> tree.Node:
    return tree.Flatten(source=_nodes(raw, offset)[0], **place)


def _multi_select_list(raw: RawNode, place: dict[str, int], offset: int) -> tree.Node:
    return tree.MultiSelectList(items=_nodes(raw, offset), **place)


def _multi_select_hash(raw: RawNode, place: dict[str, int], offset: int) -> tree.Node:
    entries = tuple(
        tree.Entry(
            key=entry["value"],
            value=_node(entry["children"][0], offset),
            start=entry["start"] + offset,
            end=entry["end"] + offset,
        )
        for entry in raw["children"]
    )
    return tree.MultiSelectHash(entries=entries, **place)


_OPERATORS: dict[str, tree.Operator] = {
    "eq": "==",
    "ne": "!=",
    "lt": "<",
    "lte": "<=",
    "gt": ">",
    "gte": ">=",
}


def _comparison(raw: RawNode, place: dict[str, int], offset: int) -> tree.Node:
    left, right = _nodes(raw, offset)
    return tree.Comparison(operator=_OPERATORS[raw["value"]], left=left, right=right, **place)


def _logic(raw: RawNode, place: dict[str, int], offset: int) -> tree.Node:
    operands = _nodes(raw, offset)
    match raw["type"]:
        case "or_expression":
            return tree.Or(operands=operands, **place)
        case "and_expression":
            return tree.And(operands=operands, **place)
        case _:
            return tree.Not(operand=operands[0], **place)


def _reference(raw: RawNode, place: dict[str, int], offset: int) -> tree.Node:
    return tree.ExpressionReference(expression=_nodes(raw, offset)[0], **place)


def _call(raw: RawNode, place: dict[str, int], offset: int) -> tree.Node:
    place["start"] = raw["name_start"] + offset
    return tree.FunctionCall(name=raw["value"], arguments=_nodes(raw, offset), **place)


_BUILDERS: dict[str, Callable[[RawNode, dict[str, Any], int], tree.Node]] = {
    "literal": _leaf,
    "field": _leaf,
    "index": _leaf,
    "slice": _leaf,
    "current": _leaf,
    "identity": _leaf,
    "subexpression": _path,
    "index_expression": _path,
    "pipe": _pipe,
    "projection": _projection,
    "value_projection": _projection,
    "filter_projection": _filter,
    "flatten": _flatten,
    "multi_select_list": _multi_select_list,
    "multi_select_dict": _multi_select_hash,
    "comparator": _comparison,
    "or_expression": _logic,
    "and_expression": _logic,
    "not_expression": _logic,
    "expref": _reference,
    "function_expression": _call,
}
