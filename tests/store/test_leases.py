"""Rows of the outbox are one sender's at a time, and come back when it is no more."""

from __future__ import annotations

import os
import socket
from pathlib import Path
from typing import Any

import pytest
from engines import open_new
from sending.rig import Leaser, add_event, open_outbox, outgoing, post

from gateway.building import clock
from gateway.store.database import Database
from gateway.store.leases import (
    Leased,
    Settled,
    abandon,
    count_waiting,
    is_dead,
    lease,
    next_due,
    open_targets,
    own_name,
    release,
    release_dead_owners,
    settle,
)
from gateway.store.migrations import migrate
from gateway.store.outbox import add_outgoing, await_call

APP, OTHER = ("send", "app"), ("send", "other")
HOUR = 3_600_000_000


@pytest.fixture
def database(tmp_path: Path) -> Database:
    database = open_new(tmp_path)
    migrate(database, ())
    return database


def add(database: Database, target: str, *numbers: int, at: int = 0, event: int | None = None) -> None:
    with database.transaction():
        add_outgoing(database, [(event, outgoing("send", target, post(n), n)) for n in numbers], at)


def take(database: Database, free: dict[tuple[str, str], int], *, now: int = 10, owner: str = "a/1/1") -> list[Leased]:
    return lease(database, free, now=now, until=now + HOUR, owner=owner)


def settled(item: Leased, status: str = "done", **more: Any) -> Settled:
    values = {"next_attempt_at": None, "finished_at": 20, "answer": None, "code": None, "error": None, **more}
    return Settled(seq=item.seq, event=item.event, kind=item.kind, status=status, attempts=item.attempts + 1, **values)


def row(database: Database, seq: int) -> tuple[Any, ...]:
    statement = "SELECT status, attempts, next_attempt_at, leased_by, code FROM gateway_outbox WHERE seq = ?"
    return tuple(database.execute(statement, (seq,)).fetchone())


def test_as_many_are_leased_as_there_are_places(database: Database) -> None:
    add(database, "app", 1, 2, 3)
    add(database, "other", 4, 5)
    found = take(database, {APP: 2, OTHER: 8})
    assert [item.message_id for item in found] == [
        f"msg_send_{name}" for name in ("app_1", "app_2", "other_4", "other_5")
    ]
    assert [item.message_id for item in take(database, {APP: 2, OTHER: 8})] == ["msg_send_app_3"]
    assert take(database, {APP: 2, OTHER: 8}) == []
    assert row(database, 1) == ("ready", 1, 10 + HOUR, "a/1/1", None), "a try counts when it begins"


def test_a_target_that_is_left_alone_keeps_its_rows(database: Database) -> None:
    add(database, "app", *range(1, 50))
    add(database, "other", 50)
    assert [item.target for item in take(database, {OTHER: 8})] == ["other"]
    assert row(database, 1) == ("ready", 0, 0, None, None)


def test_what_is_not_due_yet_waits(database: Database) -> None:
    add(database, "app", 1, at=100)
    assert take(database, {APP: 1}, now=99) == []
    assert next_due(database, [APP, OTHER]) == 100
    assert len(take(database, {APP: 1}, now=100)) == 1


def test_a_lease_that_has_run_out_is_anybodys(database: Database) -> None:
    add(database, "app", 1)
    [first] = take(database, {APP: 1}, owner="far/1/1")
    [again] = take(database, {APP: 1}, now=10 + HOUR, owner="near/2/2")
    assert again.message_id == first.message_id
    assert settle(database, [settled(first)], "far/1/1") is False
    assert row(database, 1)[:2] == ("ready", 2), "it belongs to whoever took it then"
    settle(database, [settled(again)], "near/2/2")
    assert row(database, 1)[:2] == ("done", 2)


def test_what_failed_is_due_again_and_what_was_refused_is_dead(database: Database) -> None:
    add(database, "app", 1, 2)
    first, second = take(database, {APP: 2})
    settle(
        database,
        [
            settled(first, "ready", next_attempt_at=500, finished_at=None, error="answered 503"),
            settled(second, "dead", code="refused", error="answered 422"),
        ],
        "a/1/1",
    )
    assert row(database, 1) == ("ready", 1, 500, None, None)
    assert row(database, 2) == ("dead", 1, None, None, "refused")
    assert take(database, {APP: 8}, now=499) == []


@pytest.mark.parametrize("status", ["done", "dead"])
def test_an_answered_call_makes_its_event_ready_in_the_same_transaction(database: Database, status: str) -> None:
    event = add_event(database)
    with database.transaction():
        await_call(database, event, outgoing("send", "app", post(), kind="call"), "rule", 0)
    [item] = take(database, {APP: 1})
    assert settle(database, [settled(item, "ready", next_attempt_at=11, finished_at=None)], "a/1/1") is False
    assert database.execute("SELECT status FROM gateway_events", ()).fetchone() == ("waiting",)
    [item] = take(database, {APP: 1}, now=20)
    assert settle(database, [settled(item, status, answer='{"a":1}')], "a/1/1") is True
    assert database.execute("SELECT status FROM gateway_events", ()).fetchone() == ("ready",)


def test_an_event_that_waits_for_something_else_is_left_alone(database: Database) -> None:
    event = add_event(database)
    with database.transaction():
        await_call(database, event, outgoing("send", "app", post(), kind="call"), "rule", 0)
    [item] = take(database, {APP: 1})
    database.execute("UPDATE gateway_events SET status = 'dead', finished_at = 5 WHERE seq = ?", (event,))
    settle(database, [settled(item)], "a/1/1")
    assert database.execute("SELECT status FROM gateway_events", ()).fetchone() == ("dead",)


def test_a_forwarded_body_comes_along(database: Database) -> None:
    event = add_event(database, body=b"\x00 as it came", headers='{"content-type": "text/x", "x": "y"}')
    request = {"method": "POST", "path": "/x", "forward": True}
    with database.transaction():
        forwarded = outgoing("send", "app", request)._replace(request='{"method":"POST","path":"/x","forward":true}')
        add_outgoing(database, [(event, forwarded), (event, outgoing("send", "app", post(), 2))], 0)
    first, second = take(database, {APP: 2})
    assert (first.body, first.content_type) == (b"\x00 as it came", "text/x")
    assert (second.body, second.content_type) == (None, None)


def test_targets_and_what_waits_for_them(database: Database) -> None:
    assert open_targets(database) == []
    add(database, "app", 1, 2, at=7)
    add(database, "other", 3, at=9)
    with database.transaction():
        add_outgoing(database, [(None, outgoing("notify", "app", {}))], 8)
    assert open_targets(database) == [("notify", "app"), APP, OTHER]
    waiting = count_waiting(database)
    assert {target: tuple(one) for target, one in waiting.items()} == {
        APP: (2, 7),
        OTHER: (1, 9),
        ("notify", "app"): (1, 8),
    }
    settle(database, [settled(item) for item in take(database, {OTHER: 1})], "a/1/1")
    assert open_targets(database) == [("notify", "app"), APP]


def test_what_waits_for_a_target_that_is_gone_is_dead(database: Database) -> None:
    event = add_event(database)
    with database.transaction():
        await_call(database, event, outgoing("send", "gone", post(), kind="call"), "rule", 0)
    add(database, "app", 1)
    assert abandon(database, ("send", "gone"), "it is gone", now=5) is True
    assert row(database, 1)[0] == "dead"
    assert row(database, 2)[0] == "ready"
    assert database.execute("SELECT status FROM gateway_events", ()).fetchone() == ("ready",)


def test_what_an_owner_gives_back_can_be_leased_at_once(database: Database) -> None:
    add(database, "app", 1, 2)
    take(database, {APP: 1}, owner="a/1/1")
    take(database, {APP: 1}, owner="b/1/1")
    assert release(database, "a/1/1", 11) == 1
    assert [item.message_id for item in take(database, {APP: 8}, now=11)] == ["msg_send_app_1"]


@pytest.mark.sqlite
def test_the_leases_of_a_process_that_was_killed_come_back_at_once(tmp_path: Path) -> None:
    database = open_outbox(tmp_path)
    add(database, "app", 1, 2, 3)
    leaser = Leaser(tmp_path)
    assert leaser.count == 3
    assert release_dead_owners(database, clock()) == 0, "it lives"
    assert not is_dead(leaser.owner)
    leaser.kill()
    assert is_dead(leaser.owner)
    assert take(database, {APP: 8}, now=clock()) == []
    assert release_dead_owners(database, clock()) == 3
    found = take(database, {APP: 8}, now=clock())
    assert [item.message_id for item in found] == ["msg_send_app_1", "msg_send_app_2", "msg_send_app_3"]
    assert [item.attempts for item in found] == [1, 1, 1]


def test_a_process_is_known_by_host_number_and_beginning() -> None:
    host, number, began = own_name().rsplit("/", 2)
    assert (host, number) == (socket.gethostname(), str(os.getpid()))
    assert not is_dead(own_name())
    assert is_dead(f"{host}/{number}/{began}0"), "another process had that number"
    assert not is_dead(f"elsewhere/{number}/1"), "nothing is known of other machines"
