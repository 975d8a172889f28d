"""What a case says against what the engine does."""

from __future__ import annotations

import pytest
from testing.projects import Folder

ANNA = "given: {tables: {customers: [{id: anna, email: a@x, balance: 1.50}]}}"
ORDER = "event: {id: e1, type: order, customer: anna, amount: 99.90}"


def test_everything_that_can_be_expected(folder: Folder) -> None:
    folder.write(f"""
  - name: a big order
    {ANNA}
    {ORDER}
    expect:
      status: done
      result: booked
      rule: big order
      error: null
      duplicate: false
      response: {{ok: true, said: booked, customer: anna}}
      tables:
        customers: [{{id: anna, status: known, balance: 101.4, email: {{is: present}}, extra: null}}]
      logs: []
      messages: []
      calls: []
""")
    assert folder.failures() == []


@pytest.mark.parametrize(
    ("expect", "failure"),
    [
        ("status: dead", ("status", "dead", "done")),
        ("result: too small", ("result", "too small", "booked")),
        ("result: null", ("result", "null", "booked")),
        ("rule: small order", ("rule", "small order", "big order")),
        ("rule: null", ("rule", "null", "big order")),
        ("error: boom", ("error", "… boom …", "null")),
        ("duplicate: true", ("duplicate", "true", "false")),
        ("response: {ok: true, said: other, customer: anna}", ("response.said", "other", "booked")),
        ("response: {ok: true, said: booked}", ("response.customer", "(no such key)", "anna")),
        (
            "response: {ok: true, said: booked, customer: anna, more: 1}",
            ("response.more", "1", "(no such key)"),
        ),
        ("tables: {customers: [{id: anna, status: new}]}", ("tables.customers[anna].status", "new", "known")),
        ("tables: {customers: [{id: anna, balance: 101.41}]}", ("tables.customers[anna].balance", "101.41", "101.40")),
        (
            "tables: {customers: [{id: anna, extra: {is: present}}]}",
            ("tables.customers[anna].extra", '{"is":"present"}', "null"),
        ),
        ("tables: {customers: [{id: anna, email: null}]}", ("tables.customers[anna].email", "null", "a@x")),
        ("tables: {customers: {count: 2}}", ("tables.customers.count", "2", "1")),
        ("tables: {customers: []}", ("tables.customers", "no rows", '{"id":"anna"')),
        ("tables: {customers: [{id: bert}]}", ("tables.customers[bert]", '{"id":"bert"}', "no such row")),
        ("tables: {customers: [{status: new}]}", ("tables.customers", '{"status":"new"}', "no such row")),
        ("logs: [hello]", ("logs", "hello", "[]")),
    ],
)
def test_what_does_not_hold_fails(folder: Folder, expect: str, failure: tuple[str, str, str]) -> None:
    folder.write(f"\n  - name: one\n    {ANNA}\n    {ORDER}\n    expect: {{{expect}}}\n")
    [(what, expected, got)] = folder.failures()
    assert (what, expected) == failure[:2]
    assert got.startswith(failure[2])


def test_lines_of_the_log_with_level_and_fields(folder: Folder) -> None:
    folder.write(f"""
  - name: a very big order
    {ANNA}
    event: {{id: e1, type: order, customer: anna, amount: 100.10}}
    expect: {{logs: [order of 100.10, {{text: order of 100.10, level: warning, fields: {{customer: anna}}}}]}}
  - name: neither level nor fields fit
    {ANNA}
    event: {{id: e1, type: order, customer: anna, amount: 100.10}}
    expect: {{logs: [{{text: order of 100.10, level: info}}, {{text: order of 100.10, fields: {{customer: bert}}}}]}}
  - name: something was logged
    {ANNA}
    event: {{id: e1, type: order, customer: anna, amount: 100.10}}
    expect: {{logs: []}}
""")
    assert [got for _, _, got in folder.failures()] == ["warning: order of 100.10"] * 3


def test_a_sequence_with_expectations_in_between(folder: Folder) -> None:
    folder.write("""
  - name: an order before its customer waits for it
    events:
      - payload: {id: e1, type: order, customer: anna, amount: 5}
        expect: {status: parked, error: no row of `customers`}
      - {id: e2, type: customer, customer: anna, email: a@x}
      - wait: 1m
        expect: {result: registered}
      - again: 1
        expect: {duplicate: true, status: done, result: too small}
    expect: {tables: {customers: {count: 1}}}
""")
    assert folder.failures() == []


def test_the_same_payload_twice_is_a_redelivery(folder: Folder) -> None:
    folder.write(f"""
  - name: counted once
    {ANNA}
    events:
      - &order {{id: e1, type: order, customer: anna, amount: 10}}
      - *order
    expect: {{duplicate: true, result: booked, tables: {{customers: [{{id: anna, balance: 11.5}}]}}}}
""")
    assert folder.failures() == []


def test_time_passes_and_what_is_due_is_tried_again(folder: Folder) -> None:
    folder.write("""
  - name: it does not pass for three days
    events:
      - payload: {id: e1, type: trouble}
        expect: {status: waiting, error: not now, response: {ok: true, said: retrying}}
      - {wait: 2d, expect: {status: waiting}}
      - {wait: 2d, expect: {status: dead, error: not now}}
    expect: {status: dead, response: {ok: false, said: failed}}
""")
    assert folder.failures() == []


def test_a_moment_settings_and_what_the_payload_does_not_say(folder: Folder) -> None:
    folder.write(f"""
  - name: the row takes the time of the event
    given:
      tables: {{customers: [{{id: anna}}]}}
      now: 2024-01-15T12:00:00Z
      settings: {{least: 3}}
    event: {{payload: {{customer: anna, amount: 5}}, id: e9, type: order, occurred_at: 2024-01-14T00:00:00+01:00}}
    expect: {{result: booked, tables: {{customers: [{{id: anna, changed_at: 2024-01-13T23:00:00Z}}]}}}}
  - name: without a time of its own, the time it came
    given: {{tables: {{customers: [{{id: anna}}]}}, now: 2024-01-15T12:00:00Z}}
    {ORDER}
    expect: {{tables: {{customers: [{{id: anna, changed_at: 2024-01-15T12:00:00Z}}]}}}}
  - name: settings go back to what they were
    given: {{tables: {{customers: [{{id: anna}}]}}}}
    event: {{id: e9, type: order, customer: anna, amount: 5}}
    expect: {{result: too small}}
""")
    assert folder.failures() == []


def test_payloads_from_files(folder: Folder) -> None:
    (folder.path / "rules" / "tests").mkdir()
    (folder.path / "rules" / "tests" / "order.json").write_bytes(
        b'{"id": "e1", "type": "order", "customer": "anna", "amount": 10.00, "lines": [{"n": 1}]}'
    )
    (folder.path / "rules" / "tests" / "broken.json").write_bytes(b'{"id": "e1", "id": "e2"}')
    folder.write(f"""
  - name: as it stands
    {ANNA}
    event: order.json
    expect: {{result: booked}}
  - name: changed
    {ANNA}
    event: {{file: order.json, set: {{amount: 1, "lines[0].n": 2, "lines[1]": 3, new: [x]}}}}
    expect: {{result: too small}}
  - name: broken
    event: broken.json
    expect: {{status: dead, error: twice}}
""")
    assert folder.failures() == []


def test_rows_that_cannot_be_stored_fail_their_case(folder: Folder) -> None:
    folder.write(f"""
  - name: twice the same address
    given: {{tables: {{customers: [{{id: anna, email: a@x}}, {{id: bert, email: a@x}}]}}}}
    {ORDER}
    expect: {{result: booked}}
""")
    assert [(what, got) for what, _, got in folder.failures()] == [
        ("given.tables.customers", "a row with its key, or a unique value of it, is given twice")
    ]


def test_each_case_has_a_database_of_its_own(folder: Folder) -> None:
    folder.write("""
  - name: first
    event: {id: e1, type: customer, customer: anna, email: a@x}
    expect: {duplicate: false, tables: {customers: {count: 1}}}
  - name: second
    event: {id: e1, type: customer, customer: anna, email: a@x}
    expect: {duplicate: false, tables: {customers: {count: 1}}}
""")
    assert folder.failures() == []


def test_a_refused_delivery(folder: Folder) -> None:
    folder.write(
        """
  - name: a type that no rule names
    event: {id: e1, type: unknown}
    expect: {status: refused, error: no rule of this source}
  - name: one that a rule names
    event: {id: e1, type: known}
    expect: {status: done, logs: [hello]}
""",
        source="strict",
    )
    assert folder.failures() == []


def test_a_table_that_is_used_as_it_stands_is_made_from_its_columns(folder: Folder) -> None:
    rules = folder.path / "rules" / "shop.yaml"
    rules.write_text(
        rules.read_text().replace("  customers:\n    columns:", "  customers:\n    existing: true\n    columns:")
    )
    folder.write(f"\n  - name: one\n    {ANNA}\n    {ORDER}\n    expect: {{result: booked}}\n")
    assert folder.failures() == []


def test_a_mistake_in_the_answer_does_not_stop_the_engine(folder: Folder) -> None:
    config = folder.path / "gateway.yaml"
    config.write_text(config.read_text().replace("said: $outcome", 'said: "${ sum(outcome) }"'))
    folder.write(f"""
  - name: one
    {ANNA}
    {ORDER}
    expect:
      status: done
      response:
        status: done
        result: booked
        error: "response: argument 1 (`list`) of `sum` must be a list, got text `booked`"
""")
    assert folder.failures() == []


def test_a_sum_is_never_that_of_a_part(folder: Folder) -> None:
    (folder.path / "rules" / "strict.yaml").write_text("""
version: 1
tables: {lines: {columns: {id: {type: integer, primary_key: true}, order: {type: text}}}}
rules:
  - name: any
    on: known
    do: [{find: lines, where: {order: a}, all: true, as: found}, {finish: "${ to_string(length(found)) }"}]
""")
    for count, expected in ((1000, "{result: '1000'}"), (1001, "{status: dead, error: more than 1000 rows}")):
        rows = ", ".join(f"{{id: {number}, order: a}}" for number in range(count))
        folder.write(
            f"  - {{name: a, given: {{tables: {{lines: [{rows}]}}}}, event: {{type: known}}, expect: {expected}}}\n",
            source="strict",
        )
        assert folder.failures() == []


def test_a_procedure_is_run_by_hand(folder: Folder) -> None:
    folder.write(f"""
  - name: its steps run, with the names they are given
    {ANNA}
    events:
      - {{run: find_customer, with: {{customer_id: anna}}, expect: {{status: done, duplicate: false}}}}
      - {{run: find_customer, with: {{customer_id: bert}}, expect: {{result: nobody}}}}
    expect: {{result: nobody, tables: {{customers: {{count: 1}}}}}}
""")
    assert folder.failures() == []
