"""Paths into payloads, held against what the provider's payloads are known to have."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

from gateway.config.diagnostics import DocumentFindings, Findings, did_you_mean
from gateway.config.document import Mapping as MappingNode
from gateway.config.document import Node, Scalar
from gateway.config.extraction import Extraction
from gateway.config.rules import Rule, RulesFile
from gateway.config.steps import Step
from gateway.config.type_findings import CODES, Documented, no_payload, remedy
from gateway.config.type_patterns import type_matcher
from gateway.config.values import Condition, read_expression
from gateway.expressions import tree
from gateway.expressions.inference import infer
from gateway.expressions.inferred import Known, Problem
from gateway.expressions.types import ANY, Type, in_words, object_of, union
from gateway.providers.preset import Moved
from gateway.records import dataclass, field, replace

SCHEDULE = "schedule."


@dataclass(frozen=True, slots=True, kw_only=True)
class Payloads:
    """What is known of a source's payloads."""

    types: tuple[str, ...]
    """The event types it sends, as far as they are documented; none where nobody knows them all."""
    payload: Callable[[str], Type | None]
    """Gives the type of an event's payload, or None where nothing is known of it."""
    moved: Mapping[tuple[str, str], Moved] = field(default_factory=dict)
    """What older versions of the provider's API had, by object and member."""
    instead: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Event types of older senders, with those that are sent today."""
    scheduled: Mapping[str, Type] = field(default_factory=dict)
    """The payloads of the events that the source's own `schedule` steps bring, by event type."""


def check_payload_paths(file: RulesFile, payloads: Payloads, findings: DocumentFindings) -> None:
    """Report paths of a rules file that no payload of the event types it handles can have."""
    # A path that none of today's payloads has is not there for the sake of an older sender alone.
    rules = [replace(rule, on=tuple(name for name in rule.on if name not in payloads.instead)) for rule in file.rules]
    handled = [handled_payloads(rule, payloads, payloads.scheduled) for rule in rules if rule.on]
    _check_extractions(file.extract, _together(handled), payloads, findings)
    for rule, own in zip([rule for rule in rules if rule.on], handled, strict=True):
        _check_extractions(rule.extract, own, payloads, findings)


def check_event_paths(event: Node, payloads: Payloads, findings: DocumentFindings) -> None:
    """Report paths of a source's own `event` that no payload of its provider has."""
    entries = event.entries if isinstance(event, MappingNode) else ()
    known = {name: Known(scope=of) for name in payloads.types if (of := payloads.payload(name)) is not None}
    for _, item in entries if known else ():
        node = item.get("path") if isinstance(item, MappingNode) else item
        # One that cannot be read has been reported.
        path = read_expression(node, replace(findings, findings=Findings())) if isinstance(node, Scalar) else None
        if path is not None:
            for operand in _operands(path):
                _check_path(path, operand, known, payloads, findings, alone=True)


Handled = Mapping[str, Type] | None
"""The payloads by event type; None where a rule handles events of which nothing is known."""


def handled_payloads(rule: Rule, payloads: Payloads, scheduled: Mapping[str, Type]) -> Handled:
    """Return the payloads of the event types that a rule names."""
    if not payloads.types and any("*" in name and not name.startswith(SCHEDULE) for name in rule.on):
        return None
    fits = type_matcher(rule.on)
    named = [name for name in rule.on if "*" not in name]
    named += [name for name in (*payloads.types, *scheduled) if fits(name) and name not in named]
    found = {name: scheduled.get(name) or _payload_of(name, payloads) for name in named}
    known = {name: payload for name, payload in found.items() if payload is not None}
    return known if known and len(known) == len(found) else None


def _payload_of(name: str, payloads: Payloads) -> Type | None:
    """Return an event's payload; that of a type of older senders is what the types of today have."""
    known = payloads.payload(name)
    today = [payloads.payload(other) for other in payloads.instead.get(name, ())] if known is None else []
    return known if known is not None or None in today or not today else union(one for one in today if one is not None)


def scheduled_payloads(files: Iterable[RulesFile]) -> dict[str, Type]:
    """Return the payloads of the events that the `schedule` steps of a source's files bring: the names of `data`."""
    found: dict[str, Type] = {}
    for step in (step for file in files for step in all_steps(file)):
        if step.action.name != "schedule":
            continue
        data, named = step.node.get("data"), step.node.get("schedule")
        name = SCHEDULE + (named.text if isinstance(named, Scalar) else "")
        payload = object_of({}) if data is None else _as_written(data)
        payload = replace(payload, name=f"the data of `{name}`")
        found[name] = found[name] | payload if name in found else payload
    return found


def _as_written(node: Node) -> Type:
    """Return the type of data as far as the file shows it: the names in its mappings."""
    if isinstance(node, MappingNode):
        return object_of({key.text: _as_written(item) for key, item in node.entries})
    return ANY


def all_steps(file: RulesFile) -> Iterable[Step]:
    """Yield the steps of every rule and procedure."""
    for rule in file.rules:
        yield from rule.steps
    for procedure in file.procedures.values():
        yield from procedure.steps


def _together(handled: Sequence[Handled]) -> Handled:
    together: dict[str, Type] = {}
    for own in handled:
        if own is None:
            return None
        together.update(own)
    return together


def _check_extractions(
    extractions: Iterable[Extraction], handled: Handled, payloads: Payloads, findings: DocumentFindings
) -> None:
    known = {name: Known(scope=payload) for name, payload in (handled or {}).items()}
    anything = {"": Known(scope=ANY)}
    for extraction in extractions:
        paths = [(path, node) for path in extraction.alternatives for node in _operands(path)]
        _check_kinds(extraction, paths, known, findings)
        for path, node in paths:
            _check_path(path, node, known or anything, payloads, findings, alone=len(paths) == 1)


def _check_kinds(
    extraction: Extraction,
    paths: Sequence[tuple[Condition, tree.Node]],
    handled: Mapping[str, Known],
    findings: DocumentFindings,
) -> None:
    """Report an alternative that is an object or list where a plain value is wanted, or where another one is plain."""
    wants_plain = extraction.as_type is not None or extraction.match is not None
    if extraction.as_type == "json" or (len(paths) == 1 and not wants_plain):
        return
    known = [(path, node, _kinds_everywhere(node, handled)) for path, node in paths]
    plain = any(kinds and kinds.isdisjoint(_NESTED) for _, _, kinds in known)
    for path, node, kinds in known:
        if not kinds or not kinds <= _NESTED:
            continue
        what = in_words(Type(kinds=kinds))
        span = path.node.span_of(node.start, node.end)
        if wants_plain:
            wanted = f"`as: {extraction.as_type}`" if extraction.as_type is not None else "`match`"
            findings.error(
                "GW308", f"{wanted} reads no {what.removeprefix('a ').removeprefix('an ')}", span, help=_DEEPER
            )
        elif plain:
            findings.warning("GW308", f"this is {what}, and another alternative is none", span, help=_DEEPER)


_NESTED = frozenset(("object", "list"))
_DEEPER = "go on to the field that is meant"


def _kinds_everywhere(node: tree.Node, handled: Mapping[str, Known]) -> frozenset[str]:
    """Return the kinds of what a path gives in those payloads that have it; none where that is not known."""
    found = [infer(node, known) for known in handled.values()]
    kinds = [one.type.certain for one in found if not one.problems and one.type.kinds != ANY.kinds]
    return frozenset[str]().union(*kinds)


def _check_path(
    path: Condition,
    node: tree.Node,
    handled: Mapping[str, Known],
    payloads: Payloads,
    findings: DocumentFindings,
    *,
    alone: bool,
) -> None:
    problems = _problems_everywhere(node, handled)
    documented = Documented(moved=payloads.moved)
    moves = [(problem, moved) for problem in problems if (moved := documented.moved_to(problem)) is not None]
    if moves and alone:
        _report(*moves[0], path, handled, findings)
    elif problems and not moves:
        # The payload that has most of the path is the one that was meant.
        _report(max(problems, key=lambda problem: problem.start), None, path, handled, findings)


def _operands(path: Condition) -> Sequence[tree.Node]:
    """Return the alternatives that a path holds by itself: `a || b` is two."""
    node = path.expression.tree
    return node.operands if isinstance(node, tree.Or) else (node,)


def _problems_everywhere(node: tree.Node, handled: Mapping[str, Known]) -> list[Problem]:
    """Return what is wrong with a path in each of the payloads; nothing when it fits one of them.

    A payload of which nothing is known there may have it, unless it is nearly what the others have.
    """
    found: list[Problem] = []
    unknown = False
    for known in handled.values():
        inferred = infer(node, known)
        if inferred.problems:
            found.append(inferred.problems[0])
        elif inferred.type.kinds == ANY.kinds:
            unknown = True
        else:
            return []
    return found if not unknown else [problem for problem in found if _is_misspelt(problem)]


def _is_misspelt(problem: Problem) -> bool:
    """Say whether a member is nearly one that the object has."""
    owner, name = problem.owner, problem.name
    return owner is not None and name is not None and did_you_mean(name, owner.fields or ()) is not None


def _from_the_payload(rest: str) -> str | None:
    """Say how a path is written that begins with what leads to the payload in rules."""
    prefix = next((one for one in ("event.payload.", "payload.") if rest.startswith(one)), None)
    return None if prefix is None else f"paths of `extract` begin in the payload: `{rest.removeprefix(prefix)}`"


def _report(
    problem: Problem, moved: Moved | None, path: Condition, handled: Mapping[str, Known], findings: DocumentFindings
) -> None:
    span = path.node.span_of(problem.start, problem.end)
    if problem.about in {"field", "kind"}:
        types = [name for name in handled if name]
        help = _from_the_payload(path.expression.text[problem.start :]) or remedy(problem, moved)
        findings.warning("GW307", no_payload(types, problem.message), span, help=help)
    else:
        findings.error(CODES[problem.about], problem.message, span, help=remedy(problem, moved))
