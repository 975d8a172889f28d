"""Reading a request's body: its bytes as sent, never more of them than allowed, in bounded time."""

from __future__ import annotations

import asyncio

from aiohttp import hdrs, web
from aiohttp.web_protocol import RequestPayloadError

from gateway.receiving.answers import Refusal


def whole_body(request: web.BaseRequest, *, limit: int) -> bytes | None:
    """Return the body if all of it has arrived, which is so for most requests; else None. Raises Refusal.

    A compressed body is refused: signatures cover the bytes as sent, no provider compresses them, and a
    small one can unpack to any size.
    """
    encoding = request.headers.get(hdrs.CONTENT_ENCODING)
    if encoding is not None and encoding.strip().lower() not in {"", "identity"}:
        raise Refusal("content_encoding_not_supported", "a compressed body is not taken", headers=_IDENTITY)
    content = request.content
    if not content.is_eof():
        return None
    try:
        body = content.read_nowait()
    except (ConnectionError, RequestPayloadError) as error:
        raise _broken_off() from error
    if len(body) > limit:
        raise _too_large(limit)
    return body


async def rest_of_body(request: web.BaseRequest, *, limit: int, seconds: float) -> bytes:
    """Return the body as soon as it has arrived. Raises Refusal when it is too large, too slow, or breaks off."""
    if (request.content_length or 0) > limit:
        raise _too_large(limit)
    try:
        async with asyncio.timeout(seconds):
            return await _read_all(request, limit)
    except TimeoutError as error:
        raise Refusal("body_timeout", f"the body did not arrive within {seconds:g} s") from error
    except (ConnectionError, RequestPayloadError) as error:
        raise _broken_off() from error


_IDENTITY = {"Accept-Encoding": "identity"}


async def _read_all(request: web.BaseRequest, limit: int) -> bytes:
    if request.headers.get(hdrs.EXPECT, "").lower() == "100-continue":
        await request.writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        request.writer.output_size = 0
    parts: list[bytes] = []
    size = 0
    while part := await request.content.readany():
        size += len(part)
        if size > limit:
            raise _too_large(limit)
        parts.append(part)
    return b"".join(parts)


def _too_large(limit: int) -> Refusal:
    return Refusal("body_too_large", f"the body has more than {limit} bytes")


def _broken_off() -> Refusal:
    return Refusal("malformed_request", "the body broke off")
