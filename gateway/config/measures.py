"""What alerts can be about: the measures of one source, and the condition that names them."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

from gateway.config.diagnostics import DocumentFindings, did_you_mean
from gateway.config.document import Scalar
from gateway.config.type_findings import Documented, suspicions_of
from gateway.config.values import Condition, read_expression
from gateway.config.wording import listed
from gateway.expressions import tree
from gateway.expressions.inference import infer
from gateway.expressions.inferred import Known
from gateway.expressions.types import NUMBER, object_of

OWN_ALERT = "parked too long"
"""What the gateway's own alert is called, which is about `park`."""

OVER_TIME: Mapping[str, str] = {
    "passes": "passes that came to an end, however",
    "events": "events that ended: done, ignored or dead",
    "failures": "passes that failed: tried again later, or a dead letter",
    "dead": "events that became dead letters",
    "retries": "passes beyond an event's first",
    "retries_per_event": "retries for each event that ended; null when none has",
    "success_rate": "share of passes that went well, from 0 to 1; null when there was none",
    "processing_seconds": "average from receipt to the end, of events that needed no second try; null when none did",
    "processing_seconds_p95": "so long or shorter for 95 of 100 of them",
}
"""What is counted over the alert's stretch of time (`over`)."""

AT_ONCE: Mapping[str, str] = {
    "queue_depth": "events that are ready to run",
    "oldest_ready_seconds": "how long the first of them has been ready; 0 when none is",
    "waiting": "events that wait: to be tried again, for an answer, or behind another event of their key",
    "waiting_for_retry": "events that have failed and wait to be tried again",
    "waiting_for_answer": "events that wait for the answer of a call",
    "parked": "events that wait for a row that is not there yet",
    "parked_too_long": "those of them that wait longer than `park.alert_after`",
    "scheduled": "events whose time has not come",
}
"""What is true at the moment."""

MEASURES: Mapping[str, str] = {**OVER_TIME, **AT_ONCE}
"""Every measure by name, with what it is, for people."""

_KNOWN = Known(scope=object_of(dict.fromkeys(MEASURES, NUMBER.nullable), open=True))


def read_alert_condition(node: Scalar, findings: DocumentFindings) -> Condition | None:
    """Compile an alert's condition; names that are no measures become findings."""
    condition = read_expression(node, findings)
    for reference in condition.located.names if condition is not None else ():
        name = reference.path[0]
        if name not in MEASURES:
            near = did_you_mean(name, MEASURES)
            findings.error(
                "GW203",
                f"there is no measure `{name}`",
                node.span_of(reference.start, reference.end),
                help=f"did you mean `{near}`?" if near else f"measures: {listed(MEASURES)}",
            )
    if condition is not None:
        problems = infer(condition.expression.tree, _KNOWN).problems
        for one in suspicions_of(condition.expression, problems, node, Documented()):
            findings.error(one.code, one.message, one.span, help=one.help)
        _check_ranges(condition, node, findings)
    return condition


def _check_ranges(condition: Condition, node: Scalar, findings: DocumentFindings) -> None:
    """Report comparisons with a number that the measure cannot come to, or never goes below."""
    for part in tree.walk(condition.expression.tree):
        if isinstance(part, tree.Comparison) and isinstance(part.left, tree.Field):
            value = part.right.value if isinstance(part.right, tree.Literal) else None
            said = _out_of_range(part.left.name, part.operator, value)
            if said is not None:
                help = "a share is written from 0 to 1: `0.95` for 95 %" if part.left.name == "success_rate" else None
                findings.warning("GW309", said, node.span_of(part.start, part.end), help=help)


def _out_of_range(name: str, operator: str, value: object) -> str | None:
    if name not in MEASURES or isinstance(value, bool) or not isinstance(value, int | Decimal):
        return None
    most = 1 if name == "success_rate" else None
    if most is not None and (value > most or (value == most and operator == ">")):
        return f"`{name}` is from 0 to {most}, so this always comes out the same"
    if value < 0 or (value == 0 and operator in {"<", ">="}):
        return f"`{name}` is never below 0, so this always comes out the same"
    return None
