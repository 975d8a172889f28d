"""Compiled expressions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from gateway.expressions import tree
from gateway.expressions.compiler import compile_node
from gateway.expressions.context import Context
from gateway.expressions.growth import check_growth
from gateway.expressions.names import Reference, calls, references
from gateway.expressions.syntax import parse


class Expression:
    """A compiled expression: `expression(root, context)` evaluates it; raises EvaluationError.

    A value that it returns may be part of `root` or of the expression itself and is not to be changed.
    """

    __slots__ = ("calls", "evaluate", "names", "text", "tree")

    evaluate: Callable[[Any, Context], Any]
    """The closure itself, for hot paths: calling the object costs a frame more."""

    def __init__(self, text: str, node: tree.Node) -> None:
        check_growth(node)
        self.text = text
        self.tree = node
        self.names: tuple[Reference, ...] = references(node)
        """Every name read from the root scope."""
        self.calls: tuple[tree.FunctionCall, ...] = calls(node)
        """Every function call, outermost first."""
        self.evaluate = compile_node(node)

    def __call__(self, root: Any, context: Context) -> Any:
        """Evaluate the expression. Raises EvaluationError."""
        return self.evaluate(root, context)

    def __repr__(self) -> str:
        return f"Expression({self.text!r})"


def compile_expression(text: str) -> Expression:
    """Return the compiled form of a JMESPath expression; raises ExpressionError, with offsets into `text`."""
    return Expression(text, parse(text))
