"""Alerts: what is measured, when one begins and ends, what is told and to whom."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from engines import Bench, microseconds

from gateway.config.settings_model import AlertSettings, ParkSettings
from gateway.engine.alerts import BEGINS, ENDS, LASTS, AlertState, build_alerts
from gateway.engine.consistency import LinkedCheck
from gateway.engine.ending import Ended
from gateway.engine.measures import BOUNDS, SLOTS, Count, Measures, Stretch, Tally
from gateway.engine.retry import RetryPolicy
from gateway.engine.watching import Watch
from gateway.store.depths import depths
from gateway.store.tallies import kept_counts
from gateway.telemetry import register_secret

RULES = """
version: 1
tables:
  orders:
    columns:
      id: {type: text, primary_key: true}
  bills:
    columns:
      id: {type: text, primary_key: true}
checks:
  unbilled:
    find: orders
    as: order
    lacks: bills
    by: {id: $order.id}
    every: 1h
    notify: clerks
rules:
  - {name: fine, on: fine, do: [{finish: well}]}
  - {name: broken, on: broken, do: [{fail: "no good: $event.payload.why"}]}
  - {name: later, on: later, do: [{fail: not yet, retry: true}]}
  - name: early
    on: early
    do: [{find: orders, where: {id: $event.id}, missing: park}]
"""

PARK = ParkSettings(alert_after=timedelta(hours=1), give_up_after=timedelta(days=7), notify="admins")


def settings(when: str, **more: Any) -> AlertSettings:
    fields: dict[str, Any] = {
        "name": "failing",
        "source": None,
        "over": timedelta(minutes=15),
        "notify": "admins",
        "repeat_after": timedelta(hours=1),
    }
    return AlertSettings(when=when, **{**fields, **more})


class Watched:
    """An engine that is watched, each look at the moment that the test says."""

    def __init__(self, folder: Path, *alerts: AlertSettings, park: ParkSettings = PARK) -> None:
        self.bench = Bench(folder, RULES)
        self.alerts, self.park = alerts, park
        self.watch = self.start()

    def start(self) -> Watch:
        """Begin to watch anew, as after a restart."""
        watch = Watch(self.bench.database, clock=lambda: microseconds(self.bench.now))
        self.watch = watch
        self.load(*self.alerts)
        return watch

    def load(self, *alerts: AlertSettings, checks: tuple[LinkedCheck, ...] = ()) -> None:
        seconds = self.park.alert_after.total_seconds()
        self.watch.load(["shop"], build_alerts(alerts, self.park), checks, park_seconds=seconds)

    def send(self, kind: str, number: int, **more: Any) -> None:
        event = {"id": f"evt_{number}", "type": kind, **more}
        self.bench.send(self.bench.delivery(event, key=f"k{number}"))
        self.watch.note(self.bench.run())

    def look(self) -> None:
        """Look at once."""
        self.watch._looked_at = float("-inf")
        self.watch.turn()

    def told(self) -> list[tuple[str, dict[str, Any]]]:
        statement = "SELECT event, kind, action, target, status, request FROM gateway_outbox ORDER BY seq"
        rows = self.bench.database.execute(statement, ()).fetchall()
        assert all(row[:3] == (None, "message", "notify") and row[4] == "ready" for row in rows)
        return [(row[3], json.loads(row[5])) for row in rows]


@pytest.fixture
def watched(tmp_path: Path) -> Iterator[Watched]:
    watched = Watched(tmp_path, settings("success_rate < `0.95`"))
    yield watched
    watched.watch.close()


def test_an_alert_begins_once_and_names_what_failed(watched: Watched) -> None:
    watched.send("fine", 1)
    watched.look()
    assert watched.told() == []
    watched.send("broken", 2, why="the register is jammed")
    watched.look()
    watched.look()
    [(channel, told)] = watched.told()
    assert channel == "admins"
    assert told == {
        "title": "shop: failing",
        "body": "success_rate < `0.95` holds: success_rate 0.5\n\n"
        "event 2 (evt_2), broken, rule `broken`: no good: the register is jammed",
        "level": "failure",
    }
    [active] = [alert for alert in watched.watch.last.alerts if alert.name == "failing"]
    assert (active.source, active.since) == ("shop", microseconds(watched.bench.now))


def test_it_is_said_again_while_it_lasts_and_when_it_ends(watched: Watched) -> None:
    watched.send("broken", 1)
    watched.look()
    watched.bench.now += timedelta(minutes=59)
    watched.look()
    watched.bench.now += timedelta(minutes=1)
    watched.look()
    for number in range(2, 40):
        watched.send("fine", number)
    watched.look()
    titles = [told["title"] for _, told in watched.told()]
    assert titles == ["shop: failing", "shop: failing, for 60 min", "shop: failing is over, after 60 min"]
    assert watched.told()[-1][1]["level"] == "success"


def test_after_a_restart_nobody_is_told_twice(watched: Watched) -> None:
    watched.send("broken", 1)
    watched.look()
    watched.start()
    watched.look()
    assert len(watched.told()) == 1
    watched.send("broken", 2)
    watched.look()
    assert len(watched.told()) == 1
    watched.bench.now += timedelta(hours=2)
    watched.look()
    assert watched.told()[-1][1]["title"] == "shop: failing, for 2 h"


def passes(watch: Watch) -> object:
    return watch.last.over["shop"]["passes"]


def test_what_was_counted_before_a_restart_still_counts_while_its_time_lasts(watched: Watched) -> None:
    watched.send("broken", 1)
    watched.send("fine", 2)
    watched.look()
    watched.start()
    watched.look()
    assert passes(watched.watch) == 2
    watched.send("fine", 3)
    watched.look()
    assert passes(watched.watch) == 3
    watched.bench.now += timedelta(hours=1)
    watched.start()
    watched.send("fine", 4)
    watched.look()
    assert passes(watched.watch) == 1
    assert len(kept_counts(watched.bench.database, 0)) == 1, "what is longer ago than anybody asks about is forgotten"


@pytest.mark.postgresql
def test_who_leads_next_goes_on_with_what_the_one_before_has_counted(tmp_path: Path) -> None:
    first = Watched(tmp_path)
    leads = False
    bench = first.bench
    other = Watch(bench.database, clock=lambda: microseconds(bench.now), leads=lambda: leads)
    other.load(["shop"], [], [], park_seconds=1)

    def note(watch: Watch, number: int) -> None:
        bench.send(bench.delivery({"id": f"evt_{number}", "type": "fine"}))
        watch.note(bench.run())

    def look(watch: Watch) -> None:
        watch._looked_at = float("-inf")
        watch.turn()

    note(other, 1)
    note(other, 2)
    look(other)
    note(first.watch, 3)
    look(first.watch)
    assert passes(first.watch) == 3
    note(other, 4)
    look(other)
    note(other, 5)
    leads = True
    look(other)
    assert passes(other) == 5, "each once: what was kept, what was left to be collected, what nobody was told"


def test_what_must_not_be_shown_is_hidden(watched: Watched) -> None:
    register_secret("hush-hush-hush")
    watched.send("broken", 1, why="ann@example.com paid with hush-hush-hush")
    watched.look()
    body = watched.told()[0][1]["body"]
    assert "[e-mail] paid with [redacted]" in body


def test_an_alert_of_another_source_is_not_about_this_one(tmp_path: Path) -> None:
    watched = Watched(tmp_path, settings("dead > `0`", source="other"), settings("dead > `1`", name="two"))
    watched.send("broken", 1)
    watched.look()
    assert watched.told() == []
    watched.send("broken", 2)
    watched.look()
    assert [told["title"] for _, told in watched.told()] == ["shop: two"]


def test_what_waits_is_told_apart(tmp_path: Path) -> None:
    watched = Watched(tmp_path, settings("waiting_for_retry > `1`"), settings("queue_depth > `0`", name="full"))
    for number, kind in enumerate(["later", "later", "early"]):
        watched.send(kind, number)
    watched.bench.send(watched.bench.delivery({"id": "evt_9", "type": "fine"}))
    watched.bench.now += timedelta(seconds=8)
    [depth] = depths(watched.bench.database, parked_before=0)
    assert (depth.ready, depth.waiting_for_retry, depth.waiting_for_answer, depth.parked) == (1, 2, 0, 1)
    watched.look()
    assert [told["title"] for _, told in watched.told()] == ["shop: failing", "shop: full"]
    assert watched.told()[0][1]["body"].splitlines()[0] == "waiting_for_retry > `1` holds: waiting_for_retry 2"


def test_an_event_that_stays_parked_alerts(tmp_path: Path) -> None:
    watched = Watched(tmp_path)
    watched.send("early", 1)
    watched.look()
    assert watched.told() == []
    watched.bench.now += timedelta(hours=1, seconds=1)
    watched.look()
    [(channel, told)] = watched.told()
    assert channel == "admins"
    assert told["title"] == "shop: parked too long"
    assert told["body"].endswith("\n\nevent 1 (evt_1), early, key k1: no row of `orders` fits yet")


def test_without_a_channel_a_parked_event_is_logged(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    watched = Watched(
        tmp_path, park=ParkSettings(alert_after=PARK.alert_after, give_up_after=PARK.give_up_after, notify=None)
    )
    watched.send("early", 1)
    watched.bench.now += timedelta(hours=2)
    watched.look()
    watched.look()
    assert watched.told() == []
    assert capsys.readouterr().out.count("alert begins") == 1


def test_a_condition_that_cannot_be_judged_is_said_once(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    watched = Watched(tmp_path, settings("dead > 'many'"))
    watched.look()
    watched.look()
    assert watched.told() == []
    assert capsys.readouterr().out.count("an alert cannot be looked at") == 1


def test_a_check_tells_of_changes_alone(tmp_path: Path) -> None:
    watched = Watched(tmp_path)
    database, check = watched.bench.database, watched.bench.engine.program.sources["shop"].check("unbilled", "orders")
    assert check is not None

    def look_again(statement: str | None = None) -> list[str]:
        if statement is not None:
            database.execute(statement, ())
        before = len(watched.told())
        watched.watch._rounds._due = dict.fromkeys(watched.watch._rounds._due, 0.0)
        watched.watch.turn()
        while watched.watch._rounds._running is not None:
            watched.watch.turn()
        return [told["title"] for _, told in watched.told()[before:]]

    watched.load(checks=(check,))
    assert look_again() == []
    assert look_again("INSERT INTO orders VALUES ('o1'), ('o2')") == [
        "unbilled: 2 rows of orders lack their row of bills"
    ]
    channel, told = watched.told()[-1]
    assert (channel, told["body"], told["level"]) == ("clerks", "keys: o1, o2", "warning")
    assert look_again() == []
    assert look_again("INSERT INTO bills VALUES ('o1')") == ["unbilled: 1 row of orders lacks its row of bills"]
    watched.start()
    watched.load(checks=(check,))
    assert look_again() == []
    assert look_again("DELETE FROM orders") == ["unbilled: no row of orders lacks its row of bills any more"]
    watched.watch.close()


def test_how_an_alert_goes_on() -> None:
    state, hour = AlertState(), 3_600_000_000
    assert state.turn(False, 0, hour) is None
    assert state.turn(None, 0, hour) is None
    assert state.turn(True, 10, hour) == BEGINS
    assert state.turn(True, hour, hour) is None
    assert state.turn(None, 2 * hour, hour) is None
    assert state.turn(True, hour + 10, hour) == LASTS
    assert state.turn(True, hour + 11, hour) is None
    assert state.turn(False, hour + 12, hour) == ENDS
    assert state.since is None


def test_a_stretch_forgets_what_is_past() -> None:
    stretch = Stretch(60.0)
    for second in range(0, 200, 2):
        tally = Tally()
        tally.passes = 1
        stretch.add(tally, float(second))
    assert stretch.total(199.0).passes == 30
    assert stretch.total(230.0).passes in {14, 15}
    assert stretch.total(300.0).passes == 0
    assert len(stretch._slots) <= SLOTS + 1


def test_durations_are_measured_within_their_size() -> None:
    tally = Tally()
    assert tally.measures()["processing_seconds_p95"] is None
    for size, count in ((10, 90), (20, 10)):
        tally.sizes[size] += count
        tally.timed += count
        tally.seconds += BOUNDS[size] * count
    measured = tally.measures()
    p95 = measured["processing_seconds_p95"]
    assert isinstance(p95, Decimal)
    assert BOUNDS[19] < p95 < BOUNDS[20]
    assert isinstance(measured["processing_seconds"], Decimal)


def counted(ended: Sequence[Ended]) -> Count:
    count = Count()
    count.note(ended)
    return count


def test_measures_of_the_engines_own_passes(tmp_path: Path) -> None:
    bench, measures = Bench(tmp_path, RULES), Measures([60.0])
    for number, kind in enumerate(["fine", "fine", "later", "unheard", "early", "broken"]):
        bench.send(bench.delivery({"id": f"evt_{number}", "type": kind}))
    bench.now += timedelta(seconds=2)
    measures.add(counted(bench.run()), 1.0)
    bench.now += timedelta(seconds=10)
    measures.add(Count.load(counted(bench.run()).dump()), 2.0)
    over = measures.over("shop", 60.0, 3.0)
    assert {name: over[name] for name in ("passes", "events", "failures", "dead", "retries")} == {
        "passes": 8,  # six, and second tries of the one that failed and the one that is parked
        "events": 4,
        "failures": 3,
        "dead": 1,
        "retries": 2,
    }
    assert over["success_rate"] == Decimal("0.5")
    assert over["retries_per_event"] == Decimal("0.5")
    assert over["processing_seconds"] == Decimal(2)
    assert [one.type for one in measures.failing("shop", 0)] == ["later", "broken", "later"]
    assert measures.failing("shop", microseconds(bench.now) + 1) == []


def test_a_parked_event_has_a_patience_of_its_own() -> None:
    policy = RetryPolicy(first=5, factor=3, most=3600, jitter=0, give_up_after=86_400, park_for=7 * 86_400)
    day = 86_400_000_000
    assert policy.next_attempt(attempts=9, since=0, now=2 * day, chance=0.5) is None
    assert policy.next_attempt(attempts=9, since=0, now=2 * day, chance=0.5, parked=True) == 2 * day + 3_600_000_000
    assert policy.next_attempt(attempts=9, since=0, now=7 * day, chance=0.5, parked=True) is None
