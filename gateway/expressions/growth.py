"""How much larger than its input a result can be: what no expression may exceed.

Elements are shared, not copied, so `[@, @] | [@, @] | …` costs little memory to make and doubles at each step
what it takes to walk the result. Without loops the factor is known from the text alone.
"""

from __future__ import annotations

from math import prod

from gateway.expressions import tree
from gateway.expressions.errors import ExpressionError

MAX_GROWTH = 1000
"""How many times its input a result may hold."""


def check_growth(node: tree.Node) -> None:
    """Raise ExpressionError when a part of an expression can multiply its input more than MAX_GROWTH times."""
    _growth(node)


def _growth(node: tree.Node) -> int:
    factor = _combined(node, [_growth(child) for child in tree.children(node)])
    if factor > MAX_GROWTH:
        message = f"this can make its input more than {MAX_GROWTH} times as large"
        raise ExpressionError(message, node.start, node.end)
    return factor


def _combined(node: tree.Node, factors: list[int]) -> int:
    match node:
        case tree.Path() | tree.Pipe() | tree.Projection() | tree.ValueProjection():
            return prod(factors)
        case tree.FilterProjection():
            source, _condition, target = factors
            return source * target
        case tree.FunctionCall(name="map"):
            return prod(factors)
        case tree.MultiSelectList() | tree.MultiSelectHash() | tree.FunctionCall():
            return max(1, sum(factors))
        case tree.Comparison() | tree.Not():
            return 1
        case _:
            return max(factors, default=1)
