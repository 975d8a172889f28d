"""Why a rule does not handle an event: the clause of its `when` that failed, and what it saw."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from gateway.expressions import Context, EvaluationError, Expression, compile_expression, is_true
from gateway.expressions.tree import And, Comparison, FunctionCall, Node


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
