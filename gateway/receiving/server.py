"""The HTTP side of the gateway: which address leads where, and how the server starts and stops."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import NamedTuple, cast

import orjson
import structlog
from aiohttp import web
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_LATEST

from gateway.receiving.answers import Answer, Refusal, refused
from gateway.receiving.connections import (
    BUSY,
    Connection,
    ConnectionServer,
    connections_within,
    raise_file_limit,
)
from gateway.receiving.deliveries import Source
from gateway.receiving.express import REQUEST_ID, ExpressLane
from gateway.receiving.health import Health, timestamp
from gateway.receiving.limits import AddressList
from gateway.receiving.metrics import ReceivingMetrics
from gateway.receiving.receiver import Receiver, WriteLine
from gateway.receiving.writer import GroupWriter
from gateway.telemetry import RequestIds

log = structlog.get_logger()

Handler = Callable[[web.BaseRequest, str], Awaitable[web.StreamResponse]]
"""Answers a request whose path starts with the handler's prefix; the text is the request id."""


class ReceivingServer:
    """Listens, and leads each request to its source, page or handler.

    aiohttp's `Application` is left out: its router, match info and signals cost a tenth of a delivery.
    """

    def __init__(
        self,
        sources: Iterable[Source],
        writer: GroupWriter,
        health: Health,
        registry: CollectorRegistry,
        *,
        handlers: Mapping[str, Handler] | None = None,
        trusted_proxies: AddressList | None = None,
        write_line: WriteLine | None = None,
        more_metrics: Callable[[], Awaitable[bytes]] | None = None,
        max_connections: int | None = None,
        head_timeout: float = 15.0,
        idle_timeout: float = 75.0,
    ) -> None:
        """Take the sources and what answers for the rest.

        `handlers` maps prefixes such as `/api/` to handlers; a source's own path comes before any prefix.
        `write_line` gets a log line for each accepted delivery. `max_connections` is never more than the limit
        of open files has room for. Timeouts are in seconds.
        """
        self._writer, self._health, self._registry = writer, health, registry
        self._metrics = ReceivingMetrics(registry)
        self._request_ids = RequestIds()
        self._lane = ExpressLane(self._request_ids)
        self._trusted, self._write_line, self._more_metrics = trusted_proxies, write_line, more_metrics
        self._receivers: dict[str, Receiver] = {}
        self.load(sources)
        self._handlers = sorted((handlers or {}).items(), key=lambda item: -len(item[0]))
        self._limits = (max_connections, head_timeout, idle_timeout)
        self._running: _Running | None = None

    def load(self, sources: Iterable[Source]) -> None:
        """Take these sources from now on; requests under way end with those they began with."""
        self._receivers = {
            source.path: Receiver(
                source,
                self._writer,
                self._metrics.source(source.name),
                trusted_proxies=self._trusted,
                write_line=self._write_line,
            )
            for source in sources
        }
        self._lane.load(self._receivers)
        self._pages = self._page_table()

    async def start(self, host: str, *ports: int, shared: bool = False) -> int:
        """Listen on the ports, and return the first (which the system chooses when 0 is given). Raises OSError.

        The first may be `shared` with other processes that say so too: the system spreads connections among them.
        """
        max_connections, head_timeout, idle_timeout = self._limits
        possible = connections_within(raise_file_limit())
        server = ConnectionServer(
            self._answer,
            lane=self._lane,
            request_ids=self._request_ids,
            max_connections=min(max_connections or possible, possible),
            head_timeout=head_timeout,
            idle_timeout=idle_timeout,
        )
        self._metrics.connections = lambda: server.open_connections
        runner = web.ServerRunner(server, shutdown_timeout=1.0)
        await runner.setup()
        sites = [
            web.TCPSite(runner, host, port, backlog=4096, reuse_port=shared and number == 0)
            for number, port in enumerate(ports)
        ]
        self._running = _Running(server, runner, asyncio.get_running_loop().create_task(server.sweep()))
        for site in sites:
            await site.start()
        return sites[0].port

    @property
    def open_connections(self) -> int:
        """Return how many connections are open."""
        return self._metrics.connections()

    async def drain(self, timeout: float, *, grace: float = 0.0) -> None:
        """Stop: be not ready for `grace` seconds, take no more connections, answer what is under way, close.

        What is not answered within `timeout` seconds is cut off; what was taken is stored all the same.
        """
        self._health.draining = True
        await asyncio.sleep(grace)
        if self._running is not None:
            await self._close(self._running, timeout)
        await self._writer.flush()

    async def _close(self, running: _Running, timeout: float) -> None:
        running.server.draining = True
        for site in running.runner.sites:
            await site.stop()
        try:
            async with asyncio.timeout(timeout):
                await running.server.all_answered()
        except TimeoutError:
            log.warning("requests cut off by the shutdown", count=running.server.busy)
        running.sweeper.cancel()
        await running.runner.cleanup()

    async def _answer(self, request: web.BaseRequest) -> web.StreamResponse:
        cast(Connection, request.protocol).since = BUSY
        request_id = self._request_ids.take(request.headers.get(REQUEST_ID))
        receiver = self._receivers.get(request.raw_path)
        if receiver is not None and request.method == "POST":
            answer: Answer | web.StreamResponse = await receiver.receive(request, request_id)
        else:
            answer = await self._answer_other(request, request_id)
        if self._health.draining:
            answer.force_close()
        return cast(web.StreamResponse, answer)

    async def _answer_other(self, request: web.BaseRequest, request_id: str) -> Answer | web.StreamResponse:
        path = request.path
        receiver = self._receivers.get(path) or self._receivers.get(path.removesuffix("/"))
        page = self._pages.get(path)
        if receiver is not None and request.method == "POST":
            return await receiver.receive(request, request_id)
        if page is not None and request.method in {"GET", "HEAD"}:
            return await page(request_id)
        if receiver is not None or page is not None:
            allowed = ", ".join((["POST"] if receiver else []) + (["GET", "HEAD"] if page else []))
            message = f"`{request.method}` is not allowed here, but {allowed}"
            return self._refuse(Refusal("method_not_allowed", message, headers={"Allow": allowed}), request_id)
        for prefix, handler in self._handlers:
            if path.startswith(prefix) or path == prefix.removesuffix("/"):
                response = await handler(request, request_id)
                if not response.prepared:
                    response.headers["X-Request-Id"] = request_id
                return response
        return self._refuse(Refusal("not_found", "there is nothing at this address"), request_id)

    def _refuse(self, refusal: Refusal, request_id: str) -> Answer:
        self._metrics.unrouted[refusal.code] += 1
        log.warning("request refused", request_id=request_id, reason=refusal.code)
        return refused(refusal, request_id)

    def _page_table(self) -> dict[str, Callable[[str], Awaitable[Answer]]]:
        table: dict[str, Callable[[str], Awaitable[Answer]]] = {}
        neighbours: dict[str, list[Receiver]] = {}
        for path, receiver in self._receivers.items():
            neighbours.setdefault(f"{path.rpartition('/')[0]}/health", []).append(receiver)
        for path, receivers in neighbours.items():
            table[path] = SourceHealth(self._health, receivers)
        table.update({"/healthz": self._alive, "/readyz": self._ready, "/metrics": self._expose})
        return table

    async def _alive(self, request_id: str) -> Answer:
        return _json_answer(200, {"status": "alive", "timestamp": timestamp()}, request_id)

    async def _ready(self, request_id: str) -> Answer:
        reasons = await self._health.reasons()
        status = "not ready" if reasons else "ready"
        return _json_answer(503 if reasons else 200, {"status": status, "reasons": reasons}, request_id)

    async def _expose(self, request_id: str) -> Answer:
        others = b"" if self._more_metrics is None else await self._more_metrics()
        body = generate_latest(self._registry) + others
        return Answer(200, body, request_id, content_type=CONTENT_TYPE_LATEST)


class _Running(NamedTuple):
    server: ConnectionServer
    runner: web.ServerRunner
    sweeper: asyncio.Task[None]


class SourceHealth:
    """The health page beside a source's path; sources of one parent path share it, the first one names it."""

    def __init__(self, health: Health, receivers: list[Receiver]) -> None:
        self._health = health
        self._receivers = receivers
        self._services = [one.source.health_service or f"{one.source.name}-webhook" for one in receivers]

    async def __call__(self, request_id: str) -> Answer:
        """Answer 200 while deliveries can be stored, else 503."""
        reason = await self._health.storage_reason()
        now = time.time()
        quiet = any(one.is_stale(now) for one in self._receivers)
        found: dict[str, object] = {
            "status": "unhealthy" if reason is not None else "stale" if quiet else "healthy",
            "service": self._services[0],
            "timestamp": timestamp(),
        }
        if len(self._services) > 1:
            found["services"] = self._services
        return _json_answer(200 if reason is None else 503, found, request_id)


def _json_answer(status: int, content: dict[str, object], request_id: str) -> Answer:
    return Answer(status, orjson.dumps(content), request_id)
