"""What inference finds wrong in an expression, as findings: codes, words and remedies."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

from gateway.config.diagnostics import Severity, did_you_mean
from gateway.config.nodes import Node, Scalar
from gateway.config.scope_types import SETTINGS
from gateway.config.suspicions import Suspicion
from gateway.expressions import Expression, tree
from gateway.expressions.inferred import Problem
from gateway.expressions.types import Type
from gateway.providers.preset import Moved
from gateway.records import dataclass, field

CODES = {
    "field": "GW203",
    "kind": "GW308",
    "compare": "GW308",
    "argument": "GW303",
    "never": "GW309",
    "idle": "GW310",
    "table": "GW201",
    "unlisted": "GW309",
}
"""The code of each kind of problem."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Documented:
    """What is known of the events of a rule beside the types of their payloads."""

    event_types: tuple[str, ...] = ()
    moved: Mapping[tuple[str, str], Moved] = field(default_factory=dict)
    """What older versions of the provider's API had, by object and member."""

    def moved_to(self, problem: Problem) -> Moved | None:
        """Return where a member stands today that an object had in an older version."""
        owner, name = problem.owner, problem.name
        return None if owner is None or name is None else self.moved.get((owner.name or "", name))


def suspicions_of(
    expression: Expression, problems: Iterable[Problem], node: Scalar, documented: Documented
) -> Iterator[Suspicion]:
    """Yield a suspicion for each problem, at its place in the file."""
    for problem in problems:
        if problem.about == "unlisted":
            yield from _nearly_listed(problem, node)
            continue
        moved = documented.moved_to(problem)
        if moved is not None and _has_alternative(expression.tree, problem):
            continue
        span = node.span_of(problem.start, problem.end)
        if _of_payload(expression, problem):
            said = no_payload(documented.event_types, problem.message)
        else:
            said = problem.message
        if _is_documented(expression, problem):
            code = CODES[problem.about] if problem.about == "never" else "GW307"
            help = remedy(problem, moved)
            yield Suspicion(code=code, message=said, span=span, help=help, severity=Severity.WARNING)
        elif problem.about == "idle":
            help = "take it out, or write what was meant"
            yield Suspicion(code="GW310", message=said, span=span, help=help, severity=Severity.WARNING)
        else:
            yield Suspicion(code=CODES[problem.about], message=said, span=span, help=remedy(problem, moved))


def _nearly_listed(problem: Problem, node: Scalar) -> Iterator[Suspicion]:
    """Yield a word that is nearly one of those that are known; one that is near none may be new."""
    from difflib import get_close_matches  # only a mistake pays for its import

    words = [] if problem.owner is None else sorted(map(str, problem.owner.listed or ()))
    name = problem.name or ""
    near = did_you_mean(name, words) or next(iter(get_close_matches(name, words, n=1, cutoff=0.65)), None)
    if near is not None:
        span, help = node.span_of(problem.start, problem.end), f"did you mean `{near}`?"
        yield Suspicion(code="GW309", message=problem.message, span=span, help=help, severity=Severity.WARNING)


_OF_THE_VALUE = frozenset(("kind", "compare", "argument"))
"""Problems that a value has in any case; a comparison that always comes out the same may be meant for other values."""


def given_wrong(
    name: str, procedure: str, where: Scalar, given: Node, problems: tuple[Sequence[Problem], Sequence[Problem]]
) -> Iterator[Suspicion]:
    """Yield what is wrong with a value that is given to a procedure under a name.

    `where` is what reads it there; `problems` are those of that which come up in any case, and those that are left
    with any other value.
    """
    found, left = problems
    kept = {(one.start, one.about) for one in left}
    for problem in found:
        if problem.about in _OF_THE_VALUE and (problem.start, problem.about) not in kept:
            line = where.span_of(problem.start, problem.end).start.line
            yield Suspicion(
                code=CODES[problem.about],
                message=f"procedure `{procedure}` can do nothing with this `{name}`: {problem.message}",
                span=given.span,
                note=f"it is read in line {line}",
                help=remedy(problem, None),
            )
            return


def asked_always(expression: Expression, problem: Problem) -> bool:
    """Say whether the part that is wrong is worked out for every value of the others: it is behind no `&&` or `||`."""
    choices = [part for part in tree.walk(expression.tree) if isinstance(part, tree.Or | tree.And)]
    return not any(one.start <= problem.start < one.end for part in choices for one in part.operands[1:])


def no_payload(types: Collection[str], message: str) -> str:
    """Return a message about a path into payloads, with the types of their events."""
    if not types:
        return message
    named = list(types)
    more = f" and {len(named) - 3} more" if len(named) > 3 else ""
    return f"no payload of {', '.join(f'`{name}`' for name in named[:3])}{more} has this: {message}"


def remedy(problem: Problem, moved: Moved | None) -> str | None:
    """Return what to write instead, where that is known."""
    if moved is not None:
        return f"since API version {moved.version}: `{moved.place}`; list both to take either"
    owner, name = problem.owner, problem.name
    if problem.about == "kind" and problem.message.startswith("a boolean has no"):
        return "`or` is written `||`; `|` hands what stands before it on"
    if problem.about == "compare":
        return _to_compare(problem.given)
    if owner is None or name is None:
        return None
    known = sorted(map(str, owner.values or ())) if problem.about == "never" else list(owner.fields or ())
    near = did_you_mean(name, known)
    if near:
        return f"did you mean `{near}`?"
    if owner.name == SETTINGS and not known:
        return f"declare it under `settings`: `{name}: …`"
    listed = sorted(known) if problem.about == "field" else []
    named = ", ".join(f"`{one}`" for one in listed[:12])
    return f"it has {named}{', …' if len(listed) > 12 else ''}" if listed else None


def _to_compare(given: tuple[Type, ...]) -> str | None:
    kinds = frozenset[str]().union(*(one.certain for one in given))
    if "list" in kinds:
        return "compare an element, `[0]`, or ask whether the list has it: `contains(list, value)`"
    if "boolean" in kinds and kinds & {"integer", "decimal", "date", "timestamp"}:
        return "two comparisons are joined by `&&`: a < b && b < c"
    if "text" in kinds and kinds & {"integer", "decimal"}:
        written = next((str(value) for one in given for value in one.values or ()), "")
        if written.replace(".", "", 1).isdigit():
            return f"a number is written in backticks: `{written}`"
        return "`to_number(text)` reads a text as a number; in `extract`, `as: decimal` does"
    if "text" in kinds and kinds & {"date", "timestamp"}:
        return "`parse_time(text)` reads a text as a time; in `extract`, `as: timestamp` does"
    if "text" in kinds and "boolean" in kinds:
        return "`true` and `false` are written in backticks, without quotes"
    return None


def _of_payload(expression: Expression, problem: Problem) -> bool:
    """Say whether the part that is wrong is read from `event.payload`."""
    return any(
        reference.path[:2] == ("event", "payload") and reference.start <= problem.start < reference.end
        for reference in expression.names
    )


def _is_documented(expression: Expression, problem: Problem) -> bool:
    """Say whether what is wrong is known from a provider's documents alone."""
    if problem.about in {"field", "never"}:
        return problem.owner is not None and problem.owner.documented
    return problem.about == "kind" and _of_payload(expression, problem)


def _has_alternative(node: tree.Node, problem: Problem) -> bool:
    """Say whether the part that is wrong is one of several of which the first that is not null counts."""
    for part in tree.walk(node):
        takes_first = isinstance(part, tree.FunctionCall) and part.name == "not_null"
        if (takes_first or isinstance(part, tree.Or)) and part.start <= problem.start < part.end:
            return True
    return False


def absent_name(condition: tree.Node) -> str | None:
    """Return the name when a condition says that there is nothing of it: `!x`, `x == null`."""
    match condition:
        case tree.Not(operand=tree.Field(name=name)):
            return name
        case tree.Comparison(operator="==", left=tree.Field(name=name), right=tree.Literal(value=None)):
            return name
    return None
