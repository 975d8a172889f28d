"""`as_of`: an older event never overwrites a newer state, and what was kept is said."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from gateway.actions.state import PassState
from gateway.config.document import Node, Scalar
from gateway.config.scope import CheckScope
from gateway.config.steps import StepReader
from gateway.config.tables import Table

AS_OF_SCHEMA = {
    "type": "string",
    "description": "A timestamp column: write only if it is not later than the event's time, and set it to that.",
    "examples": ["last_event_at"],
}


def check_as_of(column: str | None, node: Node | None, table: Table | None, scope: CheckScope) -> None:
    """Report an `as_of` that names no timestamp column."""
    if column is None or table is None or node is None:
        return
    found = table.column(column)
    if found is None and isinstance(node, Scalar):
        scope.column(table, node)
    elif found is not None and found.type != "timestamp":
        scope.findings.error(
            "GW305",
            f"`as_of` needs a timestamp column, `{column}` is {found.type}",
            node,
            help="declare one: `last_event_at: {type: timestamp}`",
        )


def read_as_of(reader: StepReader) -> str | None:
    """Return the column under `as_of`, or None."""
    return reader.text("as_of") or None


def link_as_of(column: str | None) -> Callable[[PassState, Mapping[str, Any]], str | None]:
    """Return the function that says why a row must be kept as it is, or None when it may be written."""
    if column is None:
        return lambda state, row: None

    def kept(state: PassState, row: Mapping[str, Any]) -> str | None:
        last: datetime | None = row[column]
        if last is None or last <= state.as_of:
            return None
        event = state.newer(state.execute, state.source, last)
        return f"newer state from {event or 'another event'}, {last.isoformat().replace('+00:00', 'Z')}"

    return kept
