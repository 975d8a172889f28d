"""The engine's slices: all or nothing for each event, retries, dead letters, parking."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from engines import NOON, Bench, microseconds

from gateway.errors import StorageUnavailable

RULES = """
version: 1
tables:
  orders:
    columns:
      id: {type: text, primary_key: true}
      status: {type: text, values: [open, paid]}
      total: {type: decimal}
      at: {type: timestamp}
extract:
  order: order
  total: {path: total, as: decimal}
rules:
  - name: opened
    on: opened
    do:
      - {insert: orders, values: {id: $order, status: open, total: $total}}
    result: opened
  - name: paid
    on: paid
    do:
      - {find: orders, where: {id: $order}, as: found, missing: park}
      - {update: orders, where: {id: $order}, set: {status: paid}, as_of: at}
    result: paid
  - name: fails after writing
    on: fails
    do:
      - {insert: orders, values: {id: $order, status: open}}
      - {fail: "no, ${order}"}
  - name: tries again
    on: again
    do:
      - {insert: orders, values: {id: $order, status: open}}
      - {fail: not yet, retry: true, when: event.attempt < `3`}
    result: at last
  - name: must hold
    on: must
    do:
      - {insert: orders, values: {id: $order, status: open}}
      - {require: total > `10`}
"""


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path, RULES)


def test_an_event_and_its_rows_are_done_together(bench: Bench) -> None:
    event = bench.process({"type": "opened", "order": "o1", "total": "9.90"})
    assert (event["status"], event["result"], event["rule"], event["attempts"]) == ("done", "opened", "opened", 1)
    assert bench.rows("orders") == [("o1", "open", "9.90", None)]


def test_a_failed_event_leaves_no_rows_and_its_neighbours_are_done(bench: Bench) -> None:
    receipts = bench.send(
        bench.delivery({"id": "1", "type": "opened", "order": "a"}),
        bench.delivery({"id": "2", "type": "fails", "order": "b"}),
        bench.delivery({"id": "3", "type": "opened", "order": "c"}),
    )
    bench.run()
    assert [bench.event(r.id)["status"] for r in receipts] == ["done", "dead", "done"]
    assert bench.event(receipts[1].id)["error"] == "no, b"
    assert [row[0] for row in bench.rows("orders")] == ["a", "c"]
    assert bench.trace(receipts[1].id)["error"] == {"at": "rules[2].do[1]", "message": "no, b"}


def test_a_requirement_that_does_not_hold_undoes_everything(bench: Bench) -> None:
    event = bench.process({"type": "must", "order": "a", "total": 10})
    assert event["status"] == "dead"
    assert event["error"] == "`total > `10`` must hold, it is false"
    assert bench.rows("orders") == []


def test_a_failure_that_may_pass_is_tried_again_with_growing_waits(bench: Bench) -> None:
    [receipt] = bench.send(bench.delivery({"type": "again", "order": "a"}))
    bench.run()
    event = bench.event(receipt.id)
    assert (event["status"], event["attempts"]) == ("waiting", 1)
    assert event["next_attempt_at"] == microseconds(NOON + timedelta(seconds=5))
    bench.run()
    assert bench.event(receipt.id)["attempts"] == 1
    bench.now += timedelta(seconds=5)
    bench.run()
    assert bench.event(receipt.id)["next_attempt_at"] == microseconds(NOON + timedelta(seconds=5 + 15))
    bench.now += timedelta(seconds=15)
    bench.run()
    event = bench.event(receipt.id)
    assert (event["status"], event["result"], event["attempts"]) == ("done", "at last", 3)
    assert [row[0] for row in bench.rows("orders")] == ["a"]


def test_an_event_that_keeps_failing_becomes_a_dead_letter(bench: Bench) -> None:
    bench.load(RULES.replace("event.attempt < `3`", "event.attempt < `3000`"))
    [receipt] = bench.send(bench.delivery({"type": "again", "order": "a"}))
    for _ in range(100):
        bench.run()
        event = bench.event(receipt.id)
        if event["status"] != "waiting":
            break
        bench.now += timedelta(hours=1)
    assert event["status"] == "dead"
    assert event["error"] == "not yet"
    assert microseconds(bench.now) - microseconds(NOON) >= 86_400_000_000 - 3_600_000_000


def test_a_parked_event_runs_when_a_later_event_of_its_key_commits(bench: Bench) -> None:
    [early] = bench.send(bench.delivery({"id": "1", "type": "paid", "order": "a"}, key="a"))
    bench.run()
    assert bench.event(early.id)["status"] == "parked"
    bench.send(bench.delivery({"id": "2", "type": "opened", "order": "b"}, key="b"))
    bench.run()
    assert bench.event(early.id)["status"] == "parked"
    bench.send(bench.delivery({"id": "3", "type": "opened", "order": "a"}, key="a"))
    bench.run()
    bench.run()
    assert bench.event(early.id)["status"] == "done"
    assert ("a", "paid") in [row[:2] for row in bench.rows("orders")]


def test_an_older_event_does_not_undo_a_newer_state(bench: Bench) -> None:
    bench.process({"id": "1", "type": "opened", "order": "a"})
    newer = bench.process({"id": "2", "type": "paid", "order": "a"}, at=NOON)
    assert newer["status"] == "done"
    bench.database.execute("UPDATE orders SET status = 'open'", ())
    [receipt] = bench.send(bench.delivery({"id": "3", "type": "paid", "order": "a"}, at=NOON - timedelta(seconds=1)))
    bench.run()
    assert bench.rows("orders")[0][1] == "open"
    [step] = [step for step in bench.trace(receipt.id)["steps"] if step[1] == "update"]
    assert step[2] == [{"row": "a", "kept": "newer state from 2, 2026-01-15T12:00:00Z"}]
    again = bench.process({"id": "4", "type": "paid", "order": "a"}, at=NOON)
    assert (again["status"], bench.rows("orders")[0][1]) == ("done", "paid"), "an equal time is not older"


def test_what_no_rule_handles_is_ignored_and_says_why(bench: Bench) -> None:
    [receipt] = bench.send(bench.delivery({"type": "unheard of"}))
    bench.run()
    event = bench.event(receipt.id)
    assert (event["status"], event["error"]) == ("ignored", "no rule of `shop` names the event type `unheard of`")
    assert bench.trace(receipt.id)["no"] == ["opened", "paid", "fails after writing", "tries again", "must hold"]


def test_what_no_rule_handles_can_be_kept(tmp_path: Path) -> None:
    event = Bench(tmp_path, RULES, unmatched="keep").process({"type": "unheard of"})
    assert event["status"] == "dead"


@pytest.mark.parametrize(
    ("body", "error"),
    [
        (b'{"a": 1, "a": 2}', "an object of the body has the key `a` twice"),
        (b'{"a": ["\\ud800"]}', "the body holds half of a surrogate pair, which is no character"),
        (b'{"\\udc00": 1}', "the body holds half of a surrogate pair, which is no character"),
        (b'{"a": NaN}', "the body holds `NaN`, which is not a JSON number"),
        (b'{"a": "\xff"}', "the body is not UTF-8: byte 7 is 0xff"),
        (b"[" * 101 + b"]" * 101, "the body is nested deeper than 100 levels"),
        (b"{'a': 1}", "the body is not JSON: expecting property name enclosed in double quotes at line 1 column 2"),
    ],
)
def test_a_body_that_can_be_read_in_two_ways_is_a_dead_letter(bench: Bench, body: bytes, error: str) -> None:
    event = bench.process(body)
    assert (event["status"], event["error"]) == ("dead", error)


@pytest.mark.parametrize("number", ["1e999999999", "-1E-999999999", "0e-999999", str(2**200), "1" * 5000])
def test_a_monstrous_number_neither_hangs_nor_fills_the_memory(bench: Bench, number: str) -> None:
    body = b'{"order": "a", "total": %b}' % number.encode()
    [receipt] = bench.send(bench.delivery(body)._replace(type="opened"))
    bench.run()
    assert bench.event(receipt.id)["status"] in {"dead", "done"}
    assert len(str(bench.rows("orders"))) < 200


def test_an_event_of_a_source_that_is_gone_is_kept(bench: Bench) -> None:
    delivery = bench.delivery({"type": "opened"})._replace(source="gone")
    [receipt] = bench.send(delivery)
    bench.run()
    assert bench.event(receipt.id)["error"] == "no source `gone` is configured any more"


def test_a_value_that_does_not_fit_its_column_is_a_clear_error(bench: Bench) -> None:
    event = bench.process({"type": "opened", "order": 5, "total": "1.00"})
    assert (event["status"], bench.rows("orders")) == ("dead", [])
    assert "orders.id" in event["error"]


def test_a_table_that_was_dropped_fails_its_events_and_not_the_engine(bench: Bench) -> None:
    bench.database.execute("DROP TABLE orders", ())
    receipts = bench.send(
        bench.delivery({"id": "1", "type": "opened", "order": "a"}), bench.delivery({"id": "2", "type": "other"})
    )
    bench.run()
    assert [bench.event(r.id)["status"] for r in receipts] == ["waiting", "ignored"]


def test_a_locked_file_changes_nothing_and_is_tried_again(tmp_path: Path) -> None:
    bench = Bench(tmp_path, RULES, url="sqlite:///test.db")
    [receipt] = bench.send(bench.delivery({"type": "opened", "order": "a"}))
    bench.database.lock_seconds = 0.02
    other = Bench(tmp_path, RULES, url="sqlite:///test.db").database
    other.begin()
    with pytest.raises(StorageUnavailable):
        bench.engine.run_slice(10)
    assert bench.event(receipt.id)["status"] == "ready"
    other.rollback()
    bench.run()
    assert bench.event(receipt.id)["status"] == "done"
