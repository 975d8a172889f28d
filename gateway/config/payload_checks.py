"""Paths into payloads, held against what the provider's payloads are known to have."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from gateway.config.diagnostics import DocumentFindings, did_you_mean
from gateway.config.document import Mapping as MappingNode
from gateway.config.document import Scalar
from gateway.config.extraction import Extraction
from gateway.config.rules import Rule, RulesFile
from gateway.config.steps import Step
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
    """The event types it sends, as far as they are documented."""
    payload: Callable[[str], Type | None]
    """Gives the type of an event's payload, or None where nothing is known of it."""
    moved: Mapping[tuple[str, str], Moved] = field(default_factory=dict)
    """What older versions of the provider's API had, by object and member."""


def check_payload_paths(file: RulesFile, payloads: Payloads, findings: DocumentFindings) -> None:
    """Report paths of a rules file that no payload of the event types it handles can have."""
    scheduled = scheduled_payloads(file)
    handled = [handled_payloads(rule, payloads, scheduled) for rule in file.rules]
    _check_extractions(file.extract, _together(handled), payloads, findings)
    for rule, own in zip(file.rules, handled, strict=True):
        _check_extractions(rule.extract, own, payloads, findings)


Handled = Mapping[str, Type] | None
"""The payloads by event type; None where a rule handles events of which nothing is known."""


def handled_payloads(rule: Rule, payloads: Payloads, scheduled: Mapping[str, Type]) -> Handled:
    """Return the payloads of the event types that a rule names."""
    fits = type_matcher(rule.on)
    named = [name for name in rule.on if "*" not in name]
    named += [name for name in (*payloads.types, *scheduled) if fits(name) and name not in named]
    found = {name: scheduled.get(name) or payloads.payload(name) for name in named}
    known = {name: payload for name, payload in found.items() if payload is not None}
    return known if known and len(known) == len(found) else None


def scheduled_payloads(file: RulesFile) -> dict[str, Type]:
    """Return the payloads of the events that a file's own `schedule` steps bring: the names of their `data`."""
    found: dict[str, Type] = {}
    for step in all_steps(file):
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
    if not handled:
        return
    for extraction in extractions:
        paths = [(path, node) for path in extraction.alternatives for node in _operands(path)]
        for path, node in paths:
            _check_path(path, node, handled, payloads, findings, alone=len(paths) == 1)


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
    moves = [(problem, moved) for problem in problems if (moved := _moved(problem, payloads)) is not None]
    if moves and alone:
        _report(*moves[0], path, handled, findings)
    elif problems and not moves:
        # The payload that has most of the path is the one that was meant.
        _report(max(problems, key=lambda problem: problem.start), None, path, handled, findings)


def _moved(problem: Problem, payloads: Payloads) -> Moved | None:
    owner, name = problem.owner, problem.name
    return None if owner is None or name is None else payloads.moved.get((owner.name or "", name))


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
    types = list(handled)
    listed = ", ".join(f"`{name}`" for name in types[:3]) + (f" and {len(types) - 3} more" if len(types) > 3 else "")
    message = f"no payload of {listed} has this: {problem.message}"
    findings.warning("GW307", message, span, help=_help(problem, moved))


def _help(problem: Problem, moved: Moved | None) -> str | None:
    if moved is not None:
        return f"since API version {moved.version}: `{moved.place}`; list both to take either"
    owner, name = problem.owner, problem.name
    if owner is None or name is None or owner.fields is None:
        return None
    near = did_you_mean(name, list(owner.fields))
    if near:
        return f"did you mean `{near}`?"
    listed = sorted(owner.fields)
    return f"it has {', '.join(f'`{field}`' for field in listed[:12])}{', …' if len(listed) > 12 else ''}"
