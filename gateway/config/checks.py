"""Checks of rules: what can be known about names, tables, literals and reach before an event comes.

One function a check; each walks the model and reports with the place.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from functools import partial

from gateway.config.consistency_checks import check_consistency
from gateway.config.declarations import Targets
from gateway.config.diagnostics import DocumentFindings, Findings, did_you_mean
from gateway.config.document import Mapping as MappingNode
from gateway.config.document import Node, Scalar
from gateway.config.document import Sequence as SequenceNode
from gateway.config.extraction import Extraction
from gateway.config.file_use import UNUSED, FileUse
from gateway.config.increments import check_increments
from gateway.config.procedure_needs import OpenScope, needs_of, report_misspelt
from gateway.config.rule_scopes import check_steps, scopes_of
from gateway.config.rules import Rule, RulesFile
from gateway.config.scope import CheckScope
from gateway.config.scope_types import Bound
from gateway.config.secrets import check_keys_in_rules
from gateway.config.suspicions import Suspicions
from gateway.config.tables import Table
from gateway.config.unordered_writes import check_unordered_writes
from gateway.config.written_values import check_empty_values, check_plain_texts
from gateway.expressions.contradictions import shape
from gateway.expressions.types import LazyFields, Type, union
from gateway.records import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownTypes:
    """The event types a provider sends, as far as they are known."""

    provider: str
    types: tuple[str, ...]
    instead: Mapping[str, tuple[str, ...]]
    """For types that the provider does not send: what it sends instead."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FileNames:
    """The names of a rules file."""

    bound: Mapping[str, Type]
    """What its rules leave bound, with what that may be."""
    read: frozenset[str]
    """What they read; `@` where something reads all there is."""


def check_rules(
    file: RulesFile,
    tables: Mapping[str, Table],
    findings: Findings,
    targets: Targets | None = None,
    use: FileUse = UNUSED,
) -> FileNames:
    """Check one rules file against all tables of the project, and where it may send to (None: not known).

    Returns the names that its rules bind and read.
    """
    here = findings.for_document(file.document)
    suspicions = Suspicions()
    scopes = scopes_of(file, tables, here, suspicions, targets, use)
    bound: dict[str, list[Bound]] = {}
    for rule in file.rules:
        scope = scopes.of_rule(rule)
        _check_rule(rule, file, scope)
        for name, known in scope.names.items():
            bound.setdefault(name, []).append(known)
    for check in file.checks.values():
        check_consistency(check, scopes.plain(), scopes.open())
    _check_unused_procedures(file, scopes.open())
    suspicions.report(here)
    scopes.looks.report(here, suspicions.is_new)
    check_reach(file.rules, here)
    check_own_types(file.rules, here)
    check_empty_values(file, here)
    check_plain_texts(file, here)
    check_keys_in_rules(file.document.root, file.document.text, here)
    check_unordered_writes(file, here)
    check_increments(file, here)
    left = LazyFields({name: partial(_any_of, every) for name, every in bound.items()})
    return FileNames(bound=left, read=frozenset(scopes.read))


def _any_of(bound: Sequence[Bound]) -> Type:
    return union(one.type for one in bound).nullable


def _check_rule(rule: Rule, file: RulesFile, scope: CheckScope) -> None:
    scope.condition(rule.when)
    check_steps(rule.steps, scope)
    scope.value(rule.result)


def _names(extractions: Iterable[Extraction]) -> list[str]:
    return [extraction.name for extraction in extractions]


def _check_unused_procedures(file: RulesFile, scope: OpenScope) -> None:
    run = {
        step.arguments.procedure
        for steps in [rule.steps for rule in file.rules] + [p.steps for p in file.procedures.values()]
        for step in steps
        if step.action.name == "run"
    }
    run |= {check.repair for check in file.checks.values()}
    extracted = {*_names(file.extract), *(name for rule in file.rules for name in _names(rule.extract))}
    for procedure in file.procedures.values():
        if procedure.name in run:
            continue
        # One that needs what no event brings is there to be run by hand.
        needed = needs_of(procedure.name, scope)
        report_misspelt(scope, extracted)
        if extracted.issuperset(needed):
            scope.findings.warning(
                "GW501",
                f"procedure `{procedure.name}` is run by no rule",
                procedure.key,
                help="run it with `run: " + procedure.name + "`, or take it out",
            )


def check_reach(rules: Sequence[Rule], findings: DocumentFindings) -> None:
    """Report rules that can never be reached: every type they name is handled, whatever it holds, by one before."""
    taken: list[tuple[str, Rule]] = []
    for rule in rules:
        takers = [_taker(taken, own, rule) for own in rule.on]
        if rule.on and all(takers):
            earlier = takers[0]
            assert earlier is not None
            findings.error(
                "GW207",
                f"rule `{rule.name}` can never be reached: `{earlier.name}` handles every `{rule.on[0]}`"
                + (" for which that holds" if earlier.when else ""),
                (rule.node.get("when") if earlier.when else rule.node.get("on")) or rule.node,
                help=f"move it above `{earlier.name}`, or give that rule a"
                + ("nother" * bool(earlier.when))
                + " `when`",
            )
        if rule.when is not None or rule.node.get("when") is None:  # one that cannot be read has been reported
            taken.extend((pattern, rule) for pattern in rule.on)


def _taker(taken: Sequence[tuple[str, Rule]], own: str, rule: Rule) -> Rule | None:
    """Return an earlier rule that takes every event of a type that this rule could take."""
    return next((before for pattern, before in taken if covers(pattern, own) and _holds_for(before, rule)), None)


def _holds_for(before: Rule, rule: Rule) -> bool:
    """Say whether an earlier rule's `when` holds wherever this rule's does: there is none, or it is the same."""
    if before.when is None:
        return True
    return rule.when is not None and shape(before.when.expression.tree) == shape(rule.when.expression.tree)


def check_own_types(rules: Sequence[Rule], findings: DocumentFindings) -> None:
    """Report types that no rule is asked about: those of events that run a procedure."""
    for rule in rules:
        for node in _type_nodes(rule.node.get("on")):
            if str(node.value).startswith("run."):
                findings.error(
                    "GW207",
                    f"no rule handles `{node.value}`: events of such a type run the procedure that they name",
                    node,
                    help="`gateway run PROCEDURE` makes one; `run: PROCEDURE` is the step of a rule",
                )


def covers(pattern: str, other: str) -> bool:
    """Say whether every type that `other` names is named by `pattern` too."""
    if pattern == other or pattern == "*":
        return True
    first, star, rest = pattern.partition("*")
    if not star or rest:
        return False
    return other.startswith(first)


def check_stripe_key(file: RulesFile, findings: Findings) -> None:
    """Advise of the first `stripe` step of a file where no key is set to call Stripe with."""
    procedures = [procedure.steps for procedure in file.procedures.values()]
    steps = [step for listed in [*procedures, *(rule.steps for rule in file.rules)] for step in listed]
    first = next((step for step in steps if step.action.name == "stripe"), None)
    if first is not None:
        findings.for_document(file.document).advice(
            "GW506",
            "no `stripe.api_key` is set: events that come here become dead letters",
            first.node.key("stripe") or first.node,
            help='write `stripe: {api_key: "${env:STRIPE_API_KEY}"}` in gateway.yaml, and set the variable',
        )


def check_event_types(rules: Iterable[Rule], known: KnownTypes, findings: DocumentFindings) -> None:
    """Report event types that the provider does not send; beside one that it does, an older name is no mistake."""
    for rule in rules:
        for node in _type_nodes(rule.node.get("on")):
            name = str(node.value)
            if name.startswith(("schedule.", "run.")):  # the gateway's own, made by `schedule` steps and `gateway run`
                continue
            if "*" in name:
                _check_pattern(name, node, known, findings)
            elif name in known.instead:
                if not set(known.instead[name]).isdisjoint(rule.on):
                    continue
                sent = ", ".join(f"`{other}`" for other in known.instead[name])
                findings.advice(
                    "GW502",
                    f"{known.provider} does not send `{name}` today",
                    node,
                    help=f"{known.provider} sends {sent}",
                )
            elif name not in known.types:
                near = did_you_mean(name, known.types)
                findings.error(
                    "GW208",
                    f"{known.provider} has no event type `{name}`",
                    node,
                    help=f"did you mean `{near}`?" if near else _listed_types(name),
                )


def _listed_types(name: str) -> str | None:
    """Say how several types are written, where a name holds several words."""
    words = [word for word in re.split(r"[\s,;|]+", name) if word and word.lower() not in {"or", "and"}]
    return f"several types are a list: `[{', '.join(words)}]`" if len(words) > 1 else None


def _check_pattern(name: str, node: Scalar, known: KnownTypes, findings: DocumentFindings) -> None:
    first = name.partition("*")[0]
    if not any(known_type.startswith(first) for known_type in known.types):
        near = did_you_mean(first.rstrip("._"), {t.rpartition(".")[0] for t in known.types})
        findings.error(
            "GW208",
            f"{known.provider} has no event type that fits `{name}`",
            node,
            help=f"did you mean `{near}.*`?" if near else None,
        )


def _type_nodes(node: Node | None) -> list[Scalar]:
    if isinstance(node, SequenceNode):
        return [item for item in node.items if isinstance(item, Scalar) and isinstance(item.value, str)]
    return [node] if isinstance(node, Scalar) and isinstance(node.value, str) else []


def merge_tables(files: Iterable[RulesFile], findings: Findings) -> dict[str, Table]:
    """Bring together the tables of all files; one that several declare must be the same in each, column by column."""
    merged: dict[str, Table] = {}
    declared: dict[str, RulesFile] = {}
    for file in files:
        for name, table in file.tables.items():
            if name not in merged:
                merged[name], declared[name] = table, file
            else:
                merged[name] = _merge(merged[name], table, declared[name], file, findings)
    return merged


def _merge(first: Table, second: Table, before: RulesFile, file: RulesFile, findings: Findings) -> Table:
    columns = list(first.columns)
    for column in second.columns:
        other = first.column(column.name)
        if other is None:
            columns.append(column)
        elif other != column:
            node = _column_node(file, second.name, column.name)
            findings.for_document(file.document).error(
                "GW206",
                f"column `{second.name}.{column.name}` is declared otherwise in {before.document.path}",
                node,
                help="declare it the same way in both files, or in one alone",
            )
    return Table(name=first.name, columns=tuple(columns), existing=first.existing and second.existing)


def _column_node(file: RulesFile, table: str, column: str) -> Node:
    node: Node | None = file.document.root
    for key in ("tables", table, "columns", column):
        node = node.get(key) if isinstance(node, MappingNode) else None
    assert node is not None
    return node
