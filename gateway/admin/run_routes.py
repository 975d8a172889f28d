"""Procedures over HTTP: run by hand, as an event of the gateway's own."""

from __future__ import annotations

from typing import Any

from gateway.admin.event_json import event_json
from gateway.admin.refusals import Refused
from gateway.admin.routes import Call, Calls, Route, Running
from gateway.admin.rule_routes import PATIENCE, WaitFor
from gateway.admin.schemas import EVENT, TEXT, or_null, record, ref
from gateway.engine.runs import RunInvalid, find_procedure, needed_names, require_names, run_delivery
from gateway.store.events import get_event
from gateway.store.inbox import Delivery, append_deliveries

_LONGEST = 512
"""Characters of a text that is given."""


class RunRoutes:
    """What can be run by hand."""

    def __init__(self, running: Running, reader: Calls, writer: Calls, wait_for: WaitFor) -> None:
        """Take the gateway, a connection that only reads, the one that writes, and the way to wait for an event."""
        self._running = running
        self._reader = reader
        self._writer = writer
        self._wait_for = wait_for

    def routes(self) -> tuple[Route, ...]:
        """Return the addresses."""
        return (
            Route(
                method="POST",
                path="/api/run/{procedure}",
                summary="Run a procedure of the rules, as an event of its own, and say what became of it.",
                run=self._run,
                body=_RUN,
                answer=record({"event": ref(EVENT)}),
                refusals=("not_found", "conflict", "invalid_run"),
                open_parts={"procedure": "A procedure of a rules file."},
            ),
        )

    async def _run(self, call: Call) -> dict[str, Any]:
        delivery = self._delivery(call)
        [receipt] = await self._writer.call(lambda database: append_deliveries(database, [delivery]))
        await self._wait_for(receipt.id, PATIENCE)
        event = await self._reader.call(lambda database: get_event(database, str(receipt.id)).event)
        return {"event": event_json(event)}

    def _delivery(self, call: Call) -> Delivery:
        procedure, names = call.names["procedure"], call.body.get("with", {})
        source, key, by = (_text(call.body, name) for name in ("source", "key", "by"))
        if call.body.keys() - {"with", "source", "key", "by"} or not isinstance(names, dict):
            raise Refused("invalid_json", 'the body may be `{"with": {"name": value}}`, with `source`, `key` and `by`')
        found, file = find_procedure(self._running.project, procedure, source)
        try:
            require_names(procedure, needed_names(self._running.project, file, procedure), names)
        except RunInvalid as error:
            raise Refused("invalid_run", error.message + (f"; {error.help}" if error.help else "")) from error
        actor = call.actor if by is None else f"{by}, {call.actor}"
        return run_delivery(found.name, procedure, names, key=key, actor=actor, now=call.now)


def _text(body: Any, name: str) -> str | None:
    value = body.get(name)
    if value is None or (isinstance(value, str) and 0 < len(value) <= _LONGEST):
        return value
    raise Refused("invalid_json", f"`{name}` is a text of up to {_LONGEST} characters")


_RUN = {
    "type": "object",
    "additionalProperties": False,
    "properties": {
        "with": {
            "type": "object",
            "description": "The names it needs, and their values.",
            "additionalProperties": True,
        },
        "source": or_null({**TEXT, "description": "Whose procedure, where several sources have one of the name."}),
        "key": or_null({**TEXT, "description": "The ordering key: events with the same one run in order."}),
        "by": or_null({**TEXT, "description": "Who asks for it, for the record."}),
    },
}
