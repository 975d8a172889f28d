"""Tables that an operator made on PostgreSQL, narrower than rules know: what does not fit is said clearly."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from engines import Bench, open_new

from gateway.store.operator_rows import RowInvalid, get_row, list_rows, put_row
from gateway.store.rows import RowTable

pytestmark = pytest.mark.postgresql

MOODS = "CREATE TYPE mood AS ENUM ('sad', 'ok')"
THINGS = """
CREATE TABLE things (id uuid PRIMARY KEY, small int2, whole int4, amount numeric(5,2), rate numeric(5,2),
                     word varchar(3), mood mood, day date)
"""
RULES = """
version: 1
tables:
  things:
    existing: true
    columns:
      id: {type: text, primary_key: true}
      small: {type: integer}
      whole: {type: integer}
      amount: {type: decimal}
      rate: {type: decimal}
      word: {type: text}
      mood: {type: text}
      day: {type: date}
rules:
  - name: set
    on: set
    do:
      - upsert: things
        key: {id: $event.payload.thing}
        set:
          small: $event.payload.small
          whole: $event.payload.whole
          amount: $event.payload.amount
          word: $event.payload.word
          mood: $event.payload.mood
          day: $event.payload.day
  - name: add
    on: add
    do: [{update: things, where: {id: $event.payload.thing}, increment: {whole: $event.payload.whole}}]
  - {name: look, on: look, do: [{find: things, where: {mood: $event.payload.mood}}]}
  - {name: list, on: list, do: [{find: things, where: {whole: {in: $event.payload.list}}, all: true}]}
"""
THING = "00000000-0000-0000-0000-000000000001"
GOOD = {"thing": THING, "small": 1, "whole": 2, "amount": 1.5, "word": "abc", "mood": "ok", "day": "2026-01-31"}


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    database = open_new(tmp_path)
    database.execute(MOODS, ())
    database.execute(THINGS, ())
    bench = Bench(tmp_path, RULES, url=database.address.url)
    assert bench.process({"id": "good", "type": "set", **GOOD})["status"] == "done"
    return bench


@pytest.mark.parametrize(
    ("changed", "error"),
    [
        ({"small": 40_000}, 'column `things.small`: value "40000" is out of range for type smallint'),
        ({"whole": 3_000_000_000}, 'column `things.whole`: value "3000000000" is out of range for type integer'),
        (
            {"amount": 12345.67},
            ("column `things.amount`: numeric field overflow, got `12345.67`: "
            "A field with precision 5, scale 2 must round to an absolute value less than 10^3"),
        ),
        ({"word": "abcd"}, "column `things.word`: value too long for type character varying(3), got `abcd`"),
        ({"mood": "glad"}, 'column `things.mood`: invalid input value for enum mood: "glad"'),
        ({"thing": "one"}, 'column `things.id`: invalid input syntax for type uuid: "one"'),
        (
            {"type": "add", "whole": 2**31 - 1},
            'column `things.whole`: value "2147483649" is out of range for type integer',
        ),
        ({"type": "look", "mood": "glad"}, 'column `things.mood`: invalid input value for enum mood: "glad"'),
    ],
)  # fmt: skip
def test_a_value_that_a_column_cannot_hold_is_a_dead_letter_that_names_both(
    bench: Bench, changed: dict[str, Any], error: str
) -> None:
    event = bench.process({"id": "bad", "type": "set", **GOOD, **changed})
    assert (event["status"], event["attempts"], event["error"]) == ("dead", 1, error)
    [row] = bench.database.execute("SELECT id, small, whole, amount::text, word, mood FROM things", ()).fetchall()
    assert row == (THING, 1, 2, "1.50", "abc", "ok")


def test_a_number_that_no_row_can_have_is_simply_not_found(bench: Bench) -> None:
    assert bench.process({"id": "list", "type": "list", "list": [3_000_000_000]})["status"] == "done"


def test_two_columns_that_it_may_be_about_are_both_named(bench: Bench) -> None:
    table = bench.engine.program.tables["things"]
    with pytest.raises(
        RowInvalid, match=r"column `things.amount` or `things.rate`: numeric field overflow, got `1000`"
    ):
        put_row(bench.database, table, THING, {"amount": 1000, "rate": 1000}, actor="test", now=1)


def test_rows_named_by_what_is_no_text_are_listed_and_asked_for(bench: Bench) -> None:
    table: RowTable = bench.engine.program.tables["things"]
    assert get_row(bench.database, table, THING)["whole"] == 2
    with pytest.raises(RowInvalid, match=r'column `things.id`: invalid input syntax for type uuid: "one"'):
        get_row(bench.database, table, "one")
    page = list_rows(bench.database, table, limit=1, cursor="0")
    assert [row["id"] for row in page.rows] == [THING]
