"""Whether what a name stands for is there: what conditions say of it, and where nothing says so and it has to be.

A record that a step leaves null (`missing: null`) is there only behind a condition that asks for it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from gateway.config.diagnostics import Severity
from gateway.config.scope_types import Bound
from gateway.config.suspicions import Suspicion
from gateway.config.values import Condition, Located, Value
from gateway.expressions import Reference, tree

_NOBODY: frozenset[str] = frozenset()
_TAKES_NULL = frozenset(("length", "merge", "to_array", "to_string", "type"))
"""Functions whose value counts as true although what they are given is null."""


def there(node: tree.Node, *, holds: bool) -> frozenset[str]:
    """Return the names that are not null wherever a condition holds, or does not."""
    match node:
        case tree.Not(operand=operand):
            return there(operand, holds=not holds)
        case tree.And(operands=operands) | tree.Or(operands=operands):
            each = [there(operand, holds=holds) for operand in operands]
            return _all(each) if isinstance(node, tree.And) is holds else _common(each)
        case tree.Comparison(operator=operator, left=left, right=right):
            return _of_comparison(operator, left, right, holds=holds)
        case tree.Pipe(parts=parts) if holds:
            return there(parts[0], holds=True)
        case tree.FunctionCall(name=name, arguments=arguments) if holds and name not in _TAKES_NULL:
            each = [there(argument, holds=True) for argument in arguments]
            return _common(each) if name == "not_null" else _all(each)
    return _owner(node) if holds else _NOBODY


def _of_comparison(operator: str, left: tree.Node, right: tree.Node, *, holds: bool) -> frozenset[str]:
    if operator not in {"==", "!="}:  # one with null gives null, whichever it is
        return there(left, holds=True) | there(right, holds=True) if holds else _NOBODY
    for one, other in ((left, right), (right, left)):
        if isinstance(one, tree.Literal) and (operator == "==") is (holds is (one.value is not None)):
            return there(other, holds=True)
    return _NOBODY


def _owner(node: tree.Node) -> frozenset[str]:
    """Return the name that a path begins with: it is null where that is."""
    while isinstance(node, tree.Path | tree.Projection | tree.FilterProjection | tree.ValueProjection | tree.Flatten):
        node = node.parts[0] if isinstance(node, tree.Path) else node.source
    return frozenset({node.name}) if isinstance(node, tree.Field) else _NOBODY


def _all(each: Sequence[frozenset[str]]) -> frozenset[str]:
    return _NOBODY.union(*each)


def _common(each: Sequence[frozenset[str]]) -> frozenset[str]:
    return each[0].intersection(*each[1:]) if each else _NOBODY


def asks_for(condition: Condition, name: str, names: Mapping[str, Bound]) -> bool:
    """Say whether a condition may see to it that a name is there.

    One that asks for what another step bound may: only the operator knows how one follows from the other.
    """
    if name in there(condition.expression.tree, holds=True):
        return True
    read = {reference.path[0] for reference in condition.expression.names} - {name}
    return any(names[other].line is not None for other in read if other in names)


def is_opposite(known: Bound, condition: Condition) -> bool:
    """Say whether a condition is the opposite of that under which a name is bound."""
    text = condition.expression.text
    return known.perhaps and text.startswith("!") and known.condition.strip("() ") == text[1:].strip("() ")


def left_null(value: Value, names: Mapping[str, Bound], guards: Sequence[Condition]) -> list[tuple[str, Bound]]:
    """Return the names that a value is worked out from alone, and that are null where nothing was found."""
    read = {reference.path[0] for part in value.parts for reference in part.plain_names}
    lost = [(name, names[name]) for name in read if name in names and names[name].left_null]
    return [(name, known) for name, known in lost if not any(asks_for(one, name, names) for one in guards)]


def lacking(value: Value, what: str, names: Mapping[str, Bound], guards: Sequence[Condition]) -> Iterator[Suspicion]:
    """Yield what is perhaps null in a value that has to be there; `what` says where it stands."""
    found = dict(left_null(value, names, guards))
    for part in value.parts if found else ():
        for reference in part.plain_names:
            known = found.get(reference.path[0])
            if known is not None:
                yield _lacks(known, part, reference, what, known.line)


def given_null(known: Bound, given: Value, what: str) -> Iterator[Suspicion]:
    """Yield what a `run` gives its procedure, which needs it, and is perhaps null."""
    for part in given.parts:
        for reference in part.plain_names:
            yield _lacks(known, part, reference, what, None)


def _lacks(known: Bound, part: Located, reference: Reference, what: str, line: int | None) -> Suspicion:
    name = reference.path[0]
    ending = f", or say in line {line} how the event ends: `missing: {{finish: …}}`" if line else ""
    return Suspicion(
        code="GW216",
        message=f"`{name}` may be null here, and {what} needs `{'.'.join(reference.path)}`",
        span=part.node.span_of(reference.start, reference.end),
        note=known.origin,
        help=f"give this step `when: {name}`{ending}",
        severity=Severity.WARNING,
    )


def perhaps_unbound(part: Located, names: Mapping[str, Bound]) -> Iterator[Suspicion]:
    """Yield names written into a value that are absent when the step that binds them was left out."""
    for reference in part.plain_names:
        known = names.get(reference.path[0])
        if known is not None and known.perhaps:
            yield Suspicion(
                code="GW216",
                message=f"`{reference.path[0]}` is bound only under a `when`: without it, this is null",
                span=part.node.span_of(reference.start, reference.end),
                note=known.origin,
                help="give this step that `when` too, or say what counts instead: `${ "
                + ".".join(reference.path)
                + " || 'none' }`",
                severity=Severity.WARNING,
            )
