"""The short way of the usual delivery: whole in one read, answered without a task or a request object.

Most deliveries arrive in one piece on a connection that has sent nothing else. What an HTTP server keeps ready for
all others (a task, a request, a response, timers) costs as much as verifying a signature does, so these are read and
answered here. Anything else goes the long way through aiohttp, and its connection with it, for good: aiohttp then sees
every byte, so that the two can never disagree about where a request ends.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping
from typing import NamedTuple

from aiohttp import hdrs
from aiohttp.base_protocol import BaseProtocol
from aiohttp.http import HttpRequestParser, HttpVersion11
from aiohttp.http_exceptions import HttpProcessingError
from multidict import CIMultiDictProxy, istr

from gateway.receiving.receiver import Receiver, Sender
from gateway.telemetry import RequestIds

REQUEST_ID = istr("X-Request-Id")

_LENGTH = re.compile(rb"\r\nContent-Length: *([0-9]{1,7})\r\n", re.IGNORECASE)


class _Whole(NamedTuple):
    receiver: Receiver
    headers: CIMultiDictProxy[str]
    body: bytes


class ExpressLane:
    """Reads requests that are whole and usual, and hands them to their source."""

    def __init__(self, request_ids: RequestIds) -> None:
        self._request_ids = request_ids
        self._receivers: dict[bytes, Receiver] = {}
        self._parser = self._new_parser()

    def load(self, receivers: Mapping[str, Receiver]) -> None:
        """Take these receivers, by path, from now on."""
        usual = {path: one for path, one in receivers.items() if one.source.respond == "accepted" and path.isascii()}
        self._receivers = {path.encode(): one for path, one in usual.items()}

    def take(self, data: bytes, sender: Sender) -> bool:
        """Take a request if it is usual and `data` is all of it: it will be replied to. False leaves it untouched."""
        whole = self._read(data)
        if whole is None:
            return False
        request_id = self._request_ids.take(whole.headers.get(REQUEST_ID))
        whole.receiver.receive_whole(whole.body, whole.headers, request_id, sender)
        return True

    def _read(self, data: bytes) -> _Whole | None:
        receiver = self._receivers.get(data[5 : data.find(b" ", 5)]) if data.startswith(b"POST /") else None
        head_ends = data.find(b"\r\n\r\n")
        length = _LENGTH.search(data, 0, head_ends + 2) if receiver is not None and head_ends > 0 else None
        if receiver is None or length is None:
            return None
        size = int(length[1])
        if head_ends + 4 + size != len(data) or size > receiver.source.max_body:
            return None
        return self._parse(data, receiver)

    def _parse(self, data: bytes, receiver: Receiver) -> _Whole | None:
        try:
            messages, upgraded, _ = self._parser.feed_data(data)
        except HttpProcessingError:
            messages, upgraded = [], False  # the long way comes to the same end, and answers
        if len(messages) == 1 and not upgraded:
            message, payload = messages[0]
            usual = message.version == HttpVersion11 and not (
                message.should_close or message.chunked or message.upgrade
            )
            if usual and payload.is_eof() and hdrs.CONTENT_ENCODING not in message.headers:
                return _Whole(receiver, message.headers, payload.read_nowait())
        self._parser = self._new_parser()
        return None

    def _new_parser(self) -> HttpRequestParser:
        loop = asyncio.get_running_loop()
        return HttpRequestParser(_Unpaced(loop), loop, 2**20, auto_decompress=False)


class _Unpaced(BaseProtocol):
    """What the parser asks to let senders wait: here it has their whole requests."""

    def pause_reading(self) -> None:
        """Do nothing (called by the parser's streams)."""

    def resume_reading(self, resume_parser: bool = True) -> None:
        """Do nothing (called by the parser's streams)."""
