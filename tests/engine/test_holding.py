"""Order within a key: who waits behind whom, and until when."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

from engines import Bench

RULES = """
version: 1
tables:
  orders:
    columns:
      id: {type: text, primary_key: true}
      seen: {type: json, default: []}
extract:
  ready: ready
rules:
  - name: waits for its time
    on: slow
    when: event.attempt == `1`
    do: [{fail: not yet, retry: true}]
  - name: any
    on: "*"
    do:
      - find: orders
        where: {id: all}
        as: all
        missing: null
      - upsert: orders
        key: {id: all}
        set: {seen: "${ join(',', [all.seen || '', event.id]) }"}
"""


def order(bench: Bench) -> str:
    row = bench.database.execute("SELECT seen FROM orders", ()).fetchone()
    return "" if row is None else str(row[0]).strip('",')


def send(bench: Bench, *events: tuple[str, str, str]) -> None:
    bench.send(*(bench.delivery({"id": id, "type": type}, key=key) for id, type, key in events))


def test_an_event_that_is_tried_again_does_not_hold_up_its_key(tmp_path: Path) -> None:
    bench = Bench(tmp_path, RULES)
    send(bench, ("a", "slow", "k"), ("b", "fast", "k"))
    bench.run()
    bench.now += timedelta(minutes=1)
    bench.run()
    assert order(bench) == "b,a"


def test_where_order_is_strict_it_does(tmp_path: Path) -> None:
    bench = Bench(tmp_path, RULES, strict=True)
    send(bench, ("a", "slow", "k"), ("b", "fast", "k"), ("c", "fast", "other"))
    bench.run()
    send(bench, ("d", "fast", "k"))
    bench.run()
    assert order(bench) == "c"
    assert bench.event(2)["status"] == "waiting"
    assert bench.event(2)["error"] == "waits behind event 1 of the same key"
    bench.now += timedelta(minutes=1)
    bench.run()
    assert order(bench) == "c,a,b,d"
    assert [bench.event(seq)["status"] for seq in (1, 2, 3, 4)] == ["done"] * 4
    assert [bench.event(seq)["error"] for seq in (1, 2, 3, 4)] == [None] * 4


def test_an_event_without_a_key_waits_for_nobody(tmp_path: Path) -> None:
    bench = Bench(tmp_path, RULES, strict=True)
    bench.send(bench.delivery({"id": "a", "type": "slow"}))
    bench.send(bench.delivery({"id": "b", "type": "fast"}))
    bench.run()
    assert order(bench) == "b"
