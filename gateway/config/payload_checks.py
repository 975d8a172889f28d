"""Paths into payloads, held against what the provider's payloads are known to have."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from gateway.config.diagnostics import DocumentFindings
from gateway.config.document import Mapping as MappingNode
from gateway.config.document import Scalar
from gateway.config.extraction import Extraction
from gateway.config.rules import Rule, RulesFile
from gateway.config.steps import Step
from gateway.config.type_findings import CODES, Documented, no_payload, remedy
from gateway.config.type_patterns import type_matcher
from gateway.config.values import Condition
from gateway.expressions import tree
from gateway.expressions.inference import Known, Problem, infer
from gateway.expressions.types import ANY, Type, object_of
from gateway.providers.preset import Moved

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


Handled = Mapping[str, Type] | None
"""The payloads by event type; None where a rule handles events of which nothing is known."""


def handled_payloads(rule: Rule, payloads: Payloads, scheduled: Mapping[str, Type]) -> Handled:
    """Return the payloads of the event types that a rule names."""
    if not payloads.types and any("*" in name and not name.startswith(SCHEDULE) for name in rule.on):
        return None
    fits = type_matcher(rule.on)
    named = [name for name in rule.on if "*" not in name]
    named += [name for name in (*payloads.types, *scheduled) if fits(name) and name not in named]
    found = {name: scheduled.get(name) or payloads.payload(name) for name in named}
    known = {name: payload for name, payload in found.items() if payload is not None}
    return known if known and len(known) == len(found) else None


def scheduled_payloads(files: Iterable[RulesFile]) -> dict[str, Type]:
    """Return the payloads of the events that the `schedule` steps of a source's files bring: the names of `data`."""
    found: dict[str, Type] = {}
    for step in (step for file in files for step in all_steps(file)):
        if step.action.name != "schedule":
            continue
        data, named = step.node.get("data"), step.node.get("schedule")
        keys = [key.text for key, _ in data.entries] if isinstance(data, MappingNode) else []
        name = SCHEDULE + (named.text if isinstance(named, Scalar) else "")
        payload = object_of(dict.fromkeys(keys, ANY), name=f"the data of `{name}`")
        found[name] = found[name] | payload if name in found else payload
    return found


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
    for extraction in extractions:
        paths = [(path, node) for path in extraction.alternatives for node in _operands(path)]
        for path, node in paths:
            _check_path(path, node, handled or {"": ANY}, payloads, findings, alone=len(paths) == 1)


def _check_path(
    path: Condition,
    node: tree.Node,
    handled: Mapping[str, Type],
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


def _problems_everywhere(node: tree.Node, handled: Mapping[str, Type]) -> list[Problem]:
    """Return what is wrong with a path in each of the payloads; nothing when it fits one of them."""
    found: list[Problem] = []
    for payload in handled.values():
        problems = infer(node, Known(scope=payload)).problems
        if not problems:
            return []
        found.append(problems[0])
    return found


def _report(
    problem: Problem, moved: Moved | None, path: Condition, handled: Mapping[str, Type], findings: DocumentFindings
) -> None:
    span = path.node.span_of(problem.start, problem.end)
    if problem.about in {"field", "kind"}:
        types = [name for name in handled if name]
        findings.warning("GW307", no_payload(types, problem.message), span, help=remedy(problem, moved))
    else:
        findings.error(CODES[problem.about], problem.message, span, help=remedy(problem, moved))
