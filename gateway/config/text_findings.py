"""Lists and objects where a text is meant, as findings."""

from __future__ import annotations

from gateway.config.diagnostics import Severity
from gateway.config.suspicions import Suspicion
from gateway.config.values import Located
from gateway.expressions import Expression
from gateway.expressions.types import Type, in_words


def no_text(expression: Expression, found: Type, part: Located, what: str) -> Suspicion:
    """Return what is said of a list or object that is to be a text; `what` says which."""
    span = part.node.span_of(expression.tree.start, expression.tree.end)
    help = "take one element, `[0]`, or write them with `join(',', list)`" if "list" in found.kinds else None
    return Suspicion(code="GW308", message=f"{what} is text, this is {in_words(found)}", span=span, help=help)


def in_text(expression: Expression, found: Type, part: Located) -> Suspicion:
    """Return what is said of a list or object that is written into a text."""
    return Suspicion(
        code="GW308",
        message=f"{in_words(found)} is written into this text, as JSON",
        span=part.node.span_of(expression.tree.start, expression.tree.end),
        help="name the field that is meant" if "object" in found.kinds else "`join(', ', list)` writes its texts",
        severity=Severity.WARNING,
    )


def is_nested(found: Type) -> bool:
    """Say whether a value is a list or an object in any case."""
    return bool(found.certain) and found.certain <= {"list", "object"}
