"""`send`: HTTP requests to a destination, signed as Standard Webhooks say."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

import aiohttp

from gateway import __version__
from gateway.actions.send import OWN_HEADERS
from gateway.engine.payload import PayloadRefused, read_payload
from gateway.sending.address import request_address
from gateway.sending.signing import destination_key, sign
from gateway.sending.transport import Passing, Refused, retry_after
from gateway.settings import DestinationSettings
from gateway.store.codecs import dump_json
from gateway.store.leases import Leased
from gateway.store.outbox import decode

MOST_ANSWERED = 2**20
"""Bytes of an answer that are read; a longer one is refused where somebody waits for it."""

_MAY_PASS = frozenset({408, 425, 429})
_MOST_SAID, _SAID_SECONDS = 4096, 2.0
_JSON = "application/json"
_FORWARDED_TYPE = "application/octet-stream"
_DROPPED = frozenset({"set-cookie", "www-authenticate"})


def open_session() -> aiohttp.ClientSession:
    """Return a session for all destinations: it keeps no cookies, and its only limits are the destinations' own."""
    return aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(limit=0),
        cookie_jar=aiohttp.DummyCookieJar(),
        timeout=aiohttp.ClientTimeout(total=None),
    )


class HttpTransport:
    """Sends to one destination."""

    def __init__(self, destination: DestinationSettings, session: aiohttp.ClientSession) -> None:
        """Take the destination and a session that all of them share."""
        self._destination = destination
        self._session = session
        self._key = None if destination.secret is None else destination_key(destination.secret.reveal())

    async def deliver(self, item: Leased) -> object:
        """Send one request; return `{status}`, and `headers` and `body` where a call waits. Raises Passing, Refused."""
        request: Any = decode(item.request)
        url = request_address(self._destination.url, request["path"])
        body, content_type = _body(item, request)
        headers = self._headers(item, request, body, content_type)
        try:
            async with self._session.request(
                request["method"], url, data=body or None, headers=headers, allow_redirects=False
            ) as response:
                return await _answer(response, wanted=item.kind == "call")
        except aiohttp.InvalidURL as error:
            raise Refused("the destination's address is none") from error
        except aiohttp.ClientError as error:
            # Its text may hold the whole address, which may hold a secret.
            raise Passing(f"could not be reached: {_reason(error)}") from error

    def _headers(
        self, item: Leased, request: Mapping[str, Any], body: bytes, content_type: str | None
    ) -> dict[str, str]:
        """Return the headers, lower-case: the step's, then the destination's, then those that are the gateway's own."""
        headers = {"user-agent": f"webhook-gateway/{__version__}", "accept": f"{_JSON}, */*;q=0.5"}
        for name, value in request.get("headers", {}).items():
            if name.lower() not in OWN_HEADERS:
                headers[name.lower()] = value
        headers |= {name.lower(): secret.reveal() for name, secret in self._destination.headers.items()}
        seconds = str(int(time.time()))
        headers |= {"webhook-id": item.message_id, "webhook-timestamp": seconds}
        if content_type is not None:
            headers["content-type"] = content_type
        if self._key is not None:
            headers["webhook-signature"] = sign(self._key, item.message_id, seconds, body)
        for name, value in headers.items():
            if any(character < " " or character == "\x7f" for character in name + value):
                raise Refused(f"the value of the header `{name}` holds a control character")
        return headers

    async def close(self) -> None:
        """Do nothing: the session belongs to all destinations."""


async def _answer(response: aiohttp.ClientResponse, *, wanted: bool) -> object:
    status = response.status
    if status in _MAY_PASS or status >= 500:
        wait = retry_after(response.headers.get("Retry-After"))
        raise Passing(f"answered {status}", said=await _said(response), retry_after=wait)
    if not 200 <= status < 300:
        code = "not_found" if status == 404 else "refused"
        raise Refused(f"answered {status}", said=await _said(response), code=code)
    if not wanted:
        return {"status": status}
    body = await _read(response, MOST_ANSWERED + 1)
    if len(body) > MOST_ANSWERED:
        raise Refused(f"answered with more than {MOST_ANSWERED} bytes")
    headers = {name.lower(): value for name, value in response.headers.items() if name.lower() not in _DROPPED}
    return {"status": status, "headers": headers, "body": _parsed(body, response.content_type)}


async def _read(response: aiohttp.ClientResponse, most: int) -> bytes:
    """Return the body, or its beginning where it is longer than `most` bytes."""
    found = b""
    async for chunk in response.content.iter_chunked(65536):
        found += chunk
        if len(found) >= most:
            break
    return found[:most]


async def _said(response: aiohttp.ClientResponse) -> str:
    """Return the beginning of what a refusal says, where it is text; its end is not waited for."""
    if not (response.content_type.startswith("text/") or "json" in response.content_type):
        return ""
    said = b""
    with suppress(aiohttp.ClientError, TimeoutError):
        async with asyncio.timeout(_SAID_SECONDS):
            said = await _read(response, _MOST_SAID)
    return said.decode("utf-8", "replace")


def _body(item: Leased, request: Mapping[str, Any]) -> tuple[bytes, str | None]:
    """Return what is sent, and of what type it is: None for nothing."""
    if request.get("forward"):
        if item.body is None:
            raise Refused("the body that was to be forwarded is no longer kept")
        return item.body, item.content_type or _FORWARDED_TYPE
    if "json" not in request:
        return b"", None
    return dump_json(request["json"]).encode(), _JSON


def _parsed(body: bytes, content_type: str) -> object:
    if not body:
        return None
    if "json" in content_type or body.lstrip()[:1] in {b"{", b"["}:
        with suppress(PayloadRefused):
            return read_payload(body)
    return body.decode("utf-8", "replace")


def _reason(error: aiohttp.ClientError) -> str:
    os_error = getattr(error, "os_error", None)
    return str(getattr(os_error, "strerror", None) or type(error).__name__)
