"""The steps that wait for an answer: `stripe`, and `send` with `wait`."""

from __future__ import annotations

import json
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from engines import Bench

RULES = """
version: 1
tables:
  customers:
    columns:
      id: {type: text, primary_key: true}
      stripe_id: {type: text}
      total: {type: decimal}
extract:
  name: name
  amount: {path: amount, as: decimal}
  odd: odd
rules:
  - name: order
    on: order
    do:
"""


def bench(folder: Path, steps: str, result: str = "ok") -> Bench:
    indented = "".join(f"      {line}\n" for line in steps.strip("\n").splitlines())
    return Bench(folder, f"{RULES}{indented}    result: {result}\n")


def request_of(used: Bench, **event: Any) -> dict[str, Any]:
    """Run an event up to its first call, and return what that call asks for."""
    assert used.process({"type": "order", **event})["status"] == "waiting", used.event(1)
    [call] = used.outbox()
    return json.loads(call.request, parse_float=Decimal)  # type: ignore[no-any-return]


def failure(used: Bench, **event: Any) -> str:
    found = used.process({"type": "order", **event})
    assert found["status"] == "dead"
    assert used.outbox() == []
    return str(found["error"])


CREATE = """
- insert: customers
  values: {id: anna}
- stripe: customers.create
  params: {name: $name, metadata: {organization: $event.id}}
  as: customer
- update: customers
  where: {id: anna}
  set: {stripe_id: $customer.id, total: $customer.balance}
"""


def test_a_call_ends_the_pass_and_its_answer_takes_its_place(tmp_path: Path) -> None:
    used = bench(tmp_path, CREATE, result="$customer.id")
    assert used.process({"type": "order", "name": "Anna"})["status"] == "waiting"
    assert used.rows("customers") == []
    call = used.answer({"id": "cus_1", "balance": Decimal("10.50")})
    assert (call.kind, call.action, call.target, call.position) == (
        "call", "stripe", "stripe", "stripe customers.create#1",
    )  # fmt: skip
    assert json.loads(call.request) == {
        "operation": "customers.create",
        "path": [],
        "params": {"name": "Anna", "metadata": {"organization": "evt_1"}},
    }
    assert (used.event(1)["status"], used.event(1)["result"]) == ("done", "cus_1")
    assert used.rows("customers")[0][:3] == ("anna", "cus_1", "10.50")
    [sent] = used.outbox()
    [_, note, _] = used.trace(1, used.event(1)["attempts"])["steps"]
    assert note == ["rules[0].do[1]", "stripe", {"call": "customers.create", "id": sent.message_id, "answer": "ok"}]


def test_a_call_that_is_repeated_gets_a_place_of_its_own(tmp_path: Path) -> None:
    twice = "\n".join(f"- {{stripe: customers.create, params: {{name: {name}}}, as: {name}}}" for name in "ab")
    used = bench(tmp_path, twice, result="$a.id $b.id")
    used.process({"type": "order"})
    first, second = used.answer({"id": "cus_1"}), used.answer({"id": "cus_2"})
    assert [first.position, second.position] == ["stripe customers.create#1", "stripe customers.create#2"]
    assert first.message_id != second.message_id
    assert used.event(1)["result"] == "cus_1 cus_2"


@pytest.mark.parametrize(
    ("step", "path", "params"),
    [
        ("{stripe: customers.update, id: $name, params: {name: A}}", ["cus_1"], {"name": "A"}),
        ("{stripe: customers.update, params: {customer: $name, name: A}}", ["cus_1"], {"name": "A"}),
        ("{stripe: customers.payment_methods.retrieve, params: {payment_method: pm_1, customer: $name}}",
         ["cus_1", "pm_1"], {}),
        ("{stripe: customers.delete, id: $name}", ["cus_1"], {}),
    ],
)  # fmt: skip
def test_ids_of_the_address_come_in_the_order_of_the_sdk(
    tmp_path: Path, step: str, path: list[str], params: dict[str, Any]
) -> None:
    found = request_of(bench(tmp_path, f"- {step}"), name="cus_1")
    assert (found["path"], found["params"]) == (path, params)


@pytest.mark.parametrize("name", [None, "", ".", ".."])
def test_an_id_that_is_none_is_never_asked_for(tmp_path: Path, name: str | None) -> None:
    used = bench(tmp_path, "- {stripe: customers.delete, id: $name}")
    assert failure(used, name=name).startswith("customers.delete: ")


def test_parameters_are_written_as_stripe_takes_them(tmp_path: Path) -> None:
    used = bench(
        tmp_path,
        """
- stripe: payment_intents.create
  params:
    amount: "${ to_minor(amount, 'usd') }"
    currency: usd
    description: "${ odd.none }"
    expand: [latest_charge, "${ odd.none }"]
    application_fee_amount: "${ mul(amount, `100`) }"
    transfer_data: {destination: acct_1, amount: null}
    metadata: {amount: $amount, at: $event.received_at, whole: 5, sure: true, of: "${ odd }", none: "${ odd.none }"}
    payment_method_options: {card: {mandate_options: {amount: 1990, amount_type: maximum, interval: month,
      reference: order_1, start_date: $now}}}
  options: {stripe_account: "${ odd.account }"}
""",
    )
    found = request_of(used, amount="19.90", odd={"account": "acct_7"})
    assert found["params"] == {
        "amount": 1990,
        "currency": "usd",
        "expand": ["latest_charge"],
        "application_fee_amount": 1990,
        "transfer_data": {"destination": "acct_1"},
        "metadata": {
            "amount": "19.90", "at": "2026-01-15T12:00:00Z", "whole": 5, "sure": True, "of": '{"account":"acct_7"}',
        },
        "payment_method_options": {"card": {"mandate_options": {
            "amount": 1990, "amount_type": "maximum", "interval": "month", "reference": "order_1",
            "start_date": 1768478400,
        }}},
    }  # fmt: skip
    assert found["options"] == {"stripe_account": "acct_7"}


def test_options_that_are_null_are_left_out(tmp_path: Path) -> None:
    used = bench(tmp_path, '- {stripe: customers.create, options: {stripe_account: "${ odd.account }"}}')
    assert "options" not in request_of(used)


def test_an_amount_that_is_no_whole_number_fails_the_step(tmp_path: Path) -> None:
    used = bench(tmp_path, "- {stripe: payment_intents.create, params: {amount: $amount, currency: usd}}")
    assert failure(used, amount="19.90") == (
        "`params.amount` is 19.90: Stripe takes whole numbers, of the smallest unit"
    )


def test_a_percentage_may_have_a_fraction_and_keeps_its_digits(tmp_path: Path) -> None:
    used = bench(tmp_path, "- {stripe: coupons.create, params: {percent_off: $amount}}")
    assert request_of(used, amount="12.50")["params"] == {"percent_off": "12.50"}


def test_a_refusal_fails_the_event_with_what_stripe_said(tmp_path: Path) -> None:
    used = bench(tmp_path, CREATE)
    used.process({"type": "order", "name": "Anna"})
    used.answer(code="refused", error="Stripe answered 402 card_declined: Your card was declined.")
    found = used.event(1)
    assert (found["status"], found["error"]) == (
        "dead", "customers.create: Stripe answered 402 card_declined: Your card was declined.",
    )  # fmt: skip
    assert used.rows("customers") == []


GET = """
- stripe: customers.retrieve
  id: cus_1
  as: customer
  missing: {missing}
- log: $customer.name
"""


@pytest.mark.parametrize(
    ("missing", "code", "status", "result", "error"),
    [
        ("null", "not_found", "done", "found ", None),
        ("{finish: gone}", "not_found", "done", "gone", None),
        ("{finish: gone from $event.id}", "not_found", "done", "gone from evt_1", None),
        ("{fail: 'no $event.id'}", "not_found", "dead", None, "no evt_1"),
        ("null", "refused", "dead", None, "customers.retrieve: Stripe answered"),
        ("{finish: gone}", "gave_up", "dead", None, "customers.retrieve: Stripe answered"),
    ],
)
def test_missing_says_what_a_404_means_and_nothing_else(
    tmp_path: Path, missing: str, code: str, status: str, result: str | None, error: str | None
) -> None:
    used = bench(tmp_path, GET.replace("{missing}", missing), result="found $customer.name")
    used.process({"type": "order"})
    used.answer(code=code, error="Stripe answered")
    found = used.event(1)
    assert (found["status"], found["result"], found["error"]) == (status, result, error)


def test_without_missing_a_404_fails_the_event(tmp_path: Path) -> None:
    used = bench(tmp_path, "- {stripe: customers.retrieve, id: cus_1}")
    used.process({"type": "order"})
    used.answer(code="not_found", error="Stripe answered 404 resource_missing: No such customer: 'cus_1'")
    assert used.event(1)["error"] == (
        "customers.retrieve: Stripe answered 404 resource_missing: No such customer: 'cus_1'"
    )


WAIT = """
- send: app
  path: /customers/$name
  method: GET
  wait: true
  as: answer
  missing: {finish: unknown}
"""


def test_an_awaited_request_binds_its_answer(tmp_path: Path) -> None:
    used = bench(tmp_path, WAIT, result="$answer.status ${ answer.headers.etag } $answer.body.total")
    used.process({"type": "order", "name": "anna"})
    body = {"total": Decimal("12345678901234567890.10")}
    call = used.answer({"status": 200, "headers": {"etag": "x"}, "body": body})
    assert (call.kind, call.action, call.target, call.position) == ("call", "send", "app", "send app#1")
    assert json.loads(call.request) == {"method": "GET", "path": "/customers/anna"}
    assert used.event(1)["result"] == "200 x 12345678901234567890.10"


def test_an_awaited_request_that_finds_nothing_ends_as_it_says(tmp_path: Path) -> None:
    used = bench(tmp_path, WAIT)
    used.process({"type": "order", "name": "anna"})
    used.answer(code="not_found", error="answered 404")
    assert used.event(1)["result"] == "unknown"


def test_an_awaited_request_that_is_refused_fails_the_event(tmp_path: Path) -> None:
    used = bench(tmp_path, WAIT)
    used.process({"type": "order", "name": "anna"})
    used.answer(code="refused", error="answered 422")
    assert used.event(1)["error"] == "send app: answered 422"


def test_a_refusal_that_may_pass_is_asked_again_later_under_a_new_id(tmp_path: Path) -> None:
    used = bench(tmp_path, CREATE.replace("  as: customer", "  refused: retry\n  as: customer"))
    used.process({"type": "order", "name": "Anna"})
    [first] = used.outbox()
    used.answer(code="refused", error="try again tomorrow")
    used.run()
    event = used.event(1)
    assert (event["status"], event["attempts"]) == ("waiting", 1)
    assert "try again tomorrow" in event["error"]
    assert used.database.execute("SELECT count(*) FROM customers", ()).fetchone() == (0,)
    used.now += timedelta(minutes=1)
    used.run()
    [second] = [one for one in used.outbox() if one.status == "ready"]
    assert second.message_id != first.message_id
    used.answer({"id": "cus_1", "balance": 0})
    used.run()
    assert used.event(1)["status"] == "done"
    assert used.database.execute("SELECT stripe_id FROM customers", ()).fetchall() == [("cus_1",)]
