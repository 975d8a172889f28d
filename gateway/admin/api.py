"""The admin API: who may ask, which route it is for, what came along, and the answer."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

import structlog
from aiohttp import web

from gateway.admin.access import admit
from gateway.admin.alert_routes import AlertRoutes, Alerts
from gateway.admin.answers import error_answer, json_answer
from gateway.admin.event_routes import EventRoutes
from gateway.admin.openapi import openapi_document
from gateway.admin.outbox_routes import OutboxRoutes
from gateway.admin.parameters import read_query
from gateway.admin.refusals import Refused, refusal_of
from gateway.admin.routes import Call, Calls, Route, Running, find_route
from gateway.admin.rule_routes import Deliver, RuleRoutes, WaitFor
from gateway.admin.run_routes import RunRoutes
from gateway.admin.table_routes import TableRoutes
from gateway.engine.payload import PayloadRefused, read_payload
from gateway.errors import GatewayError

log = structlog.get_logger("gateway.admin")

_BODY_SECONDS = 15.0
_SUSPICIOUS = frozenset({"unauthorized", "forbidden", "storage_unavailable"})


def _clock() -> int:
    return time.time_ns() // 1000


class Api:
    """Answers requests whose path begins with `/api`."""

    def __init__(
        self,
        running: Running,
        *,
        reader: Calls,
        writer: Calls,
        deliver: Deliver,
        wait_for: WaitFor,
        alerts: Alerts = tuple,
        clock: Callable[[], int] = _clock,
    ) -> None:
        """Take the running gateway and the ways to its database.

        `reader` only reads (`store.readers`), `writer` is the database's own thread; `deliver` posts a sample event to
        the gateway (`admin.loopback`), `wait_for` waits until an event has left `ready`, `alerts` says how the alerts
        stand; `clock` gives microseconds.
        """
        self._running = running
        self._clock = clock
        self.routes: tuple[Route, ...] = (
            *EventRoutes(reader, writer).routes(),
            *OutboxRoutes(reader, writer).routes(),
            *TableRoutes(running, reader, writer).routes(),
            *RuleRoutes(running, reader, deliver, wait_for).routes(),
            *RunRoutes(running, reader, writer, wait_for).routes(),
            *AlertRoutes(running, alerts).routes(),
            Route(
                method="GET",
                path="/api/openapi.json",
                summary="Describe this API (OpenAPI 3.1).",
                run=self._describe,
                answer={"type": "object", "description": "An OpenAPI document.", "additionalProperties": True},
            ),
        )

    async def __call__(self, request: web.BaseRequest, request_id: str) -> web.StreamResponse:
        """Answer a request; `request_id` stands in errors and in the log."""
        try:
            answer: web.StreamResponse = json_answer(await self._serve(request, request_id))
        except GatewayError as error:
            refused = refusal_of(error)
            tell = log.warning if refused.code in _SUSPICIOUS else log.info
            tell("admin request refused", request_id=request_id, reason=refused.code, detail=refused.message)
            answer = error_answer(refused, request_id)
        return answer

    async def _serve(self, request: web.BaseRequest, request_id: str) -> object:
        token = self._running.project.settings.admin_token
        admit(None if token is None else token.reveal(), request.remote, request.headers)
        route, names = find_route(self.routes, request.method, request.rel_url.raw_path)
        if route.token_only and token is None:
            raise Refused("forbidden", "this needs an admin token: set `admin.token` in gateway.yaml")
        now = self._clock()
        query = read_query(route.query, list(request.rel_url.query.items()), now)
        body = await self._body(request, route)
        actor = f"api from {request.remote}"
        content = await route.run(Call(names=names, query=query, body=body, actor=actor, now=now))
        if route.method != "GET":
            log.info("admin request", request_id=request_id, method=route.method, path=request.path, actor=actor)
        return content

    async def _body(self, request: web.BaseRequest, route: Route) -> dict[str, object]:
        if route.body is None:
            return {}
        try:
            async with asyncio.timeout(_BODY_SECONDS):
                raw = await request.read()
        except web.HTTPRequestEntityTooLarge as error:
            raise Refused("body_too_large", "the body is too large") from error
        except TimeoutError as error:
            raise Refused("body_timeout", f"the body did not arrive within {_BODY_SECONDS:g} s") from error
        if not raw and not route.body_required:
            return {}
        return _json_object(raw)

    async def _describe(self, _call: Call) -> dict[str, object]:
        return openapi_document(self.routes)


def _json_object(raw: bytes) -> dict[str, object]:
    try:
        value = read_payload(raw)
    except PayloadRefused as error:
        raise Refused("invalid_json", str(error)) from error
    if not isinstance(value, dict):
        raise Refused("invalid_json", "the body must be a JSON object")
    return value
