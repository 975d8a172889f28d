"""Rows read ahead for a slice: nothing may come out otherwise than when each event looks for its own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from engines import Bench
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway.store.ahead import may_read_ahead

# SQLite answers at once: nothing is read ahead there.
pytestmark = pytest.mark.postgresql

RULES = """
version: 1
tables:
  people:
    columns:
      id: {type: text, primary_key: true}
      email: {type: text, unique: true}
      visits: {type: integer, default: 0}
  numbers:
    columns:
      n: {type: integer, primary_key: true}
      seen: {type: integer}
extract:
  id: id_of_person
  email: email
  n: n
  order: order
procedures:
  find_person:
    - find: people
      where: {id: $id}
      as: person
      missing: {finish: nobody}
rules:
  - name: joins
    on: joins
    do:
      - {insert: people, values: {id: $id, email: $email}, on_conflict: {finish: there}}
    result: joined
  - name: visits
    on: visits
    do:
      - run: find_person
      - {update: people, where: {id: $person.id}, increment: {visits: 1}}
    result: ${ join(' ', [person.email || 'none', to_string(person.visits)]) }
  - name: moves
    on: moves
    do:
      - {update: people, where: {id: $id}, set: {email: $email}, as: person}
    result: ${ person.email || 'nobody' }
  - name: writes
    on: writes
    do:
      - {find: people, where: {email: $email}, as: person, missing: {finish: unknown}}
      - {update: people, where: {email: $email}, increment: {visits: 10}}
    result: $person.id
  - name: leaves
    on: leaves
    do:
      - {delete: people, where: {email: $email}}
    result: left
  - name: counts
    on: counts
    do:
      - {upsert: numbers, key: {n: $n}, set: {seen: $order}, as: number}
    result: $number.seen
  - name: plans
    on: plans
    do:
      - {schedule: visit, key: "visit-${id}", after: 1d}
    result: planned
  - name: drops
    on: drops
    do:
      - {cancel: "visit-${id}"}
    result: dropped
  - name: recalls
    on: recalls
    do:
      - {find: numbers, where: {n: $n}, as: number, missing: {finish: none}}
    result: $number.seen
"""


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path, RULES)


_ids = count(1)


def event(kind: str, person: str = "", email: str | None = None, **more: Any) -> dict[str, Any]:
    return {"id": str(next(_ids)), "type": kind, "id_of_person": person, "email": email, **more}


def results(bench: Bench, events: Sequence[dict[str, Any]], *, at_once: int) -> list[tuple[str, str | None]]:
    """Run events in slices of that many; return how each has ended."""
    receipts = bench.send(*(bench.delivery(one, key="all in turn") for one in events))
    bench.run(at_once)
    return [(row["status"], row["result"]) for row in map(bench.event, [one.id for one in receipts])]


def test_a_row_that_the_slice_itself_adds_is_found(bench: Bench) -> None:
    events = [event("visits", "ann"), event("joins", "ann", "a@x"), event("visits", "ann"), event("writes", "", "a@x")]
    said = results(bench, events, at_once=64)
    assert said == [("done", "nobody"), ("done", "joined"), ("done", "a@x 0"), ("done", "ann")]
    assert bench.rows("people") == [("ann", "a@x", 11)]


def test_a_row_is_found_by_what_it_holds_now(bench: Bench) -> None:
    results(bench, [event("joins", "ann", "a@x")], at_once=1)
    events = [event("moves", "ann", "b@x"), event("writes", "", "a@x"), event("writes", "", "b@x")]
    assert [said for _, said in results(bench, events, at_once=64)] == ["b@x", "unknown", "ann"]


def test_a_row_that_was_deleted_is_gone(bench: Bench) -> None:
    results(bench, [event("joins", "ann", "a@x")], at_once=1)
    events = [event("leaves", "", "a@x"), event("visits", "ann"), event("joins", "ann", "c@x")]
    assert [said for _, said in results(bench, events, at_once=64)] == ["left", "nobody", "joined"]


def test_a_slice_asks_once_for_the_rows_of_all_its_events(bench: Bench) -> None:
    people = [f"p{number}" for number in range(30)]
    results(bench, [event("joins", one, f"{one}@x") for one in people], at_once=64)
    asked: list[str] = []
    execute = bench.database.execute

    def listen(statement: str, values: Sequence[object]) -> Any:
        asked.append(statement)
        return execute(statement, values)

    bench.database.execute = listen  # type: ignore[method-assign]  # hears what is said, and passes it on
    said = results(bench, [event("visits", one) for one in people], at_once=64)
    bench.database.execute = execute  # type: ignore[method-assign]
    assert {result for _, result in said} == {f"{one}@x 0" for one in people}
    assert len([one for one in asked if "SELECT" in one and "people" in one]) == 1


def test_nothing_is_read_ahead_where_a_trigger_may_change_rows(bench: Bench) -> None:
    assert bench.engine.program.reads_ahead
    with bench.database.transaction():
        bench.database.execute(
            "CREATE FUNCTION nothing() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END'", ()
        )
        bench.database.execute("CREATE TRIGGER one BEFORE UPDATE ON people FOR EACH ROW EXECUTE FUNCTION nothing()", ())
    assert not may_read_ahead(bench.database, ["people", "numbers"])
    assert may_read_ahead(bench.database, ["numbers"])


def planned(bench: Bench) -> list[tuple[Any, ...]]:
    """Return what was scheduled, in its order: the key and what has become of it."""
    statement = (
        "SELECT split_part(event_id, '#', 1), status FROM gateway_events WHERE type = 'schedule.visit' ORDER BY seq"
    )
    keys = bench.database.execute("SELECT key FROM gateway_schedules ORDER BY key", ()).fetchall()
    return [*bench.database.execute(statement, ()).fetchall(), *keys]


def test_what_the_slice_has_scheduled_is_canceled(bench: Bench) -> None:
    events = [event("drops", "ann"), event("plans", "ann"), event("plans", "ann"), event("drops", "ann")]
    results(bench, events, at_once=64)
    assert planned(bench) == [("visit-ann", "ignored"), ("visit-ann", "ignored")]


def test_a_table_may_have_any_name(tmp_path: Path) -> None:
    bench = Bench(tmp_path, RULES.replace("people", "People"))
    assert bench.engine.program.reads_ahead
    said = results(bench, [event("joins", "ann", "a@x"), event("writes", "", "a@x")], at_once=64)
    assert said == [("done", "joined"), ("done", "ann")]
    assert bench.rows('"People"') == [("ann", "a@x", 10)]


PEOPLE, EMAILS = ["ann", "bob", "cyd"], ["a@x", "b@x", "c@x", None]
KINDS = ["joins", "visits", "moves", "writes", "leaves", "plans", "drops"]
happened_to_people = st.tuples(st.sampled_from(KINDS), st.sampled_from(PEOPLE), st.sampled_from(EMAILS), st.none())
happened_to_numbers = st.tuples(st.sampled_from(["counts", "recalls"]), st.just("ann"), st.none(), st.integers(0, 3))
happenings = st.lists(st.one_of(happened_to_people, happened_to_numbers), min_size=2, max_size=14)


def test_a_slice_comes_to_what_its_events_come_to_one_by_one(bench: Bench) -> None:
    @settings(max_examples=40, suppress_health_check=list(HealthCheck))
    @given(happenings)
    def check(happened: list[tuple[str, str, str | None, int | None]]) -> None:
        outcomes = []
        for at_once in (64, 1):
            results(bench, [event("joins", "ann", "a@x"), event("joins", "bob"), event("counts", n=1)], at_once=1)
            events = [
                event(kind, person, email, n=n, order=order) for order, (kind, person, email, n) in enumerate(happened)
            ]
            bench.engine.program = replace(bench.engine.program, reads_ahead=at_once > 1)
            said = results(bench, events, at_once=at_once)
            outcomes.append((said, bench.rows("people"), bench.rows("numbers"), planned(bench)))
            with bench.database.transaction():
                bench.database.execute("DELETE FROM gateway_schedules", ())
                bench.database.execute("DELETE FROM gateway_events WHERE type = 'schedule.visit'", ())
                bench.database.execute("DELETE FROM people", ())
                bench.database.execute("DELETE FROM numbers", ())
        assert outcomes[0] == outcomes[1]

    check()
