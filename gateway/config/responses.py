"""The answer of a source that answers with the outcome: `response` in gateway.yaml."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass

from gateway.config.diagnostics import DocumentFindings, did_you_mean
from gateway.config.document import Mapping, Node
from gateway.config.rules import RulesFile
from gateway.config.values import Value, read_value
from gateway.config.wording import listed


@dataclass(frozen=True, slots=True, kw_only=True)
class Response:
    """What the answer holds: each key with its value; a null one is left out."""

    body: Value | None
    errors: dict[str, object]
    """Constant keys of every error answer, beside `error`."""


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
            names.update(given.keys() if isinstance(given, Mapping) else ())
            names.update([step.bind_as] if step.bind_as is not None else ())
    return frozenset(names)


def read_response(node: Node | None, findings: DocumentFindings, *, bound: Collection[str] = ()) -> Response:
    """Compile a `response` mapping; a missing one gives the default shape. `bound`: the names that rules bind."""
    if not isinstance(node, Mapping):
        return Response(body=None, errors={})
    body, errors = node.get("body"), node.get("errors")
    plain = errors.plain() if isinstance(errors, Mapping) else {}
    value = None if body is None else read_value(body, findings)
    _check_names(value, bound, findings)
    return Response(body=value, errors=dict(plain) if isinstance(plain, dict) else {})


def _check_names(value: Value | None, bound: Collection[str], findings: DocumentFindings) -> None:
    known = (*OUTCOME_NAMES, "event", "settings", "now", *sorted(bound))
    for part in value.parts if value is not None else ():
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
