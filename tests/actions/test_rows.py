"""The steps that read and write rows, each in a rule of its own."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from engines import Bench

TABLES = """
version: 1
tables:
  items:
    columns:
      id: {type: text, primary_key: true}
      code: {type: text, unique: true}
      price: {type: decimal, default: 1.50}
      count: {type: integer, default: 0}
      open: {type: boolean, default: true}
      day: {type: date}
      at: {type: timestamp}
      data: {type: json}
extract: {}
rules:
"""


def rule(on: str, *steps: str, result: str = "ok") -> str:
    lines = "".join(f"\n      - {step}" for step in steps)
    return f"  - name: {on}\n    on: {on}\n    do:{lines}\n    result: {result}\n"


def bench(folder: Path, *rules: str) -> Bench:
    return Bench(folder, TABLES + "".join(rules))


def run(folder: Path, *steps: str, result: str = "ok", rows: str = "", **event: Any) -> tuple[dict[str, Any], Bench]:
    used = bench(folder, rule("order", *steps, result=result))
    if rows:
        used.database.execute(f"INSERT INTO items {rows}", ())
    return used.process({"type": "order", **event}), used


THREE = """(id, code, price, count, open, day, at, data) VALUES
  ('a', 'x', '9.90', 1, 1, '2026-01-01', '2026-01-15T11:00:00.000000Z', '{"n": 1}'),
  ('b', 'y', '10', 2, 0, '2026-01-02', '2026-01-15 10:00:00', NULL),
  ('c', 'z', '100.00', 3, 1, NULL, '2026-01-10T12:00:00+02:00', NULL)"""


@pytest.mark.parametrize(
    ("where", "found"),
    [
        ("{id: b}", "b"),
        ("{price: 9.9}", "a"),
        ("{price: {gt: 10}}", "c"),
        ("{price: {lte: 9.90}}", "a"),
        ("{price: {ne: 10.00}}", "a"),
        ("{count: {in: [3, 4]}}", "c"),
        ("{count: {in: [2, 3]}}", "b"),
        ("{count: {gte: 2}, open: false}", "b"),
        ("{day: {is: null}}", "c"),
        ("{day: {is: present}, open: false}", "b"),
        ("{day: {lt: 2026-01-02}}", "a"),
        ("{at: {within: 90m, of: $event.received_at}}", "a"),
        ("{at: {within: 2h}, open: false}", "b"),
        ("{at: {lt: '2026-01-11T00:00:00Z'}}", "c"),
        ("[{id: $event.payload.nothing}, {code: z}]", "c"),
        ("[{id: nobody}, {code: nothing}, {count: 2}]", "b"),
    ],
)
def test_find_by_every_kind_of_condition(tmp_path: Path, where: str, found: str) -> None:
    event, _ = run(tmp_path, f"{{find: items, where: {where}, order_by: id, as: item}}", result="$item.id", rows=THREE)
    assert (event["result"], event["error"]) == (found, None)


@pytest.mark.parametrize(
    ("order", "found"), [("price", "a"), ("price desc", "c"), ("at", "c"), ("at desc", "a"), ("[open, id desc]", "b")]
)
def test_find_takes_the_first_in_order(tmp_path: Path, order: str, found: str) -> None:
    step = f"{{find: items, where: {{count: {{gt: 0}}}}, order_by: {order}, as: item}}"
    event, _ = run(tmp_path, step, result="$item.id", rows=THREE)
    assert event["result"] == found


@pytest.mark.parametrize(
    ("missing", "status", "said"),
    [
        ("{finish: nobody is there}", "done", "nobody is there"),
        ("{fail: who is it}", "dead", "who is it"),
        ("park", "parked", "no row of `items` fits yet"),
        ("null", "done", "ok"),
    ],
)
def test_find_says_what_happens_when_there_is_none(tmp_path: Path, missing: str, status: str, said: str) -> None:
    event, _ = run(tmp_path, f"{{find: items, where: {{id: a}}, as: item, missing: {missing}}}")
    assert (event["status"], event["result"] or event["error"]) == (status, said)


def test_find_without_missing_fails(tmp_path: Path) -> None:
    event, _ = run(tmp_path, "{find: items, where: {id: a}, as: item}")
    assert (event["status"], event["error"]) == ("dead", "no row of `items` fits")


def test_find_all_binds_a_list(tmp_path: Path) -> None:
    step = "{find: items, where: {open: true}, all: true, order_by: id, as: found}"
    event, _ = run(tmp_path, step, result="${ join(',', found[].id) } ${ sum(found[].price) }", rows=THREE)
    assert event["result"] == "a,c 109.90"
    event, _ = (
        run(tmp_path / "empty", step, result="${ length(found) }")
        if (tmp_path / "empty").mkdir() is None
        else ({}, None)
    )
    assert event["result"] == "0"


def test_values_come_back_as_they_were_stored(tmp_path: Path) -> None:
    values = "{id: q, price: 0.10, day: 2026-02-28, at: '2026-01-15T12:00:00.5Z', data: {list: [1, 2.50, null]}}"
    event, used = run(
        tmp_path,
        f"{{insert: items, values: {values}}}",
        "{find: items, where: {id: q}, as: item}",
        result="${ item.price } $item.day $item.at ${ to_string(item.data) } $item.open",
    )
    assert event["result"] == '0.10 2026-02-28 2026-01-15T12:00:00.500000Z {"list":[1,2.50,null]} true'
    assert used.rows("items")[0][2] == "0.10"


def test_insert_conflicts(tmp_path: Path) -> None:
    used = bench(
        tmp_path,
        rule("plain", "{insert: items, values: {id: a, code: $event.payload.code}}"),
        rule("ignore", "{insert: items, values: {id: a}, on_conflict: ignore}"),
        rule("finish", "{insert: items, values: {id: a}, on_conflict: {finish: twice}}"),
    )
    assert used.process({"id": "1", "type": "plain", "code": "x"})["status"] == "done"
    failed = used.process({"id": "2", "type": "plain", "code": "y"})
    assert (failed["status"], failed["error"]) == ("dead", "a row of `items` with id `a`, code `y` exists")
    assert used.process({"id": "3", "type": "ignore"})["result"] == "ok"
    assert used.process({"id": "4", "type": "finish"})["result"] == "twice"
    assert len(used.rows("items")) == 1


def test_upsert_makes_then_changes(tmp_path: Path) -> None:
    step = "{upsert: items, key: {id: a}, set: {count: $event.payload.n}, on_insert: {code: new}, as: item}"
    used = bench(tmp_path, rule("order", step, result="$item.count of $item.code at $item.price"))
    assert used.process({"id": "1", "type": "order", "n": 5})["result"] == "5 of new at 1.50"
    assert used.process({"id": "2", "type": "order", "n": 6})["result"] == "6 of new at 1.50"
    assert [row[:4] for row in used.rows("items")] == [("a", "new", "1.50", 6)]
    assert used.trace(2)["steps"] == [["rules[0].do[0]", "upsert", {"row": "a", "changed": {"count": [5, 6]}}]]


def test_upsert_without_a_key_value_fails(tmp_path: Path) -> None:
    event, _ = run(tmp_path, "{upsert: items, key: {id: $event.payload.nothing}, set: {count: 1}}")
    assert event["error"] == "the key of the row of `items` is null: `id` has no value"


def test_update_increments_and_counts_rows(tmp_path: Path) -> None:
    event, used = run(
        tmp_path,
        "{update: items, where: {open: true}, set: {open: false}, increment: {count: 10, price: 0.05}}",
        rows=THREE,
    )
    assert event["status"] == "done"
    assert [row[:5] for row in used.rows("items")] == [
        ("a", "x", "9.95", 11, 0),
        ("b", "y", "10", 2, 0),
        ("c", "z", "100.05", 13, 0),
    ]


def test_update_expects_one(tmp_path: Path) -> None:
    event, used = run(tmp_path, "{update: items, where: {open: true}, set: {count: 0}, expect: one}", rows=THREE)
    assert event["error"] == "2 rows of `items` fit, one was expected"
    assert [row[3] for row in used.rows("items")] == [1, 2, 3]


def test_update_of_a_row_found_before_sees_its_own_writes(tmp_path: Path) -> None:
    event, used = run(
        tmp_path,
        "{find: items, where: {id: a}, as: item}",
        "{update: items, where: {id: $item.id}, increment: {count: 1}}",
        "{update: items, where: {id: $item.id}, increment: {count: 1}, as: after}",
        result="$item.count $after.count",
        rows=THREE,
    )
    assert event["result"] == "1 3"
    assert used.rows("items")[0][3] == 3


def test_an_update_that_breaks_a_unique_column_is_a_dead_letter(tmp_path: Path) -> None:
    event, used = run(tmp_path, "{update: items, where: {id: a}, set: {code: y}}", rows=THREE)
    assert event["status"] == "dead"
    assert "items.code" in event["error"]
    assert used.rows("items")[0][1] == "x"


def test_delete_keeps_what_it_deleted_in_the_trace(tmp_path: Path) -> None:
    event, used = run(tmp_path, "{delete: items, where: {count: {lt: 3}}}", rows=THREE)
    assert event["status"] == "done"
    assert [row[0] for row in used.rows("items")] == ["c"]
    [[_, action, said]] = used.trace(1)["steps"]
    assert (action, [row["id"] for row in said["deleted"]]) == ("delete", ["a", "b"])


@pytest.mark.parametrize(
    ("column", "value", "reason"),
    [
        ("count", "12", "text"),
        ("count", 1.5, "1.5"),
        ("count", 2**70, "64 bits"),
        ("price", "abc", "abc"),
        ("price", True, "true"),
        ("code", 5, "5"),
        ("code", "a\0b", "NUL"),
        ("open", 1, "1"),
        ("day", "2026-02-30", "2026-02-30"),
        ("at", "yesterday", "yesterday"),
        ("at", "2026-01-01T00:00:00", "2026-01-01T00:00:00"),
    ],
)
def test_a_value_that_does_not_fit_is_never_converted(tmp_path: Path, column: str, value: object, reason: str) -> None:
    event, used = run(tmp_path, f"{{insert: items, values: {{id: a, {column}: $event.payload.value}}}}", value=value)
    assert event["status"] == "dead"
    assert f"items.{column}" in event["error"]
    assert reason in event["error"]
    assert used.rows("items") == []


def test_a_null_condition_fits_no_row(tmp_path: Path) -> None:
    event, used = run(tmp_path, "{delete: items, where: {day: $event.payload.nothing}}", rows=THREE)
    assert (event["status"], len(used.rows("items"))) == ("done", 3)


def test_lookup_reads_a_row_and_a_mapping(tmp_path: Path) -> None:
    event, _ = run(
        tmp_path, "{log: hello}", result="${ lookup('items', 'a').price } ${ lookup('items', 'nobody') }", rows=THREE
    )
    assert event["result"] == "9.90 "


def test_a_procedure_binds_names_and_takes_some(tmp_path: Path) -> None:
    procedures = (
        "procedures:\n  get:\n    - {find: items, where: {id: $which}, as: item, missing: {finish: none}}\nrules:\n"
    )
    text = TABLES.replace("rules:\n", procedures)
    used = Bench(tmp_path, text + rule("order", "{run: get, with: {which: $event.payload.which}}", result="$item.code"))
    used.database.execute(f"INSERT INTO items {THREE}", ())
    assert used.process({"id": "1", "type": "order", "which": "b"})["result"] == "y"
    assert used.process({"id": "2", "type": "order", "which": "q"})["result"] == "none"
