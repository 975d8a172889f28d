"""What a server does wrong when a test wants it to: refuse, break the connection, keep it waiting."""

from __future__ import annotations

import asyncio
import socket
import struct
import threading
from dataclasses import dataclass, field
from typing import Literal

from aiohttp import web

Stage = Literal["before", "after"]
PATIENCE = 30.0


class Hold:
    """A request that is kept until a test lets it go."""

    def __init__(self) -> None:
        self._arrived = threading.Event()
        self._released = threading.Event()

    def wait_until_it_arrived(self) -> None:
        """Wait until there is a request to hold."""
        assert self._arrived.wait(PATIENCE), "no request came to be held"

    def release(self) -> None:
        """Let the request go on."""
        self._released.set()

    async def keep(self) -> None:
        """Keep the request that runs this."""
        self._arrived.set()
        while not self._released.is_set():
            await asyncio.sleep(0.01)


@dataclass(kw_only=True)
class Fault:
    """One thing that goes wrong with the next requests, before or after they were carried out."""

    stage: Stage = "before"
    path: str = ""
    """The start of the paths that it is about."""
    times: int = 1
    status: int | None = None
    headers: dict[str, str] = field(default_factory=dict)
    body: str = ""
    reset: bool = False
    hold: Hold | None = None

    async def happen(self, request: web.Request) -> web.Response | None:
        """Do it; return the answer to give, or None to go on."""
        if self.hold is not None:
            await self.hold.keep()
        if self.reset:
            _break(request)
        if self.status is None and not self.reset:
            return None
        return web.Response(
            status=self.status or 500, text=self.body, content_type="application/json", headers=self.headers
        )


def _break(request: web.Request) -> None:
    """Break the connection as a machine that goes away: a reset, no goodbye."""
    transport = request.transport
    if transport is not None:
        connection = transport.get_extra_info("socket")
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        transport.abort()


class Faults:
    """What is to go wrong, in the order it was asked for."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._waiting: list[Fault] = []
        self._holds: list[Hold] = []

    def add(self, fault: Fault) -> None:
        """Have something go wrong from now on."""
        with self._lock:
            self._waiting.append(fault)
            if fault.hold is not None:
                self._holds.append(fault.hold)

    def take(self, stage: Stage, path: str) -> Fault | None:
        """Return what goes wrong with a request at a stage, and count it as done."""
        with self._lock:
            for fault in self._waiting:
                if fault.stage == stage and path.startswith(fault.path):
                    fault.times -= 1
                    if not fault.times:
                        self._waiting.remove(fault)
                    return fault
        return None

    def clear(self) -> None:
        """Have nothing go wrong any more, and let go what is held."""
        with self._lock:
            self._waiting.clear()
            for hold in self._holds:
                hold.release()
            self._holds.clear()
