"""Compiled expressions."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Any

from gateway.expressions import tree
from gateway.expressions.compiler import compile_node
from gateway.expressions.context import Context
from gateway.expressions.growth import check_growth
from gateway.expressions.names import Reference, calls, references
from gateway.expressions.syntax import parse

REMEMBERED = 4096
"""How many texts are remembered with what was compiled from them: rules say `$tenant.id` again and again."""


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

    @property
    def expressions(self) -> tuple[Expression, ...]:
        """Return itself, as a template returns those that stand in it."""
        return (self,)

    @property
    def only(self) -> Expression:
        """Return itself: it is nothing else."""
        return self

    @property
    def plain_names(self) -> tuple[Reference, ...]:
        """Return nothing: it has no placeholders."""
        return ()

    def __repr__(self) -> str:
        return f"Expression({self.text!r})"


@lru_cache(REMEMBERED)
def compile_expression(text: str) -> Expression:
    """Return the compiled form of a JMESPath expression; raises ExpressionError, with offsets into `text`."""
    return Expression(text, parse(text))
