"""What the engine says of its work: counters for every event, log lines for people."""

from __future__ import annotations

import time
from collections import Counter as Tally
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from prometheus_client import CollectorRegistry, Counter, Histogram

from gateway.engine.loop import Ended, due_at

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
        self._seconds = Histogram("gateway_pass_seconds", "How long one pass took", buckets=_SECONDS, registry=registry)
        self._lag = Histogram(
            "gateway_done_seconds", "From receipt to the end of processing", ["source"], buckets=_LAG, registry=registry
        )
        self._retries = Counter(
            "gateway_retries_total", "Passes beyond an event's first", ["source"], registry=registry
        )
        self._put = put
        self._least = _LEVELS[level]
        self._children: dict[tuple[str, str], Any] = {}

    def report(self, ended: Sequence[Ended]) -> None:
        """Count events by source and status, and write their lines."""
        for (source, status), count in Tally((e.event.source, e.finish.status) for e in ended).items():
            self._child("events", source, status).inc(count)
        for one in ended:
            self._seconds.observe(one.microseconds / 1_000_000)
            if one.finish.finished_at is not None:
                lag = (one.finish.finished_at - due_at(one.event)) / 1_000_000
                self._child("lag", one.event.source).observe(lag)
            if one.finish.attempts > 1:
                self._retries.labels(one.event.source).inc()
        if self._put is not None:
            self._write(ended, self._put)

    def _child(self, metric: str, *labels: str) -> Any:
        child = self._children.get((metric, "\0".join(labels)))
        if child is None:
            parent = self._events if metric == "events" else self._lag
            child = self._children[metric, "\0".join(labels)] = parent.labels(*labels)
        return child

    def _write(self, ended: Sequence[Ended], put: PutLine) -> None:
        now = time.time()
        for one in ended:
            for line in lines_of(one):
                if _LEVELS[line["level"]] >= self._least:
                    put({"time": now, **line})


def lines_of(ended: Ended) -> Iterator[dict[str, Any]]:
    """Yield the log lines of an event's pass: what its rules said, and how it ended."""
    event, finish = ended.event, ended.finish
    about = {"source": event.source, "event": str(event.seq), "event_id": event.event_id}
    if ended.result is not None and finish.status in {"done", "ignored"}:
        for said in ended.result.logs:
            yield {"level": said.level, "message": said.text, **about, **said.fields}
    line: dict[str, Any] = {
        "level": _OUTCOME_LEVELS[finish.status],
        "message": f"event {finish.status}",
        **about,
        "type": event.type,
    }
    for name in ("rule", "result", "error"):
        value = getattr(finish, name)
        if value is not None:
            line[name] = value
    if finish.attempts > 1:
        line["attempt"] = finish.attempts
    yield line
