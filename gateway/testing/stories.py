"""An event's story in a few lines, from its traces: what a failed case shows beside what it expected."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any

from gateway.expressions import to_json
from gateway.store.evidence import Attempt
from gateway.testing.running import Outcome

_SHOWN = 160


def story(outcome: Outcome, attempts: Sequence[Attempt]) -> list[str]:
    """Return the lines of a delivery's story."""
    record = outcome.record
    if outcome.seq is None:
        return [f"delivery {outcome.number} was refused: {record.error}"]
    ended = record.result if record.status == "done" else record.error
    again = ", delivered again" if outcome.duplicate else ""
    lines = [f"event {outcome.number}, {record.type} ({record.event_id}){again}: {record.status}, {ended}"]
    for attempt in attempts:
        if len(attempts) > 1:
            lines.append(f"  pass {attempt.number}: {attempt.status}")
        lines.extend(f"  {line}" for line in _pass_lines(json.loads(attempt.trace, parse_float=Decimal)))
    return lines


def _pass_lines(trace: Mapping[str, Any]) -> Iterator[str]:
    for verdict in trace.get("no", ()):
        if isinstance(verdict, list):
            name, clause, seen = verdict
            yield f"not `{name}`: `{clause}` saw {_short(seen)}"
    if "rule" in trace:
        yield f"rule `{trace['rule']}`"
    for name, (value, alternative) in trace.get("extract", {}).items():
        if value is not None:
            which = f", alternative {alternative + 1}" if alternative else ""
            yield f"  {name} = {_short(value)}{which}"
    for pointer, action, happened in trace.get("steps", ()):
        yield f"  {pointer} {action}: {_short(happened)}"
    error = trace.get("error")
    if isinstance(error, dict):
        at = f"{error['at']}: " if "at" in error else ""
        yield f"  {at}error: {error['message']}"


def _short(value: object) -> str:
    text = to_json(value)
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"
