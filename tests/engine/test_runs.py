"""Procedures run by hand, and repairs of what checks find."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from engines import Bench, microseconds

from gateway.engine.consistency import LinkedCheck
from gateway.engine.runs import RunInvalid, order_repairs, require_names, run_delivery
from gateway.errors import Conflict
from gateway.store.event_filter import EventFilter
from gateway.store.events import retry_event, retry_events

RULES = """
version: 1
settings: {days: 30}
tables:
  payments:
    columns:
      id: {type: text, primary_key: true}
      user_id: {type: text}
      amount: {type: decimal}
      status: {type: text, values: [pending, completed]}
      paid_at: {type: timestamp}
  subscriptions:
    columns:
      user_id: {type: text, primary_key: true}
      until: {type: timestamp}
      paid: {type: decimal, default: 0}
extract:
  amount: {path: payment.amount, required: true}
procedures:
  grant:
    - require: payment.amount < `100`
      message: $payment.amount is too much
    - upsert: subscriptions
      key: {user_id: $payment.user_id}
      set: {until: "${ add_days(later(payment.paid_at, now), settings.days) }"}
    - finish: granted
  pay:
    - insert: payments
      values: {id: $id, user_id: $user, amount: $amount, status: completed, paid_at: $now}
    - finish: paid $amount by $event.headers.run_by
checks:
  paid_without_days:
    find: payments
    where: {status: completed, amount: {gte: 1}}
    as: payment
    lacks: subscriptions
    by: {user_id: $payment.user_id, until: {gt: $now}}
    repair: grant
  paid_less:
    find: payments
    as: payment
    lacks: subscriptions
    by: {user_id: $payment.user_id, paid: {gte: $payment.amount}}
rules:
  - {name: broken, on: broken, do: [{fail: "broken as told"}]}
"""


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path, RULES)


def run(bench: Bench, procedure: str, **names: object) -> dict[str, Any]:
    now = microseconds(bench.now)
    [receipt] = bench.send(run_delivery("shop", procedure, names, key=None, actor="cli alice", now=now))
    bench.run()
    return bench.event(receipt.id)


def check(bench: Bench, name: str = "paid_without_days") -> LinkedCheck:
    found = bench.engine.program.sources["shop"].check(name, "payments")
    assert found is not None
    return found


def findings(bench: Bench, name: str = "paid_without_days") -> list[str]:
    linked = check(bench, name)
    return [linked.key_of(row) for rows in linked.pages(bench.database.execute, bench.now) for row in rows]


def order(bench: Bench) -> list[tuple[str, int]]:
    linked, now = check(bench), microseconds(bench.now)
    return [
        one
        for rows in linked.pages(bench.database.execute, bench.now)
        for one in order_repairs(bench.database, linked, rows, actor="cli alice", now=now)
    ]


def repair(bench: Bench) -> dict[str, dict[str, Any]]:
    ordered = order(bench)
    bench.run()
    return {key: bench.event(number) for key, number in ordered}


def test_a_procedure_is_run_with_the_names_that_are_given(bench: Bench) -> None:
    event = run(bench, "pay", id="p1", user="u1", amount=9)
    assert (event["status"], event["result"], event["rule"]) == ("done", "paid 9 by cli alice", "pay")
    assert bench.rows("payments") == [("p1", "u1", "9", "completed", "2026-01-15T12:00:00.000000Z")]
    trace = bench.trace(1)
    assert (trace["rule"], trace["file"]) == ("pay", "rules.yaml")
    assert [step[1] for step in trace["steps"]] == ["insert", "finish"]


def test_a_procedure_that_is_gone_is_no_rule(bench: Bench) -> None:
    event = run(bench, "charge")
    assert (event["status"], event["error"]) == ("ignored", "no rule of `shop` names the event type `run.charge`")


def test_names_are_checked_before_anything_runs() -> None:
    require_names("pay", ("id", "user"), ["user", "id"])
    with pytest.raises(RunInvalid, match="procedure `pay` needs `user`") as missing:
        require_names("pay", ("id", "user"), ["id"])
    assert missing.value.help == "give it: --with user=…"
    with pytest.raises(RunInvalid, match="reads no name `usr`") as unknown:
        require_names("pay", ("id", "user"), ["id", "usr"])
    assert unknown.value.help == "did you mean `user`?"
    with pytest.raises(RunInvalid, match="reads no name `now`"):
        require_names("pay", (), ["now"])


def test_what_lacks_its_row_is_found_and_repaired_with_its_own_values(bench: Bench) -> None:
    for number, amount in enumerate(["9.90", "0.50", "20"]):
        assert run(bench, "pay", id=f"p{number}", user=f"u{number}", amount=amount)["status"] == "done"
    assert findings(bench) == ["p0", "p2"]
    ended = repair(bench)
    assert {key: (event["status"], event["result"]) for key, event in ended.items()} == {
        "p0": ("done", "granted"),
        "p2": ("done", "granted"),
    }
    assert findings(bench) == []
    assert [row[:2] for row in bench.rows("subscriptions")] == [
        ("u0", "2026-02-14T12:00:00.000000Z"),
        ("u2", "2026-02-14T12:00:00.000000Z"),
    ]


def test_a_row_that_no_longer_fits_is_found_again(bench: Bench) -> None:
    run(bench, "pay", id="p0", user="u0", amount="9.90")
    repair(bench)
    bench.now += timedelta(days=31)
    assert findings(bench) == ["p0"]


def test_columns_are_compared_by_what_they_mean(bench: Bench) -> None:
    run(bench, "pay", id="p0", user="u0", amount="9.90")
    bench.database.execute("INSERT INTO subscriptions (user_id, paid) VALUES ('u0', '10.0')", ())
    assert findings(bench, "paid_less") == []
    bench.database.execute("UPDATE subscriptions SET paid = '9.899'", ())
    assert findings(bench, "paid_less") == ["p0"]
    bench.database.execute("UPDATE payments SET user_id = NULL", ())
    assert findings(bench, "paid_less") == ["p0"]


def test_many_findings_come_in_pages_each_once(bench: Bench) -> None:
    rows = [(f"p{number:05}", f"u{number}") for number in range(1203)]
    statement = "INSERT INTO payments (id, user_id, amount, status) VALUES (?, ?, '9.90', 'completed')"
    bench.database.execute_many(statement, rows)
    pages = list(check(bench).pages(bench.database.execute, bench.now))
    assert [len(page) for page in pages] == [500, 500, 203]
    assert [row["id"] for page in pages for row in page] == [key for key, _ in rows]


def test_what_is_mended_meanwhile_is_left_alone(bench: Bench) -> None:
    run(bench, "pay", id="p0", user="u0", amount="9.90")
    [(_, number)] = order(bench)
    bench.database.execute(
        "INSERT INTO subscriptions (user_id, until) VALUES ('u0', '2026-03-01T00:00:00.000000Z')", ()
    )
    bench.run()
    assert bench.event(number)["result"] == "nothing_to_repair"
    assert bench.rows("subscriptions")[0][1] == "2026-03-01T00:00:00.000000Z"


def test_a_row_that_is_gone_fails_its_repair(bench: Bench) -> None:
    run(bench, "pay", id="p0", user="u0", amount="9.90")
    [(_, number)] = order(bench)
    bench.database.execute("DELETE FROM payments", ())
    bench.run()
    event = bench.event(number)
    assert (event["status"], event["error"]) == ("dead", "the row `p0` of `payments` is gone")


def test_asked_for_twice_at_once_a_finding_is_repaired_once(bench: Bench) -> None:
    run(bench, "pay", id="p0", user="u0", amount="9.90")
    first, second = order(bench), order(bench)
    assert first == second
    bench.run()
    assert bench.event(first[0][1])["result"] == "granted"
    assert bench.database.execute("SELECT count(*) FROM gateway_events", ()).fetchone() == (2,)


def test_a_repair_that_failed_can_be_asked_for_again_and_again(bench: Bench) -> None:
    run(bench, "pay", id="p0", user="u0", amount="500")
    numbers = set()
    for _ in range(3):
        [(_, number)] = order(bench)
        numbers.add(number)
        bench.run()
        event = bench.event(number)
        assert (event["status"], event["error"]) == ("dead", "500 is too much")
    assert len(numbers) == 3
    bench.database.execute("UPDATE payments SET amount = '50'", ())
    assert repair(bench)["p0"]["result"] == "granted"


def test_a_senders_event_of_the_gateways_own_type_never_runs(bench: Bench) -> None:
    forged = run_delivery("shop", "pay", {"id": "p1", "user": "u", "amount": 1}, key=None, actor="x", now=0)
    forged = forged._replace(verified_by="hmac#0", status="dead", error="reserved")
    scheduled = forged._replace(event_id="s", type="schedule.suspend", verified_by=None)
    receipts = bench.send(forged, scheduled)
    for receipt in receipts:
        with pytest.raises(Conflict, match="never runs"):
            retry_event(bench.database, str(receipt.id), actor="cli alice", now=1, done=True)
    assert retry_events(bench.database, EventFilter(status="dead"), actor="cli alice", now=1, limit=10).count == 0
    bench.run()
    assert bench.rows("payments") == []
    [own] = bench.send(run_delivery("shop", "pay", {"id": "p", "user": "u", "amount": "x"}, key=None, actor="x", now=0))
    bench.run()
    assert bench.event(own.id)["status"] == "dead"
    assert retry_events(bench.database, EventFilter(status="dead"), actor="cli alice", now=1, limit=10).count == 1
