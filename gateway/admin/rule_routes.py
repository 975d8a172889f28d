"""Sources and rules over HTTP: what is configured, and sample events sent through the whole of it."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from typing import Any, NamedTuple

from gateway.admin.event_json import event_json
from gateway.admin.project_json import rules_json
from gateway.admin.refusals import Refused
from gateway.admin.routes import Call, Calls, Route, Running
from gateway.admin.schemas import EVENT, SOURCE, list_of, record, ref
from gateway.admin.triggering import (
    Sample,
    SampleInvalid,
    answered_number,
    change,
    require_source,
    sample_payload,
    sign_sample,
)
from gateway.errors import NotFound
from gateway.expressions import to_json
from gateway.store.database import Database
from gateway.store.events import Event, find_event, find_request, get_event

PATIENCE = 4.0
"""Seconds in which a triggered event should have left `ready`; it is shown as it stands then."""


class Delivered(NamedTuple):
    """The gateway's answer to a delivery."""

    status: int
    body: bytes


Deliver = Callable[[Sample], Awaitable[Delivered]]
"""Posts a sample to the gateway, as its provider would. Raises Refused when that is impossible."""

WaitFor = Callable[[int, float], Awaitable[object]]
"""Returns when an event has left `ready`, or after so many seconds."""


class RuleRoutes:
    """What can be asked of the rules."""

    def __init__(self, running: Running, reader: Calls, deliver: Deliver, wait_for: WaitFor) -> None:
        """Take the gateway, a connection that only reads, and the ways to post to and wait for an event."""
        self._running = running
        self._reader = reader
        self._deliver = deliver
        self._wait_for = wait_for

    def routes(self) -> tuple[Route, ...]:
        """Return the addresses."""
        return (
            Route(
                method="GET",
                path="/api/rules",
                summary="List the sources with their rules files, versions and rules.",
                run=self._rules,
                answer=record({"sources": list_of(ref(SOURCE))}),
            ),
            Route(
                method="POST",
                path="/api/trigger/{source}/{type}",
                summary="Send a signed sample event through the whole gateway, and say what became of it.",
                run=self._trigger,
                body=_TRIGGER,
                answer=_TRIGGERED,
                token_only=True,
                refusals=("not_found", "conflict", "not_delivered"),
                open_parts={"source": "A source of gateway.yaml.", "type": "An event type of its provider."},
            ),
        )

    async def _rules(self, _call: Call) -> dict[str, Any]:
        return rules_json(self._running.project)

    async def _trigger(self, call: Call) -> dict[str, Any]:
        sample = self._sample(call)
        delivered = await self._deliver(sample)
        event = await self._became(sample, delivered) if delivered.status < 300 else None
        return {
            "answer": {"status": delivered.status, "body": delivered.body.decode("utf-8", "replace")},
            "event": None if event is None else event_json(event),
        }

    def _sample(self, call: Call) -> Sample:
        now, event_type = time.time(), call.names["type"]
        source = require_source(self._running.project.settings, call.names["source"])
        payload, changes = call.body.get("payload"), call.body.get("set", {})
        if call.body.keys() - {"payload", "set"} or not isinstance(changes, dict):
            raise Refused("invalid_json", 'the body may be `{"set": {"a.path": value}}`, with a `payload` beside it')
        payload = sample_payload(source, event_type, now=now) if payload is None else payload
        try:
            change(payload, changes.items())
        except SampleInvalid as error:
            raise Refused("invalid_json", error.message) from error
        return sign_sample(source, event_type, to_json(payload).encode(errors="backslashreplace"), now=now)

    async def _became(self, sample: Sample, delivered: Delivered) -> Event | None:
        name = answered_number(delivered.body) or sample.event_id
        try:
            seq = await self._reader.call(lambda database: _stored(database, sample, name))
        except NotFound:
            return None
        await self._wait_for(seq, PATIENCE)
        return await self._reader.call(lambda database: get_event(database, str(seq)).event)


def _stored(database: Database, sample: Sample, name: str | None) -> int:
    if name is not None:
        return find_event(database, name, sample.source)
    return find_request(database, sample.source, sample.request_id)


_TRIGGER = {
    "type": "object",
    "additionalProperties": False,
    "properties": {
        "set": {
            "type": "object",
            "description": "Paths of the payload and the values to put there.",
            "additionalProperties": True,
        },
        "payload": {"description": "A payload to send instead of the sample."},
    },
}
_TRIGGERED = record(
    {
        "answer": record({"status": {"type": "integer"}, "body": {"type": "string"}}),
        "event": {"oneOf": [ref(EVENT), {"type": "null"}]},
    }
)
