"""What the receiving side answers: small complete responses, and refusals in one shape."""

from __future__ import annotations

import time
from collections.abc import Mapping
from email.utils import formatdate
from http import HTTPStatus

from aiohttp import web

from gateway.errors import GatewayError
from gateway.store.codecs import dump_json

STATUSES: Mapping[str, int] = {
    "malformed_request": 400,
    "invalid_json": 400,
    "timestamp_outside_tolerance": 400,
    "missing_signature": 401,
    "signature_mismatch": 401,
    "address_not_allowed": 403,
    "not_found": 404,
    "method_not_allowed": 405,
    "body_timeout": 408,
    "body_too_large": 413,
    "content_encoding_not_supported": 415,
    "schema_violation": 422,
    "unmatched_event_type": 422,
    "rate_limited": 429,
    "headers_too_large": 431,
    "internal_error": 500,
    "storage_unavailable": 503,
    "verification_unavailable": 503,
    "too_many_connections": 503,
}
"""Status of each error code."""


class Refusal(GatewayError):
    """A request is refused."""

    def __init__(
        self, code: str, message: str, *, reason: str | None = None, headers: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(message)
        self.code = code
        self.status = STATUSES[code]
        self.reason = reason or message
        """What the log says; it may know more than the sender is told."""
        self.headers = headers or {}
        """Headers of the answer, such as `Retry-After`."""

    @property
    def closes(self) -> bool:
        """Return whether the connection cannot be used again, since part of the request was not read."""
        return self.status in {408, 413, 431} or self.code in {"malformed_request", "too_many_connections"}


class Answer:
    """A complete JSON response, rendered once and written in one piece.

    It has what aiohttp asks of a response, and no more: aiohttp's own keeps its headers in a multi-dictionary and
    renders them anew each time, which costs as much as verifying a signature and reading the body together.
    """

    __slots__ = ("_close", "_extra", "_request", "_request_id", "_type", "body", "status")

    prepared = False

    def __init__(
        self,
        status: int,
        body: bytes,
        request_id: str,
        *,
        headers: Mapping[str, str] | None = None,
        content_type: str = "application/json",
        close: bool = False,
    ) -> None:
        self.status = status
        self.body = body
        self._request_id = request_id
        self._extra = headers
        self._type = content_type
        self._close = close
        self._request: web.BaseRequest | None = None

    @property
    def keep_alive(self) -> bool:
        """Return whether the connection stays open after this response."""
        return not self._close

    def force_close(self) -> None:
        """Close the connection after this response."""
        self._close = True

    async def prepare(self, request: web.BaseRequest) -> None:
        """Remember the request that is answered (called by aiohttp before `write_eof`)."""
        self._request = request
        if not request.keep_alive:
            self._close = True

    async def write_eof(self) -> None:
        """Write the whole response (called by aiohttp once)."""
        request = self._request
        assert request is not None, "prepare comes first"
        head = self.head(old_protocol=request.version.minor == 0)
        await request.writer.write_eof(head if request.method == "HEAD" else head + self.body)

    def head(self, *, old_protocol: bool = False) -> bytes:
        """Return the status line and the headers (HTTP/1.1; for HTTP/1.0 staying open must be said)."""
        lines = _STATUS_LINES[self.status] + (
            f"Content-Type: {self._type}\r\nContent-Length: {len(self.body)}\r\n"
            f"X-Request-Id: {self._request_id}\r\n{_date_line()}"
        )
        if self._extra:
            lines += "".join([f"{name}: {value}\r\n" for name, value in self._extra.items()])
        if self._close:
            lines += "Connection: close\r\n"
        elif old_protocol:
            lines += "Connection: keep-alive\r\n"
        return (lines + "\r\n").encode("ascii")


_STATUS_LINES = {
    status.value: f"HTTP/1.1 {status.value} {status.phrase}\r\n" for status in HTTPStatus if status >= HTTPStatus.OK
}


class _Clock:
    second = -1
    line = ""


def _date_line() -> str:
    now = int(time.time())
    if now != _Clock.second:
        _Clock.second, _Clock.line = now, f"Date: {formatdate(now, usegmt=True)}\r\n"
    return _Clock.line


def refused(refusal: Refusal, request_id: str, extra: Mapping[str, object] | None = None) -> Answer:
    """Return the answer to a refused request; `extra` are the source's own keys beside `error`."""
    body = error_body(refusal.code, refusal.message, request_id, extra)
    return Answer(refusal.status, body, request_id, headers=refusal.headers, close=refusal.closes)


def error_body(code: str, message: str, request_id: str, extra: Mapping[str, object] | None = None) -> bytes:
    """Return the one shape of all errors."""
    error = {"code": code, "message": message, "request_id": request_id}
    return dump_json({**(extra or {}), "error": error}).encode()
