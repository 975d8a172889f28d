"""A destination that behaves in every way that one can: well, and badly.

It speaks HTTP/1.1 by hand, because what it has to do wrong no library does.
"""

from __future__ import annotations

import asyncio
import json
import socket
import struct
import threading
from enum import Enum
from types import TracebackType
from typing import Self

from chaos.checker import Arrived
from running import free_port

SLOW_SECONDS = 0.4
ENDLESS_SECONDS = 5.0
HANG_SECONDS = 30.0
_WELL = b'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 11\r\n\r\n{"ok":true}'

_SLOWLY = 40


class Mood(Enum):
    """How a request is answered."""

    WELL = "well"
    HANG = "hangs"
    RESET = "resets"
    SLOW = "answers slowly"
    GARBAGE = "answers garbage"
    ENDLESS = "never ends its answer"
    CUT = "closes in the middle of its answer"
    REDIRECT = "redirects"
    REFUSE = "answers 503"
    AWAY = "hears and closes"


_WHOLE = frozenset({Mood.WELL, Mood.SLOW})
_ANSWERED = _WHOLE | {Mood.ENDLESS, Mood.CUT}
"""Moods in which a sender that wants no more than the status learns that all is well."""


class Destination:
    """A receiver in a thread of its own, with a log of the requests that came whole."""

    def __init__(self) -> None:
        self.port = free_port()
        self.mood = Mood.WELL
        self._log: list[Arrived] = []
        self._lock = threading.Lock()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        self._talks: set[asyncio.Task[None]] = set()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def log(self) -> list[Arrived]:
        """Return what has arrived so far."""
        with self._lock:
            return list(self._log)

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._talks.add(task)
        try:
            while await self._answer(reader, writer):
                pass
        except (OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass  # the gateway was killed, or has had enough of a bad answer
        finally:
            self._talks.discard(task)
            writer.close()

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        """Answer one request; say whether the connection goes on."""
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        path = head[0].split(" ")[1]
        headers = dict(line.lower().split(": ", 1) for line in head[1:] if line)
        body = await reader.readexactly(int(headers.get("content-length", "0")))
        mood = self.mood
        arrived = Arrived(
            id=headers["webhook-id"], event=json.loads(body)["event"], path=path, answered=mood in _ANSWERED
        )
        if mood in _WHOLE:
            # What counts as answered has been: a gateway that was killed before asks again.
            await _behave(mood, writer)
            self._note(arrived)
            return True
        self._note(arrived)
        return await _behave(mood, writer)

    def _note(self, arrived: Arrived) -> None:
        with self._lock:
            self._log.append(arrived)

    def start(self) -> Self:
        """Listen."""
        ready = threading.Event()
        self._thread = threading.Thread(target=self._run, args=(ready,), name="destination", daemon=True)
        self._thread.start()
        assert ready.wait(10), "the destination did not start"
        return self

    def stop(self) -> None:
        """Stop, whatever is under way; it can be started again."""
        if self._loop is not None and self._thread is not None:
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join(10)
            self._loop = self._thread = None

    def _run(self, ready: threading.Event) -> None:
        loop = self._loop = asyncio.new_event_loop()
        server = loop.run_until_complete(asyncio.start_server(self._talk, "127.0.0.1", self.port))
        loop.call_soon(ready.set)
        loop.run_forever()
        server.close()
        loop.run_until_complete(self._cancel(list(self._talks)))
        loop.close()

    async def _cancel(self, talks: list[asyncio.Task[None]]) -> None:
        for task in talks:
            task.cancel()
        await asyncio.gather(*talks, return_exceptions=True)

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.stop()


async def _behave(mood: Mood, writer: asyncio.StreamWriter) -> bool:
    """Do what the mood says; say whether the connection goes on."""
    match mood:
        case Mood.WELL:
            writer.write(_WELL)
        case Mood.SLOW:
            # Up to the middle of the head: what follows is there at once, so that it is known when it was answered.
            for byte in _WELL[:_SLOWLY]:
                writer.write(bytes([byte]))
                await asyncio.sleep(SLOW_SECONDS / _SLOWLY)
            writer.write(_WELL[_SLOWLY:])
        case Mood.REFUSE:
            writer.write(b"HTTP/1.1 503 No\r\nContent-Length: 0\r\n\r\n")
        case Mood.REDIRECT:
            writer.write(b"HTTP/1.1 302 There\r\nLocation: http://127.0.0.1:9/\r\nContent-Length: 0\r\n\r\n")
        case Mood.GARBAGE:
            writer.write(b"\x16\x03\x01 this is no HTTP \xff\r\n\r\n")
        case Mood.CUT:
            writer.write(_WELL[:-5])
            await writer.drain()
            return False
        case Mood.HANG:
            await asyncio.sleep(HANG_SECONDS)
        case Mood.RESET:
            _reset(writer)
            return False
        case Mood.ENDLESS:
            await _never_end(writer)
            return False
        case Mood.AWAY:
            return False
    await writer.drain()
    return mood is not Mood.GARBAGE


async def _never_end(writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n")
    chunk = b"10000\r\n" + b" " * 0x10000 + b"\r\n"
    async with asyncio.timeout(ENDLESS_SECONDS):
        while True:
            writer.write(chunk)
            await writer.drain()
            await asyncio.sleep(0.001)


def _reset(writer: asyncio.StreamWriter) -> None:
    """Break the connection without a goodbye."""
    connection = writer.get_extra_info("socket")
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()
