"""A running gateway whose configuration changes, and one that is told to stop."""

from __future__ import annotations

import json
import os
import signal
import threading
from pathlib import Path

from running import ENVIRONMENT, Gateway, Reply, eventually

CONFIGURATION = """
version: 1
server: {host: 127.0.0.1, port: "${env:GATEWAY_PORT}"}
database: sqlite:///var/gateway.db
admin: {token: "${env:GATEWAY_ADMIN_TOKEN}"}
sources:
  shop:
    path: /hooks/shop
    verify: {scheme: token, token: "${env:SHOP_TOKEN}", header: X-Token}
    event: {id: id, type: type}
    respond: result
    rules: [rules.yaml]
"""

FIRST = "the-first-token-of-the-shop"

RULES = """
version: 1
tables:
  orders:
    columns:
      id: {type: text, primary_key: true}
      remark: {type: text}
rules:
  - name: order
    on: order
    do:
      - {insert: orders, values: {id: $event.id}}
    result: first
"""


def project(folder: Path, rules: str = RULES) -> Gateway:
    (folder / "gateway.yaml").write_text(CONFIGURATION)
    (folder / "rules.yaml").write_text(rules)
    (folder / ".env").write_text("SHOP_TOKEN=the-first-token-of-the-shop\n")
    return Gateway(folder, environment=dict(ENVIRONMENT))


def send(gateway: Gateway, name: str, token: str = FIRST) -> Reply:
    body = json.dumps({"id": name, "type": "order"}).encode()
    return gateway.post("/hooks/shop", body, {"X-Token": token})


def test_rules_are_read_again_when_they_change(tmp_path: Path) -> None:
    gateway = project(tmp_path).start()
    assert send(gateway, "a").json["result"] == "first"
    changed = RULES.replace("result: first", "result: second").replace(
        "id: {type: text, primary_key: true}", "id: {type: text, primary_key: true}\n      note: {type: text}"
    )
    (tmp_path / "rules.yaml").write_text(changed)
    eventually(lambda: "the configuration was read again" in gateway.log)
    assert send(gateway, "b").json["result"] == "second"
    assert gateway.sql("SELECT id, note FROM orders ORDER BY id") == [("a", None), ("b", None)]
    assert gateway.stop() == 0


def test_wrong_rules_are_not_taken(tmp_path: Path) -> None:
    gateway = project(tmp_path).start()
    (tmp_path / "rules.yaml").write_text(RULES.replace("insert: orders", "insert: ordres"))
    eventually(lambda: "the one before stays in use" in gateway.log)
    assert "unknown table `ordres`" in gateway.log
    assert send(gateway, "a").json["result"] == "first"
    (tmp_path / "rules.yaml").write_text(RULES.replace("remark: {type: text}", "remark: {type: integer}"))
    eventually(lambda: "orders.remark" in gateway.log)
    assert send(gateway, "b").json["result"] == "first"
    assert gateway.stop() == 0


def test_a_secret_is_replaced_without_a_restart(tmp_path: Path) -> None:
    gateway = project(tmp_path).start()
    assert send(gateway, "a", "the-second-token-of-the-shop").status == 401
    (tmp_path / ".env").write_text("SHOP_TOKEN=the-second-token-of-the-shop\n")
    assert gateway.process is not None
    gateway.process.send_signal(signal.SIGHUP)
    eventually(lambda: send(gateway, "b", "the-second-token-of-the-shop").status == 200)
    assert send(gateway, "c").status == 401
    assert gateway.stop() == 0


def test_a_wrong_configuration_does_not_start(tmp_path: Path) -> None:
    gateway = project(tmp_path, RULES.replace("result: first", "reslt: first"))
    ended = gateway.cli("serve")
    assert ended.returncode == 2
    assert "rules.yaml:13:5: error[GW101]" in ended.stderr
    assert "did you mean `result`?" in ended.stderr


def test_sigterm_answers_what_is_under_way_and_loses_nothing(tmp_path: Path) -> None:
    gateway = project(tmp_path).start()
    replies: list[tuple[str, int]] = []
    ending = threading.Event()

    def deliver(number: int) -> None:
        count = 0
        while not ending.is_set():
            name = f"{number}-{count}"
            try:
                replies.append((name, send(gateway, name).status))
            except OSError:
                return
            count += 1

    senders = [threading.Thread(target=deliver, args=(number,)) for number in range(8)]
    for sender in senders:
        sender.start()
    eventually(lambda: len(replies) > 50)
    assert gateway.stop() == 0
    ending.set()
    for sender in senders:
        sender.join()
    accepted = {name for name, status in replies if status == 200}
    assert {status for _, status in replies} <= {200, 503}
    assert accepted <= {name for (name,) in gateway.sql("SELECT event_id FROM gateway_events")}
    assert accepted <= {name for (name,) in gateway.sql("SELECT id FROM orders")}


def engine_of(gateway: Gateway) -> int:
    """Return the pid of the engine's process."""
    assert gateway.process is not None
    children = Path(f"/proc/{gateway.process.pid}/task/{gateway.process.pid}/children").read_text().split()
    [pid] = [int(child) for child in children if b"--as-engine" in Path(f"/proc/{child}/cmdline").read_bytes()]
    return pid


def test_an_engine_that_dies_is_started_again_and_nothing_is_lost(tmp_path: Path) -> None:
    gateway = project(tmp_path)
    configuration = tmp_path / "gateway.yaml"
    configuration.write_text(configuration.read_text() + "engine: {process: own}\n")
    gateway.start()
    assert send(gateway, "a").json["result"] == "first"
    dead = engine_of(gateway)
    os.kill(dead, signal.SIGKILL)
    assert send(gateway, "b").status == 200
    eventually(lambda: ("b",) in gateway.sql("SELECT id FROM orders"))
    assert "the engine's process ended: it is started again" in gateway.log
    assert engine_of(gateway) != dead
    assert "gateway_events_total" in gateway.get("/metrics").body.decode()
    assert gateway.stop() == 0


def test_an_engine_ends_with_the_process_that_receives(tmp_path: Path) -> None:
    gateway = project(tmp_path)
    configuration = tmp_path / "gateway.yaml"
    configuration.write_text(configuration.read_text() + "engine: {process: own}\n")
    gateway.start()
    engine = engine_of(gateway)
    assert gateway.process is not None
    os.kill(gateway.process.pid, signal.SIGKILL)
    gateway.process.wait()
    eventually(lambda: not Path(f"/proc/{engine}").exists() or "Z" in Path(f"/proc/{engine}/stat").read_text())
