"""`missing`: what a step does when what it asks for is not there."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from gateway.actions.state import Finished, Parked, PassState, Signal, StepFailed
from gateway.config.document import Mapping as MappingNode
from gateway.config.document import Scalar
from gateway.config.steps import StepReader
from gateway.config.values import Value, read_value
from gateway.records import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Missing:
    """What is done."""

    kind: str
    """`finish`, `fail`, `park` or `null`."""
    value: Value | None = None


def missing_schema(*, park: bool) -> Mapping[str, Any]:
    """Return the JSON Schema of `missing`, with or without `park`."""
    words = "`{finish: …}`, `{fail: …}` (the default)" + (", `park`" if park else "") + ", or null to go on."
    ending = {
        "type": "object",
        "minProperties": 1,
        "maxProperties": 1,
        "additionalProperties": False,
        "properties": {
            "finish": {
                "type": "string",
                "description": "End the event well, with this result.",
                "examples": ["tenant_not_found"],
            },
            "fail": {
                "type": "string",
                "description": "End the event badly, and say this.",
                "examples": ["no tenant has the customer ${customer_id}"],
            },
        },
    }
    parked = [{"const": "park"}] if park else []
    choices = "`null`, `park`" if park else "`null`"
    title = f"a choice of {choices}, `{{finish: …}}` and `{{fail: …}}`"
    return {"title": title, "description": f"When there is none: {words}", "oneOf": [{"type": "null"}, *parked, ending]}


def read_missing(reader: StepReader, *, default: str) -> Missing:
    """Read a step's `missing`."""
    if reader.node.key("missing") is None:
        return Missing(kind=default)
    node = reader.get("missing")
    if isinstance(node, MappingNode) and node.entries:
        key, item = node.entries[0]
        return Missing(kind=str(key.value), value=read_value(item, reader.findings))
    if isinstance(node, Scalar) and node.value == "park":
        return Missing(kind="park")
    return Missing(kind="null")


def link_missing(missing: Missing, what: str, note: Callable[[PassState], None]) -> Callable[[PassState], Signal]:
    """Return the function that does it, after writing a note; ``what`` is what there is none of."""
    kind, value = missing.kind, missing.value

    def give_up(state: PassState) -> Signal:
        note(state)
        said = value(state.scope, state) if value is not None else None
        match kind:
            case "finish":
                return Finished(None if said is None else str(said))
            case "fail":
                raise StepFailed(str(said) if said is not None else what)
            case "park":
                return Parked(f"{what} yet")
        return None

    return give_up
