"""One event as a page for people: all that is stored of it, nothing told."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from gateway.admin.event_json import details_json
from gateway.engine.payload import PayloadRefused, read_payload
from gateway.expressions import to_json
from gateway.store.codecs import dump_json
from gateway.store.events import EventDetails

_HEAD = (
    "id", "source", "event_id", "type", "key", "status", "result", "rule", "error", "attempts", "occurred_at",
    "received_at", "finished_at", "next_attempt_at", "duplicates", "verified_by", "request_id",
)  # fmt: skip


def show_lines(details: EventDetails) -> Iterator[str]:
    """Yield the lines of an event's page."""
    shown = details_json(details)
    for name in _HEAD:
        if shown[name] is not None:
            yield f"{name:<16}{shown[name]}"
    yield ""
    yield "headers"
    for name, value in shown["headers"].items():
        yield f"  {name}: {value}"
    yield ""
    yield "payload"
    yield from (f"  {line}" for line in _payload(details.body))
    for trace in shown["traces"]:
        yield ""
        yield f"attempt {trace['attempt']}: {trace['status']}"
        yield from (f"  {name}: {_one_line(value)}" for name, value in trace.items() if name not in _SAID)
    for item in shown["outbox"]:
        yield ""
        yield f"{item['kind']} {item['id']}: {item['status']}"
        told = {name: value for name, value in item.items() if name not in _SAID and value is not None}
        yield from (f"  {name}: {_one_line(value)}" for name, value in told.items())


_SAID = frozenset({"attempt", "status", "id", "event_id", "kind"})


def _payload(body: bytes) -> list[str]:
    try:
        return _indented(read_payload(body), "").splitlines()
    except PayloadRefused:
        return body.decode("utf-8", "backslashreplace").splitlines()


def _indented(value: object, margin: str) -> str:
    inside = margin + "  "
    if isinstance(value, dict) and value:
        entries = [f"{inside}{to_json(str(key))}: {_indented(item, inside)}" for key, item in value.items()]
        return "{\n" + ",\n".join(entries) + f"\n{margin}}}"
    if isinstance(value, list) and value:
        items = [inside + _indented(item, inside) for item in value]
        return "[\n" + ",\n".join(items) + f"\n{margin}]"
    return to_json(value)


def _one_line(value: Any) -> str:
    return value if isinstance(value, str) else dump_json(value)
