"""What an operator asks of the inbox: events found, shown, run again."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from engines import NOON, Bench, microseconds

from gateway.errors import Conflict, NotFound
from gateway.store import events
from gateway.store.event_filter import EventFilter
from gateway.store.events import (
    Event,
    find_request,
    get_event,
    list_events,
    retry_event,
    retry_events,
)

RULES = """
version: 1
tables:
  orders:
    columns:
      id: {type: text, primary_key: true}
      total: {type: decimal}
rules:
  - name: placed
    on: order.placed
    do: [{insert: orders, values: {id: $event.payload.order, total: $event.payload.total}}]
    result: stored
  - {name: broken, on: order.broken, do: [{fail: "broken as told"}]}
  - {name: later, on: order.later, do: [{fail: not yet, retry: true}]}
  - name: early
    on: order.early
    do: [{find: orders, where: {id: $event.payload.order}, missing: park}]
"""


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path, RULES)


def send(bench: Bench, kind: str, number: int, **more: Any) -> int:
    payload = {"id": f"evt_{number}", "type": f"order.{kind}", "order": f"o{number}", "total": "9.90"}
    [receipt] = bench.send(bench.delivery({**payload, **more.pop("payload", {})}, **more))
    return receipt.id


def one_of_each(bench: Bench) -> dict[str, int]:
    """Store one event of each status."""
    numbers = {
        "done": send(bench, "placed", 1, key="k1"),
        "dead": send(bench, "broken", 2),
        "waiting": send(bench, "later", 3),
        "parked": send(bench, "early", 4),
        "ignored": send(bench, "unheard of", 5),
    }
    bench.run()
    return {**numbers, "ready": send(bench, "placed", 6)}


def found(bench: Bench, limit: int = 50, cursor: int | None = None, **wanted: Any) -> list[int]:
    page = list_events(bench.database, EventFilter(**wanted), limit=limit, cursor=cursor)
    return [event.seq for event in page.events]


def changes(bench: Bench) -> list[tuple[Any, ...]]:
    statement = "SELECT at, actor, table_name, row_key, before, after FROM gateway_changes ORDER BY seq"
    return bench.database.execute(statement, ()).fetchall()


def test_events_come_newest_first_with_all_that_is_known_of_them(bench: Bench) -> None:
    numbers = one_of_each(bench)
    page = list_events(bench.database, EventFilter(), limit=50)
    assert [event.seq for event in page.events] == sorted(numbers.values(), reverse=True)
    assert page.next is None
    at = microseconds(NOON)
    assert page.events[-1] == Event(
        seq=1,
        source="shop",
        event_id="evt_1",
        type="order.placed",
        key="k1",
        status="done",
        result="stored",
        rule="placed",
        attempts=1,
        occurred_at=None,
        received_at=at,
        finished_at=at,
        next_attempt_at=None,
        error=None,
    )


def test_pages_hold_each_event_once_while_new_ones_come_in(bench: Bench) -> None:
    for number in range(7):
        send(bench, "placed", number)
    seen: list[int] = []
    cursor: int | None = None
    for number in range(7, 12):
        page = list_events(bench.database, EventFilter(), limit=2, cursor=cursor)
        seen += [event.seq for event in page.events]
        cursor = page.next
        if cursor is None:
            break
        send(bench, "placed", number)
    assert seen == [7, 6, 5, 4, 3, 2, 1]


def test_a_page_that_is_just_full_leads_nowhere(bench: Bench) -> None:
    send(bench, "placed", 1)
    send(bench, "placed", 2)
    assert list_events(bench.database, EventFilter(), limit=2).next is None


@pytest.mark.parametrize("status", ["ready", "waiting", "parked", "done", "ignored", "dead"])
def test_events_are_found_by_status(bench: Bench, status: str) -> None:
    assert found(bench, status=status) == []
    numbers = one_of_each(bench)
    assert found(bench, status=status) == [numbers[status]]


def test_events_are_found_by_source_key_and_type(bench: Bench) -> None:
    one_of_each(bench)
    assert found(bench, source="shop", key="k1") == [1]
    assert found(bench, source="elsewhere") == []
    assert found(bench, type="order.later") == [3]
    assert found(bench, type="order.*") == [6, 5, 4, 3, 2, 1]
    assert found(bench, type="*.placed") == [6, 1]
    assert found(bench, type="order.?laced") == []
    assert found(bench, type="order.[pl]*") == []
    assert found(bench, type="ORDER.*") == []


def test_events_are_found_by_the_time_of_their_receipt(bench: Bench) -> None:
    send(bench, "placed", 1)
    bench.now = NOON + timedelta(hours=1)
    send(bench, "placed", 2)
    later = microseconds(bench.now)
    assert found(bench, since=later) == [2]
    assert found(bench, until=later) == [1]
    assert found(bench, since=later + 1) == []


def test_a_text_is_found_wherever_it_stands(bench: Bench) -> None:
    one_of_each(bench)
    bench.process({"id": "evt_7", "type": "order.placed", "order": "ORD-7", "note": "Straße 50%_off", "total": "1"})
    assert found(bench, q="evt_3") == [3]
    assert found(bench, q="k1") == [1]
    assert found(bench, q="broken as told") == [2]
    assert found(bench, q="stored") == [7, 6, 1]
    assert found(bench, q="ord-7") == [7]
    assert found(bench, q="2") == [2]
    assert found(bench, q="50%_off") == [7]
    assert found(bench, q="50_%off") == []
    assert found(bench, q="ORD-7", status="dead") == []


def test_a_text_is_found_in_a_payload_that_escapes_it(bench: Bench) -> None:
    body = json.dumps({"id": "evt_1", "type": "order.unheard", "name": 'José "Zé" Müller'})
    bench.send(bench.delivery(body.encode(), id="evt_1"))
    assert "\\u00fc" in body
    assert found(bench, q="Müller") == [1]
    assert found(bench, q='"Zé"') == [1]
    assert found(bench, q="Möller") == []


def test_a_text_is_found_in_a_body_that_is_no_text(bench: Bench) -> None:
    bench.send(bench.delivery(b"\xff\xfe kaputt", id="evt_1"))
    assert found(bench, q="kaputt") == [1]


def test_a_search_looks_into_so_many_events_and_leads_on(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(events, "MOST_SEARCHED", 3)
    for number in range(8):
        send(bench, "placed", number, payload={"order": "needle" if number in {0, 6} else "hay"})
    wanted = EventFilter(q="needle")
    pages = [list_events(bench.database, wanted, limit=5)]
    while pages[-1].next is not None:
        pages.append(list_events(bench.database, wanted, limit=5, cursor=pages[-1].next))
    assert [[event.seq for event in page.events] for page in pages] == [[7], [], [1]]
    assert [page.next for page in pages] == [6, 3, None]


def test_an_event_is_shown_with_all_that_was_received_and_tried(bench: Bench) -> None:
    number = send(bench, "later", 1)
    bench.send(bench.delivery({"id": "evt_1", "type": "order.later"}))
    bench.run()
    bench.now += timedelta(hours=2)
    bench.run()
    details = get_event(bench.database, str(number))
    assert json.loads(details.body)["order"] == "o1"
    assert (details.headers, details.duplicates, details.verified_by, details.request_id) == ("{}", 1, "token#0", "r1")
    assert [(trace.attempt, trace.status) for trace in details.traces] == [(1, "waiting"), (2, "waiting")]
    assert json.loads(details.traces[0].trace)["error"]["message"] == "not yet"


def test_an_event_is_known_by_the_providers_id(bench: Bench) -> None:
    send(bench, "placed", 1)
    bench.send(bench.delivery({"type": "order.placed"}, id="evt_05b7&17877537"))
    assert get_event(bench.database, "evt_05b7&17877537").event.seq == 2
    with pytest.raises(NotFound, match="there is no event `evt_05b7`"):
        get_event(bench.database, "evt_05b7")


@pytest.mark.parametrize("name", ["0", "99", "-1", "٣", "1" * 30, ""])
def test_what_names_no_event_is_not_found(bench: Bench, name: str) -> None:
    send(bench, "placed", 1)
    with pytest.raises(NotFound):
        get_event(bench.database, name)


def test_a_number_is_the_gateways_own_before_it_is_the_providers(bench: Bench) -> None:
    bench.send(bench.delivery({"type": "a"}, id="2"), bench.delivery({"type": "b"}, id="77"))
    assert get_event(bench.database, "2").event.event_id == "77"
    assert get_event(bench.database, "77").event.seq == 2


def test_an_id_of_several_events_needs_the_source_or_the_number(bench: Bench) -> None:
    delivery = bench.delivery({"type": "a"}, id="evt_1")
    bench.send(delivery, delivery._replace(source="second"))
    with pytest.raises(Conflict, match=r"1 \(shop\), 2 \(second\)"):
        get_event(bench.database, "evt_1")
    assert get_event(bench.database, "evt_1", "second").event.seq == 2
    with pytest.raises(NotFound, match="of source `third`"):
        get_event(bench.database, "evt_1", "third")


def test_an_event_is_known_by_the_request_that_brought_it(bench: Bench) -> None:
    first = bench.delivery({"type": "a"}, id="evt_1")
    bench.send(first, first._replace(request_id="r2"))
    assert find_request(bench.database, "shop", "r1") == 1
    for source, request in (("shop", "r2"), ("elsewhere", "r1")):
        with pytest.raises(NotFound):
            find_request(bench.database, source, request)


def test_a_dead_letter_runs_again_under_the_mended_rules(bench: Bench) -> None:
    number = send(bench, "broken", 1)
    bench.run()
    bench.load(RULES.replace('fail: "broken as told"', "finish: mended"))
    assert retry_event(bench.database, "evt_1", actor="cli ana", now=7) == number
    standing = bench.event(number)
    assert (standing["status"], standing["error"], standing["finished_at"], standing["attempts"]) == (
        "ready",
        None,
        None,
        1,
    )
    bench.run()
    standing = bench.event(number)
    assert (standing["status"], standing["result"], standing["attempts"]) == ("done", "mended", 2)
    before = '{"status":"dead","error":"broken as told"}'
    assert changes(bench) == [(7, "cli ana", "gateway_events", str(number), before, '{"status":"ready"}')]


@pytest.mark.parametrize("status", ["dead", "waiting", "parked", "ignored"])
def test_what_has_not_been_done_runs_again_at_once(bench: Bench, status: str) -> None:
    number = one_of_each(bench)[status]
    retry_event(bench.database, str(number), actor="test", now=1)
    assert number in [ended.event.seq for ended in bench.run()]


@pytest.mark.parametrize(("status", "reason"), [("done", "would apply it twice"), ("ready", "about to run")])
def test_what_is_done_or_about_to_run_is_not_run_again(bench: Bench, status: str, reason: str) -> None:
    number = one_of_each(bench)[status]
    before = bench.event(number)
    with pytest.raises(Conflict, match=reason):
        retry_event(bench.database, str(number), actor="test", now=1)
    assert bench.event(number) == before
    assert changes(bench) == []


def test_a_done_event_runs_again_when_that_is_asked_for(bench: Bench) -> None:
    number = one_of_each(bench)["done"]
    retry_event(bench.database, str(number), actor="test", now=1, done=True)
    bench.run()
    assert "exists" in bench.event(number)["error"]


def test_a_retry_of_an_unknown_event_changes_nothing(bench: Bench) -> None:
    with pytest.raises(NotFound):
        retry_event(bench.database, "evt_9", actor="test", now=1)
    assert not bench.database.within


def test_many_are_run_again_in_batches_each_once_though_they_fail_again(bench: Bench) -> None:
    kept = one_of_each(bench)
    for number in range(10, 14):
        send(bench, "broken", number)
    bench.run()
    wanted, after, counts = EventFilter(status="dead", type="order.broken", until=2**60), 0, []
    while True:
        done = retry_events(bench.database, wanted, actor="test", now=1, limit=2, after=after)
        counts.append(done.count)
        bench.run()
        if done.last is None:
            break
        after = done.last
    assert counts == [2, 2, 1]
    broken = found(bench, type="order.broken")
    assert [bench.event(seq)["attempts"] for seq in broken] == [2] * 5
    assert [bench.event(kept[status])["status"] for status in ("parked", "ignored")] == ["parked", "ignored"]
    assert len(changes(bench)) == 5


def test_many_are_chosen_by_text_too(bench: Bench) -> None:
    for number in range(3):
        send(bench, "broken", number, payload={"order": "needle" if number == 1 else "hay"})
    bench.run()
    wanted = EventFilter(status="dead", q="needle")
    assert retry_events(bench.database, wanted, actor="test", now=1, limit=10).count == 1
    assert found(bench, status="ready") == [2]


def replace_source(bench: Bench, source: str) -> Any:
    return bench.delivery({"type": "order.placed"}, id="evt_other")._replace(source=source)
