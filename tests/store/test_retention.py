"""Old events go, with all that belongs to them; what is not finished, or still needed, stays."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from engines import Bench, microseconds

from gateway.engine.retention import Keep, Retention
from gateway.store.codecs import dump_json
from gateway.store.depths import about_of, add_notice, last_notice
from gateway.store.outbox import Outgoing
from gateway.store.retention import delete_old, delete_old_notices

RULES = """
version: 1
rules:
  - {name: fine, on: fine, do: [{log: well}]}
  - {name: told, on: told, do: [{notify: admins, body: well}]}
  - {name: broken, on: broken, do: [{fail: badly}]}
  - {name: later, on: later, do: [{fail: not yet, retry: true}]}
  - {name: first, on: first, do: [{schedule: second, after: 300d}]}
"""
DAY = 86400.0


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path, RULES)


def send(bench: Bench, *types: str) -> None:
    for number, type in enumerate(types):
        bench.send(bench.delivery({"id": f"{type}-{number}-{bench.now}", "type": type}))
    bench.run()


def left(bench: Bench, table: str = "gateway_events", column: str = "type") -> list[Any]:
    return [row[0] for row in bench.database.execute(f"SELECT {column} FROM {table} ORDER BY 1", ()).fetchall()]


def sweep(bench: Bench, *, done: float = 30, ignored: float = 30, dead: float = 180, limit: int = 100) -> int:
    keep = Keep(done=done * DAY, ignored=ignored * DAY, dead=dead * DAY)
    deleted, after = 0, 0
    while True:
        found = delete_old(bench.database, keep.before(microseconds(bench.now)), after=after, limit=limit)
        deleted += found.deleted
        if found.last is None:
            return deleted
        after = found.last


def test_each_status_is_kept_for_its_own_time(bench: Bench) -> None:
    send(bench, "fine", "broken", "nobody")
    bench.now += timedelta(days=29)
    assert sweep(bench) == 0
    bench.now += timedelta(days=2)
    assert sweep(bench) == 2
    assert left(bench) == ["broken"]
    bench.now += timedelta(days=150)
    assert sweep(bench) == 1
    for table, column in (("gateway_events", "seq"), ("gateway_bodies", "event"), ("gateway_traces", "event")):
        assert left(bench, table, column) == []


def test_what_is_not_finished_stays_however_old_it_is(bench: Bench) -> None:
    send(bench, "later", "first")
    bench.now += timedelta(days=200)
    assert sweep(bench) == 1
    assert left(bench) == ["later", "schedule.second"]


def test_an_event_whose_message_has_not_left_stays(bench: Bench) -> None:
    send(bench, "told")
    bench.now += timedelta(days=31)
    assert sweep(bench) == 0
    bench.database.execute("UPDATE gateway_outbox SET status = 'done'", ())
    assert sweep(bench) == 1
    assert left(bench, "gateway_outbox", "seq") == []


def test_small_batches_come_to_the_same(bench: Bench) -> None:
    send(bench, *["fine", "broken", "later", "nobody"] * 5)
    bench.now += timedelta(days=31)
    assert sweep(bench, limit=3) == 10
    assert left(bench) == ["broken"] * 5 + ["later"] * 5


def test_a_number_is_never_given_twice(bench: Bench) -> None:
    send(bench, "fine", "fine")
    bench.now += timedelta(days=31)
    assert sweep(bench) == 2
    send(bench, "fine")
    assert left(bench, column="seq") == [3]


def notify(bench: Bench, position: str, status: str = "done") -> None:
    """Have something told, and leave it as a courier does."""
    now = microseconds(bench.now)
    add_notice(bench.database, Outgoing("message", "notify", "admins", position, position, dump_json({})), now)
    finished = None if status == "ready" else now
    bench.database.execute(
        "UPDATE gateway_outbox SET status = ?, finished_at = ? WHERE position = ?", (status, finished, position)
    )


def sweep_notices(bench: Bench, limit: int) -> int:
    keep = Keep(done=30 * DAY, ignored=30 * DAY, dead=180 * DAY)
    deleted, after = 0, ""
    while True:
        found = delete_old_notices(bench.database, keep.before(microseconds(bench.now)), after=after, limit=limit)
        deleted += found.deleted
        if found.last is None:
            return deleted
        after = found.last


@pytest.mark.parametrize("limit", [1, 100])
def test_notices_go_too_but_the_last_about_each_thing(bench: Bench, limit: int) -> None:
    notify(bench, "alert late of shop: begins 1")
    notify(bench, "alert late of shop: repeats 2")
    notify(bench, "alert late of shop: two: begins 1")
    notify(bench, "check paid of shop: 0ab1 1", status="dead")
    notify(bench, "check paid of shop: none 2", status="ready")
    bench.now += timedelta(days=31)
    notify(bench, "alert late of shop: ends 3")
    assert sweep_notices(bench, limit) == 2
    assert last_notice(bench.database, "alert late of shop: two: ") == ("begins 1", 1768478400000000)
    bench.now += timedelta(days=181)
    assert sweep_notices(bench, limit) == 1
    assert left(bench, "gateway_outbox", "position") == [
        "alert late of shop: ends 3", "alert late of shop: two: begins 1", "check paid of shop: none 2",
    ]  # fmt: skip


def test_what_a_notice_is_about_is_its_position_without_what_it_tells_and_when() -> None:
    assert about_of("alert all late of my shop: begins 12") == "alert all late of my shop: "


def test_the_engine_sweeps_when_it_has_nothing_to_do(bench: Bench) -> None:
    send(bench, "fine", "broken")
    notify(bench, "alert late of shop: begins 1")
    notify(bench, "alert late of shop: ends 2")
    bench.now += timedelta(days=31)
    keep = Keep(done=30 * DAY, ignored=30 * DAY, dead=180 * DAY)
    retention = Retention(bench.database, keep, clock=lambda: microseconds(bench.now))
    assert retention.turn() == 3600.0
    assert left(bench) == ["broken"]
    assert left(bench, "gateway_outbox", "position") == ["alert late of shop: ends 2"]
    bench.now += timedelta(days=365)
    assert retention.turn() > 3599, "the next sweep is an hour away"
    assert left(bench) == ["broken"]
