"""Order within a key: who waits behind whom, and until when."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from engines import Bench, microseconds

from gateway.store.leases import Settled, lease, settle
from gateway.store.stripes import STRIPES

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


def test_where_order_is_strict_it_does_also_those_that_come_later(tmp_path: Path) -> None:
    bench = Bench(tmp_path, RULES, strict=True)
    send(bench, ("a", "slow", "k"))
    bench.run()
    send(bench, ("b", "fast", "k"), ("c", "fast", "other"))
    bench.run()
    assert order(bench) == "c"
    bench.now += timedelta(minutes=1)
    bench.run()
    assert order(bench) == "c,a,b"


ASKING = """
version: 1
rules:
  - name: any
    on: question
    do: [{send: app, path: /asked, wait: true, as: answer}]
"""


def counted(bench: Bench) -> list[str]:
    """Return the list in which every statement is noted from now on."""
    asked: list[str] = []
    run = bench.database.execute

    def count(statement: str, values: Sequence[object]) -> Any:
        asked.append(statement)
        return run(statement, values)

    bench.database.execute = count
    return asked


def test_a_slice_asks_once_however_many_of_its_events_wait_behind_one(tmp_path: Path) -> None:
    bench = Bench(tmp_path, ASKING)
    asked = counted(bench)

    def statements_for(events: int) -> int:
        first = sum(1 for _ in bench.database.execute("SELECT 1 FROM gateway_events", ()).fetchall())
        send(bench, *((f"evt-{first + n}", "question", "k") for n in range(events)))
        asked.clear()
        bench.run(64)
        return len(asked)

    send(bench, ("first", "question", "k"))
    bench.run()
    few = statements_for(2)
    assert statements_for(60) == few
    held = bench.database.execute("SELECT count(*) FROM gateway_events WHERE behind = 1", ()).fetchone()[0]
    assert held == 62


@pytest.mark.postgresql
def test_a_slice_asks_once_however_many_keys_it_has_while_one_is_held_up(tmp_path: Path) -> None:
    bench = Bench(tmp_path, ASKING + "  - {name: other, on: payment, do: [{log: paid}]}\n")
    send(bench, ("first", "question", "k"), ("second", "question", "k"))
    bench.run()
    asked = counted(bench)

    def statements_for(first: int, events: int) -> int:
        send(bench, *((f"evt-{first + n}", "payment", f"key-{n}") for n in range(events)))
        asked.clear()
        # So large that no stripe gives less than it has.
        assert len(bench.run(64 * STRIPES)) == events
        return len(asked)

    assert statements_for(0, 2) == statements_for(2, 50)


def test_events_of_one_key_that_each_ask_are_answered_in_order(tmp_path: Path) -> None:
    bench = Bench(tmp_path, ASKING)
    send(bench, *((f"evt-{n:02}", "question", "k") for n in range(20)))
    bench.run(8)
    for _ in range(20):
        bench.answer({"status": 200})
    finished = bench.database.execute(
        "SELECT event FROM gateway_outbox WHERE kind = 'call' AND status = 'done' ORDER BY seq", ()
    ).fetchall()
    assert [row[0] for row in finished] == list(range(1, 21))
    assert [bench.event(seq)["status"] for seq in range(1, 21)] == ["done"] * 20


def test_what_was_held_up_and_asks_nothing_is_let_go_in_ever_larger_slices(tmp_path: Path) -> None:
    bench = Bench(tmp_path, ASKING + "  - {name: other, on: payment, do: [{log: paid}]}\n")
    send(bench, ("evt-0", "question", "k"), *((f"evt-{n}", "payment", "k") for n in range(1, 63)))
    bench.run()
    [call] = [one for one in bench.outbox() if one.kind == "call"]
    answered = microseconds(bench.now)
    [row] = lease(bench.database, {("send", "app"): 1}, now=answered, until=answered + 1, owner="test")
    assert row.message_id == call.message_id
    assert settle(
        bench.database, [Settled(row.seq, row.event, "call", "done", 1, None, answered, "{}", None, None)], "test"
    )
    sizes = []
    while done := bench.engine.run_slice(256).ended:
        sizes.append(len(done))
    assert sizes == [1, 2, 4, 8, 16, 32]
