"""An event that was received, written as a case of a tests file: without headers, people and secrets."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from gateway.config.scalars import UnusableNumberError, resolve
from gateway.engine.payload import PayloadRefused, read_payload
from gateway.errors import GatewayError
from gateway.expressions import to_json, to_text
from gateway.store.codecs import moment_of
from gateway.store.database import Database
from gateway.store.events import EventDetails
from gateway.store.outbox import answers_of
from gateway.testing.concealing import Concealer
from gateway.testing.effects import Done, effects_of_event

_PLAIN = re.compile(r"[A-Za-z_/][A-Za-z0-9_./@-]*(?: [A-Za-z0-9_./@-]+)*")
"""Texts that YAML takes as they are, wherever they stand."""

_MARGIN = 96
"""Characters that a list or mapping may have to stand on one line."""


class NotCapturable(GatewayError):
    """The event cannot be written as a case."""


def capture(database: Database, details: EventDetails) -> str:
    """Return a tests file with the event as its one case. Up to two statements.

    Raises NotCapturable for a body that is not JSON.
    """
    try:
        payload = read_payload(details.body)
    except PayloadRefused as refused:
        raise NotCapturable(f"event {details.event.seq} has no payload: {refused}") from refused
    return "".join(f"{line}\n" for line in _lines(database, details, payload))


def _lines(database: Database, details: EventDetails, payload: object) -> Iterator[str]:
    event, concealer = details.event, Concealer()
    payload = concealer.conceal(payload)
    effects = effects_of_event(database, event.seq)
    yield "# yaml-language-server: $schema=../../schemas/tests.schema.json"
    yield f"# Captured from event {event.seq}; what was concealed is the same wherever it stood."
    yield f"source: {_scalar(event.source)}"
    yield "cases:"
    yield f"  - name: {_scalar(f'{event.type}, as received')}"
    yield "    given:"
    moment = details.traces[-1].started_at if details.traces else event.received_at
    yield f"      now: {to_text(moment_of(moment))}"
    yield from _found(details)
    answers = answers_of(database.execute, event.seq)
    canned = [_canned(one, answers) for one in effects if one.kind == "calls" and one.position in answers]
    yield from _entry("calls", concealer.conceal(canned), 6) if canned else ()
    yield "    event:"
    yield from _entry("id", event.event_id, 6)
    yield from _entry("type", event.type, 6)
    if event.occurred_at is not None:
        yield f"      occurred_at: {to_text(moment_of(event.occurred_at))}"
    yield from _entry("payload", payload, 6)
    yield "    expect:"
    yield from _entry("status", event.status, 6)
    for name in ("rule", "result", "error"):
        value = getattr(event, name)
        yield from _entry(name, concealer.conceal(value), 6) if value is not None else ()
    for kind in ("calls", "messages"):
        made = [{one.action: one.target} for one in effects if one.kind == kind]
        yield from _entry(kind, made, 6)


def _found(details: EventDetails) -> Iterator[str]:
    """Yield what rows the event met: whoever completes the case has to give them."""
    last: Mapping[str, Any] = json.loads(details.traces[-1].trace) if details.traces else {}
    for pointer, action, happened in last.get("steps", ()):
        if action == "find" and isinstance(happened, dict) and happened.get("found") is not None:
            yield f"      # {pointer} found {to_json(happened['found'])}: give the row under `tables`"


def _canned(done: Done, answers: Mapping[str, Any]) -> dict[str, object]:
    answer = answers[done.position]
    about: dict[str, object] = {done.action: done.target}
    if answer.ok:
        return {**about, "answer": answer.value}
    return {**about, "error": {"code": answer.code, "message": answer.error or answer.code}}


def _entry(key: str, value: object, indent: int) -> Iterator[str]:
    head = f"{' ' * indent}{_scalar(key)}:"
    flow = _flow(value)
    if len(head) + len(flow) < _MARGIN or not isinstance(value, dict | list) or not value:
        yield f"{head} {flow}"
    elif isinstance(value, dict):
        yield head
        for name, item in value.items():
            yield from _entry(name, item, indent + 2)
    else:
        yield head
        yield from _items(value, indent + 2)


def _items(values: Iterable[object], indent: int) -> Iterator[str]:
    for value in values:
        if isinstance(value, dict) and value and len(_flow(value)) + indent >= _MARGIN:
            lines = [line for name, item in value.items() for line in _entry(name, item, indent + 2)]
            yield f"{' ' * indent}- {lines[0].lstrip()}"
            yield from lines[1:]
        else:
            yield f"{' ' * indent}- {_flow(value)}"


def _flow(value: object) -> str:
    """Return a value on one line."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{_scalar(name)}: {_flow(item)}" for name, item in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(_flow, value)) + "]"
    return _scalar(value)


def _scalar(value: object) -> str:
    if not isinstance(value, str):
        return to_json(value)
    return value if _PLAIN.fullmatch(value) and _is_text(value) else _quoted(value)


def _quoted(text: str) -> str:
    """Return a text as YAML writes it between double quotes."""
    return '"' + "".join(c if c.isprintable() and c not in '"\\' else f"\\U{ord(c):08x}" for c in text) + '"'


def _is_text(value: str) -> bool:
    try:
        return resolve(value) == value
    except UnusableNumberError:
        return False
