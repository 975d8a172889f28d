"""PayPal's hosts on this machine: the real addresses, led to a local server that has a certificate for them."""

from __future__ import annotations

import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import paypal
from aiohttp import ClientSession, DummyCookieJar, TCPConnector, web
from aiohttp.abc import AbstractResolver, ResolveResult

Answer = Callable[[web.BaseRequest], Awaitable[web.StreamResponse]]


@dataclass
class PaypalHost:
    """Where certificates are served, and what was asked for."""

    session: ClientSession
    answer: Answer
    asked: list[str] = field(default_factory=list)


class _Here(AbstractResolver):
    def __init__(self, port: int) -> None:
        self._port = port

    async def resolve(self, host: str, port: int = 0, family: Any = 0) -> list[ResolveResult]:
        return [ResolveResult(hostname=host, host="127.0.0.1", port=self._port, family=family, proto=0, flags=0)]

    async def close(self) -> None:
        pass


@asynccontextmanager
async def paypal_host(folder: Path, answer: Answer) -> AsyncIterator[PaypalHost]:
    """Serve, and give a session to which `https://api.paypal.com` is this server."""
    authority = paypal.Authority("Authority of the hosts")
    (folder / "host.pem").write_bytes(
        paypal.pem(authority.issue("api.paypal.com", own=paypal.key("host"))) + paypal.private_pem(paypal.key("host"))
    )
    (folder / "authority.pem").write_bytes(paypal.pem(authority.certificate))
    serving = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    serving.load_cert_chain(folder / "host.pem")

    async def handle(request: web.BaseRequest) -> web.StreamResponse:
        host.asked.append(f"https://{request.host}{request.path_qs}")
        return await host.answer(request)

    runner = web.ServerRunner(web.Server(handle))
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0, ssl_context=serving)
    await site.start()
    trusting = ssl.create_default_context(cafile=folder / "authority.pem")
    connector = TCPConnector(resolver=_Here(site.port), ssl=trusting, limit=0)
    async with ClientSession(connector=connector, cookie_jar=DummyCookieJar()) as session:
        host = PaypalHost(session, answer)
        try:
            yield host
        finally:
            await runner.cleanup()


def serving(content: bytes, status: int = 200, **headers: str) -> Answer:
    """Return what answers every request so."""

    async def answer(request: web.BaseRequest) -> web.StreamResponse:
        return web.Response(status=status, body=content, headers=headers)

    return answer
