"""Events over HTTP: found, shown, run again."""

from __future__ import annotations

from typing import Any

from gateway.admin.event_json import details_json, event_json, page_json
from gateway.admin.parameters import DEFAULT_LIMIT, EVENT_CURSOR, EVENT_FILTERS, LIMIT, SOURCE, event_filter
from gateway.admin.refusals import Refused
from gateway.admin.routes import Call, Calls, Route
from gateway.admin.schemas import DETAILS, EVENT, page_of, ref
from gateway.store.database import Database
from gateway.store.events import get_event, list_events, retry_event

_ID = {"id": "The gateway's own number of the event, or the provider's id of it, percent-encoded."}


class EventRoutes:
    """What can be asked of events."""

    def __init__(self, reader: Calls, writer: Calls) -> None:
        """Take a connection that only reads, and the one that writes."""
        self._reader = reader
        self._writer = writer

    def routes(self) -> tuple[Route, ...]:
        """Return the addresses."""
        return (
            Route(
                method="GET",
                path="/api/events",
                summary="Find events, the newest first.",
                run=self._list,
                query=(*EVENT_FILTERS, LIMIT, EVENT_CURSOR),
                answer=page_of("events", EVENT),
            ),
            Route(
                method="GET",
                path="/api/events/{id}",
                summary="Show one event with its payload, headers and traces.",
                run=self._show,
                query=(SOURCE,),
                answer=ref(DETAILS),
                refusals=("not_found", "conflict"),
                open_parts=_ID,
            ),
            Route(
                method="POST",
                path="/api/events/{id}/retry",
                summary="Run an event again from the top, under today's rules.",
                run=self._retry,
                query=(SOURCE,),
                body=_RETRY,
                answer=ref(EVENT),
                refusals=("not_found", "conflict"),
                open_parts=_ID,
            ),
        )

    async def _list(self, call: Call) -> dict[str, Any]:
        wanted, limit = event_filter(call.query), call.query.get("limit", DEFAULT_LIMIT)
        cursor = call.query.get("cursor")
        page = await self._reader.call(lambda database: list_events(database, wanted, limit=limit, cursor=cursor))
        return page_json(page)

    async def _show(self, call: Call) -> dict[str, Any]:
        name, source = call.names["id"], call.query.get("source")
        return details_json(await self._reader.call(lambda database: get_event(database, name, source)))

    async def _retry(self, call: Call) -> dict[str, Any]:
        done = call.body.get("done", False)
        if not isinstance(done, bool) or call.body.keys() - {"done"}:
            raise Refused("invalid_json", 'the body may be `{"done": true}`, or nothing')

        def retry(database: Database) -> dict[str, Any]:
            seq = retry_event(
                database,
                call.names["id"],
                actor=call.actor,
                now=call.now,
                source=call.query.get("source"),
                done=done,
            )
            return event_json(get_event(database, str(seq)).event)

        return await self._writer.call(retry)


_RETRY = {
    "type": "object",
    "additionalProperties": False,
    "properties": {
        "done": {"type": "boolean", "default": False, "description": "Run it even if it is done: it applies twice."}
    },
}
