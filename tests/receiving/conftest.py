"""Starts receiving servers."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from aiohttp import ClientSession
from prometheus_client import CollectorRegistry
from receiving.serving import Serving

from gateway.receiving.deliveries import Source
from gateway.receiving.health import Health
from gateway.receiving.metrics import WriterMetrics
from gateway.receiving.server import ReceivingServer
from gateway.receiving.writer import GroupWriter
from gateway.store.database import Database, open_database, parse_address
from gateway.store.inbox import Delivery, Outcome, Receipt, append_deliveries, outcome_of
from gateway.store.migrations import migrate
from gateway.store.thread import DatabaseThread

Serve = Callable[..., Any]


@pytest.fixture
def serve(tmp_path: Path) -> Serve:
    """Start a server: `async with serve(source, …) as serving`."""

    @asynccontextmanager
    async def start(*sources: Source, limits: dict[str, Any] | None = None, **options: Any) -> AsyncIterator[Serving]:
        file = tmp_path / "gateway.db"
        database = open_database(parse_address(f"sqlite:///{file}", tmp_path))
        migrate(database, ())
        thread = DatabaseThread(database)
        thread.start()
        registry, lines = CollectorRegistry(), []
        serving: Serving

        async def commit(deliveries: list[Delivery]) -> Sequence[Receipt]:
            serving.batches.append(len(deliveries))
            await serving.hold.wait()
            if serving.trouble is not None:
                raise serving.trouble
            return await thread.call(lambda used: append_deliveries(used, deliveries))

        async def look(event: int) -> Outcome | None:
            return await thread.call(lambda used: outcome_of(used, event))

        async def check() -> None:
            if serving.trouble is not None:
                raise serving.trouble
            await thread.call(_begin)

        writer = GroupWriter(commit, look, metrics=WriterMetrics(registry), **(limits or {}))
        health = Health({"database": check}, storing=lambda: not writer.failing)
        server = ReceivingServer(sources, writer, health, registry, write_line=lines.append, **options)
        port = await server.start("127.0.0.1", 0)
        try:
            async with ClientSession() as session:
                serving = Serving(port, server, writer, health, registry, session, file, lines)
                serving.hold.set()
                yield serving
        finally:
            serving.hold.set()
            await server.drain(5)
            await thread.stop()

    return start


def _begin(database: Database) -> None:
    database.begin()
    database.rollback()
