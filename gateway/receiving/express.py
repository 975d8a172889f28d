"""The short way of the usual delivery: whole in one read, answered without a task or a request object.

Most deliveries arrive in one piece on a connection that has sent nothing else. What an HTTP server keeps ready for
all others (a task, a request, a response, timers) costs as much as verifying a signature does, so these are read and
answered here. Anything else goes the long way through aiohttp, and its connection with it, for good: aiohttp then sees
every byte, so that the two can never disagree about where a request ends.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import NamedTuple, Protocol

import structlog
from aiohttp import hdrs
from aiohttp.base_protocol import BaseProtocol
from aiohttp.http import HttpRequestParser, HttpVersion11
from aiohttp.http_exceptions import HttpProcessingError
from multidict import CIMultiDictProxy, istr

from gateway.receiving.receiver import Receiver, Sender
from gateway.telemetry import RequestIds

log = structlog.get_logger()

REQUEST_ID = istr("X-Request-Id")

_LENGTHS = (b"\r\nContent-Length: ", b"\r\ncontent-length: ")
_HEAD_END = b"\r\n\r\n"


class ShortWay(Sender, Protocol):
    """A connection that can also go the long way."""

    def go_long(self, data: bytes) -> None:
        """Let aiohttp have the bytes, and all that follow."""


class _Arrival(NamedTuple):
    data: bytes
    receiver: Receiver
    sender: ShortWay


class ExpressLane:
    """Reads requests that are whole and usual, and hands them to their source.

    Those that arrive in one turn of the loop are read one right after the other: without system calls between
    them the processor runs the same code twice as fast.
    """

    def __init__(self, request_ids: RequestIds) -> None:
        self._request_ids = request_ids
        self._receivers: dict[bytes, Receiver] = {}
        self._arrived: list[_Arrival] = []
        self._loop = asyncio.get_running_loop()
        self._parser = self._new_parser()

    def load(self, receivers: Mapping[str, Receiver]) -> None:
        """Take these receivers, by path, from now on."""
        usual = {path: one for path, one in receivers.items() if path.isascii() and _is_usual(one)}
        self._receivers = {path.encode(): one for path, one in usual.items()}

    def take(self, data: bytes, sender: ShortWay) -> bool:
        """Take bytes that look like one usual request; it will be replied to, or go the long way after all."""
        receiver = self._receivers.get(data[5 : data.find(b" ", 5)]) if data.startswith(b"POST /") else None
        if receiver is None or not _is_whole(data):
            return False
        self._arrived.append(_Arrival(data, receiver, sender))
        if len(self._arrived) == 1:
            self._loop.call_soon(self._read_all)
        return True

    def _read_all(self) -> None:
        arrived, self._arrived = self._arrived, []
        for one in arrived:
            try:
                self._read(one)
            except Exception as error:  # noqa: BLE001 - one request must not leave all others of this turn unanswered
                log.debug("the short way failed", error=type(error).__name__)
                one.sender.go_long(one.data)  # where it fails again, and is answered and logged

    def _read(self, arrival: _Arrival) -> None:
        data, receiver, sender = arrival
        message = self._parse(data)
        if message is None or len(message.body) > receiver.source.max_body:
            sender.go_long(data)
        else:
            request_id = self._request_ids.take(message.headers.get(REQUEST_ID))
            receiver.receive_whole(message.body, message.headers, request_id, sender)

    def _parse(self, data: bytes) -> _Message | None:
        try:
            messages, upgraded, _ = self._parser.feed_data(data)
        except HttpProcessingError:
            messages, upgraded = [], False  # the long way comes to the same end, and answers
        if len(messages) == 1 and not upgraded:
            head, payload = messages[0]
            unusual = head.should_close or head.chunked or head.upgrade or head.version != HttpVersion11
            if not unusual and payload.is_eof() and hdrs.CONTENT_ENCODING not in head.headers:
                return _Message(head.headers, data[data.find(_HEAD_END) + len(_HEAD_END) :])
        self._parser = self._new_parser()
        return None

    def _new_parser(self) -> HttpRequestParser:
        return HttpRequestParser(_Unpaced(self._loop), self._loop, 2**20, auto_decompress=False)


def _is_usual(receiver: Receiver) -> bool:
    """Say whether a source answers without waiting for anything but the disk."""
    return receiver.source.respond == "accepted" and receiver.source.awaited is None


class _Message(NamedTuple):
    headers: CIMultiDictProxy[str]
    body: bytes


def _is_whole(data: bytes) -> bool:
    """Say whether bytes are one request with a body of the length that its head gives."""
    head_ends = data.find(_HEAD_END)
    for name in _LENGTHS:
        found = data.find(name, 0, head_ends)
        if found >= 0:
            start = found + len(name)
            length = data[start : data.find(b"\r", start)]
            return length.isdigit() and len(length) < 8 and head_ends + len(_HEAD_END) + int(length) == len(data)
    return False


class _Unpaced(BaseProtocol):
    """What the parser asks to let senders wait: here it has their whole requests."""

    def pause_reading(self) -> None:
        """Do nothing (called by the parser's streams)."""

    def resume_reading(self, resume_parser: bool = True) -> None:
        """Do nothing (called by the parser's streams)."""
