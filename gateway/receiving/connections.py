"""Connections: how many, how long one may take to ask, and what is said when a request cannot be read at all."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, cast

import structlog
from aiohttp import web
from aiohttp.http_exceptions import LineTooLong

from gateway.receiving.answers import Answer, Refusal, refused
from gateway.receiving.express import ExpressLane
from gateway.telemetry import RequestIds

log = structlog.get_logger()

BUSY = float("inf")
IDLE = 0.0

# aiohttp's own timer for idle connections does not see the short way: `ConnectionServer.sweep` does it instead.
_NEVER = 10 * 365 * 86_400.0

# Descriptors kept back for files, the database and outgoing connections.
_RESERVED_FILES = 512
_ASSUMED_FILES = 65_536


def raise_file_limit() -> int:
    """Raise the process's limit of open files as far as it may go, and return it."""
    try:
        import resource
    except ImportError:  # there is no such limit on Windows
        return _ASSUMED_FILES
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != hard:
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    return _ASSUMED_FILES if hard == resource.RLIM_INFINITY else hard


def connections_within(files: int) -> int:
    """Return how many connections fit into a limit of open files."""
    return max(64, files - _RESERVED_FILES)


class Connection(web.RequestHandler):
    """One connection: aiohttp's, with a short way for usual requests, time limits, and errors in our shape."""

    __slots__ = ("_held", "_now", "_server", "_short", "heard", "since")

    def __init__(self, server: ConnectionServer, loop: asyncio.AbstractEventLoop, **options: Any) -> None:
        super().__init__(server, loop=loop, **options)
        self._server = server
        self._now = loop.time
        self._short = True
        self._held = b""
        self.heard = loop.time()
        """When bytes last came (loop time)."""
        self.since = IDLE
        """When a request's head began to arrive; IDLE before its first byte, BUSY while it is answered."""

    @property
    def address(self) -> str:
        """Return the address at the other end, empty when it is gone."""
        peer = None if self.transport is None else self.transport.get_extra_info("peername")
        return peer[0] if isinstance(peer, tuple) else ""

    def data_received(self, data: bytes) -> None:
        """Take bytes: the short way while every read is one usual request, else aiohttp's (called by the transport)."""
        self.heard = self._now()
        if self._short and data:
            if self.since == BUSY:
                self._hold(data)
                return
            self.since = BUSY
            if self._server.lane.take(data, self):
                return
            self._short, self.since = False, IDLE
        self._receive_long(data)

    def _receive_long(self, data: bytes) -> None:
        if self.since == IDLE and data:
            self.since = self.heard
        super().data_received(data)

    def reply(self, answer: Answer) -> None:
        """Send the answer to the request that went the short way, then go on with what came meanwhile."""
        self.since = IDLE
        transport = self.transport
        if transport is None or transport.is_closing():
            return
        if self._server.draining:
            answer.force_close()
        transport.write(answer.head() + answer.body)
        if not answer.keep_alive:
            self.force_close()
            return
        if self.writing_paused:
            self._short = False  # aiohttp waits for senders that do not read their answers
        if self._held:
            held, self._held = self._held, b""
            transport.resume_reading()
            self.data_received(held)

    def go_long(self, data: bytes) -> None:
        """Let aiohttp have the bytes, and all that follow: they are no usual request."""
        self._short, self.since = False, IDLE
        held, self._held = self._held, b""
        if self.transport is not None and not self.transport.is_closing():
            self.transport.resume_reading()
            self._receive_long(data + held)

    def _hold(self, data: bytes) -> None:
        """Keep what a sender sends before its last request is answered."""
        self._held += data
        if self.transport is not None:
            self.transport.pause_reading()

    async def finish_response(
        self, request: web.BaseRequest, resp: web.StreamResponse, start_time: float | None
    ) -> tuple[web.StreamResponse, bool]:
        """Send an answer that went the long way, and be idle when all of it is written (called by aiohttp)."""
        finished = await super().finish_response(request, resp, start_time)
        self.since, self.heard = IDLE, self._now()
        return finished

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,
    ) -> web.StreamResponse:
        """Answer a request that is not HTTP, or whose handler failed (called by aiohttp).

        Neither the answer nor the log repeats any of the request: a malformed header may hold a secret.
        """
        if request.writer.output_size > 0:
            raise ConnectionError("part of an answer is sent already")
        request_id = self._server.request_ids.take(None)
        if status < 500:
            refusal = _misread(exc)
            log.warning("request refused", reason=refusal.code, request_id=request_id, detail=type(exc).__name__)
        else:
            refusal = Refusal("internal_error", "the gateway failed; its log tells how, under this request id")
            log.error("answering failed", request_id=request_id, exc_info=exc)
        answer = refused(refusal, request_id)
        answer.force_close()
        return cast(web.StreamResponse, answer)


def _misread(error: BaseException | None) -> Refusal:
    if isinstance(error, LineTooLong):
        return Refusal("headers_too_large", "the request line or a header is too long")
    return Refusal("malformed_request", "this is not a well-formed HTTP request")


class ConnectionServer(web.Server):
    """Makes connections, counts them, and closes those that do not get to the point."""

    def __init__(
        self,
        handler: Callable[[web.BaseRequest], Awaitable[web.StreamResponse]],
        *,
        lane: ExpressLane,
        request_ids: RequestIds,
        max_connections: int,
        head_timeout: float,
        idle_timeout: float,
    ) -> None:
        """Take limits: connections, seconds for a request's head, seconds that an idle connection is kept."""
        super().__init__(handler)
        self.lane = lane
        self.request_ids = request_ids
        self.draining = False
        self._loop_in_use = asyncio.get_running_loop()
        self._max_connections = max_connections
        self._head_timeout, self._idle_timeout = head_timeout, idle_timeout
        self._options = {
            "keepalive_timeout": _NEVER,
            "access_log": None,
            "auto_decompress": False,
            "lingering_time": 2.0,
            "read_bufsize": 2**16,
        }
        self._open = 0
        self._refused = 0

    @property
    def open_connections(self) -> int:
        """Return how many connections are open."""
        return self._open

    @property
    def busy(self) -> int:
        """Return how many requests are being answered."""
        return sum([connection.since == BUSY for connection in cast(list[Connection], self.connections)])

    async def all_answered(self) -> None:
        """Wait until no request is being answered."""
        while self.busy:  # noqa: ASYNC110 - an event would have to be set by every request, this looks only at the end
            await asyncio.sleep(0.01)

    def __call__(self) -> Connection:
        """Return the protocol of a new connection (called by the loop)."""
        return Connection(self, self._loop_in_use, **self._options)

    def connection_made(self, handler: web.RequestHandler, transport: asyncio.Transport) -> None:
        """Count a new connection; one too many is told so and closed (called by the connection)."""
        super().connection_made(handler, transport)
        self._open += 1
        if self._open > self._max_connections:
            self._refuse(handler, transport)

    def connection_lost(self, handler: web.RequestHandler, exc: BaseException | None = None) -> None:
        """Count a connection that is gone (called by the connection)."""
        super().connection_lost(handler, exc)
        self._open -= 1

    async def sweep(self) -> None:
        """Close idle connections, and those whose request's head does not come to an end, until cancelled."""
        while True:
            await asyncio.sleep(min(self._head_timeout, self._idle_timeout) / 4)
            now = self._loop_in_use.time()
            for connection in cast(list[Connection], self.connections):
                if connection.since == IDLE:
                    overdue = now - connection.heard > self._idle_timeout
                else:
                    overdue = now - connection.since > self._head_timeout
                if overdue:
                    connection.force_close()

    def _refuse(self, handler: web.RequestHandler, transport: asyncio.Transport) -> None:
        refusal = Refusal("too_many_connections", "too many connections are open", headers={"Retry-After": "5"})
        answer: Answer = refused(refusal, self.request_ids.take(None))
        transport.write(answer.head() + answer.body)
        handler.force_close()
        if self._refused % 1000 == 0:
            log.error("too many connections", limit=self._max_connections, refused=self._refused + 1)
        self._refused += 1
