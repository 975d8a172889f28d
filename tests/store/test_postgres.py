"""PostgreSQL alone: lost connections, entangled transactions, who leads, what wakes whom."""

from __future__ import annotations

import random
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from queue import SimpleQueue
from typing import Any

import pytest
from engines import open_new
from running import eventually
from sending.rig import outgoing, post
from servers import PostgresServer, Wire

from gateway.errors import StorageUnavailable
from gateway.store import patience
from gateway.store.database import PostgresError, is_entangled, open_database, parse_address
from gateway.store.inbox import Delivery, append_deliveries, outcome_of
from gateway.store.leadership import Leadership
from gateway.store.leases import Settled, lease, settle
from gateway.store.migrations import migrate
from gateway.store.outbox import await_call
from gateway.store.postgres import PostgresDatabase
from gateway.store.readers import Readers
from gateway.store.signals import READY, Listener, signal
from gateway.store.stripes import STRIPES, stripe_of, take_stripes

pytestmark = pytest.mark.postgresql


@pytest.fixture
def database(tmp_path: Path) -> PostgresDatabase:
    database = open_new(tmp_path)
    assert isinstance(database, PostgresDatabase)
    migrate(database, [])
    return database


@pytest.fixture
def other(database: PostgresDatabase) -> Iterator[PostgresDatabase]:
    another = open_database(database.address)
    assert isinstance(another, PostgresDatabase)
    yield another
    another.close()


def cut_off(other: PostgresDatabase, pid: int) -> None:
    """End a session, as an operator or a restart does."""
    other.execute("SELECT pg_terminate_backend(?)", (pid,))


def session_of(database: PostgresDatabase) -> int:
    return int(database.execute("SELECT pg_backend_pid()", ()).fetchone()[0])


def delivery(event_id: str, key: str | None = None, body: bytes = b"{}") -> Delivery:
    return Delivery("shop", event_id, 0, "order", key, None, 1, "{}", body, "ready", None, "token#0", "request")


def test_a_transaction_opens_a_lost_connection_again(database: PostgresDatabase, other: PostgresDatabase) -> None:
    cut_off(other, session_of(database))
    with database.transaction():
        database.execute("INSERT INTO gateway_migrations VALUES (99, 1)", ())
    assert other.execute("SELECT 1 FROM gateway_migrations WHERE version = 99", ()).fetchone() is not None


def test_a_transaction_that_loses_its_connection_is_undone(database: PostgresDatabase, other: PostgresDatabase) -> None:
    def cut_in_the_middle() -> None:
        with database.transaction():
            database.execute("INSERT INTO gateway_migrations VALUES (99, 1)", ())
            cut_off(other, session_of(database))
            database.execute("INSERT INTO gateway_migrations VALUES (98, 1)", ())

    with pytest.raises(PostgresError) as caught:
        cut_in_the_middle()
    assert caught.value.trouble
    assert other.execute("SELECT max(version) < 90 FROM gateway_migrations", ()).fetchone()[0]


def test_a_commit_over_a_lost_connection_does_not_pass_for_one(
    database: PostgresDatabase, other: PostgresDatabase
) -> None:
    database.begin()
    database.execute("INSERT INTO gateway_migrations VALUES (99, 1)", ())
    cut_off(other, session_of(database))
    with pytest.raises(StorageUnavailable):
        database.commit()
    database.rollback()


def test_deliveries_are_stored_though_the_connection_was_lost(
    database: PostgresDatabase, other: PostgresDatabase
) -> None:
    cut_off(other, session_of(database))
    [receipt] = append_deliveries(database, [delivery("evt_1")])
    assert not receipt.duplicate


def test_a_server_that_is_gone_is_said_to_be_so(tmp_path: Path) -> None:
    with pytest.raises(StorageUnavailable, match="the database cannot be used"):
        open_database(parse_address("postgresql://nobody:secret-word@127.0.0.1:1/none", tmp_path))


def test_a_password_is_not_shown(tmp_path: Path) -> None:
    address = parse_address("postgresql://ana:secret%20word@db.example:5433/gateway", tmp_path)
    assert address.shown == "postgresql://ana@db.example:5433/gateway"
    assert address.password == "secret word"
    assert "secret" not in repr(address)


def test_transactions_in_a_circle_are_told_apart_from_trouble(
    database: PostgresDatabase, other: PostgresDatabase
) -> None:
    for version in (101, 102):
        database.execute("INSERT INTO gateway_migrations VALUES (?, 1)", (version,))
    update = "UPDATE gateway_migrations SET applied_at = 2 WHERE version = ?"
    database.begin()
    other.begin()
    database.execute(update, (101,))
    other.execute(update, (102,))
    ended: SimpleQueue[BaseException | None] = SimpleQueue()
    waiting = threading.Thread(target=lambda: ended.put(failure_of(lambda: database.execute(update, (102,)))))
    waiting.start()
    mine = failure_of(lambda: other.execute(update, (101,)))
    other.rollback()
    theirs = ended.get(timeout=30)
    waiting.join()
    database.rollback()
    assert [is_entangled(error) for error in (mine, theirs) if error is not None] == [True]


def failure_of(run: Callable[[], Any]) -> BaseException | None:
    try:
        run()
    except PostgresError as error:
        return error
    return None


def test_texts_that_it_cannot_hold_are_kept_with_pictures(database: PostgresDatabase) -> None:
    first, again = append_deliveries(database, [delivery("a\0b", "k\0"), delivery("a\0b", "k\0")])
    assert (first.duplicate, again.duplicate) == (False, True)
    found = database.execute("SELECT event_id, key FROM gateway_events", ()).fetchall()
    assert found == [("a\u2400b", "k\u2400")]


def test_a_stripe_is_held_by_one_and_free_when_its_holder_is_gone(
    database: PostgresDatabase, other: PostgresDatabase
) -> None:
    append_deliveries(database, [delivery(f"evt_{number}", f"key {number}") for number in range(200)])
    held = {stripe_of("shop", f"key {number}", "") for number in range(200)}
    database.begin()
    assert take_stripes(database, None)
    assert set(database.stripes) == held
    other.begin()
    assert not take_stripes(other, None), "all that have work are taken"
    other.rollback()
    cut_off(other, session_of(database))
    other.begin()
    eventually(lambda: take_stripes(other, None) and set(other.stripes) == held)
    assert len(held) <= STRIPES
    other.rollback()
    database.rollback()


def test_what_commits_while_a_stripe_is_waited_for_is_seen(database: PostgresDatabase, other: PostgresDatabase) -> None:
    first, second = append_deliveries(database, [delivery("evt_1", "key")])[0], None
    database.begin()
    assert take_stripes(database, None)
    second = append_deliveries(other, [delivery("evt_2", "key")])[0]
    assert second.id > first.id
    other.begin()
    assert not take_stripes(other, None)
    other.rollback()
    database.commit()


def test_an_answer_waits_for_the_slice_that_its_event_could_be_held_up_by(
    database: PostgresDatabase, other: PostgresDatabase
) -> None:
    [receipt] = append_deliveries(database, [delivery("evt_1", "key")])
    with database.transaction():
        await_call(database, receipt.id, outgoing("send", "app", post(), kind="call"), None, 1)
    [row] = lease(other, {("send", "app"): 1}, now=10, until=10_000_000, owner="a/1/1")
    append_deliveries(database, [delivery("evt_2", "key")])
    database.begin()
    assert take_stripes(database, None)
    answer = Settled(row.seq, row.event, row.kind, "done", 1, None, 20, "{}", None, None)
    settling = threading.Thread(target=settle, args=(other, [answer], "a/1/1"))
    settling.start()
    waiting = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"
    eventually(lambda: database.execute(waiting, ()).fetchone()[0] == 1)
    assert outcome_of(database, receipt.id) == (receipt.id, "waiting", None, "waits for the answer of send app#1", None)
    database.commit()
    settling.join()
    assert outcome_of(database, receipt.id) == (receipt.id, "ready", None, None, None)


def test_one_leads_and_the_next_takes_over_when_it_dies(database: PostgresDatabase, other: PostgresDatabase) -> None:
    first, second = Leadership(database.address), Leadership(database.address)
    assert first.holds()
    assert not second.holds()
    assert first.holds()
    first.close()
    second._asked_at = float("-inf")  # a second later
    assert second.holds()
    second.close()


def test_who_is_cut_off_leads_no_more(database: PostgresDatabase, other: PostgresDatabase) -> None:
    leader = Leadership(database.address)
    assert leader.holds()
    holder = "SELECT pid FROM pg_locks WHERE locktype = 'advisory' AND granted"
    cut_off(other, int(other.execute(holder, ()).fetchone()[0]))
    next_one = Leadership(database.address)
    assert next_one.holds()
    leader._asked_at = float("-inf")
    assert not leader.holds()
    leader.close()
    next_one.close()


def test_a_listener_hears_also_after_it_was_cut_off(database: PostgresDatabase, other: PostgresDatabase) -> None:
    heard: SimpleQueue[str] = SimpleQueue()
    listener = Listener(database.address, [READY], heard.put)
    listener.start()
    try:
        until_heard(database, heard)
        listening = "SELECT pid FROM pg_stat_activity WHERE query LIKE 'LISTEN%' AND datname = current_database()"
        cut_off(other, int(other.execute(listening, ()).fetchone()[0]))
        while not heard.empty():
            heard.get()
        until_heard(database, heard)
    finally:
        listener.stop()


def until_heard(database: PostgresDatabase, heard: SimpleQueue[str]) -> None:
    """Signal until it is heard: nobody says when the listener is there."""
    import queue

    for _ in range(300):
        signal(database, READY)
        try:
            assert heard.get(timeout=0.1) == READY
        except queue.Empty:
            continue
        return
    raise AssertionError("nobody listens")


async def test_readers_read_on_after_a_restart(database: PostgresDatabase, other: PostgresDatabase) -> None:
    readers = Readers(database.address, threads=1)
    pid = await readers.call(lambda own: int(own.execute("SELECT pg_backend_pid()", ()).fetchone()[0]))
    cut_off(other, pid)
    assert await readers.call(lambda own: own.execute("SELECT count(*) FROM gateway_events", ()).fetchone()[0]) == 0
    with pytest.raises(PostgresError, match="read-only"):
        await readers.call(lambda own: own.execute("DELETE FROM gateway_events", ()))
    readers.close()


def test_a_server_that_says_nothing_is_not_waited_for_for_ever(
    postgres: PostgresServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(patience, "ANSWER_SECONDS", 1.0)
    with Wire(postgres.port, chance=random.Random(1)) as wire:
        url = postgres.create().replace(f":{postgres.port}/", f":{wire.port}/")
        database = open_new(tmp_path, url)
        migrate(database, [])
        for put_off in (False, True):
            database.begin()
            database.putting_off = put_off
            database.execute("INSERT INTO gateway_migrations VALUES (?, 1)", (100 + put_off,))
            wire.cut()
            with pytest.raises(StorageUnavailable, match="the database cannot be used"):
                database.commit()
            database.rollback()
            wire.mend()
            database.begin()
            database.commit()


def test_a_server_may_crash_and_come_back(tmp_path: Path) -> None:
    server = PostgresServer(safe=True).start()
    try:
        database = open_new(tmp_path, server.create())
        migrate(database, [])
        append_deliveries(database, [delivery("evt_1")])
        server.crash()
        with pytest.raises(StorageUnavailable):
            append_deliveries(database, [delivery("evt_2")])
        server.start()
        append_deliveries(database, [delivery("evt_2")])
        assert database.execute("SELECT count(*) FROM gateway_events", ()).fetchone() == (2,)
    finally:
        server.remove()
