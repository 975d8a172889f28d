"""What can never happen in a source, all its rules files together: rules out of reach, scheduled events of no rule.

A rules file may serve several sources; what is wrong is reported when it is so in each of them.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from gateway.config.checks import covers
from gateway.config.diagnostics import DocumentFindings, Findings, did_you_mean
from gateway.config.document import Node, Scalar
from gateway.config.document import Sequence as SequenceNode
from gateway.config.rules import Rule, RulesFile
from gateway.config.steps import Step
from gateway.config.values import Value
from gateway.expressions import Template
from gateway.records import dataclass

SCHEDULED = "schedule."
"""How the types of scheduled events begin."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Scheduling:
    """A step that has an event come later."""

    name: str
    node: Node
    key: tuple[str, str]
    """What its key begins and ends with."""
    own: bool
    """Whether the step says the key; else it is the name and the event's ordering key."""


def check_source_reach(sources: Sequence[Sequence[Path]], files: Mapping[Path, RulesFile], findings: Findings) -> None:
    """Check the rules of sources, each given by the paths of its rules files, in order."""
    read = [paths for paths in sources if all(path in files for path in paths)]
    for path, file in files.items():
        of_sources = [[files[one] for one in paths] for paths in read if path in paths]
        if of_sources:
            _check_shadows(file, of_sources, findings)
            _check_scheduled(file, of_sources, findings)
            _check_canceled(file, of_sources, findings)


def _check_shadows(file: RulesFile, sources: list[list[RulesFile]], findings: Findings) -> None:
    """Report rules behind one of an earlier file that takes everything they could take."""
    for rule in file.rules:
        before = [_taken_before(rule, file, files) for files in sources]
        first = before[0]
        if first is not None and all(before):
            other, taker = first
            findings.for_document(file.document).error(
                "GW207",
                f"rule `{rule.name}` can never be reached: `{taker.name}` of {other.document.path} "
                f"handles every `{rule.on[0]}`",
                rule.node.get("on") or rule.node,
                help=f"name this file before {other.document.path} under `rules` of the source, "
                "or give that rule a `when`",
            )


def _taken_before(rule: Rule, file: RulesFile, files: list[RulesFile]) -> tuple[RulesFile, Rule] | None:
    """Return a rule of an earlier file, where all that `rule` names is taken by rules there."""
    before = itertools.takewhile(lambda one: one is not file, files)
    earlier = [(one, other) for one in before for other in one.rules if other.node.get("when") is None]
    takers = [
        next((taker for taker in earlier if any(covers(pattern, own) for pattern in taker[1].on)), None)
        for own in rule.on
    ]
    return takers[0] if takers and all(takers) else None


def _check_scheduled(file: RulesFile, sources: list[list[RulesFile]], findings: Findings) -> None:
    """Report scheduled events that no rule handles, and rules for events that no step schedules; one for each slip."""
    here = findings.for_document(file.document)
    unhandled = {
        one.name: one
        for one in _schedulings([file])
        if not any(covers(pattern, SCHEDULED + one.name) for files in sources for pattern in _patterns(files))
    }
    known = {one.name for files in sources for one in _schedulings(files)}
    for node in _types_of(file):
        name = node.text.removeprefix(SCHEDULED)
        if any(covers(node.text, SCHEDULED + one) for one in known):
            continue
        near = did_you_mean(name, unhandled)
        at = unhandled.pop(near).node if near is not None else None
        here.warning(
            "GW207",
            f"no step of the source's rules schedules `{name}`, so this never comes",
            node,
            note=None if at is None else f"no rule handles `schedule: {near}` of line {at.span.start.line}",
            help=f"did you mean `{SCHEDULED}{near}`?" if near else f"`schedule: {name}` is the step that makes it",
        )
    for one in unhandled.values():
        near = did_you_mean(one.name, [p.removeprefix(SCHEDULED) for files in sources for p in _patterns(files)])
        here.warning(
            "GW217",
            f"no rule of the source handles `{SCHEDULED}{one.name}`",
            one.node,
            help=f"write the name alone: `schedule: {one.name.removeprefix(SCHEDULED)}`"
            if one.name.startswith(SCHEDULED)
            else f"did you mean `{near}`?"
            if near
            else f"write a rule `on: {SCHEDULED}{one.name}`",
        )


def _check_canceled(file: RulesFile, sources: list[list[RulesFile]], findings: Findings) -> None:
    """Warn of keys that are canceled and that no scheduled event can have."""
    canceled: list[Value | None] = [step.arguments.key for step in _steps([file]) if step.action.name == "cancel"]
    known = [one for files in sources for one in _schedulings(files)] if canceled else []
    here = findings.for_document(file.document)
    for value in canceled:
        if value is None:
            continue
        meant = [one for one in known if _may_be_one(_ends(value), one.key)]
        if meant:
            _check_same_key(value, meant, here)
            continue
        begun = sorted({f"`{one.key[0]}…`" if one.key[0] else "any" for one in known})
        here.warning(
            "GW508",
            "nothing is scheduled under such a key, so this drops nothing",
            value.node,
            help=f"keys of `schedule` steps begin with {', '.join(begun)}" if begun else "take the step out",
        )


def _check_same_key(value: Value, meant: Sequence[_Scheduling], findings: DocumentFindings) -> None:
    """Advise to say a key at both ends, where only one of them does."""
    names = {reference.path for part in value.parts for reference in part.names}
    if any(one.own for one in meant) or ("event", "key") in names:
        return
    written = value.node.text if isinstance(value.node, Scalar) else meant[0].name
    findings.advice(
        "GW508",
        f"`schedule: {meant[0].name}` says no key: it waits under the event's ordering key, which this may not be",
        value.node,
        help=f"write `key: {written}` there, too",
    )


def _steps(files: Iterable[RulesFile]) -> Iterator[Step]:
    for file in files:
        for rule in file.rules:
            yield from rule.steps
        for procedure in file.procedures.values():
            yield from procedure.steps


def _schedulings(files: Iterable[RulesFile]) -> Iterator[_Scheduling]:
    for step in _steps(files):
        if step.action.name == "schedule":
            name, key = step.arguments.name, step.arguments.key
            ends = (f"{name}-", "") if key is None else _ends(key)
            node = step.node.get("schedule") or step.node
            yield _Scheduling(name=name, node=node, key=ends, own=key is not None)


def _patterns(files: Iterable[RulesFile]) -> list[str]:
    return [pattern for file in files for rule in file.rules for pattern in rule.on]


def _types_of(file: RulesFile) -> Iterator[Scalar]:
    """Yield the types of scheduled events that rules name."""
    for rule in file.rules:
        node = rule.node.get("on")
        for item in node.items if isinstance(node, SequenceNode) else (node,):
            if isinstance(item, Scalar) and item.text.startswith(SCHEDULED):
                yield item


def _ends(value: Value) -> tuple[str, str]:
    """Return what a text begins and ends with, whatever is written into it."""
    template = value.parts[0].compiled if value.parts else None
    if not isinstance(template, Template):
        text = "" if template is not None else str(value.constant)
        return text, text
    first, last = template.parts[0], template.parts[-1]
    return first if isinstance(first, str) else "", last if isinstance(last, str) else ""


def _may_be_one(one: tuple[str, str], other: tuple[str, str]) -> bool:
    """Say whether two texts may be the same, by what they begin and end with."""
    begin = one[0].startswith(other[0]) or other[0].startswith(one[0])
    end = one[1].endswith(other[1]) or other[1].endswith(one[1])
    return begin and end
