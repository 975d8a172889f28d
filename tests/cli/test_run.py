"""`gateway run` and `gateway check`: at a running gateway, and where there is none."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from running import Gateway, eventually

CONFIGURATION = """
version: 1
server: {host: 127.0.0.1, port: "${env:GATEWAY_PORT}"}
database: sqlite:///var/gateway.db
admin: {token: "${env:GATEWAY_ADMIN_TOKEN}"}
channels: {clerks: ["log://"]}
retry: {first: 1h}
sources:
  shop:
    path: /hooks/shop
    verify: {token: "${env:ASAAS_WEBHOOK_TOKEN}"}
    event: {id: id, type: type}
    rules: [rules.yaml, more.yaml]
  desk:
    path: /hooks/desk
    verify: {token: "${env:ASAAS_WEBHOOK_TOKEN}"}
    event: {id: id, type: type}
    rules: [more.yaml]
alerts:
  - {name: dead letters, when: "dead > `0`", over: 1h, notify: clerks}
"""

RULES = """
version: 1
tables:
  payments:
    columns:
      id: {type: text, primary_key: true}
      user_id: {type: text}
      amount: {type: decimal}
  members:
    columns:
      user_id: {type: text, primary_key: true}
      since: {type: timestamp}
procedures:
  pay:
    - insert: payments
      values: {id: $id, user_id: $user, amount: $amount}
    - finish: "paid ${sub(amount, tax)} by ${event.headers.run_by}"
  grant:
    - require: payment.amount < `100`
      message: $payment.amount is too much
    - {insert: members, values: {user_id: $payment.user_id, since: $now}}
    - finish: granted
  wait_for_it:
    - {find: payments, where: {id: $id}, missing: park}
  try_later:
    - {fail: "not $what", retry: true}
checks:
  paid_without_membership:
    find: payments
    as: payment
    lacks: members
    by: {user_id: $payment.user_id}
    repair: grant
  members_without_payment:
    find: members
    as: member
    lacks: payments
    by: {user_id: $member.user_id}
    every: 1h
    notify: clerks
rules:
  - {name: broken, on: broken, do: [{fail: "broken as told"}]}
"""

MORE = """
version: 1
procedures:
  note_down: [{log: "noted $what"}]
rules:
  - {name: noted, on: noted, do: [{run: note_down, with: {what: "$event.id"}}]}
"""


def lay_out(folder: Path) -> Gateway:
    for name, text in (("gateway.yaml", CONFIGURATION), ("rules.yaml", RULES), ("more.yaml", MORE)):
        (folder / name).write_text(text)
    return Gateway(folder)


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    gateway = lay_out(tmp_path_factory.mktemp("run")).start()
    yield gateway
    gateway.stop()


@pytest.fixture
def stopped(tmp_path: Path) -> Gateway:
    """A project that has a database, and no gateway running."""
    gateway = lay_out(tmp_path)
    ran(gateway, "migrate")
    return gateway


def ran(gateway: Gateway, *words: str, code: int = 0) -> subprocess.CompletedProcess[str]:
    done = gateway.cli(*words)
    assert done.returncode == code, done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    return done


def refused(gateway: Gateway, *words: str) -> str:
    return ran(gateway, *words, code=2).stderr


def pay(gateway: Gateway, number: int, amount: str = "9.90", code: int = 0) -> Any:
    names = [f"--with={name}" for name in (f"id=p{number}", f"user=u{number}", f"amount={amount}", "tax=0.10")]
    return json.loads(ran(gateway, "run", "pay", *names, "--json", code=code).stdout)["event"]


def test_a_procedure_runs_as_an_event_of_its_own(served: Gateway) -> None:
    event = pay(served, 1)
    assert (event["source"], event["type"], event["status"], event["rule"]) == ("shop", "run.pay", "done", "pay")
    assert event["result"].startswith("paid 9.80 by cli ")
    assert event["result"].endswith(", api from 127.0.0.1")
    assert served.row("payments", "p1") == {"id": "p1", "user_id": "u1", "amount": "9.90"}
    shown = json.loads(ran(served, "events", "show", event["id"], "--json").stdout)
    assert shown["payload"] == {"with": {"id": "p1", "user": "u1", "amount": 9.90, "tax": 0.10}}
    assert shown["verified_by"] == "gateway"
    assert len(shown["traces"]) == 1


def test_what_became_of_it_is_printed(served: Gateway) -> None:
    done = ran(served, "run", "note_down", "--with", "what=tea", "--source", "desk", "--key", "k1")
    number = done.stdout.split()[1].rstrip(",")
    assert done.stdout.splitlines() == [
        f"event {number}, run.note_down: done, note_down",
        f"its story: gateway events why {number}",
    ]
    assert json.loads(ran(served, "events", "show", number, "--json").stdout)["key"] == "k1"


def test_a_failure_exits_with_1(served: Gateway) -> None:
    pay(served, 2)
    twice = pay(served, 2, code=1)
    assert twice["status"] == "dead"
    assert "p2" in twice["error"] or "exists" in twice["error"] or "conflict" in twice["error"].lower()
    late = ran(served, "run", "try_later", "--with", "what=now", code=1).stdout
    assert ": waiting, not now" in late
    parked = ran(served, "run", "wait_for_it", "--with", "id=nobody", code=1).stdout
    assert ": parked, no row of `payments` fits yet" in parked


def test_what_it_needs_is_known_before_anything_is_stored(served: Gateway) -> None:
    before = served.sql("SELECT count(*) FROM gateway_events")
    said = refused(served, "run", "pay", "--with", "id=p9", "--with", "user=u9")
    assert "procedure `pay` needs `amount`, `tax`" in said
    assert "give them: --with amount=… --with tax=…" in said
    said = refused(served, "run", "pay", "--with", "id=p9", "--with", "usr=u9")
    assert "procedure `pay` reads no name `usr`" in said
    assert "did you mean `user`?" in said
    assert "`id` is given twice" in refused(served, "run", "pay", "--with", "id=1", "--with", "id=2")
    assert "`id` is not NAME=VALUE" in refused(served, "run", "pay", "--with", "id")
    assert "no procedure `payy`; did you mean `pay`?" in refused(served, "run", "payy")
    assert "several sources have a procedure `note_down`: `shop`, `desk`" in refused(served, "run", "note_down")
    assert "of `desk` have no procedure `pay`" in refused(served, "run", "pay", "--source", "desk")
    assert "there is no source `desc`; did you mean `desk`?" in refused(served, "run", "pay", "--source", "desc")
    assert served.sql("SELECT count(*) FROM gateway_events") == before


def test_without_a_gateway_it_is_stored_and_runs_later(stopped: Gateway) -> None:
    words = ["run", "pay", "--with=id=p1", "--with=user=u1", "--with=amount=5", "--with=tax=1"]
    said = ran(stopped, *words).stdout
    assert said.startswith("event 1, run.pay: stored; nothing answers at http://127.0.0.1:")
    assert stopped.sql("SELECT status FROM gateway_events") == [("ready",)]
    stopped.start()
    try:
        stopped.wait_until_done()
        [(status, result)] = stopped.sql("SELECT status, result FROM gateway_events")
        assert status == "done"
        assert result.startswith("paid 4 by cli ")
        assert "api" not in result
    finally:
        stopped.stop()


def test_without_a_database_it_cannot_run(tmp_path: Path) -> None:
    assert "there is no database" in refused(lay_out(tmp_path), "run", "note_down", "--with=what=x", "--source=desk")
    assert "there is no database" in refused(lay_out(tmp_path), "check")


def test_findings_are_listed_repaired_and_gone(tmp_path: Path) -> None:
    gateway = lay_out(tmp_path).start()
    try:
        assert ran(gateway, "check").stdout.splitlines() == [
            "paid_without_membership: no rows of payments lack their row of members",
            "members_without_payment: no rows of members lack their row of payments",
        ]
        pay(gateway, 1)
        pay(gateway, 2, "500")
        listed = ran(gateway, "check", "paid_without_membership", code=1).stdout.splitlines()
        assert listed[0] == "paid_without_membership: 2 rows of payments lack their row of members"
        assert listed[2].split() == ["p1", "u1", "9.90"]
        found = json.loads(ran(gateway, "check", "--json", "--limit", "1", code=1).stdout)["checks"]
        assert [(one["name"], one["count"], one["remaining"]) for one in found] == [
            ("paid_without_membership", 2, 2),
            ("members_without_payment", 0, 0),
        ]
        assert found[0]["rows"] == [{"id": "p1", "user_id": "u1", "amount": "9.90"}]

        repaired = ran(gateway, "check", "--repair", code=1).stdout
        assert ": event 3 done, granted\n" in repaired
        assert "  p2: event 4 dead, 500 is too much\n" in repaired
        assert "paid_without_membership: 1 left\n" in repaired
        assert [row[0] for row in gateway.sql("SELECT user_id FROM members")] == ["u1"]

        ran(gateway, "tables", "set", "payments", "p2", "amount=50")
        again = json.loads(ran(gateway, "check", "paid_without_membership", "--repair", "--json").stdout)["checks"][0]
        assert (again["count"], again["remaining"]) == (1, 0)
        [event] = again["events"]
        assert (event["type"], event["status"], event["key"]) == ("run.grant", "done", "payments-p2")
        assert ran(gateway, "check", "paid_without_membership").returncode == 0
    finally:
        gateway.stop()


def test_a_check_that_is_not_there_or_mends_nothing(stopped: Gateway) -> None:
    said = refused(stopped, "check", "paid_without_membershp")
    assert "did you mean `paid_without_membership`?" in said
    assert "check `members_without_payment` has no repair" in refused(
        stopped, "check", "members_without_payment", "--repair"
    )
    assert "the rules have no checks" in refused(stopped, "check", "--source", "desk")
    assert "there is no source `dusk`" in refused(stopped, "check", "--source", "dusk")


def test_repairs_without_a_gateway_wait_for_one(stopped: Gateway) -> None:
    ran(stopped, "tables", "set", "payments", "p1", "user_id=u1", "amount=5")
    said = ran(stopped, "check", "--repair", code=1).stdout
    assert "  p1: event 1 ready\n" in said
    assert "nothing answers: the repairs run when the gateway does\n" in said
    assert "event 1 ready" in ran(stopped, "check", "--repair", code=1).stdout
    assert stopped.sql("SELECT count(*) FROM gateway_events") == [(1,)]


def test_a_running_gateway_looks_and_tells_by_itself(tmp_path: Path) -> None:
    gateway = lay_out(tmp_path)
    ran(gateway, "migrate")
    ran(gateway, "tables", "set", "members", "u7", "since=2026-01-01T00:00:00Z")
    gateway.start()
    try:

        def told() -> list[tuple[str, str]]:
            return gateway.sql("SELECT target, request FROM gateway_outbox WHERE event IS NULL ORDER BY seq")

        eventually(lambda: len(told()) == 1)
        [(channel, request)] = told()
        assert channel == "clerks"
        assert json.loads(request) == {
            "title": "members_without_payment: 1 row of members lacks its row of payments",
            "body": "keys: u7",
            "level": "warning",
        }
        pay(gateway, 1)
        pay(gateway, 1, code=1)
        eventually(lambda: len(told()) == 2)
        assert json.loads(told()[1][1])["title"] == "shop: dead letters"
        eventually(lambda: any(alert["active"] for alert in gateway.api("GET", "/api/alerts").json["alerts"]))
        [alert] = [one for one in gateway.api("GET", "/api/alerts").json["alerts"] if one["active"]]
        assert (alert["name"], alert["source"], alert["notify"]) == ("dead letters", "shop", "clerks")
        metrics = gateway.get("/metrics").body.decode()
        assert 'gateway_alert_active{alert="dead letters",source="shop"} 1.0' in metrics
        assert 'gateway_success_ratio{source="shop"} 0.5' in metrics
    finally:
        gateway.stop()
