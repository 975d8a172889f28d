"""Compiling a function call: its arguments are counted here and looked at when it runs."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from gateway.expressions import tree
from gateway.expressions.errors import EvaluationError, ExpressionError
from gateway.expressions.functions import BY_NAME, Function
from gateway.expressions.functions.spec import Run as Work
from gateway.expressions.functions.spec import elements_of_one_kind
from gateway.expressions.mistakes import unknown_function
from gateway.expressions.paths import Run


def compile_call(node: tree.FunctionCall, compile_node: Callable[[tree.Node], Run]) -> Run:
    """Return a closure that calls a function.

    Raises ExpressionError for an unknown function, a wrong number of arguments, an expression argument where
    a value is wanted or the other way round, and what the function's own `prepare` refuses.
    """
    function = BY_NAME.get(node.name)
    if function is None:
        raise unknown_function(node.name, node.start, sorted(BY_NAME))
    _check_count(node, function)
    _check_currency(node, function)
    arguments = [_argument(node, function, at, compile_node) for at in range(len(node.arguments))]
    work = (function.prepare and function.prepare(node.arguments)) or function.run
    return _placed(node, _glancing(function, arguments, work))


def _check_count(node: tree.FunctionCall, function: Function) -> None:
    count = len(node.arguments)
    if function.takes(count):
        return
    wanted = len(function.parameters)
    least = "at least " if function.variadic else ""
    message = f"`{function.name}` takes {least}{wanted} argument{'s' if wanted != 1 else ''}, got {count}"
    raise ExpressionError(message, node.start, node.end, f"write {function.signature}", about="arguments")


def _check_currency(node: tree.FunctionCall, function: Function) -> None:
    """Refuse a currency that is written out and is none."""
    for at, written in enumerate(node.arguments):
        value = written.value if isinstance(written, tree.Literal) else None
        if function.parameter(at).name == "currency" and isinstance(value, str) and not _CURRENCY.fullmatch(value):
            raise ExpressionError(
                f"`{value}` is no currency",
                written.start,
                written.end,
                "three letters, such as 'usd'",
                about="arguments",
            )


_CURRENCY = re.compile(r"[A-Za-z]{3,5}")


def _argument(node: tree.FunctionCall, function: Function, at: int, compile_node: Callable[[tree.Node], Run]) -> Run:
    written, parameter = node.arguments[at], function.parameter(at)
    if isinstance(written, tree.ExpressionReference):
        if parameter.kinds != ("expression",):
            message = f"`{function.name}` takes a value as argument {at + 1} (`{parameter.name}`)"
            raise ExpressionError(message, written.start, written.end, "leave out the `&`", about="arguments")
        return _applied(compile_node(written.expression))
    if parameter.kinds == ("expression",):
        message = f"`{function.name}` takes an expression as argument {at + 1}, written with `&`"
        raise ExpressionError(
            message, written.start, written.end, f"write {function.signature} with &field", about="arguments"
        )
    return compile_node(written)


def _applied(inner: Run) -> Run:
    return lambda _value, context: lambda element: inner(element, context)


def _glancing(function: Function, arguments: list[Run], work: Work) -> Run:
    # The common calls cost one look at each argument's type; whatever else comes goes the long way.
    plain = not (function.needs_context or function.variadic or any(p.elements for p in function.parameters))
    types = [parameter.types for parameter in function.parameters]
    match arguments:
        case [first] if plain and types[0] is not None:
            return _one(function, first, types[0], work)
        case [first, second] if plain and types[0] is not None and types[1] is not None:
            return _two(function, (first, types[0]), (second, types[1]), work)
        case _:
            return _any(function, arguments, work)


def _one(function: Function, first: Run, types: frozenset[type], work: Work) -> Run:
    def run(value: Any, context: Any) -> Any:
        a = first(value, context)
        return work(a) if a.__class__ in types else _the_long_way(function, [a], work, context)

    return run


def _two(
    function: Function, first: tuple[Run, frozenset[type]], second: tuple[Run, frozenset[type]], work: Work
) -> Run:
    (read_a, types_a), (read_b, types_b) = first, second

    def run(value: Any, context: Any) -> Any:
        a, b = read_a(value, context), read_b(value, context)
        if a.__class__ in types_a and b.__class__ in types_b:
            return work(a, b)
        return _the_long_way(function, [a, b], work, context)

    return run


def _any(function: Function, arguments: list[Run], work: Work) -> Run:
    def run(value: Any, context: Any) -> Any:
        values = [argument(value, context) for argument in arguments]
        return _the_long_way(function, values, work, context)

    return run


def _the_long_way(function: Function, values: list[Any], work: Work, context: Any) -> Any:
    accepted = function.arguments(values)
    if accepted is None:
        return None
    for at, value in enumerate(accepted):
        elements = function.parameter(at).elements
        if elements:
            accepted[at] = elements_of_one_kind(function.name, value, elements)
    return work(context, *accepted) if function.needs_context else work(*accepted)


def _placed(node: tree.FunctionCall, inner: Run) -> Run:
    start, end = node.start, node.end

    def run(value: Any, context: Any) -> Any:
        try:
            return inner(value, context)
        except EvaluationError as error:
            raise error.placed(start, end) from None

    return run
