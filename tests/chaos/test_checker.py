"""The checker itself: each fault, planted in a database and in logs that are in order, is found and named."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
from chaos.checker import Arrived, Sent, judge
from chaos.evidence import gather
from engines import Bench

RULES = """
version: 1
tables:
  accounts:
    columns:
      id: {type: text, primary_key: true}
      count: {type: integer, default: 0}
  bookings:
    columns:
      id: {type: text, primary_key: true}
      account: {type: text}
      position: {type: integer}
      event: {type: text}
rules:
  - name: payment
    on: "*"
    do:
      - {upsert: accounts, key: {id: $event.payload.account}, as: owner}
      - insert: bookings
        values: {id: $event.id, account: $owner.id, position: $owner.count, event: $event.id}
      - {update: accounts, where: {id: $owner.id}, increment: {count: 1}}
      - {send: app, path: /booked, json: {event: $event.id}}
"""
ACCOUNTS, EVENTS = ("a", "b"), 4


class World:
    """What a run has left: a database, what was sent, what has arrived."""

    def __init__(self, folder: Path) -> None:
        self.file = folder / "test.db"
        bench = Bench(folder, RULES)
        self.sent: list[Sent] = []
        self.arrived: list[Arrived] = []
        for number in range(1, EVENTS + 1):
            for account in ACCOUNTS:
                event = f"{account}-{number}"
                self.sent.append(Sent(event=event, account=account, number=number, asks=False, acknowledged=True))
                bench.process({"id": event, "account": account}, key=account)
        bench.database.close()
        self.run("UPDATE gateway_outbox SET status = 'done', next_attempt_at = NULL")
        with closing(sqlite3.connect(self.file)) as database:
            rows = database.execute(
                "SELECT o.message_id, e.event_id FROM gateway_outbox AS o JOIN gateway_events AS e ON e.seq = o.event"
            ).fetchall()
        self.arrived += [Arrived(id=id, event=event, path="/booked", answered=True) for id, event in rows]

    def run(self, *statements: str) -> None:
        """Change the database, as a gateway that is wrong would."""
        with closing(sqlite3.connect(self.file)) as database:
            for statement in statements:
                assert database.execute(statement).rowcount > 0, statement
            database.commit()

    @property
    def kinds(self) -> set[str]:
        return judge(gather(f"sqlite:///{self.file}", self.sent, self.arrived)).kinds


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory) -> World:
    return World(tmp_path_factory.mktemp("good"))


@pytest.fixture
def world(good: World, tmp_path: Path) -> World:
    copy = object.__new__(World)
    copy.file = tmp_path / "test.db"
    shutil.copy(good.file, copy.file)
    copy.sent, copy.arrived = list(good.sent), list(good.arrived)
    return copy


def test_nothing_is_found_where_all_is_well(world: World) -> None:
    found = judge(gather(f"sqlite:///{world.file}", world.sent, world.arrived))
    assert found.faults == ()
    assert (found.acknowledged, found.stored, found.applied, found.messages) == (8, 8, 8, 8)
    assert (found.repeated, found.retried) == (0, 0)


FORGET = (
    "DELETE FROM gateway_events WHERE event_id = 'a-4'",
    "DELETE FROM bookings WHERE event = 'a-4'",
    "UPDATE accounts SET count = 3 WHERE id = 'a'",
    "DELETE FROM gateway_outbox WHERE event = 7",
)
AGAIN = "INSERT INTO bookings (id, account, position, event) VALUES ('again', 'a', 4, 'a-2')"
SWAP = (
    "UPDATE bookings SET position = 9 WHERE event = 'a-2'",
    "UPDATE bookings SET position = 1 WHERE event = 'a-3'",
    "UPDATE bookings SET position = 2 WHERE event = 'a-2'",
)


@pytest.mark.parametrize(
    ("statements", "kinds"),
    [
        (FORGET, {"lost", "message that nobody wrote"}),
        ([AGAIN, "UPDATE accounts SET count = 5 WHERE id = 'a'"], {"applied twice", "applied out of order"}),
        (["UPDATE accounts SET count = 5 WHERE id = 'a'"], {"counted wrongly"}),
        (["UPDATE bookings SET position = 9 WHERE event = 'b-4'"], {"counted wrongly"}),
        (SWAP, {"applied out of order"}),
        (["UPDATE gateway_events SET status = 'ready' WHERE event_id = 'a-1'"], {"stuck", "applied and not done"}),
        (["UPDATE gateway_events SET status = 'dead' WHERE event_id = 'a-1'"], {"given up", "applied and not done"}),
        (["UPDATE gateway_outbox SET status = 'ready', leased_by = 'dead/1/2' WHERE seq = 3"], {"stuck"}),
        (["UPDATE gateway_outbox SET leased_by = 'dead/1/2' WHERE seq = 3"], {"stuck"}),
        (["UPDATE gateway_outbox SET status = 'dead' WHERE seq = 3"], {"given up"}),
        (["DELETE FROM gateway_outbox WHERE seq = 3"], {"message not written once", "message that nobody wrote"}),
        (
            ["UPDATE gateway_outbox SET event = 99 WHERE seq = 3"],
            {"message not written once", "message of an event that is not there"},
        ),
        (
            ["UPDATE gateway_outbox SET kind = 'call' WHERE seq = 3"],
            {"message not written once", "call not written once"},
        ),
        (
            ["DELETE FROM bookings WHERE event = 'b-4'", "UPDATE accounts SET count = 3 WHERE id = 'b'"],
            {"done and not applied"},
        ),
        (
            ["UPDATE bookings SET event = 'c-1' WHERE event = 'b-4'"],
            {"done and not applied", "applied and not stored", "message not written once"},
        ),
    ],
    ids=lambda value: "+".join(sorted(value)).replace(" ", "_") if isinstance(value, set) else "",
)
def test_a_fault_of_the_database_is_found(world: World, statements: Sequence[str], kinds: set[str]) -> None:
    world.run(*statements)
    assert world.kinds == kinds


def test_an_event_that_is_stored_twice_is_found(world: World) -> None:
    world.run(
        "INSERT INTO gateway_events (source, event_second, event_id, type, key, status, attempts, received_at)"
        " VALUES ('shop', 5, 'a-1', 'order', 'a', 'ignored', 1, 0)"
    )
    assert "stored twice" in world.kinds


def test_an_event_that_nobody_sent_is_found(world: World) -> None:
    world.sent = [one for one in world.sent if one.event != "a-1"]
    assert world.kinds == {"nobody sent it"}


def test_events_that_are_stored_in_another_order_than_sent_are_found(world: World) -> None:
    numbers = {"a-2": 3, "a-3": 2}
    world.sent = [replace(one, number=numbers.get(one.event, one.number)) for one in world.sent]
    assert world.kinds == {"stored out of order"}


def test_an_event_that_took_more_than_one_try_may_be_overtaken(world: World) -> None:
    world.run(*SWAP, "UPDATE gateway_events SET attempts = 2 WHERE event_id = 'a-2'")
    assert world.kinds == set()


def test_what_was_not_acknowledged_may_be_there_or_not(world: World) -> None:
    world.run(*FORGET)
    world.sent = [replace(one, acknowledged=one.event != "a-4") for one in world.sent]
    world.arrived = [one for one in world.arrived if one.event != "a-4"]
    assert world.kinds == set()


Change = Callable[[list[Arrived]], list[Arrived]]


@pytest.mark.parametrize(
    ("change", "kinds"),
    [
        (lambda log: log[1:], {"message lost"}),
        (lambda log: [replace(log[0], answered=False), *log[1:]], {"message lost"}),
        (
            lambda log: [*log, replace(log[0], id="msg_other")],
            {"message under two ids", "message that nobody wrote"},
        ),
        (lambda log: [*log, replace(log[0], event="a-2")], {"two messages under one id", "message under two ids"}),
        (lambda log: [*log, log[0], log[0]], set()),
    ],
    ids=["lost", "never answered", "another id", "an id for two", "repeated"],
)
def test_a_fault_of_the_receivers_log_is_found(world: World, change: Change, kinds: set[str]) -> None:
    world.arrived = change(world.arrived)
    assert world.kinds == kinds


def test_a_call_that_was_superseded_does_not_count(world: World) -> None:
    world.run(
        "INSERT INTO gateway_outbox (event, kind, action, target, position, message_id, request, status, created_at)"
        " VALUES (1, 'call', 'send', 'app', 'send app#1~9', 'msg_old', '{}', 'dead', 0)"
    )
    world.arrived.append(Arrived(id="msg_old", event="a-1", path="/asked", answered=True))
    assert world.kinds == set()
