"""`run`: what a procedure is given is its own, and what it binds is there afterwards."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from engines import Bench

RULES = """
version: 1
tables:
  items:
    columns:
      id: {type: text, primary_key: true}
      note: {type: text}
extract:
  who: who
procedures:
  note_down:
    - {insert: items, values: {id: $id, note: $who}, as: item}
  note_twice:
    - {run: note_down, with: {id: a, who: "${ join('', [who, '!']) }"}}
    - {run: note_down, with: {id: b}}
  bind_given:
    - {find: items, where: {id: $wanted}, as: wanted, missing: null}
  stop:
    - {finish: stopped with $reason}
"""


def outcome(folder: Path, steps: str, result: str, **event: Any) -> tuple[Any, list[Any]]:
    rule = f"rules:\n  - name: order\n    on: order\n    do: {steps}\n    result: {result}\n"
    used = Bench(folder, RULES + rule)
    found = used.process({"type": "order", **event})
    assert found["status"] == "done", found
    return found["result"], used.rows("items")


def test_what_a_procedure_binds_is_there_afterwards(tmp_path: Path) -> None:
    steps = "[{run: note_down, with: {id: a}}]"
    assert outcome(tmp_path, steps, "$item.id $item.note", who="anna") == ("a anna", [("a", "anna")])


def test_a_name_given_hides_another_for_as_long_as_the_procedure_runs(tmp_path: Path) -> None:
    steps = "[{run: note_down, with: {id: a, who: '$who and bert'}}, {run: note_down, with: {id: b}}]"
    rows = [("a", "anna and bert"), ("b", "anna")]
    assert outcome(tmp_path, steps, "$who", who="anna") == ("anna", rows)


def test_values_are_worked_out_where_the_procedure_is_run(tmp_path: Path) -> None:
    steps = "[{run: note_down, with: {who: $event.id, id: $who}}]"
    assert outcome(tmp_path, steps, "$who", who="anna") == ("anna", [("anna", "evt_1")])


def test_procedures_within_procedures_give_back_what_they_hid(tmp_path: Path) -> None:
    steps = "[{run: note_twice, with: {who: bert}}]"
    assert outcome(tmp_path, steps, "$who $item.id", who="anna") == ("anna b", [("a", "bert!"), ("b", "bert")])


def test_a_name_that_is_given_and_bound_again_stays_the_procedures_own(tmp_path: Path) -> None:
    steps = "[{find: items, where: {id: x}, as: wanted, missing: null}, {run: bind_given, with: {wanted: $who}}]"
    assert outcome(tmp_path, steps, "was ${ type(wanted) }", who="anna")[0] == "was null"


def test_a_procedure_that_ends_the_event_gives_back_too(tmp_path: Path) -> None:
    steps = "[{run: stop, with: {reason: $who}}]"
    assert outcome(tmp_path, steps, "never", who="anna")[0] == "stopped with anna"


@pytest.mark.parametrize("name", ["id", "reason"])
def test_a_name_given_is_not_known_afterwards(tmp_path: Path, name: str) -> None:
    steps = f"[{{run: note_down, with: {{id: a, reason: x}}}}, {{log: ${name}}}]"
    with pytest.raises(AssertionError, match=f"nothing is called `{name}` here"):
        outcome(tmp_path, steps, "ok", who="anna")
