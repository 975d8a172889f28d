"""A load generator for one core: prepared requests over keep-alive connections, and how long each took.

`closed_loop` sends the next request of a connection when the last is answered, which finds the highest rate.
`open_loop` sends at a fixed rate whatever the answers do; latency counts from the moment a request was due, so
a server that stalls cannot hide the requests that waited meanwhile.
"""

from __future__ import annotations

import asyncio
import gc
import itertools
import re
from collections import Counter, deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from time import perf_counter
from typing import cast

import uvloop

from bench.deliveries import Request

_CONTENT_LENGTH = re.compile(rb"\r\n[Cc]ontent-[Ll]ength: *(\d+)").search
_STATUS = slice(9, 12)


class LoadFailure(Exception):
    """The load could not be sent: a connection broke, or the answers did not come in time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What a run of the load generator saw; times in seconds."""

    seconds: float
    statuses: dict[int, int]
    latencies: list[float]
    """In ascending order."""
    answered_at: dict[str, float]
    """Event id to `perf_counter()` of its answer."""
    due_at: dict[str, float]
    """Event id to `perf_counter()` of the moment when its request was due."""

    @property
    def rate(self) -> float:
        """Answers a second."""
        return len(self.latencies) / self.seconds

    def percentile(self, part: float) -> float:
        """Return the latency that `part` (0..1) of the requests stayed within."""
        return self.latencies[min(len(self.latencies) - 1, int(part * len(self.latencies)))]

    def require_accepted(self) -> Report:
        """Return the report. Raises LoadFailure when an answer was not 200."""
        if set(self.statuses) != {200}:
            raise LoadFailure(f"every answer must be 200, got {self.statuses}")
        return self


class _Connection(asyncio.Protocol):
    """One keep-alive connection with at most one request on its way."""

    def __init__(self, on_answer: Callable[[_Connection, int], None], on_lost: Callable[[], None]) -> None:
        self._on_answer = on_answer
        self._on_lost = on_lost
        self._pending = b""
        self._transport: asyncio.Transport | None = None
        self.request: Request | None = None
        self.due = 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)  # uvloop's does not inherit from it

    def send(self, request: Request, due: float) -> None:
        assert self._transport is not None
        self.request, self.due = request, due
        self._transport.write(request.wire)

    def data_received(self, data: bytes) -> None:
        if self._pending:
            data = self._pending + data
        end = data.find(b"\r\n\r\n")
        length = _CONTENT_LENGTH(data, 0, end) if end > 0 else None
        if length is None or len(data) < end + 4 + int(length[1]):
            self._pending = data
            return
        self._pending = b""
        self._on_answer(self, int(data[_STATUS]))

    def connection_lost(self, exc: Exception | None) -> None:
        self._on_lost()

    def close(self) -> None:
        if self._transport is not None:
            self._transport.close()


class _Run:
    """The state of one run: what is still to be sent, and what came back."""

    def __init__(self, requests: Sequence[Request]) -> None:
        self._requests = iter(requests)
        self._remaining = len(requests)
        self._latencies: list[float] = []
        self._answers: list[tuple[str, float, float]] = []
        self._statuses: Counter[int] = Counter()
        self.finished: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.connections: list[_Connection] = []

    async def connect(self, ports: Sequence[int], count: int, on_answer: Callable[[_Connection, int], None]) -> None:
        loop = asyncio.get_running_loop()
        for port in itertools.islice(itertools.cycle(ports), count):
            _, connection = await loop.create_connection(lambda: _Connection(on_answer, self._lost), "127.0.0.1", port)
            self.connections.append(connection)

    def next_request(self) -> Request | None:
        return next(self._requests, None)

    def record(self, connection: _Connection, status: int) -> None:
        now = perf_counter()
        assert connection.request is not None
        self._latencies.append(now - connection.due)
        self._answers.append((connection.request.event_id, now, connection.due))
        self._statuses[status] += 1
        connection.request = None
        self._remaining -= 1
        if not self._remaining and not self.finished.done():
            self.finished.set_result(None)

    def _lost(self) -> None:
        if not self.finished.done():
            self.finished.set_exception(LoadFailure(f"a connection was closed with {self._remaining} answers to come"))

    async def report(self, started: float, limit: float) -> Report:
        try:
            await asyncio.wait_for(self.finished, limit)
        except TimeoutError as error:
            raise LoadFailure(f"{self._remaining} answers missing after {limit:.0f} s") from error
        finally:
            for connection in self.connections:
                connection.close()
        seconds = perf_counter() - started
        return Report(
            seconds=seconds,
            statuses=dict(self._statuses),
            latencies=sorted(self._latencies),
            answered_at={event_id: at for event_id, at, _ in self._answers},
            due_at={event_id: due for event_id, _, due in self._answers},
        )


async def _closed_loop(
    ports: Sequence[int], requests: Sequence[Request], connections: int, limit: float, own_core: bool
) -> Report:
    run = _Run(requests)
    loop = asyncio.get_running_loop()

    def stay_awake() -> None:
        # A sleeping peer makes the server pay for waking its core with every answer (50 µs on a virtual machine).
        if not run.finished.done():
            loop.call_soon(stay_awake)

    def send_next(connection: _Connection) -> None:
        request = run.next_request()
        if request is not None:
            connection.send(request, perf_counter())

    def answered(connection: _Connection, status: int) -> None:
        run.record(connection, status)
        send_next(connection)

    await run.connect(ports, connections, answered)
    if own_core:
        stay_awake()
    started = perf_counter()
    for connection in run.connections:
        send_next(connection)
    return await run.report(started, limit)


async def _open_loop(port: int, requests: Sequence[Request], connections: int, rate: float, limit: float) -> Report:
    run = _Run(requests)
    idle: deque[_Connection] = deque()
    waiting: deque[tuple[Request, float]] = deque()
    loop = asyncio.get_running_loop()

    def answered(connection: _Connection, status: int) -> None:
        run.record(connection, status)
        if waiting:
            connection.send(*waiting.popleft())
        else:
            idle.append(connection)

    await run.connect([port], connections, answered)
    idle.extend(run.connections)
    started = perf_counter()
    due = started

    def send_due() -> None:
        nonlocal due
        now = perf_counter()
        while due <= now:
            request = run.next_request()
            if request is None:
                return
            if idle:
                idle.popleft().send(request, due)
            else:
                waiting.append((request, due))
            due += 1 / rate
        # The loop's timers are exact to a millisecond only, the core is the load's own: look again at once.
        loop.call_soon(send_due)

    send_due()
    return await run.report(started, limit)


def closed_loop(
    port: int | Sequence[int],
    requests: Sequence[Request],
    *,
    connections: int,
    own_core: bool = True,
    limit: float = 300,
) -> Report:
    """Send every request, each connection one after the other. Raises LoadFailure after `limit` seconds.

    The connections are spread over the ports, where there are several. With `own_core` the load never sleeps, as
    befits one that shares its core with nobody.
    """
    ports = [port] if isinstance(port, int) else port
    return _without_collector(lambda: uvloop.run(_closed_loop(ports, requests, connections, limit, own_core)))


def open_loop(port: int, requests: Sequence[Request], *, connections: int, rate: float, limit: float = 300) -> Report:
    """Send `rate` requests a second until all are sent. Raises LoadFailure after `limit` seconds."""
    return _without_collector(lambda: uvloop.run(_open_loop(port, requests, connections, rate, limit)))


def _without_collector(run: Callable[[], Report]) -> Report:
    """Run without the cyclic garbage collector: its pauses would be counted as the server's."""
    gc.collect()
    gc.disable()
    try:
        return run()
    finally:
        gc.enable()
