"""An outbox on a real file, and a courier that sends what stands in it to real servers."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import aiohttp
from prometheus_client import CollectorRegistry, generate_latest
from running import ROOT

from gateway.building import clock
from gateway.config.diagnostics import Findings
from gateway.engine.retry import RetryPolicy
from gateway.sending.courier import Courier
from gateway.sending.http import open_session
from gateway.sending.metrics import SendMetrics
from gateway.sending.targets import build_places
from gateway.settings import DestinationSettings, Settings, load_settings
from gateway.store.database import Database, open_database, parse_address
from gateway.store.inbox import Delivery, append_deliveries
from gateway.store.leases import Leased
from gateway.store.migrations import migrate
from gateway.store.outbox import Outgoing, add_outgoing, await_call
from gateway.store.thread import DatabaseThread

QUICK = RetryPolicy(first=0.05, factor=2, most=0.2, jitter=0, give_up_after=3600)

CONFIGURATION = """
version: 1
sources:
  shop:
    path: /shop
    verify: none
    rules: []
"""


def destination(url: str, **more: Any) -> DestinationSettings:
    values: dict[str, Any] = {
        "name": "app",
        "url": url,
        "secret": None,
        "headers": {},
        "timeout": timedelta(seconds=5),
        "concurrency": 4,
    }
    return DestinationSettings(**{**values, **more})


def leased(action: str, request: Mapping[str, object], **more: Any) -> Leased:
    """Return a row as it is leased."""
    values: dict[str, Any] = {
        "seq": 1,
        "event": 1,
        "kind": "message",
        "action": action,
        "target": "app",
        "message_id": "msg_0123456789abcdef0123456789abcdef",
        "request": json.dumps(request),
        "attempts": 0,
        "created_at": clock(),
        "answer": None,
        "content_type": None,
        "body": None,
    }
    return Leased(**{**values, **more})


def open_outbox(folder: Path) -> Database:
    database = open_database(parse_address("sqlite:///outbox.db", folder))
    migrate(database, ())
    return database


def add_event(database: Database, identity: str = "evt_1", body: bytes = b"{}", headers: str = "{}") -> int:
    """Store an event and return its number."""
    now = clock()
    delivery = Delivery(
        "shop", identity, 0, "order", None, None, now, headers, body, "ready", None, "token#0", "request"
    )  # fmt: skip
    [receipt] = append_deliveries(database, [delivery])
    database.execute("UPDATE gateway_events SET status = 'done', finished_at = ? WHERE seq = ?", (now, receipt.id))
    return receipt.id


def outgoing(
    action: str, target: str, request: Mapping[str, object], number: int = 1, kind: str = "message"
) -> Outgoing:
    return Outgoing(
        kind, action, target, f"{action} {target}#{number}", f"msg_{action}_{target}_{number}", json.dumps(request)
    )


def post(number: int = 1, **more: object) -> dict[str, object]:
    return {"method": "POST", "path": "/hook", "json": {"number": number}, **more}


class Leaser:
    """A process that has leased all there was to send to `app`; left alone it lives, killed it leaves all as it is."""

    def __init__(self, folder: Path) -> None:
        self._process = subprocess.Popen(
            [sys.executable, str(ROOT / "tests" / "sending" / "leasing.py"), str(folder)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
        )
        assert self._process.stdout is not None
        count, self.owner = self._process.stdout.readline().split()
        self.count = int(count)

    def kill(self) -> None:
        """Kill it at once, as a power cut would."""
        self._process.kill()
        self._process.communicate()


@dataclass
class Sending:
    """A courier at work in this process."""

    folder: Path
    configuration: str = CONFIGURATION
    policy: RetryPolicy = QUICK
    lease: float = 60.0
    answered: list[int] = field(default_factory=list)

    async def start(self) -> Sending:
        self.database = open_outbox(self.folder)
        self.thread = DatabaseThread(open_outbox(self.folder))
        self.thread.start()
        self.session: aiohttp.ClientSession = open_session()
        self.registry = CollectorRegistry()
        self.courier = Courier(
            self.thread,
            build_places(self.settings(self.configuration), self.session),
            self.policy,
            metrics=SendMetrics(self.registry),
            answered=lambda: self.answered.append(1),
            clock=clock,
            lease_seconds=self.lease,
        )
        await self.courier.start()
        return self

    def settings(self, text: str) -> Settings:
        path = self.folder / "gateway.yaml"
        path.write_text(text)
        settings = load_settings(path, Findings(), {})
        assert settings is not None
        return settings

    def add(self, *rows: Outgoing, event: int | None = None) -> None:
        with self.database.transaction():
            add_outgoing(self.database, [(event, row) for row in rows], clock())
        self.courier.wake()

    def call(self, row: Outgoing, identity: str = "evt_1") -> int:
        """Have an event wait for a call."""
        event = add_event(self.database, identity)
        with self.database.transaction():
            await_call(self.database, event, row, "rule", clock())
        self.courier.wake()
        return event

    def rows(self, columns: str = "status, attempts, code, error, answer") -> list[tuple[Any, ...]]:
        return self.database.execute(f"SELECT {columns} FROM gateway_outbox ORDER BY seq", ()).fetchall()

    def event(self, seq: int) -> tuple[Any, ...]:
        row = self.database.execute("SELECT status, error FROM gateway_events WHERE seq = ?", (seq,)).fetchone()
        return tuple(row)

    async def until(self, true: Callable[[], bool], seconds: float = 20) -> None:
        """Wait until something is true."""
        async with asyncio.timeout(seconds):
            while not true():
                await asyncio.sleep(0.01)

    def metric(self, line: str) -> bool:
        return line in generate_latest(self.registry).decode()

    async def stop(self, seconds: float = 10) -> None:
        await self.courier.stop(seconds)
        await self.session.close()
        await self.thread.stop()
        self.database.close()


Start = Callable[..., Awaitable[Sending]]
