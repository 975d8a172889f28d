"""Cases whose events may come in any order, and twice."""

from __future__ import annotations

import pytest
from testing.projects import Folder

from gateway.testing.ordering import MOST_ORDERS, orders_of

RULES = """
version: 1
tables:
  things:
    columns:
      id: {type: text, primary_key: true}
      status: {type: text}
      count: {type: integer, default: 0}
      at: {type: timestamp}
extract: {thing: thing, state: state}
rules:
  - name: guarded
    on: guarded
    do:
      - {upsert: things, key: {id: $thing}, set: {status: $state}, as_of: at}
  - name: careless
    on: careless
    do:
      - {upsert: things, key: {id: $thing}, set: {status: $state}}
  - name: counted
    on: counted
    do:
      - {find: things, where: {id: $thing}, missing: park}
      - {update: things, where: {id: $thing}, increment: {count: 1}}
      - {schedule: later, after: 1h, key: later-$event.id}
  - {name: later, on: schedule.later, do: [{log: later}]}
"""


def case(kind: str, *more: str) -> str:
    events = [
        f"{{payload: {{id: e{n}, type: {kind}, thing: a, state: s{n}}}, occurred_at: 2026-01-0{n}T00:00:00Z}}"
        for n in (1, 2, 3)
    ]
    return f"""
  - name: one
    any_order: true
    events: [{", ".join([*events, *more])}]
    expect: """


@pytest.fixture
def things(folder: Folder) -> Folder:
    (folder.path / "rules" / "strict.yaml").write_text(RULES)
    config = folder.path / "gateway.yaml"
    config.write_text(config.read_text().replace("{id: id, type: type}", "{id: id, type: type, key: thing}"))
    return folder


def test_the_same_end_in_every_order(things: Folder) -> None:
    things.write(
        case("guarded") + "{tables: {things: [{id: a, status: s3}]}, messages: [], calls: []}\n", source="strict"
    )
    assert things.failures() == []


def test_the_first_way_that_ends_otherwise_is_shown_with_its_order(things: Folder) -> None:
    things.write(case("careless") + "{tables: {things: [{id: a, status: s3}]}}\n", source="strict")
    assert things.failures() == [("in the order 3, 2, 1: tables.things[a].status", "s3", "s1")]


def test_every_event_also_comes_twice_and_time_passes_after_the_last(things: Folder) -> None:
    more = "{payload: {id: g, type: guarded, thing: a, state: s}}"
    things.write(
        case("counted", more)
        + "{tables: {things: [{id: a, count: 3}]}, scheduled: {count: 3}}\n"
        + case("counted", more, "{wait: 1d}").replace("one", "two")
        + "{tables: {things: [{id: a, count: 3}]}, scheduled: []}\n",
        source="strict",
    )
    assert things.failures() == []


@pytest.mark.parametrize(
    ("events", "expect", "finding"),
    [
        ("[{type: counted}]", "{scheduled: []}", "`any_order` needs several deliveries"),
        ("[{type: counted}, {again: 1}]", "{scheduled: []}", "with `any_order` an entry is a delivery without"),
        ("[{type: counted}, {wait: 1d}, {type: guarded}]", "{scheduled: []}", "with `any_order` an entry is"),
        (
            "[{payload: {type: counted}, expect: {status: done}}, {type: guarded}]",
            "{scheduled: []}",
            "with `any_order` an entry is a delivery without",
        ),
        ("[{type: counted}, {type: guarded}]", "{status: done}", "with `any_order` nothing is said by `status`"),
        ("[{type: counted}, {type: guarded}]", "{logs: []}", "with `any_order` nothing is said by `logs`"),
    ],
)
def test_what_has_no_meaning_in_any_order_is_a_mistake(things: Folder, events: str, expect: str, finding: str) -> None:
    things.write(f"  - {{name: a, any_order: true, events: {events}, expect: {expect}}}\n", source="strict")
    assert any(f"GW104 {finding}" in found for found in things.findings())


@pytest.mark.parametrize("count", [2, 3, 4, 5, 7])
def test_orders_are_few_and_each_is_one(count: int) -> None:
    orders = orders_of(count)
    assert len(set(orders)) == len(orders) <= MOST_ORDERS
    assert orders[:2] == [tuple(range(count)), tuple(range(count))[::-1]]
    assert all(sorted(order) == list(range(count)) for order in orders)
    assert len(orders) == {2: 2, 3: 6}.get(count, MOST_ORDERS)
    assert {order[0] for order in orders} == set(range(count))
