"""What the engine says of its work: counters for every event, log lines for people."""

from __future__ import annotations

import time
from collections import Counter as Tally
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from prometheus_client import CollectorRegistry, Counter

from gateway.engine.ending import Ended, due_at
from gateway.telemetry import Durations

PutLine = Callable[[dict[str, Any]], None]
"""Takes a finished log line: `time`, `level`, `message` and other fields."""

_LEVELS = {"debug": 0, "info": 1, "warning": 2, "error": 3}
_OUTCOME_LEVELS = {
    "done": "info", "ignored": "info", "calling": "info", "parked": "warning", "waiting": "warning", "dead": "error",
}  # fmt: skip
_SECONDS = (0.0005, 0.001, 0.002, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5)
_LAG = (0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 30, 60, 300, 3600)


class Reporter:
    """Counts and logs what each slice has finished. Called in the database's thread."""

    def __init__(self, registry: CollectorRegistry, *, put: PutLine | None, level: str) -> None:
        """Take where metrics and lines go, and the least level that is written."""
        self._events = Counter(
            "gateway_events_total", "Passes by what became of the event", ["source", "status"], registry=registry
        )
        passes = Durations("gateway_pass_seconds", "How long one pass took", _SECONDS, registry=registry)
        self._note_pass = passes.of()
        self._lag = Durations(
            "gateway_done_seconds", "From receipt to the end of processing", _LAG, ["source"], registry=registry
        )
        self._retries = Counter(
            "gateway_retries_total", "Passes beyond an event's first", ["source"], registry=registry
        )
        self._put = put
        self._least = _LEVELS[level]

    def report(self, ended: Sequence[Ended]) -> None:
        """Count events by source and status, and write their lines."""
        for (source, status), count in Tally([(e.event.source, e.finish.status) for e in ended]).items():
            self._events.labels(source, status).inc(count)
        for one in ended:
            self._note_pass(one.microseconds / 1_000_000)
            if one.finish.finished_at is not None:
                self._lag.of(one.event.source)((one.finish.finished_at - due_at(one.event)) / 1_000_000)
            if one.finish.attempts > 1:
                self._retries.labels(one.event.source).inc()
        if self._put is not None:
            self._write(ended, self._put)

    def _write(self, ended: Sequence[Ended], put: PutLine) -> None:
        now = time.time()
        for one in ended:
            for line in _said(one, now):
                if _LEVELS[line["level"]] >= self._least:
                    put(line)
            if _LEVELS[_OUTCOME_LEVELS[one.finish.status]] >= self._least:
                put(_outcome(one, now))


def _said(ended: Ended, now: float) -> Iterator[dict[str, Any]]:
    """Yield the lines that the rules of an event's pass have written."""
    event, result = ended.event, ended.result
    if result is None or not result.logs or ended.finish.status not in {"done", "ignored"}:
        return
    about = {"source": event.source, "event": str(event.seq), "event_id": event.event_id}
    for said in result.logs:
        yield {"time": now, "level": said.level, "message": said.text, **about, **said.fields}


def _outcome(ended: Ended, now: float) -> dict[str, Any]:
    """Return the line that says how an event's pass has ended."""
    event, finish = ended.event, ended.finish
    status = finish.status
    line: dict[str, Any] = {
        "time": now,
        "level": _OUTCOME_LEVELS[status],
        "message": f"event {status}",
        "source": event.source,
        "event": str(event.seq),
        "event_id": event.event_id,
        "type": event.type,
    }
    if finish.rule is not None:
        line["rule"] = finish.rule
    if finish.result is not None:
        line["result"] = finish.result
    if finish.error is not None:
        line["error"] = finish.error
    if finish.attempts > 1:
        line["attempt"] = finish.attempts
    return line
