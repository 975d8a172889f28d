"""The answer of a source that answers with the outcome: `response` in gateway.yaml."""

from __future__ import annotations

from dataclasses import dataclass

from gateway.config.diagnostics import DocumentFindings, did_you_mean
from gateway.config.document import Mapping, Node
from gateway.config.values import Value, read_value


@dataclass(frozen=True, slots=True, kw_only=True)
class Response:
    """What the answer holds: each key with its value; a null one is left out."""

    body: Value | None
    errors: dict[str, object]
    """Constant keys of every error answer, beside `error`."""


OUTCOME_NAMES = ("status", "result", "error", "outcome")
"""What an answer can name beside the rule's own scope. `outcome` is the result of an event that is done, else
`retrying`, `failed`, `ignored` or `processing`."""


def read_response(node: Node | None, findings: DocumentFindings) -> Response:
    """Compile a `response` mapping; a missing one gives the default shape."""
    if not isinstance(node, Mapping):
        return Response(body=None, errors={})
    body, errors = node.get("body"), node.get("errors")
    plain = errors.plain() if isinstance(errors, Mapping) else {}
    value = None if body is None else read_value(body, findings)
    _check_near_names(value, findings)
    return Response(body=value, errors=dict(plain) if isinstance(plain, dict) else {})


def _check_near_names(value: Value | None, findings: DocumentFindings) -> None:
    known = (*OUTCOME_NAMES, "event", "settings", "now")
    for part in value.parts if value is not None else ():
        for reference in part.names:
            name = reference.path[0]
            near = did_you_mean(name, known)
            if name not in known and near is not None:
                findings.warning(
                    "GW203",
                    f"no answer has `{name}` unless a rule binds it",
                    part.node.span_of(reference.start, reference.end),
                    help=f"did you mean `{near}`?",
                )
