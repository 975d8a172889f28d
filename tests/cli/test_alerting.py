"""People are told: an alert's message arrives where the channel leads, over a real connection."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest
from running import Gateway, eventually

CONFIGURATION = """
version: 1
server: {host: 127.0.0.1, port: "${env:GATEWAY_PORT}"}
database: sqlite:///var/gateway.db
admin: {token: "${env:GATEWAY_ADMIN_TOKEN}"}
channels: {clerks: ["${env:CLERKS}"]}
engine: {process: "${env:PROCESS}"}
sources:
  shop:
    path: /hooks/shop
    verify: {scheme: token, token: "${env:ASAAS_WEBHOOK_TOKEN}", header: X-Token}
    event: {id: id, type: type, key: key}
    rules: [rules.yaml]
alerts:
  - {name: dead letters, when: "dead > `0`", over: 1h, notify: clerks}
park: {alert_after: 1s, notify: clerks}
"""

RULES = """
version: 1
tables: {orders: {columns: {id: {type: text, primary_key: true}}}}
rules:
  - {name: broken, on: broken, do: [{fail: "no good, says ann@example.com"}]}
  - {name: early, on: early, do: [{find: orders, where: {id: $event.id}, missing: park}]}
"""


class Receiver:
    """Somebody who is told things by HTTP."""

    def __init__(self) -> None:
        told = self.told = list[dict[str, Any]]()

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                told.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
                self.send_response(200)
                self.end_headers()

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        self.server = HTTPServer(("127.0.0.1", 0), Handler)
        self.thread = threading.Thread(target=self.server.serve_forever)
        self.thread.start()

    @property
    def address(self) -> str:
        return f"json://127.0.0.1:{self.server.server_port}/"

    def stop(self) -> None:
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    receiver = Receiver()
    yield receiver
    receiver.stop()


@pytest.mark.parametrize("process", ["own", "shared"])
def test_a_dead_letter_and_a_parked_event_are_told(tmp_path: Path, receiver: Receiver, process: str) -> None:
    (tmp_path / "gateway.yaml").write_text(CONFIGURATION)
    (tmp_path / "rules.yaml").write_text(RULES)
    gateway = Gateway(tmp_path, environment={"CLERKS": receiver.address, "PROCESS": process}).start()
    try:
        token = {"X-Token": "asaas-token-of-the-tests-0123456789"}
        assert gateway.post("/hooks/shop", b'{"id": "e1", "type": "broken"}', token).status == 200
        eventually(lambda: len(receiver.told) == 1)
        assert gateway.post("/hooks/shop", b'{"id": "e2", "type": "early", "key": "k2"}', token).status == 200
        eventually(lambda: len(receiver.told) == 2)
        dead, parked = receiver.told
        assert dead["title"] == "shop: dead letters"
        assert "event 1 (e1), broken, rule `broken`: no good, says [e-mail]" in dead["message"]
        assert parked["title"] == "shop: parked too long"
        assert "event 2 (e2), early, key k2: no row of `orders` fits yet" in parked["message"]
        metrics = gateway.get("/metrics").body.decode()
        assert 'gateway_queue_depth{source="shop",status="parked"} 1.0' in metrics
        active = [alert["name"] for alert in gateway.api("GET", "/api/alerts").json["alerts"] if alert["active"]]
        assert active == ["dead letters", "parked too long"]
    finally:
        gateway.stop()
