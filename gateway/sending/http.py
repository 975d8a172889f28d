"""`send`: HTTP requests to a destination, signed as Standard Webhooks say.

Source: standard-webhooks/standard-webhooks, spec/standard-webhooks.md.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import aiohttp
import orjson

from gateway.providers.keys import WHSEC, decode_key
from gateway.sending.transport import Passing, Refused, retry_after
from gateway.settings import DestinationSettings
from gateway.store.codecs import dump_json
from gateway.store.leases import Leased

MOST_ANSWERED = 2**20
"""Bytes of an answer that are read; a longer one is refused where somebody waits for it."""

_MAY_PASS = frozenset({408, 425, 429})
_FORWARDED_TYPE = "application/octet-stream"


class HttpTransport:
    """Sends to one destination."""

    def __init__(self, destination: DestinationSettings, session: aiohttp.ClientSession) -> None:
        """Take the destination and a session that all of them share."""
        self._destination = destination
        self._session = session
        self._key = None if destination.secret is None else destination_key(destination.secret.reveal())

    async def deliver(self, item: Leased) -> object:
        """Send one request; return `{status, headers, body}`. Raises Passing or Refused."""
        request = orjson.loads(item.request)
        body, content_type = _body(item, request)
        headers = {name: secret.reveal() for name, secret in self._destination.headers.items()}
        headers |= request.get("headers", {})
        headers |= self._own_headers(item, body, content_type)
        url = self._destination.url.rstrip("/") + request["path"] if request["path"] else self._destination.url
        try:
            async with self._session.request(
                request["method"], url, data=body or None, headers=headers, allow_redirects=False
            ) as response:
                return await self._answer(response, wanted=item.kind == "call")
        except aiohttp.InvalidURL as error:
            raise Refused("the address is none") from error
        except aiohttp.ClientError as error:
            # Its text may hold the whole address, which may hold a secret.
            raise Passing(f"could not be reached: {_reason(error)}") from error

    def _own_headers(self, item: Leased, body: bytes, content_type: str) -> dict[str, str]:
        seconds = str(int(time.time()))
        headers = {
            "Content-Type": content_type,
            "User-Agent": "webhook-gateway",
            "webhook-id": item.message_id,
            "webhook-timestamp": seconds,
        }
        if self._key is not None:
            headers["webhook-signature"] = sign(self._key, item.message_id, seconds, body)
        return headers

    async def _answer(self, response: aiohttp.ClientResponse, *, wanted: bool) -> object:
        status = response.status
        if status in _MAY_PASS or status >= 500:
            raise Passing(f"answered {status}", retry_after=retry_after(response.headers.get("Retry-After")))
        if not 200 <= status < 300:
            raise Refused(f"answered {status}", code="not_found" if status == 404 else "refused")
        if not wanted:
            return {"status": status}
        text = await _read(response)
        return {"status": status, "headers": _plain_headers(response.headers), "body": _parsed(text)}

    async def close(self) -> None:
        """Do nothing: the session belongs to all destinations."""


def destination_key(secret: str) -> bytes:
    """Return the key that a destination's secret stands for: base64 behind `whsec_`, any other text as it is."""
    return (decode_key(secret, "whsec") if secret.startswith(WHSEC) else None) or secret.encode()


def sign(key: bytes, message_id: str, seconds: str, body: bytes) -> str:
    """Return the `webhook-signature` of a body."""
    signed = hmac.new(key, f"{message_id}.{seconds}.".encode() + body, hashlib.sha256).digest()
    return "v1," + base64.b64encode(signed).decode()


def _body(item: Leased, request: Mapping[str, Any]) -> tuple[bytes, str]:
    if request.get("forward"):
        return item.body or b"", item.content_type or _FORWARDED_TYPE
    if "json" not in request:
        return b"", "application/json"
    # Read and written exactly: a number keeps all its digits.
    value = json.loads(item.request, parse_float=Decimal)["json"]
    return dump_json(value).encode(), "application/json"


async def _read(response: aiohttp.ClientResponse) -> bytes:
    found = b""
    async for chunk in response.content.iter_chunked(65536):
        found += chunk
        if len(found) > MOST_ANSWERED:
            raise Refused(f"answered with more than {MOST_ANSWERED} bytes")
    return found


def _plain_headers(headers: Mapping[str, str]) -> dict[str, str]:
    return {name.lower(): value for name, value in headers.items() if name.lower() != "set-cookie"}


def _parsed(body: bytes) -> object:
    if not body:
        return None
    try:
        return json.loads(body, parse_float=Decimal, parse_constant=_no_number)
    except (ValueError, RecursionError):
        return body.decode("utf-8", "replace")


def _no_number(name: str) -> object:
    raise ValueError(name)


def _reason(error: aiohttp.ClientError) -> str:
    os_error = getattr(error, "os_error", None)
    return str(getattr(os_error, "strerror", None) or type(error).__name__)
