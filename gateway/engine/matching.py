"""Which rule handles an event: the first whose `on` and `when` fit; every "no" is noted with its clause."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from gateway.expressions import Context, EvaluationError, Expression, compile_expression, is_true
from gateway.expressions.tree import And, Comparison, FunctionCall, Node


def type_matcher(patterns: Sequence[str]) -> Callable[[str], bool]:
    """Return the test for event types: exact names, or patterns in which `*` stands for anything."""
    exact = frozenset(pattern for pattern in patterns if "*" not in pattern)
    globs = [pattern.split("*") for pattern in patterns if "*" in pattern]
    if not globs:
        return exact.__contains__
    return lambda name: name in exact or any(_fits(parts, name) for parts in globs)


def _fits(parts: Sequence[str], name: str) -> bool:
    first, last = parts[0], parts[-1]
    if not name.startswith(first) or not name.endswith(last) or len(name) < len(first) + len(last):
        return False
    at, end = len(first), len(name) - len(last)
    for part in parts[1:-1]:
        found = name.find(part, at, end)
        if found < 0:
            return False
        at = found + len(part)
    return True


class Refusal(NamedTuple):
    """The clause of a `when` that did not hold, and what it saw."""

    clause: str
    seen: object
    """The clause's own value; for a comparison, the two values compared; for a function, its arguments."""


class _Clause(NamedTuple):
    text: str
    value: Expression
    operands: tuple[Expression, ...]


def link_refusal(expression: Expression) -> Callable[[dict[str, Any], Context], Refusal]:
    """Return the function that says why a condition does not hold in a scope."""
    clauses = [_clause(expression.text, node) for node in _conjuncts(expression.tree)]

    def refuse(scope: dict[str, Any], context: Context) -> Refusal:
        for clause in clauses:
            value = clause.value(scope, context)
            if not is_true(value):
                return Refusal(clause.text, _seen(clause, value, scope, context))
        return Refusal(expression.text, None)

    return refuse


def _seen(clause: _Clause, value: object, scope: dict[str, Any], context: Context) -> object:
    try:
        return [operand(scope, context) for operand in clause.operands] or value
    except EvaluationError:
        return value


def _conjuncts(node: Node) -> list[Node]:
    if isinstance(node, And):
        return [inner for operand in node.operands for inner in _conjuncts(operand)]
    return [node]


def _clause(text: str, node: Node) -> _Clause:
    operands: tuple[Node, ...] = ()
    if isinstance(node, Comparison):
        operands = (node.left, node.right)
    elif isinstance(node, FunctionCall):
        operands = node.arguments
    return _Clause(
        text=text[node.start : node.end],
        value=compile_expression(text[node.start : node.end]),
        operands=tuple(compile_expression(text[o.start : o.end]) for o in operands if o.end > o.start),
    )
