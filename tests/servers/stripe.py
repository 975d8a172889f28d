"""Stripe's API on this machine: `localstripe` behind a proxy that records, honours idempotency keys, and can fail."""

from __future__ import annotations

import json
import sys
import time
import urllib.request
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self
from urllib.parse import parse_qsl

import aiohttp
from aiohttp import web

from servers.idempotency import IdempotencyKeys, StoredAnswer, error
from servers.processes import ProgramServer
from servers.threads import WebServer

API_KEY = "sk_test_of_the_tests_0123456789"


@dataclass
class StripeRequest:
    """A request as it arrived at Stripe."""

    method: str
    path: str
    form: dict[str, str]
    """Its parameters, as they are written: `metadata[user_id]`."""
    headers: dict[str, str]
    """Names in lower case."""
    at: float
    """Seconds of the machine's clock."""
    status: int | None = field(default=None)
    """What it was answered; None while it has no answer, or when its connection was broken."""

    @property
    def idempotency_key(self) -> str | None:
        return self.headers.get("idempotency-key")


class _Localstripe(ProgramServer):
    name = "localstripe"

    def command(self) -> list[str]:
        program = Path(__file__).parent / "behind_stripe.py"
        return [sys.executable, "-P", str(program), str(self.port)]


class StripeServer(WebServer):
    """What a gateway's `STRIPE_API_BASE` may point to."""

    def __init__(self, folder: Path) -> None:
        super().__init__()
        self.requests: list[StripeRequest] = []
        self._behind = _Localstripe(folder)
        self._keys = IdempotencyKeys()
        self._session: aiohttp.ClientSession | None = None

    def made(self, method: str, path: str) -> list[StripeRequest]:
        """Return the requests of a method to a path."""
        return [one for one in self.requests if (one.method, one.path) == (method, path)]

    def objects(self, kind: str) -> list[dict[str, Any]]:
        """Return Stripe's own list of something, such as `customers`."""
        return list(self.ask("GET", f"/v1/{kind}?limit=100")["data"])

    def ask(self, method: str, path: str, body: bytes | None = None) -> Any:
        """Ask the Stripe behind the proxy, unrecorded."""
        request = urllib.request.Request(
            f"http://127.0.0.1:{self._behind.port}{path}",
            data=body,
            headers={"Authorization": f"Bearer {API_KEY}"},
            method=method,
        )
        with urllib.request.urlopen(request, timeout=30) as answer:
            return json.loads(answer.read())

    def fail(
        self, status: int, *, times: int = 1, path: str = "", headers: dict[str, str] | None = None, body: str = ""
    ) -> None:
        """Answer the next requests with an error of Stripe's shape, without carrying them out or remembering them."""
        kind = {429: "invalid_request_error", 402: "card_error"}.get(status, "api_error")
        text = body or error(status, kind, f"told to answer {status}").body.decode()
        super().fail(status, times=times, path=path, headers=headers, body=text)

    def start(self) -> Self:
        """Start both, and return when they answer."""
        self._behind.start()
        return super().start()

    def stop(self) -> None:
        """Stop both."""
        super().stop()
        self._behind.stop()

    async def opened(self) -> None:
        """Open the connections to the Stripe behind."""
        self._session = aiohttp.ClientSession()

    async def closed(self) -> None:
        """Close them."""
        assert self._session is not None
        await self._session.close()

    async def answer(self, request: web.Request) -> web.StreamResponse:
        """Record a request, carry it out or not, and answer it."""
        body = await request.read()
        headers = {name.lower(): value for name, value in request.headers.items()}
        recorded = StripeRequest(request.method, request.path, dict(parse_qsl(body.decode())), headers, time.time())
        self.requests.append(recorded)
        answer = await self._answer(request, recorded, body)
        recorded.status = answer.status if request.transport is not None else None
        return answer

    async def _answer(self, request: web.Request, recorded: StripeRequest, body: bytes) -> web.Response:
        answer = await self._carry_out(request, recorded, body)
        fault = self._faults.take("after", request.path) if isinstance(answer, StoredAnswer) else None
        if fault is not None and (bad := await fault.happen(request)) is not None:
            return bad
        if isinstance(answer, web.Response):
            return answer
        return web.Response(
            status=answer.status,
            body=answer.body,
            content_type=answer.content_type,
            headers={"Idempotent-Replayed": "true"} if answer.replayed else {},
        )

    async def _carry_out(
        self, request: web.Request, recorded: StripeRequest, body: bytes
    ) -> StoredAnswer | web.Response:
        """Do what goes wrong first, give the answer to the key again, or have the Stripe behind make one."""
        fault = self._faults.take("before", request.path)
        key = recorded.idempotency_key if request.method == "POST" else None
        identity = b"\0".join((request.method.encode(), request.path_qs.encode(), body))
        known = None if key is None else self._keys.begin(key, identity)
        if fault is not None and (bad := await fault.happen(request)) is not None:
            if key is not None and known is None:
                self._keys.forget(key)
            return bad
        if known is not None:
            return known
        answer = await self._forward(request, body)
        if key is not None:
            self._keys.end(key, answer)
        return answer

    async def _forward(self, request: web.Request, body: bytes) -> StoredAnswer:
        assert self._session is not None
        headers = {name: request.headers[name] for name in ("Authorization", "Content-Type") if name in request.headers}
        url = f"http://127.0.0.1:{self._behind.port}{request.path_qs}"
        async with self._session.request(request.method, url, data=body, headers=headers) as answer:
            return StoredAnswer(answer.status, await answer.read(), answer.content_type)
