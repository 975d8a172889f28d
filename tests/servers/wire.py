"""A wire between two programs that a test can cut, silently or not, and slow down: a TCP proxy on 127.0.0.1."""

from __future__ import annotations

import asyncio
import random
import socket
import struct
import threading
from collections.abc import Callable
from dataclasses import dataclass
from types import TracebackType
from typing import Self

from running import free_port

_AT_ONCE = 65_536


@dataclass(eq=False, kw_only=True)
class _Line:
    """One connection: the side of who has called, and that of who was called."""

    near: asyncio.StreamWriter
    far: asyncio.StreamWriter
    lost: bool = False


class Wire:
    """Passes on what is said to a port, in a thread of its own."""

    def __init__(self, port: int, *, chance: random.Random) -> None:
        """Take the port of 127.0.0.1 that it leads to, and what decides how long something is held up."""
        self.port = free_port()
        self.delays = (0.0, 0.0)
        """Between which numbers of seconds each piece is held up."""
        self._to = port
        self._chance = chance
        self._lines: set[_Line] = set()
        self._talks: set[asyncio.Task[None]] = set()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        self._whole = asyncio.Event()

    def cut(self) -> None:
        """Pass on nothing more, and say so to nobody; new connections come to nothing."""
        self._do(self._whole.clear)

    def mend(self) -> None:
        """Pass on what was held up, and all that comes."""
        self._do(self._whole.set)

    def reset(self) -> None:
        """Break every connection, on both sides."""
        self._do(lambda: [_reset(end) for line in self._lines for end in (line.near, line.far)])

    def lose(self) -> None:
        """Break every connection on the near side alone: the far side hears nothing more, and is not told."""
        self._do(lambda: [self._lose(line) for line in self._lines])

    def _lose(self, line: _Line) -> None:
        line.lost = True
        _reset(line.near)

    def _do(self, what: Callable[[], object]) -> None:
        assert self._loop is not None
        done = threading.Event()

        def run() -> None:
            what()
            done.set()

        self._loop.call_soon_threadsafe(run)
        assert done.wait(10), "the wire does not answer"

    async def _talk(self, reader: asyncio.StreamReader, near: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._talks.add(task)
        try:
            far_reader, far = await asyncio.open_connection("127.0.0.1", self._to)
        except OSError:
            # Nobody listens: whoever calls hears the same as without a wire.
            _reset(near)
            self._talks.discard(task)
            return
        line = _Line(near=near, far=far)
        self._lines.add(line)
        try:
            await asyncio.gather(self._pass_on(line, reader, far), self._pass_on(line, far_reader, near))
        except asyncio.CancelledError:
            pass  # the wire ends
        finally:
            near.close()
            far.close()
            self._lines.discard(line)
            self._talks.discard(task)

    async def _pass_on(self, line: _Line, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while piece := await reader.read(_AT_ONCE):
                await self._whole.wait()
                if self.delays[1]:
                    await asyncio.sleep(self._chance.uniform(*self.delays))
                if not (line.lost and writer is line.near):
                    writer.write(piece)
                    await writer.drain()
        except OSError:
            pass  # one of the two is gone: the other one hears it, unless the line is lost
        await self._whole.wait()
        if not line.lost or writer is line.near:
            writer.close()

    def start(self) -> Self:
        """Listen."""
        ready = threading.Event()
        self._thread = threading.Thread(target=self._run, args=(ready,), name="wire", daemon=True)
        self._thread.start()
        assert ready.wait(10), "the wire did not start"
        return self

    def stop(self) -> None:
        """Break everything and end."""
        if self._loop is not None and self._thread is not None:
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join(10)
            self._loop = self._thread = None

    def _run(self, ready: threading.Event) -> None:
        loop = self._loop = asyncio.new_event_loop()
        self._whole.set()
        server = loop.run_until_complete(asyncio.start_server(self._talk, "127.0.0.1", self.port))
        loop.call_soon(ready.set)
        loop.run_forever()
        server.close()
        loop.run_until_complete(_cancel(list(self._talks)))
        loop.close()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.stop()


async def _cancel(talks: list[asyncio.Task[None]]) -> None:
    for task in talks:
        task.cancel()
    await asyncio.gather(*talks, return_exceptions=True)


def _reset(writer: asyncio.StreamWriter) -> None:
    """Break the connection without a goodbye."""
    connection = writer.get_extra_info("socket")
    if not writer.is_closing():
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()
