"""The answer of a source that answers with the outcome: `response` in gateway.yaml."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

from gateway.config.checks import FileNames
from gateway.config.diagnostics import DocumentFindings, did_you_mean
from gateway.config.document import Mapping as MappingNode
from gateway.config.document import Node
from gateway.config.forgotten_dollars import forgotten_dollars
from gateway.config.rules import RulesFile
from gateway.config.scope_types import bound, event_type
from gateway.config.settings_model import SourceSettings
from gateway.config.suspicions import report_one
from gateway.config.type_findings import Documented, suspicions_of
from gateway.config.values import Value, read_value
from gateway.config.wording import listed
from gateway.expressions.inference import infer
from gateway.expressions.inferred import Known
from gateway.expressions.types import ANY, TEXT, TIMESTAMP, Type, object_of, text_of
from gateway.records import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Response:
    """What the answer holds: each key with its value; a null one is left out."""

    body: Value | None
    errors: dict[str, object]
    """Constant keys of every error answer, beside `error`."""

    @property
    def names(self) -> frozenset[str]:
        """Return the names that it reads."""
        parts = self.body.parts if self.body is not None else ()
        return frozenset(reference.path[0] for part in parts for reference in part.names)


OUTCOME_NAMES = ("status", "result", "error", "outcome")
"""What an answer can name beside the rule's own scope. `outcome` is the result of an event that is done, else
`retrying`, `failed`, `ignored` or `processing`."""


def names_bound(files: Iterable[RulesFile]) -> frozenset[str]:
    """Return every name that rules of some files bind: extracted, by `as`, by `with`."""
    names: set[str] = set()
    for file in files:
        names.update(one.name for one in (*file.extract, *(one for rule in file.rules for one in rule.extract)))
        blocks = [rule.steps for rule in file.rules] + [one.steps for one in file.procedures.values()]
        for step in (step for steps in blocks for step in steps):
            given = step.node.get("with")
            names.update(given.keys() if isinstance(given, MappingNode) else ())
            names.update([step.bind_as] if step.bind_as is not None else ())
    return frozenset(names)


@dataclass(frozen=True, slots=True, kw_only=True)
class ResponseScope:
    """What the answers of a source can name."""

    names: Mapping[str, Type]
    """What the rules of the source leave bound."""
    known: bool = True
    """Whether those are all names: its rules files could be read."""
    source: str = ""

    @property
    def types_of_names(self) -> dict[str, Type]:
        """Return every name with what it may be."""
        event = event_type(ANY, (), [self.source] if self.source else [])
        return {**self.names, "event": event, "now": TIMESTAMP, **_OUTCOME_TYPES}


def response_scope(
    source: SourceSettings, files: Mapping[Path, RulesFile], names: Mapping[Path, FileNames]
) -> ResponseScope:
    """Return what the answers of a source can name."""
    if source.response is None:
        return ResponseScope(names={}, source=source.name)
    read = [path for path in source.rules if path in files]
    found: dict[str, Type] = dict.fromkeys(names_bound(files[path] for path in read), ANY)
    for path in read:
        for name, known in names[path].bound.items():
            found[name] = known | found[name] if name in found and found[name] is not ANY else known
    rules = [rule for path in read for rule in files[path].rules]
    return ResponseScope(names=found, known=len(read) == len(source.rules) and bool(rules), source=source.name)


_OUTCOME_TYPES = {
    "status": text_of(("ready", "waiting", "parked", "done", "ignored", "dead")),
    "result": TEXT.nullable,
    "error": TEXT.nullable,
    "outcome": TEXT.nullable,
}


def read_response(node: Node | None, findings: DocumentFindings, scope: ResponseScope) -> Response:
    """Compile a `response` mapping; a missing one gives the default shape."""
    if not isinstance(node, MappingNode):
        return Response(body=None, errors={})
    body, errors = node.get("body"), node.get("errors")
    plain = errors.plain() if isinstance(errors, MappingNode) else {}
    value = None if body is None else read_value(body, findings)
    if value is not None:
        _check_names(value, scope, findings)
        _check_types(value, scope, findings)
    return Response(body=value, errors=dict(plain) if isinstance(plain, dict) else {})


def _check_names(value: Value, scope: ResponseScope, findings: DocumentFindings) -> None:
    known = [*OUTCOME_NAMES, "event", "settings", "now", *sorted(scope.names)]
    for part in value.parts if scope.known else ():
        for reference in part.names:
            name = reference.path[0]
            near = did_you_mean(name, known)
            if name not in known:
                findings.warning(
                    "GW203",
                    f"no answer has `{name}`: no rule of the source binds it",
                    part.node.span_of(reference.start, reference.end),
                    help=f"did you mean `{near}`?" if near else f"every answer has {listed(known[:7])}",
                )


def _check_types(value: Value, scope: ResponseScope, findings: DocumentFindings) -> None:
    """Report what is wrong in the expressions of an answer for every event, and names without their `$`."""
    types = scope.types_of_names
    known = Known(scope=object_of(types, open=True))
    found = list(forgotten_dollars(value, bound(types)))
    for part in value.parts:
        for expression in part.expressions:
            problems = infer(expression.tree, known).problems
            found += suspicions_of(expression, problems, part.node, Documented())
    for one in found:
        report_one(one, findings)
