"""An application that messages are sent to, and that looks at their signatures as the standard's own package does."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from typing import Any

from aiohttp import web
from standardwebhooks import Webhook, WebhookVerificationError

from servers.threads import WebServer


@dataclass(frozen=True)
class Received:
    """A request that arrived."""

    method: str
    path: str
    headers: dict[str, str]
    """Names in lower case."""
    body: bytes
    verified: bool
    """Whether it carries the signature of the receiver's secret. Source: standardwebhooks.com."""
    at: float
    """Seconds of the machine's clock."""

    @property
    def id(self) -> str:
        return self.headers["webhook-id"]

    @property
    def json(self) -> Any:
        return json.loads(self.body)


class Receiver(WebServer):
    """Keeps what it receives, also what it is told to answer badly; answers 200 and `{"ok": true}`."""

    def __init__(self, secret: str | None = None) -> None:
        super().__init__()
        self.received: list[Received] = []
        self.answers: dict[str, object] = {}
        """What to answer by path, as JSON."""
        self._webhook = None if secret is None else Webhook(secret)

    def at(self, path: str) -> list[Received]:
        """Return what arrived at a path."""
        return [one for one in self.received if one.path == path]

    async def answer(self, request: web.Request) -> web.StreamResponse:
        """Keep a request and answer it."""
        body = await request.read()
        headers = {name.lower(): value for name, value in request.headers.items()}
        self.received.append(
            Received(request.method, request.path_qs, headers, body, self._verifies(body, headers), time.time())
        )
        fault = self._faults.take("before", request.path)
        if fault is not None and (bad := await fault.happen(request)) is not None:
            return bad
        return web.json_response(self.answers.get(request.path, {"ok": True}))

    def _verifies(self, body: bytes, headers: dict[str, str]) -> bool:
        if self._webhook is None:
            return False
        try:
            self._webhook.verify(body, headers)
        except (WebhookVerificationError, ValueError):
            return False
        return True
