"""Whether what an expression gives can stand in a column."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import replace

from gateway.config.diagnostics import Severity, Span, did_you_mean
from gateway.config.nodes import Scalar
from gateway.config.suspicions import Suspicion
from gateway.config.tables import Column
from gateway.config.values import Value
from gateway.expressions import CoercionError, fit, tree
from gateway.expressions.types import ANY, Type, in_words

_TAKES = {
    "text": frozenset({"text"}),
    "integer": frozenset({"integer"}),
    "decimal": frozenset({"integer", "decimal", "text"}),
    "boolean": frozenset({"boolean"}),
    "timestamp": frozenset({"timestamp", "text"}),
    "date": frozenset({"date", "text"}),
}
"""The kinds of values of which some fit a column of each type; `json` takes all."""

Misfit = tuple[str, str | None]
"""What does not fit, and what to write instead."""


def literal_misfit(column: Column, value: object) -> Misfit | None:
    """Return why a value that is known cannot stand in a column; None when it can. Null always can."""
    if value is None:
        return None
    try:
        fitted = fit(value, column.type)
    except CoercionError as error:
        return f"column `{column.name}` is {column.type}: {error}", None
    if not column.values or fitted in column.values:
        return None
    near = did_you_mean(str(value), [str(allowed) for allowed in column.values])
    listed = ", ".join(f"`{allowed}`" for allowed in column.values)
    help = f"did you mean `{near}`?" if near else f"values: {listed}"
    return f"`{value}` is not one of the values of column `{column.name}`", help


def type_misfit(column: Column, found: Type) -> Misfit | None:
    """Return why no value of a type can stand in a column; None when one may."""
    takes = _TAKES.get(column.type)
    kinds = found.certain
    if takes is None or not kinds:
        return None
    if kinds.isdisjoint(takes):
        this, help = in_words(found), _HELP.get(column.type)
        if column.type == "integer":
            this, help = ("a decimal", _TO_WHOLE) if kinds == {"decimal"} else (this, None)
        return f"column `{column.name}` is {column.type}, this is {this}", help
    if kinds & takes == {"text"} and found.values is not None:
        return _words_misfit(column, sorted(value for value in found.values if isinstance(value, str)))
    return None


_HELP = {
    "timestamp": "`parse_time(x)` gives a time; seconds since 1970 are read by `as: timestamp` in `extract`",
    "date": "`as: date` in `extract` reads a text or a time as a date",
    "text": "`to_string(x)` writes a value as text",
}
_TO_WHOLE = (
    "make the column `decimal`, or the value whole: `to_minor(amount, currency)`, `floor(x)`, or `as: integer` in "
    "`extract`"
)


def _words_misfit(column: Column, words: list[str]) -> Misfit | None:
    if len(words) == 1:
        return literal_misfit(column, words[0])
    if not words or any(literal_misfit(column, word) is None for word in words):
        return None
    listed = ", ".join(f"`{word}`" for word in words[:12]) + ", …" * (len(words) > 12)
    takes = ", ".join(f"`{allowed}`" for allowed in column.values)
    return f"column `{column.name}` takes none of what this can be: {listed}", f"values: {takes}" if takes else None


def misfits(column: Column, value: Value, found: Type, type_of: Callable[[tree.Node], Type]) -> Iterator[Suspicion]:
    """Yield what a value that is worked out for each event can never put into its column.

    `type_of` gives the type of a part of its expression.
    """
    node = value.node
    written = [] if not isinstance(node, Scalar) else list(_literal_branches(value))
    wrong = [(place, why) for place in written if (why := literal_misfit(column, place.value)) is not None]
    for place, (message, help) in wrong:
        assert isinstance(node, Scalar)
        yield Suspicion(code="GW305", message=message, help=help, span=node.span_of(place.start, place.end))
    whole = None if wrong else type_misfit(column, found)
    if whole is not None:
        yield Suspicion(code="GW305", message=whole[0], help=whole[1], span=node.span)
    elif isinstance(node, Scalar):
        if _is_minor(column, found):
            yield _in_minor_units(column, node.span)
        for part in branches(value):
            given = type_of(part).truthy
            if _is_minor(column, given) and not _is_minor(column, found):
                yield _in_minor_units(column, node.span_of(part.start, part.end))
            misfit = type_misfit(column, given)
            if misfit is not None:
                yield Suspicion(
                    code="GW305", message=misfit[0], help=misfit[1], span=node.span_of(part.start, part.end)
                )


def _is_minor(column: Column, found: Type) -> bool:
    return column.type == "decimal" and found.minor and _COUNTS.search(column.name) is None


_COUNTS = re.compile(r"(?i)(?:^|_)(?:cents?|minor|units?)(?:_|$)")
"""In the names of columns that say themselves that they count minor units."""


def _in_minor_units(column: Column, span: Span) -> Suspicion:
    return Suspicion(
        code="GW518",
        message=f"column `{column.name}` is decimal, and this counts minor units: 1990 where 19.90 is meant",
        span=span,
        help="write `from_minor(amount, currency)`, or make the column `integer`",
        severity=Severity.ADVICE,
    )


def _literal_branches(value: Value) -> Iterator[tree.Literal]:
    expression = value.expression
    if expression is not None:
        yield from (node for node in _outcomes(expression.tree) if isinstance(node, tree.Literal))


def branches(value: Value) -> Iterator[tree.Node]:
    """Yield the alternatives of a value that has several, but for those that are written out."""
    expression = value.expression
    parts = [] if expression is None else list(_outcomes(expression.tree))
    yield from (part for part in parts if len(parts) > 1 and not isinstance(part, tree.Literal))


def _outcomes(node: tree.Node) -> Iterator[tree.Node]:
    """Yield the parts of an expression that its value may come from."""
    match node:
        case tree.Or(operands=operands):
            for operand in operands:
                yield from _outcomes(operand)
        case tree.And(operands=operands):
            yield from _outcomes(operands[-1])
        case tree.FunctionCall(name="not_null", arguments=arguments):
            for argument in arguments:
                yield from _outcomes(argument)
        case _:
            yield node


def only_name(value: Value) -> str | None:
    """Return the name when a value is `$name` and nothing else, else None."""
    only = value.expression.tree if value.expression is not None else None
    return only.name if isinstance(only, tree.Field) else None


def elements(found: Type) -> Type:
    """Return the type of a value, or of its elements where it is a list."""
    if "list" not in found.kinds:
        return found
    others = replace(found, kinds=found.kinds - {"list"}, element=None)
    return others | (ANY if found.element is None else found.element)
