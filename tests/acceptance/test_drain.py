"""SIGTERM: what is under way is given one stretch of time, all parts together; what did not end in it is not lost."""

from __future__ import annotations

import json
import os
import signal
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from running import Gateway, eventually
from servers import Receiver

DRAIN = 3.0
"""Seconds; each of the three parts is held up for longer than that."""

CONFIGURATION = f"""
version: 1
server: {{host: 127.0.0.1, port: "${{env:GATEWAY_PORT}}", drain: {DRAIN:g}s}}
database: sqlite:///var/gateway.db
admin: {{token: "${{env:GATEWAY_ADMIN_TOKEN}}"}}
engine: {{process: own}}
sources:
  shop:
    path: /hooks/shop
    verify: {{token: "${{env:SHOP_TOKEN}}", header: X-Token, scheme: token}}
    event: {{id: id, type: type}}
    rules: [rules.yaml]
destinations:
  app: {{url: "${{env:APP}}", timeout: 60s}}
"""
RULES = """
version: 1
rules:
  - {name: told, on: told, do: [{send: app, path: /told, json: {event: $event.id}}]}
"""
HEADERS = {"X-Token": "shop-token", "Content-Type": "application/json"}


@pytest.fixture
def app() -> Iterator[Receiver]:
    with Receiver() as receiver:
        yield receiver


@pytest.fixture
def gateway(tmp_path: Path, app: Receiver) -> Iterator[Gateway]:
    (tmp_path / "gateway.yaml").write_text(CONFIGURATION)
    (tmp_path / "rules.yaml").write_text(RULES)
    running = Gateway(tmp_path, environment={"APP": app.url, "SHOP_TOKEN": "shop-token"}).start()
    yield running
    if running.process is not None and running.process.poll() is None:
        running.kill()


def deliver(gateway: Gateway, id: str) -> None:
    body = json.dumps({"id": id, "type": "told"}).encode()
    assert gateway.post("/hooks/shop", body, HEADERS).status == 200


def engine_of(gateway: Gateway) -> int:
    """Return the engine's process. Source: proc(5)."""
    assert gateway.process is not None
    number = gateway.process.pid
    [child] = Path(f"/proc/{number}/task/{number}/children").read_text().split()
    return int(child)


def test_receiving_engine_and_outbox_share_one_stretch_of_time(gateway: Gateway, app: Receiver) -> None:
    hold = app.hold()
    deliver(gateway, "evt_1")
    hold.wait_until_it_arrived()
    with socket.create_connection(("127.0.0.1", gateway.port)) as slow:
        slow.sendall(b"POST /hooks/shop HTTP/1.1\r\nHost: x\r\nX-Token: shop-token\r\nContent-Length: 100\r\n\r\n{")
        engine = engine_of(gateway)
        os.kill(engine, signal.SIGSTOP)
        deliver(gateway, "evt_2")
        began = time.monotonic()
        assert gateway.stop() == 0
        took = time.monotonic() - began
    # One after the other with as much each they would take three times as long.
    assert took < 2 * DRAIN - 0.5
    assert not Path(f"/proc/{engine}").exists(), "an engine that does not end is ended"
    hold.release()

    gateway.start()
    eventually(lambda: {json.loads(one.body)["event"] for one in app.at("/told")} == {"evt_1", "evt_2"})
    eventually(lambda: len(gateway.api("GET", "/api/outbox?status=done").json["outbox"]) == 2)
    ids = {one.headers["webhook-id"] for one in app.at("/told") if json.loads(one.body)["event"] == "evt_1"}
    assert len(ids) == 1, "sent again under the same id"
    assert gateway.stop() == 0
