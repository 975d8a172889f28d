"""The outbox over HTTP: messages and awaited calls found, shown, tried again."""

from __future__ import annotations

from typing import Any

from gateway.admin.event_json import outbox_json, outbox_page_json
from gateway.admin.parameters import DEFAULT_LIMIT, EVENT_CURSOR, LIMIT, OUTBOX_FILTERS
from gateway.admin.routes import Call, Calls, Route
from gateway.admin.schemas import OUTBOX, page_of, ref
from gateway.store.outbox_pages import OutboxFilter, get_outbox, list_outbox, retry_outbox

_ID = {"id": "The gateway's own number of the message or call, or its message id."}


class OutboxRoutes:
    """What can be asked of the outbox."""

    def __init__(self, reader: Calls, writer: Calls) -> None:
        """Take a connection that only reads, and the one that writes."""
        self._reader = reader
        self._writer = writer

    def routes(self) -> tuple[Route, ...]:
        """Return the addresses."""
        return (
            Route(
                method="GET",
                path="/api/outbox",
                summary="Find messages and calls, the newest first.",
                run=self._list,
                query=(*OUTBOX_FILTERS, LIMIT, EVENT_CURSOR),
                answer=page_of("outbox", OUTBOX),
            ),
            Route(
                method="GET",
                path="/api/outbox/{id}",
                summary="Show one message or call.",
                run=self._show,
                answer=ref(OUTBOX),
                refusals=("not_found",),
                open_parts=_ID,
            ),
            Route(
                method="POST",
                path="/api/outbox/{id}/retry",
                summary="Try a message or call again; the event of a refused call runs again.",
                run=self._retry,
                answer=ref(OUTBOX),
                refusals=("not_found", "conflict"),
                open_parts=_ID,
            ),
        )

    async def _list(self, call: Call) -> dict[str, Any]:
        query = dict(call.query)
        limit, cursor = query.pop("limit", DEFAULT_LIMIT), query.pop("cursor", None)
        wanted = OutboxFilter(**query)
        page = await self._reader.call(lambda database: list_outbox(database, wanted, limit=limit, cursor=cursor))
        return outbox_page_json(page)

    async def _show(self, call: Call) -> dict[str, Any]:
        return outbox_json(await self._reader.call(lambda database: get_outbox(database, call.names["id"])))

    async def _retry(self, call: Call) -> dict[str, Any]:
        name = call.names["id"]
        return outbox_json(
            await self._writer.call(lambda database: retry_outbox(database, name, actor=call.actor, now=call.now))
        )
