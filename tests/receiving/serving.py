"""A receiving server on a real socket, its deliveries stored in a real SQLite file."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import io
import json
import sqlite3
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from aiohttp import ClientSession
from prometheus_client import CollectorRegistry

from gateway.errors import StorageUnavailable
from gateway.providers import PRESETS, build_envelope, build_verifier
from gateway.receiving.deliveries import Source
from gateway.receiving.health import Health
from gateway.receiving.server import ReceivingServer
from gateway.receiving.writer import GroupWriter

SECRET = "whsec_test_secret"
TOKEN = "asaas-token-1234567890"


def stripe_source(**changes: Any) -> Source:
    # An hour: some requests are signed when tests are collected, and a whole suite may run before they are sent.
    verify = {"secrets": [SECRET, "whsec_old_secret"], "tolerance": "1h"}
    preset = PRESETS["stripe"]
    source = Source(
        name="invoices",
        path="/hooks/stripe",
        verifier=build_verifier(verify, preset),
        envelope=build_envelope({}, preset),
    )
    return replace(source, **changes)


def asaas_source(**changes: Any) -> Source:
    preset = PRESETS["asaas"]
    source = Source(
        name="asaas",
        path="/webhook/asaas",
        verifier=build_verifier({"token": TOKEN}, preset),
        envelope=build_envelope({}, preset),
        errors={"success": False},
    )
    return replace(source, **changes)


def open_source(**changes: Any) -> Source:
    """A source that verifies nothing and whose events have no time."""
    envelope = build_envelope({"id": "id", "type": "kind", "key": "account"}, None)
    return replace(Source(name="open", path="/open/in", verifier=None, envelope=envelope), **changes)


def stripe_body(event_id: str = "evt_1", **parts: Any) -> bytes:
    event = {"id": event_id, "object": "event", "type": "invoice.paid", "created": 1_700_000_000}
    return json.dumps({**event, "data": {"object": {"id": "in_1", "customer": "cus_1"}}, **parts}).encode()


def stripe_headers(body: bytes, *, secret: str = SECRET, at: float | None = None) -> dict[str, str]:
    signed_at = int(time.time() if at is None else at)
    digest = hmac.new(secret.encode(), b"%d.%b" % (signed_at, body), hashlib.sha256).hexdigest()
    return {"Stripe-Signature": f"t={signed_at},v1={digest}", "Content-Type": "application/json"}


def raw_request(path: str, body: bytes, headers: dict[str, str], *, extra: bytes = b"") -> bytes:
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    head = f"POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Length: {len(body)}\r\n{lines}"
    return head.encode() + extra + b"\r\n" + body


@dataclass
class Serving:
    """A running server and what a test looks at."""

    port: int
    server: ReceivingServer
    writer: GroupWriter
    health: Health
    registry: CollectorRegistry
    session: ClientSession
    file: Path
    lines: list[dict[str, Any]]
    batches: list[int] = field(default_factory=list)
    trouble: StorageUnavailable | None = None
    """What the next commits fail with."""
    hold: asyncio.Event = field(default_factory=asyncio.Event)
    """Commits wait for it."""

    def url(self, path: str) -> str:
        return f"http://127.0.0.1:{self.port}{path}"

    async def post(self, path: str, body: bytes, headers: dict[str, str] | None = None) -> tuple[int, Any, Any]:
        data = io.BytesIO(body) if len(body) > 2**20 else body
        async with self.session.post(self.url(path), data=data, headers=headers or {}) as response:
            text = await response.read()
            return response.status, json.loads(text), response.headers

    async def post_stripe(self, body: bytes, **signing: Any) -> tuple[int, Any, Any]:
        return await self.post("/hooks/stripe", body, stripe_headers(body, **signing))

    async def get(self, path: str, method: str = "GET") -> tuple[int, bytes, Any]:
        async with self.session.request(method, self.url(path)) as response:
            return response.status, await response.read(), response.headers

    async def connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        return await asyncio.open_connection("127.0.0.1", self.port)

    async def converse(self, data: bytes) -> bytes:
        """Send bytes over a connection of their own and return all that comes until it is closed."""
        reader, writer = await self.connect()
        writer.write(data)
        answer = await asyncio.wait_for(reader.read(), 10)
        writer.close()
        return answer

    def events(self) -> list[sqlite3.Row]:
        with sqlite3.connect(self.file) as connection:
            connection.row_factory = sqlite3.Row
            rows = connection.execute(
                "SELECT e.*, b.headers, b.body FROM gateway_events e JOIN gateway_bodies b ON event = seq ORDER BY seq"
            ).fetchall()
        connection.close()
        return rows

    def counted(self, name: str, **labels: str) -> float:
        return self.registry.get_sample_value(name, labels) or 0.0


async def until(holds: Callable[[], bool]) -> None:
    """Wait for something to become true; the test fails when it does not within ten seconds."""
    async with asyncio.timeout(10):
        while not holds():
            await asyncio.sleep(0.005)
