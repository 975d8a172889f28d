"""Whatever the order, the split and the repetition of what a provider sends: the same rows."""

from __future__ import annotations

from contextlib import closing
from datetime import timedelta
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from rules.shipped import NOW, Rows, deliver, fresh_database, rows, rows_of, store

from gateway.store.codecs import encode_timestamp

TENANTS = [{"id": "t1", "asaas_customer_id": "cus_1"}, {"id": "t2", "asaas_subscription_id": "sub_2"}]
INVOICES = [{"id": "inv_1", "number": "RE-1", "total": 100, "currency": "eur"}]


def _asaas(number: int, kind: str, minute: int, thing: dict[str, Any]) -> dict[str, Any]:
    name = "payment" if kind.startswith("PAYMENT") else "subscription"
    return {"id": f"evt_x&{number}", "event": kind, "dateCreated": f"2026-03-01 10:{minute:02d}:00", name: thing}


def _payment(name: str, value: str, **more: object) -> dict[str, Any]:
    return {"id": name, "customer": "cus_1", "value": value, "dueDate": "2026-02-01", "status": "PENDING", **more}


# One customer's month: two payments, the subscription, a refund, and a tenant that only its subscription names.
MONTH = [
    _asaas(1, "SUBSCRIPTION_CREATED", 0, {"id": "sub_1", "customer": "cus_1", "status": "ACTIVE"}),
    _asaas(2, "PAYMENT_CREATED", 1, _payment("pay_1", "99.90")),
    _asaas(3, "PAYMENT_OVERDUE", 2, _payment("pay_1", "99.90")),
    _asaas(4, "PAYMENT_CONFIRMED", 3, _payment("pay_1", "102.10")),
    _asaas(5, "PAYMENT_RECEIVED", 4, _payment("pay_1", "102.10")),
    _asaas(6, "PAYMENT_CREATED", 5, _payment("pay_2", "10.00", status="CONFIRMED")),
    _asaas(7, "PAYMENT_CONFIRMED", 5, _payment("pay_2", "10.00")),
    _asaas(8, "PAYMENT_REFUNDED", 6, _payment("pay_2", "10.00")),
    _asaas(9, "SUBSCRIPTION_UPDATED", 7, {"id": "sub_1", "customer": "cus_1", "status": "EXPIRED"}),
    _asaas(10, "SUBSCRIPTION_DELETED", 8, {"id": "sub_1", "customer": "cus_1", "status": "INACTIVE"}),
    _asaas(11, "SUBSCRIPTION_CREATED", 9, {"id": "sub_2", "customer": "cus_2", "status": "ACTIVE"}),
    _asaas(12, "PAYMENT_RECEIVED", 9, {**_payment("pay_3", "5"), "customer": "cus_2", "subscription": "sub_2"}),
]

PAYMENTS = [
    {
        "id": f"evt_{number}",
        "type": "payment_intent.succeeded",
        "created": 1_770_000_000 + number,
        "data": {
            "object": {
                "id": f"pi_{intent}",
                "amount_received": amount,
                "currency": currency,
                "metadata": {"invoice_id": "inv_1"},
            }
        },
    }
    for number, (intent, amount, currency) in enumerate(
        [(1, 3333, "eur"), (2, 3333, "eur"), (3, 3334, "eur"), (4, 1000, "usd"), (1, 3333, "eur")]
    )
]


def _capture(number: int, kind: str, minute: int, thing: dict[str, Any]) -> dict[str, Any]:
    return {
        "id": f"WH-{number}",
        "event_type": f"PAYMENT.CAPTURE.{kind}",
        "create_time": f"2026-11-20T23:{minute:02d}:00Z",
        "resource": {"amount": {"value": thing.pop("value", "9.99"), "currency_code": "USD"}, **thing},
    }


def _of_order(order: str) -> dict[str, Any]:
    return {"supplementary_data": {"related_ids": {"order_id": order}}}


def _of_capture(capture: str) -> dict[str, Any]:
    return {"links": [{"rel": "up", "href": f"https://api.paypal.com/v2/payments/captures/{capture}"}]}


ORDERS = [
    {"id": f"p{number}", "user_id": user, "transaction_id": f"ORDER{number}", "currency": "USD", **more}
    for number, (user, more) in enumerate(
        [
            ("u1", {"amount": "9.99", "metadata": {"days": 30}}),
            ("u1", {"amount": "99.99"}),
            ("u2", {"amount": "9.99"}),
            ("u2", {"amount": "4.99", "metadata": {"days": 7}, "created_at": "2026-11-20T22:00:00Z"}),
        ]
    )
]

# Two buyers: one is paid back, in two parts, and buys again; one has a card declined, and pays once more without an
# order id. The first capture is told of in two events, the second names the wrong user.
CAPTURES = [
    _capture(1, "COMPLETED", 0, {"id": "C0", "custom_id": "u1", **_of_order("ORDER0")}),
    _capture(2, "COMPLETED", 0, {"id": "C0", "custom_id": "u1", **_of_order("ORDER0")}),
    _capture(3, "REFUNDED", 5, {"id": "R1", "value": "4.99", **_of_capture("C0")}),
    _capture(4, "REFUNDED", 6, {"id": "R2", "value": "5.00", **_of_capture("C0")}),
    _capture(5, "COMPLETED", 7, {"id": "C1", "value": "99.99", "custom_id": "u2", **_of_order("ORDER1")}),
    _capture(6, "DENIED", 8, {"id": "X2", "custom_id": "u2", **_of_order("ORDER2")}),
    _capture(7, "COMPLETED", 9, {"id": "C2", "custom_id": "u2", **_of_order("ORDER2")}),
    _capture(8, "REFUNDED", 10, {"id": "R3", "value": "1.00", **_of_capture("C2")}),
    _capture(9, "COMPLETED", 11, {"id": "C3", "value": "4.99", "custom_id": "u2"}),
]


def _play_orders(batches: list[list[dict[str, Any]]], slice_of: int = 64) -> Rows:
    with closing(fresh_database()) as database:
        store(database, "membership_payments", ORDERS)
        for batch in batches:
            deliver(database, "paypal", *batch, slice_of=slice_of)
        return {
            "payments": rows_of(database, "membership_payments", "id", "status", "capture_id", "captured_amount"),
            "members": rows_of(database, "membership_subscriptions", "user_id", "status", "current_period_end"),
            "refunds": rows_of(database, "membership_refunds", "id", "capture_id", "amount", "whole"),
        }


def _play(source: str, batches: list[list[dict[str, Any]]], slice_of: int = 64) -> Rows:
    with closing(fresh_database()) as database:
        store(database, "tenants", TENANTS)
        store(database, "billing_invoices", INVOICES)
        for batch in batches:
            deliver(database, source, *batch, slice_of=slice_of)
        if source == "asaas":
            return rows(database, "tenants", "asaas_payments", "asaas_refunds")
        # When an invoice was paid is when its last payment came, so of a payment told of twice only the first counts.
        return rows(database, "billing_invoices") | {
            "billing_payments": _without_times(rows(database, "billing_payments"))
        }


def _without_times(found: Rows) -> list[tuple[Any, ...]]:
    return [row[:-1] for row in found["billing_payments"]]


@st.composite
def histories(draw: st.DrawFn, events: list[dict[str, Any]]) -> list[list[dict[str, Any]]]:
    """All events in any order, some of them again, split into batches."""
    order = draw(st.permutations(events))
    again = draw(st.lists(st.sampled_from(events), max_size=4))
    mixed = draw(st.permutations([*order, *again]))
    cuts = sorted(draw(st.sets(st.integers(1, len(mixed) - 1), max_size=4)))
    return [mixed[start:end] for start, end in zip([0, *cuts], [*cuts, len(mixed)], strict=True)]


@settings(max_examples=60)
@given(histories(MONTH), st.sampled_from([1, 3, 64]))
def test_a_month_of_asaas(history: list[list[dict[str, Any]]], slice_of: int) -> None:
    assert _play("asaas", history, slice_of) == _play("asaas", [[event] for event in MONTH])


@settings(max_examples=40)
@given(histories(PAYMENTS), st.sampled_from([1, 64]))
def test_the_payments_of_an_invoice(history: list[list[dict[str, Any]]], slice_of: int) -> None:
    assert _play("invoices", history, slice_of) == _play("invoices", [[event] for event in PAYMENTS])


@settings(max_examples=60)
@given(histories(CAPTURES), st.sampled_from([1, 3, 64]))
def test_the_orders_of_two_buyers(history: list[list[dict[str, Any]]], slice_of: int) -> None:
    assert _play_orders(history, slice_of) == _play_orders([[event] for event in CAPTURES])


def test_what_the_two_buyers_have_in_the_end() -> None:
    end = _play_orders([CAPTURES])
    assert [(name, state) for name, state, *_ in end["payments"]] == [
        ("p0", "refunded"),
        ("p1", "completed"),
        ("p2", "completed"),
        ("p3", "completed"),
    ]
    assert end["members"] == [
        ("u1", "active", encode_timestamp(NOW + timedelta(days=365))),
        ("u2", "active", encode_timestamp(NOW + timedelta(days=30 + 7))),
    ]
