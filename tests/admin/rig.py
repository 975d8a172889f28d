"""A client of a whole gateway in this process, on a real socket and a real file."""

from __future__ import annotations

import io
import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

import aiohttp
from yarl import URL

from gateway.app import Gateway

TOKEN = "admin-token-of-the-tests"

Answer = tuple[int, Any, Mapping[str, str]]


@dataclass
class Rig:
    """A running gateway and a client of it."""

    gateway: Gateway
    session: aiohttp.ClientSession
    port: int

    async def ask(
        self, method: str, path: str, body: object = None, *, raw: bytes | None = None, **headers: str
    ) -> Answer:
        """Ask as an operator with the token; a header of `None` text is left out."""
        sent = {"Authorization": f"Bearer {TOKEN}", **headers}
        data = io.BytesIO(raw) if raw is not None else None if body is None else json.dumps(body).encode()
        async with self.session.request(method, self.url(path), data=data, headers=sent) as answer:
            text = await answer.text()
            content = json.loads(text) if text else None
            return answer.status, content, answer.headers

    def url(self, path: str) -> URL:
        return URL(f"http://127.0.0.1:{self.port}{path}", encoded=True)

    async def send(self, event: dict[str, Any] | bytes) -> int:
        """Deliver an event to the shop and return its number once it has been run."""
        body = event if isinstance(event, bytes) else json.dumps(event).encode()
        async with self.session.post(self.url("/hooks/shop/"), data=body, headers={"X-Token": "shop-token"}) as answer:
            assert answer.status == 200, await answer.text()
            number = int((await answer.json())["id"])
        while True:
            _, shown, _ = await self.ask("GET", f"/api/events/{number}")
            if shown["status"] != "ready":
                return number


Start = Callable[..., Awaitable[Rig]]
