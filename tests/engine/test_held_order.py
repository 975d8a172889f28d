"""The order of a key around an event that waits for an answer: nobody goes ahead, and nobody waits in a circle."""

from __future__ import annotations

from pathlib import Path

from engines import Bench, microseconds

from gateway.store.codecs import dump_json
from gateway.store.events import retry_event
from gateway.store.leases import Settled, lease, settle

RULES = """
version: 1
tables:
  counters:
    columns:
      id: {type: text, primary_key: true}
      count: {type: integer, default: 0}
  bookings:
    columns:
      id: {type: text, primary_key: true}
      place: {type: integer}
procedures:
  book:
    - {upsert: counters, key: {id: only}, as: counter}
    - {insert: bookings, values: {id: $event.id, place: $counter.count}}
    - {update: counters, where: {id: only}, increment: {count: 1}}
rules:
  - name: question
    on: question
    do:
      - {send: app, path: /asked, wait: true, as: answer}
      - {run: book}
  - name: payment
    on: payment
    do: [{run: book}]
"""


def send(bench: Bench, kind: str, id: str) -> int:
    [receipt] = bench.send(bench.delivery({"id": id, "type": kind}, key="a"))
    return receipt.id


def answer(bench: Bench, seq: int, *, refused: bool = False) -> None:
    """Record the answer of an event's call, and run nothing yet."""
    now = microseconds(bench.now)
    [row] = [
        row
        for row in lease(bench.database, {("send", "app"): 9}, now=now, until=now + 1, owner="test")
        if row.event == seq
    ]
    status, text, code = ("dead", None, "refused") if refused else ("done", dump_json({"status": 200}), None)
    assert settle(bench.database, [Settled(row.seq, seq, "call", status, 1, None, now, text, code, None)], "test")


def order(bench: Bench) -> list[str]:
    """Return the events in the order in which they were applied."""
    return [row[0] for row in bench.database.execute("SELECT id FROM bookings ORDER BY place", ()).fetchall()]


def test_who_comes_when_the_answer_has_come_does_not_go_ahead_of_those_that_wait(tmp_path: Path) -> None:
    bench = Bench(tmp_path, RULES)
    first = send(bench, "question", "evt_1")
    bench.run()
    send(bench, "payment", "evt_2")
    bench.run()
    answer(bench, first)
    send(bench, "payment", "evt_3")
    bench.run()
    assert order(bench) == ["evt_1", "evt_2", "evt_3"]


def test_an_event_retried_by_hand_and_the_one_it_waits_behind_do_not_wait_for_each_other(tmp_path: Path) -> None:
    bench = Bench(tmp_path, RULES)
    first = send(bench, "question", "evt_1")
    bench.run()
    answer(bench, first, refused=True)
    bench.run()
    assert bench.event(first)["status"] == "dead"
    second = send(bench, "question", "evt_2")
    bench.run()
    retry_event(bench.database, str(first), actor="test", now=microseconds(bench.now))
    bench.run()
    assert bench.event(first)["error"] == f"waits behind event {second} of the same key"
    answer(bench, second)
    bench.run()
    answer(bench, first)
    bench.run()
    assert order(bench) == ["evt_2", "evt_1"]
