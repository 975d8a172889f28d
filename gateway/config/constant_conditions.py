"""Conditions that come out the same for every event."""

from __future__ import annotations

from collections.abc import Iterator

from gateway.config.diagnostics import Severity
from gateway.config.suspicions import Suspicion
from gateway.config.values import Condition
from gateway.expressions import tree
from gateway.expressions.functions import BY_NAME
from gateway.expressions.inference import infer
from gateway.expressions.inferred import Known
from gateway.expressions.types import Type

_ALWAYS_TRUE = frozenset(("integer", "decimal", "date", "timestamp"))
_NUMBERS = (("integer",), ("number",), ("decimal",))
_PRESENCE = frozenset(("to_number", "lookup", "not_null"))
"""Functions by which a condition may ask whether there is something."""


def constants(condition: Condition, known: Known) -> Iterator[Suspicion]:
    """Yield the parts of a condition that always hold, or never do, where that decides something."""
    whole = condition.expression.tree
    for part in _operands(whole):
        said = _said(part, known)
        if said is not None:
            message, help = said
            span = condition.node.span_of(part.start, part.end)
            yield Suspicion(code="GW309", message=message, span=span, help=help, severity=Severity.WARNING)


def _operands(node: tree.Node) -> Iterator[tree.Node]:
    """Yield what a condition is made of: the operands of `&&`, `||` and `!`."""
    match node:
        case tree.And(operands=operands) | tree.Or(operands=operands):
            for operand in operands:
                yield from _operands(operand)
        case tree.Not(operand=operand):
            yield from _operands(operand)
        case _:
            yield node


def _said(node: tree.Node, known: Known) -> tuple[str, str | None] | None:
    if isinstance(node, tree.Literal):
        holds = "always holds" if node.value not in (None, False, "", [], {}) else "never holds"
        return f"this {holds}, whatever the event", "compare it with something, or take it out"
    if isinstance(node, tree.FunctionCall) and _counts(node):
        return "a number counts as true, whatever it is, 0 too", "compare it: `length(x) > `0``"
    if not isinstance(node, tree.Field | tree.Path):
        return None
    found = infer(node, known).type
    if _is_there(found):
        return "this is there for every event, so it always holds", "ask for one of its fields, or compare it"
    if _is_setting(node) and found.certain == {"text"}:
        return "this setting is text, which counts as true whatever it says", "write `true` or `false`, without quotes"
    return None


def _is_setting(node: tree.Node) -> bool:
    first = node.parts[0] if isinstance(node, tree.Path) else node
    return isinstance(first, tree.Field) and first.name == "settings"


def _counts(call: tree.FunctionCall) -> bool:
    function = BY_NAME.get(call.name)
    return function is not None and function.result in _NUMBERS and call.name not in _PRESENCE


def _is_there(found: Type) -> bool:
    if not found.kinds:
        return False
    if found.kinds == {"object"}:
        return bool(found.fields) and not found.documented and not found.open
    return found.kinds <= _ALWAYS_TRUE
