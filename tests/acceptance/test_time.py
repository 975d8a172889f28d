"""Events with a time: they survive every death of the gateway, fire once, and late if need be."""

from __future__ import annotations

import itertools
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import shop
from running import Gateway, eventually
from shop import open_shop

RULES = """
version: 1
tables:
  fired:
    columns:
      id: {type: text, primary_key: true}
      thing: {type: text}
      due: {type: timestamp}
      at: {type: timestamp}
extract:
  thing: thing
  wait: wait
rules:
  - name: order
    on: order
    do:
      - schedule: remind
        after: $wait
        key: remind-$thing
        data: {thing: $thing}
  - name: appointment
    on: appointment
    do:
      - schedule: remind
        at: $event.payload.at
        key: remind-$thing
        data: {thing: $thing}
  - name: paid
    on: paid
    do:
      - cancel: remind-$thing
  - name: remind
    on: schedule.remind
    do:
      - insert: fired
        values: {id: $event.id, thing: $thing, due: $event.occurred_at, at: $now}
    result: reminded
"""

_numbers = itertools.count(1)


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    running = open_shop(tmp_path_factory.mktemp("time"), RULES)
    yield running
    assert running.stop() == 0


def send(gateway: Gateway, kind: str, thing: str, **more: Any) -> dict[str, Any]:
    identity = f"event-{next(_numbers)}"
    shop.send(gateway, identity, kind, thing, thing=thing, **more)
    outcome = gateway.outcome(identity)
    assert outcome["status"] == "done", outcome
    return outcome


def fired(gateway: Gateway, thing: str) -> list[tuple[str, str]]:
    rows = gateway.sql("SELECT due, at FROM fired WHERE thing = ?", thing)
    return [(str(due), str(at)) for due, at in rows]


def reminders(gateway: Gateway, thing: str) -> list[dict[str, Any]]:
    events = gateway.api("GET", f"/api/events?type=schedule.remind&key={thing}").json["events"]
    return list(events)


def test_one_fires_once_after_the_gateway_has_died(gateway: Gateway) -> None:
    before = datetime.now(UTC)
    send(gateway, "order", "book", wait="3s")
    [waiting] = reminders(gateway, "book")
    assert waiting["status"] == "waiting"
    due = datetime.fromisoformat(waiting["next_attempt_at"])
    assert timedelta(seconds=3) <= due - before < timedelta(seconds=30)
    gateway.crash()
    eventually(lambda: bool(fired(gateway, "book")), 30)
    [(_, at)] = fired(gateway, "book")
    [one] = reminders(gateway, "book")
    assert (one["status"], one["result"], one["attempts"]) == ("done", "reminded", 1)
    assert datetime.fromisoformat(one["occurred_at"]) == due
    assert datetime.fromisoformat(at).replace(tzinfo=UTC) >= due


def test_late_ones_fire_after_downtime(gateway: Gateway) -> None:
    for number in range(5):
        send(gateway, "order", f"late-{number}", wait="2s")
    gateway.kill()
    time.sleep(2.5)  # the downtime: they are due while nothing runs
    gateway.start()
    eventually(lambda: all(len(fired(gateway, f"late-{number}")) == 1 for number in range(5)), 30)
    assert {one["status"] for number in range(5) for one in reminders(gateway, f"late-{number}")} == {"done"}
    assert len(fired(gateway, "book")) == 1, "what has fired does not fire again"


def test_a_canceled_one_does_not_fire_and_stays_on_record(gateway: Gateway) -> None:
    send(gateway, "order", "pen", wait="20s")
    gateway.crash()
    canceling = send(gateway, "paid", "pen")
    [one] = reminders(gateway, "pen")
    assert one["status"] == "ignored"
    assert str(canceling["id"]) in one["error"]
    send(gateway, "order", "after the pen", wait="2s")
    eventually(lambda: bool(fired(gateway, "after the pen")), 30)
    assert fired(gateway, "pen") == []


def test_a_second_one_of_a_key_takes_the_place_of_the_first(gateway: Gateway) -> None:
    send(gateway, "order", "cup", wait="1h")
    send(gateway, "order", "cup", wait="500ms")
    eventually(lambda: bool(fired(gateway, "cup")), 30)
    assert sorted(one["status"] for one in reminders(gateway, "cup")) == ["done", "ignored"]


def test_one_whose_time_is_past_fires_at_once(gateway: Gateway) -> None:
    send(gateway, "appointment", "dentist", at="2020-01-01T08:00:00Z")
    eventually(lambda: bool(fired(gateway, "dentist")), 30)
    [one] = reminders(gateway, "dentist")
    assert datetime.fromisoformat(one["occurred_at"]) == datetime(2020, 1, 1, 8, tzinfo=UTC)


def test_nobody_else_can_send_one(gateway: Gateway) -> None:
    shop.send(gateway, "forged", "schedule.remind", "forged", thing="forged")
    outcome = gateway.outcome("forged")
    assert outcome["status"] == "dead"
    assert "reserved" in outcome["error"]
    assert fired(gateway, "forged") == []
