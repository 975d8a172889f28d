"""What an operator sees of the outbox, and what sending again means for a message, a call and its event."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from engines import open_new
from sending.rig import add_event, outgoing, post

from gateway.errors import Conflict, NotFound
from gateway.store.database import Database
from gateway.store.events import get_event, retry_event
from gateway.store.leases import Settled, lease, settle
from gateway.store.migrations import migrate
from gateway.store.outbox import add_outgoing, answers_of, await_call
from gateway.store.outbox_pages import OutboxFilter, get_outbox, list_outbox, outbox_of, retry_outbox

OWNER = "a/1/1"


@pytest.fixture
def database(tmp_path: Path) -> Database:
    database = open_new(tmp_path)
    migrate(database, ())
    return database


def end(database: Database, status: str, code: str | None = None, answer: str | None = None, now: int = 10) -> None:
    """Have a courier take what is due, and say what came of it."""
    error = None if status == "done" else "answered 422"
    for item in lease(database, {("send", "app"): 100}, now=now, until=now + 10, owner=OWNER):
        settle(
            database, [Settled(item.seq, item.event, item.kind, status, 1, None, 15, answer, code, error)], OWNER
        )  # fmt: skip


def message(database: Database, *numbers: int, target: str = "app", event: int | None = None) -> None:
    with database.transaction():
        add_outgoing(database, [(event, outgoing("send", target, post(n), n)) for n in numbers], 1)


def call(database: Database, code: str) -> int:
    """Have an event end with a dead call, as its pass does that has the answer; return its number."""
    event = add_event(database)
    with database.transaction():
        await_call(database, event, outgoing("send", "app", post(), kind="call"), "rule", 1)
    end(database, "dead", code)
    database.execute("UPDATE gateway_events SET status = 'dead', error = 'it failed', finished_at = 16", ())
    return event


def event_of(database: Database, event: int) -> tuple[str, str | None]:
    found = get_event(database, str(event)).event
    return found.status, found.error


def changes(database: Database) -> list[Any]:
    return database.execute("SELECT actor, table_name, row_key FROM gateway_changes", ()).fetchall()


def test_pages_are_newest_first_and_lead_on(database: Database) -> None:
    message(database, 1, 2, 3)
    page = list_outbox(database, OutboxFilter(), limit=2)
    assert [item.seq for item in page.items] == [3, 2]
    page = list_outbox(database, OutboxFilter(), limit=2, cursor=page.next)
    assert ([item.seq for item in page.items], page.next) == ([1], None)


def test_what_is_asked_for_is_found(database: Database) -> None:
    event = add_event(database)
    message(database, 1, event=event)
    end(database, "dead", "refused")
    message(database, 2)
    message(database, 3, target="other")

    def found(**wanted: Any) -> list[int]:
        return [item.seq for item in list_outbox(database, OutboxFilter(**wanted), limit=9).items]

    assert found(status="dead") == [1]
    assert found(status="ready") == [3, 2]
    assert found(target="other") == [3]
    assert found(event=event) == [1]
    assert found(action="notify") == []
    assert [item.seq for item in outbox_of(database, event)] == [1]
    assert get_event(database, str(event)).outbox == outbox_of(database, event)


def test_a_row_has_a_number_and_an_id(database: Database) -> None:
    message(database, 1)
    assert get_outbox(database, "1") == get_outbox(database, "msg_send_app_1")
    with pytest.raises(NotFound, match="no message or call `2`"):
        get_outbox(database, "2")


def test_what_is_under_way_is_due_at_no_time(database: Database) -> None:
    message(database, 1)
    assert get_outbox(database, "1").next_attempt_at == 1
    lease(database, {("send", "app"): 1}, now=10, until=20, owner=OWNER)
    assert get_outbox(database, "1").next_attempt_at is None


def test_a_dead_message_is_sent_again_under_its_id(database: Database) -> None:
    message(database, 1)
    end(database, "dead", "refused")
    item = retry_outbox(database, "1", actor="me", now=100)
    assert (item.status, item.attempts, item.code, item.next_attempt_at) == ("ready", 0, None, 100)
    assert item.created_at == 100, "how long it is tried begins anew"
    assert item.message_id == "msg_send_app_1"
    assert changes(database) == [("me", "gateway_outbox", "1")]


def test_what_is_done_or_under_way_is_left_alone(database: Database) -> None:
    message(database, 1)
    lease(database, {("send", "app"): 1}, now=10, until=20, owner=OWNER)
    with pytest.raises(Conflict, match="is being sent"):
        retry_outbox(database, "1", actor="me", now=11)
    database.execute("UPDATE gateway_outbox SET leased_by = NULL, next_attempt_at = 10", ())
    end(database, "done")
    with pytest.raises(Conflict, match="is done"):
        retry_outbox(database, "1", actor="me", now=100)
    assert changes(database) == []


def test_a_call_that_was_given_up_is_made_again_under_its_id(database: Database) -> None:
    event = call(database, "gave_up")
    item = retry_outbox(database, "1", actor="me", now=100)
    assert (item.status, item.message_id, item.position) == ("ready", "msg_send_app_1", "send app#1")
    assert event_of(database, event) == ("waiting", "waits for the answer of send app#1")
    end(database, "done", answer='{"a":1}', now=100)
    assert event_of(database, event)[0] == "ready"


@pytest.mark.parametrize("code", ["refused", "not_found"])
def test_a_call_that_was_refused_is_superseded_by_one_with_an_id_of_its_own(database: Database, code: str) -> None:
    event = call(database, code)
    retry_outbox(database, "1", actor="me", now=100)
    assert event_of(database, event) == ("ready", None)
    assert "send app#1" not in answers_of(database.execute, event), "the pass asks anew"
    with database.transaction():
        await_call(database, event, outgoing("send", "app", post(), kind="call"), "rule", 101)
    old, new = outbox_of(database, event)
    assert (old.position, old.status, old.message_id) == ("send app#1~1", "dead", "msg_send_app_1")
    assert (new.position, new.status) == ("send app#1", "ready")
    assert new.message_id != old.message_id
    with pytest.raises(Conflict, match="superseded"):
        retry_outbox(database, "1", actor="me", now=102)


@pytest.mark.parametrize("code", ["gave_up", "refused"])
def test_an_event_that_is_run_again_asks_its_dead_calls_again(database: Database, code: str) -> None:
    event = call(database, code)
    retry_event(database, str(event), actor="me", now=100)
    assert event_of(database, event) == ("ready", None)
    assert answers_of(database.execute, event).get("send app#1") is None
    with database.transaction():
        await_call(database, event, outgoing("send", "app", post(), kind="call"), "rule", 101)
    ready = [item for item in outbox_of(database, event) if item.status == "ready"]
    assert len(ready) == 1
    assert (ready[0].message_id == "msg_send_app_1") is (code == "gave_up")


def test_a_call_that_its_event_has_gone_on_without_stays_as_it_is(database: Database) -> None:
    event = call(database, "not_found")
    database.execute("UPDATE gateway_events SET status = 'done' WHERE seq = ?", (event,))
    with pytest.raises(Conflict, match="has gone on without the answer"):
        retry_outbox(database, "1", actor="me", now=100)
    message(database, 2)
    end(database, "dead", "refused")
    useful = list_outbox(database, OutboxFilter(status="dead", useful=True), limit=9)
    assert [item.kind for item in useful.items] == ["message"]


@pytest.mark.sqlite
@pytest.mark.parametrize("status", ["ready", "dead"])
def test_looking_by_status_uses_its_index(database: Database, status: str) -> None:
    wanted = OutboxFilter(status=status, target="app")
    where = " AND ".join(text for text, _ in wanted.clauses())
    plan = database.execute(f"EXPLAIN QUERY PLAN SELECT seq FROM gateway_outbox WHERE {where}", ("app",)).fetchall()
    name = {"ready": "gateway_outbox_open", "dead": "gateway_outbox_dead"}[status]
    assert any(name in str(step) for step in plan), plan
