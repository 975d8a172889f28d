"""Tree to closures: every decision that the text allows is taken here, once."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from itertools import takewhile
from typing import Any

from gateway.expressions import tree
from gateway.expressions.calls import compile_call
from gateway.expressions.comparison import ORDERED_TYPES, ORDERINGS, PLAIN_TYPES, equal, ordered
from gateway.expressions.errors import EvaluationError, ExpressionError
from gateway.expressions.kinds import EXACT_NUMBERS, NUMBERS, is_true
from gateway.expressions.paths import Run, read_fields


def compile_node(node: tree.Node) -> Run:
    """Return a closure that evaluates a node; raises ExpressionError for a call that cannot be made."""
    return _COMPILERS[type(node)](node)


def _literal(node: tree.Literal) -> Run:
    value = node.value
    return lambda _value, _context: value


def _current(_node: tree.Current) -> Run:
    return lambda value, _context: value


def _field(node: tree.Field) -> Run:
    return read_fields((node.name,))


def _index(node: tree.Index) -> Run:
    position = node.position

    def run(value: Any, _context: Any) -> Any:
        if not isinstance(value, list):
            return None
        try:
            return value[position]
        except IndexError:
            return None

    return run


def _slice(node: tree.Slice) -> Run:
    part = slice(node.first, node.stop, node.step)
    return lambda value, _context: value[part] if isinstance(value, list) else None


def _path(node: tree.Path) -> Run:
    names = tuple(part.name for part in takewhile(_is_field, node.parts) if isinstance(part, tree.Field))
    steps = [read_fields(names)] if names else []
    return _in_turn(steps + [compile_node(part) for part in node.parts[len(names) :]])


def _is_field(node: tree.Node) -> bool:
    return isinstance(node, tree.Field)


def _pipe(node: tree.Pipe) -> Run:
    return _in_turn([compile_node(part) for part in node.parts])


def _in_turn(steps: list[Run]) -> Run:
    if len(steps) == 1:
        return steps[0]
    if len(steps) == 2:
        first, second = steps
        return lambda value, context: second(first(value, context), context)

    def run(value: Any, context: Any) -> Any:
        for step in steps:
            value = step(value, context)
        return value

    return run


def _projection(node: tree.Projection) -> Run:
    source, target = compile_node(node.source), compile_node(node.target)

    def run(value: Any, context: Any) -> Any:
        items = source(value, context)
        if not isinstance(items, list):
            return None
        return [found for item in items if (found := target(item, context)) is not None]

    return run


def _value_projection(node: tree.ValueProjection) -> Run:
    source, target = compile_node(node.source), compile_node(node.target)

    def run(value: Any, context: Any) -> Any:
        entries = source(value, context)
        if not isinstance(entries, Mapping):
            return None
        return [found for item in entries.values() if (found := target(item, context)) is not None]

    return run


def _filter_projection(node: tree.FilterProjection) -> Run:
    source, target, condition = (compile_node(part) for part in (node.source, node.target, node.condition))
    if not _gives_boolean(node.condition):
        condition = _truth(condition)

    def run(value: Any, context: Any) -> Any:
        items = source(value, context)
        if not isinstance(items, list):
            return None
        return [found for item in items if condition(item, context) and (found := target(item, context)) is not None]

    return run


def _gives_boolean(node: tree.Node) -> bool:
    # Then Python's truth is JMESPath's, and nothing needs to be asked about it.
    if isinstance(node, tree.Or | tree.And):
        return all(map(_gives_boolean, node.operands))
    return isinstance(node, tree.Comparison | tree.Not)


def _truth(inner: Run) -> Run:
    return lambda value, context: is_true(inner(value, context))


def _flatten(node: tree.Flatten) -> Run:
    source = compile_node(node.source)

    def run(value: Any, context: Any) -> Any:
        items = source(value, context)
        if not isinstance(items, list):
            return None
        flat: list[Any] = []
        for item in items:
            if isinstance(item, list):
                flat.extend(item)
            else:
                flat.append(item)
        return flat

    return run


def _multi_select_list(node: tree.MultiSelectList) -> Run:
    items = [compile_node(item) for item in node.items]
    return lambda value, context: None if value is None else [item(value, context) for item in items]


def _multi_select_hash(node: tree.MultiSelectHash) -> Run:
    entries = [(entry.key, compile_node(entry.value)) for entry in node.entries]
    return lambda value, context: None if value is None else {key: item(value, context) for key, item in entries}


def _comparison(node: tree.Comparison) -> Run:
    left, right = compile_node(node.left), compile_node(node.right)
    if node.operator in ORDERINGS:
        return _ordering(node, left, right)
    return _equality(node, left, right)


def _equality(node: tree.Comparison, left: Run, right: Run) -> Run:
    start, end, wanted = node.start, node.end, node.operator == "=="

    def run(value: Any, context: Any) -> bool:
        a, b = left(value, context), right(value, context)
        if (a.__class__ is b.__class__ and a.__class__ in PLAIN_TYPES) or (
            a.__class__ in EXACT_NUMBERS and b.__class__ in EXACT_NUMBERS
        ):
            return (a == b) is wanted
        try:
            return equal(a, b) is wanted
        except EvaluationError as error:
            raise error.placed(start, end) from None

    return run


def _ordering(node: tree.Comparison, left: Run, right: Run) -> Run:
    start, end, symbol = node.start, node.end, node.operator
    compare = ORDERINGS[symbol]

    def run(value: Any, context: Any) -> bool | None:
        a, b = left(value, context), right(value, context)
        if (a.__class__ is b.__class__ and a.__class__ in ORDERED_TYPES) or (
            a.__class__ in EXACT_NUMBERS and b.__class__ in EXACT_NUMBERS
        ):
            return compare(a, b)
        try:
            return ordered(symbol, a, b)
        except EvaluationError as error:
            raise error.placed(start, end) from None

    return run


def _or(node: tree.Or) -> Run:
    *others, last = (compile_node(operand) for operand in node.operands)
    if len(others) == 1:
        first = others[0]

        def run_two(value: Any, context: Any) -> Any:
            found = first(value, context)
            return found if found or found.__class__ in NUMBERS else last(value, context)

        return run_two

    def run(value: Any, context: Any) -> Any:
        for operand in others:
            found = operand(value, context)
            if found or found.__class__ in NUMBERS:
                return found
        return last(value, context)

    return run


def _and(node: tree.And) -> Run:
    *others, last = (compile_node(operand) for operand in node.operands)

    def run(value: Any, context: Any) -> Any:
        for operand in others:
            found = operand(value, context)
            if not found and found.__class__ not in NUMBERS:
                return found
        return last(value, context)

    return run


def _not(node: tree.Not) -> Run:
    operand = compile_node(node.operand)
    return lambda value, context: not is_true(operand(value, context))


def _call(node: tree.FunctionCall) -> Run:
    return compile_call(node, compile_node)


def _stray_reference(node: tree.ExpressionReference) -> Run:
    message = "`&` stands only before an argument of a function that takes an expression"
    raise ExpressionError(message, node.start, node.end, "and is written `&&`")


_COMPILERS: dict[type[tree.Node], Callable[[Any], Run]] = {
    tree.Literal: _literal,
    tree.Current: _current,
    tree.Field: _field,
    tree.Index: _index,
    tree.Slice: _slice,
    tree.Path: _path,
    tree.Pipe: _pipe,
    tree.Projection: _projection,
    tree.ValueProjection: _value_projection,
    tree.FilterProjection: _filter_projection,
    tree.Flatten: _flatten,
    tree.MultiSelectList: _multi_select_list,
    tree.MultiSelectHash: _multi_select_hash,
    tree.Comparison: _comparison,
    tree.Or: _or,
    tree.And: _and,
    tree.Not: _not,
    tree.ExpressionReference: _stray_reference,
    tree.FunctionCall: _call,
}
