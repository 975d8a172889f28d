"""Events that come later: scheduled in an event's own transaction, fired once, and dropped by their keys."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from engines import Bench

RULES = """
version: 1
tables:
  orders:
    columns:
      id: {type: text, primary_key: true}
      note: {type: text}
extract:
  order: order
rules:
  - name: placed
    on: placed
    do:
      - schedule: reminder
        after: 3d
        key: remind-$order
        data: {order: $order, times: 1}
  - name: paid
    on: paid
    do:
      - cancel: remind-$order
  - name: placed and refused
    on: refused
    do:
      - schedule: reminder
        after: 1h
        key: remind-$order
      - fail: no
  - name: reminder
    on: schedule.reminder
    do:
      - upsert: orders
        key: {id: $order}
        set: {note: "reminded at ${ event.occurred_at }"}
    result: reminded
  - name: again and again
    on: [tick, schedule.tick]
    do:
      - schedule: tick
        after: ${ '1' }h
        key: tick
  - name: at a time
    on: at
    do:
      - schedule: reminder
        at: ${ event.payload.when }
        data: {order: $order}
"""


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path, RULES)


def events(bench: Bench, type: str = "schedule.reminder") -> list[tuple[object, ...]]:
    statement = "SELECT status, key, next_attempt_at, error FROM gateway_events WHERE type = ? ORDER BY seq"
    return bench.database.execute(statement, (type,)).fetchall()  # type: ignore[no-any-return]


def notes(bench: Bench) -> list[tuple[str, str]]:
    return bench.database.execute("SELECT id, note FROM orders ORDER BY id", ()).fetchall()  # type: ignore[no-any-return]


def test_a_scheduled_event_comes_when_it_is_due_and_once(bench: Bench) -> None:
    bench.process({"id": "e1", "type": "placed", "order": "a"}, key="customer")
    [(status, key, _, _)] = events(bench)
    assert (status, key) == ("waiting", "customer")
    bench.now += timedelta(days=2, hours=23)
    assert bench.run() == []
    bench.now += timedelta(hours=1)
    [ended] = bench.run()
    assert (ended.finish.status, ended.finish.result) == ("done", "reminded")
    assert notes(bench) == [("a", "reminded at 2026-01-18T12:00:00Z")]
    bench.now += timedelta(days=30)
    assert bench.run() == []


def test_a_canceled_event_never_comes_and_says_who_canceled_it(bench: Bench) -> None:
    bench.process({"id": "e1", "type": "placed", "order": "a"})
    bench.process({"id": "e2", "type": "paid", "order": "a"})
    bench.now += timedelta(days=30)
    assert bench.run() == []
    assert events(bench) == [("ignored", None, None, "canceled by event 3")]
    assert bench.trace(3)["steps"] == [["rules[1].do[0]", "cancel", {"key": "remind-a", "dropped": 2}]]


def test_canceling_what_does_not_wait_changes_nothing(bench: Bench) -> None:
    assert bench.process({"id": "e2", "type": "paid", "order": "a"})["status"] == "done"
    assert bench.trace(1)["steps"] == [["rules[1].do[0]", "cancel", {"key": "remind-a", "dropped": None}]]


def test_an_event_that_has_fired_cannot_be_canceled_any_more(bench: Bench) -> None:
    bench.process({"id": "e1", "type": "placed", "order": "a"})
    bench.now += timedelta(days=3)
    bench.run()
    bench.process({"id": "e2", "type": "paid", "order": "a"})
    assert [status for status, *_ in events(bench)] == ["done"]


def test_scheduling_a_key_again_moves_it(bench: Bench) -> None:
    bench.process({"id": "e1", "type": "placed", "order": "a"})
    bench.now += timedelta(days=2)
    bench.process({"id": "e2", "type": "placed", "order": "a"})
    assert [status for status, *_ in events(bench)] == ["ignored", "waiting"]
    bench.now += timedelta(days=2)
    assert bench.run() == []
    bench.now += timedelta(days=1)
    assert len(bench.run()) == 1


def test_what_a_failed_event_scheduled_is_undone(bench: Bench) -> None:
    assert bench.process({"id": "e1", "type": "refused", "order": "a"})["status"] == "dead"
    assert events(bench) == []
    bench.now += timedelta(days=1)
    assert bench.run() == []


def test_a_failed_event_leaves_what_was_scheduled_before_as_it_was(bench: Bench) -> None:
    bench.process({"id": "e1", "type": "placed", "order": "a"})
    bench.process({"id": "e2", "type": "refused", "order": "a"})
    assert [status for status, *_ in events(bench)] == ["waiting"]


def test_in_one_slice_the_order_of_events_counts(bench: Bench) -> None:
    for number, type in enumerate(["placed", "paid", "placed", "refused"]):
        bench.send(bench.delivery({"id": f"e{number}", "type": type, "order": "a"}))
    bench.run()
    assert [status for status, *_ in events(bench)] == ["ignored", "waiting"]


def test_an_event_may_schedule_the_next_of_its_kind(bench: Bench) -> None:
    bench.process({"id": "e1", "type": "tick"})
    for _ in range(3):
        bench.now += timedelta(hours=1)
        assert len(bench.run()) == 1
    assert [status for status, *_ in events(bench, "schedule.tick")] == ["done", "done", "done", "waiting"]


def test_late_ones_come_after_downtime_in_the_order_of_their_times(bench: Bench) -> None:
    bench.process({"id": "e1", "type": "at", "order": "late", "when": "2026-01-17T00:00:00Z"}, key="1")
    bench.process({"id": "e2", "type": "at", "order": "early", "when": "2026-01-16T00:00:00Z"}, key="2")
    bench.now += timedelta(days=365)
    assert [ended.event.key for ended in bench.run()] == ["2", "1"]


def test_a_time_that_has_gone_by_is_due_at_once(bench: Bench) -> None:
    bench.process({"id": "e1", "type": "at", "order": "a", "when": "2020-01-01T00:00:00Z"})
    bench.run()
    assert notes(bench) == [("a", "reminded at 2020-01-01T00:00:00Z")]


@pytest.mark.parametrize(
    ("when", "message"),
    [
        (None, "schedule: `at` is null, expected a time such as `2026-01-31T12:00:00Z`"),
        ("9999-01-01T00:00:00Z", "schedule: `at` is 9999-01-01T00:00:00Z, expected a time from 1970 to 9000"),
    ],
)
def test_a_time_that_is_none_fails_the_event(bench: Bench, when: object, message: str) -> None:
    event = bench.process({"id": "e1", "type": "at", "order": "a", "when": when})
    assert (event["status"], event["error"]) == ("dead", message)


def test_a_scheduled_event_that_fails_is_tried_again_from_its_own_time(tmp_path: Path) -> None:
    rules = """
version: 1
rules:
  - name: first
    on: first
    do: [{schedule: later, after: 20d}]
  - name: later
    on: schedule.later
    do: [{fail: down, retry: true}]
"""
    bench = Bench(tmp_path, rules)
    bench.process({"id": "e1", "type": "first"})
    bench.now += timedelta(days=20)
    [ended] = bench.run()
    assert ended.finish.status == "waiting"
