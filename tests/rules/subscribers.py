"""Two years of a subscriber at Stripe, and a year of another, as deliveries: all that the page of the system names."""

from __future__ import annotations

import itertools
import json
from typing import Any

from rules.shipped import deliver

from gateway.store.database import Database

BASIC, BEST = "price_basic", "price_1O2x3a2eZvKYlo2C5Zl3xY2a"
BEGAN = 1_790_000_000
MONTH = 30 * 86_400

_numbers = itertools.count(1)


def event(kind: str, second: int, thing: dict[str, Any], before: dict[str, Any] | None = None) -> dict[str, Any]:
    """Return a delivery of something that happened so many seconds after the beginning."""
    data = {"object": thing} if before is None else {"object": thing, "previous_attributes": before}
    return {"id": f"evt_{next(_numbers):03}", "type": kind, "created": BEGAN + second, "data": data}


def customer(name: str, user: str | None, email: str, method: str | None = None) -> dict[str, Any]:
    return {
        "id": name,
        "object": "customer",
        "email": email,
        "metadata": {} if user is None else {"user_id": user},
        "invoice_settings": {"default_payment_method": method},
    }


def subscription(status: str, price: str = BASIC, **more: Any) -> dict[str, Any]:
    item = {"price": {"id": price}, "current_period_start": BEGAN, "current_period_end": BEGAN + MONTH}
    own = {"id": "sub_1", "customer": "cus_1", "created": BEGAN, "canceled_at": None}
    return {**own, "status": status, "items": {"data": [item]}, **more}


def invoice(name: str, status: str, **more: Any) -> dict[str, Any]:
    parent = {"subscription_details": {"subscription": "sub_1"}}
    money = {"amount_due": 1999, "amount_paid": 1999 if status == "paid" else 0, "currency": "usd"}
    return {"id": name, "customer": "cus_1", "status": status, "parent": parent, **money, **more}


def intent(name: str, charge: str, received: int = 1999, **more: Any) -> dict[str, Any]:
    money = {"amount": 1999, "amount_received": received, "currency": "usd"}
    return {"id": name, "customer": "cus_1", "latest_charge": charge, **money, **more}


def method(name: str, second: int, owner: str | None = "cus_1") -> dict[str, Any]:
    card = {"brand": "visa", "last4": "4242"}
    return {"id": name, "customer": owner, "type": "card", "created": BEGAN + second, "card": card}


def money_back(name: str, charge: str, amount: int, status: str, second: int, of: str | None = None) -> dict[str, Any]:
    """Return a refund or a dispute; without `of` it names only its charge."""
    about = {"id": name, "charge": charge, "payment_intent": of, "status": status}
    return {**about, "amount": amount, "currency": "usd", "created": BEGAN + second}


_OTHER = {"customer": "cus_2", "id": "sub_3"}

STORY = [
    # In the first second: the customer, the subscription and its first payment, told of in the shape of today's API.
    event("customer.created", 0, customer("cus_1", "u1", "a@example.com")),
    event("customer.updated", 0, customer("cus_1", "u1", "b@example.com")),
    event("customer.subscription.created", 0, subscription("incomplete")),
    event("customer.subscription.updated", 0, subscription("active"), {"status": "incomplete"}),
    event("invoice.created", 0, invoice("in_1", "draft")),
    event("invoice.finalized", 0, invoice("in_1", "open")),
    event("invoice.payment_succeeded", 0, invoice("in_1", "paid")),
    event("payment_intent.succeeded", 0, intent("pi_1", "ch_1")),
    event("invoice_payment.paid", 0, {"id": "ip_1", "invoice": "in_1", "payment": {"payment_intent": "pi_1"}}),
    # Three cards: the one that was chosen goes.
    event("payment_method.attached", 1, method("pm_1", 1)),
    event("payment_method.attached", 2, method("pm_2", 2)),
    event("payment_method.updated", 3, method("pm_2", 2)),
    event("customer.updated", 4, customer("cus_1", "u1", "c@example.com", "pm_1")),
    event("payment_method.detached", 5, method("pm_1", 1, owner=None), {"customer": "cus_1"}),
    event("payment_method.attached", 6, method("pm_3", 6)),
    # A better plan; its next invoice, in the shape of an older API, is paid at the second try.
    event(
        "customer.subscription.updated",
        10,
        subscription("active", BEST),
        {"items": {"data": [{"price": {"id": BASIC}}]}},
    ),
    event("invoice.payment_failed", 20, invoice("in_2", "open", payment_intent="pi_2", charge="ch_2")),
    event(
        "payment_intent.payment_failed",
        20,
        intent("pi_2", "ch_2", 0, invoice="in_2", last_payment_error={"message": "declined"}),
    ),
    event("customer.subscription.updated", 20, subscription("past_due", BEST), {"status": "active"}),
    event("invoice.payment_succeeded", 30, invoice("in_2", "paid", payment_intent="pi_2", charge="ch_3")),
    event("payment_intent.succeeded", 30, intent("pi_2", "ch_3", invoice="in_2")),
    # Two refunds of the first payment, of which one fails; a dispute over the second; most name only the charge.
    event("refund.created", 40, money_back("re_1", "ch_1", 500, "pending", 40, of="pi_1")),
    event("refund.updated", 40, money_back("re_1", "ch_1", 500, "succeeded", 40)),
    event("refund.created", 41, money_back("re_2", "ch_1", 1499, "succeeded", 41)),
    event("refund.updated", 45, money_back("re_2", "ch_1", 1499, "failed", 41)),
    event("charge.dispute.created", 50, money_back("dp_1", "ch_3", 1999, "needs_response", 50)),
    event("charge.dispute.created", 51, money_back("dp_2", "ch_1", 1999, "needs_response", 51)),
    event("charge.dispute.closed", 51, money_back("dp_2", "ch_1", 1999, "won", 51)),
    # An invoice that is not paid, and voided.
    event("invoice.created", 60, invoice("in_3", "draft")),
    event("invoice.finalized", 60, invoice("in_3", "open")),
    event("invoice.payment_failed", 61, invoice("in_3", "open")),
    event("invoice.voided", 70, invoice("in_3", "void")),
    # Back to the smaller plan; a second subscription on trial; the end of the first one.
    event("customer.subscription.updated", 80, subscription("active"), {"items": {"data": [{"price": {"id": BEST}}]}}),
    event("customer.subscription.created", 82, subscription("trialing", BEST, id="sub_2", created=BEGAN + 82)),
    event(
        "invoice.payment_succeeded",
        82,
        invoice(
            "in_4", "paid", amount_due=0, amount_paid=0, parent={"subscription_details": {"subscription": "sub_2"}}
        ),
    ),
    event("customer.subscription.trial_will_end", 84, subscription("trialing", BEST, id="sub_2", created=BEGAN + 82)),
    event("customer.subscription.deleted", 90, subscription("canceled", canceled_at=BEGAN + 85)),
    # The customer goes to another user; another customer is deleted, and one of its subscriptions says so itself.
    event("customer.updated", 95, customer("cus_1", "u2", "d@example.com")),
    event("customer.created", 95, customer("cus_2", "u3", "x@example.com")),
    event("customer.subscription.created", 95, subscription("active", **_OTHER)),
    event("customer.subscription.created", 95, subscription("active", customer="cus_2", id="sub_4")),
    event("customer.deleted", 96, customer("cus_2", "u3", "x@example.com")),
    event("customer.subscription.deleted", 96, subscription("canceled", canceled_at=BEGAN + 96, **_OTHER)),
]

CHARGES = {"ch_1": "pi_1", "ch_2": "pi_2", "ch_3": "pi_2"}
"""What Stripe knows of charges."""

_ASKED = "SELECT seq, event, request FROM gateway_outbox WHERE kind = 'call' AND status = 'ready'"
_ANSWER = "UPDATE gateway_outbox SET status = ?, answer = ?, code = ?, error = ? WHERE seq = ?"
_WAKE = "UPDATE gateway_events SET status = 'ready' WHERE seq = ? AND status = 'waiting'"


def deliver_and_answer(
    database: Database, batch: list[dict[str, Any]], *, stripe_knows: bool = True, slice_of: int = 64
) -> list[int]:
    """Deliver to the subscriptions, answer what their rules ask Stripe for, and return the events' numbers."""
    numbers = deliver(database, "subscriptions", *batch, slice_of=slice_of)
    while asked := database.execute(_ASKED, ()).fetchall():
        for seq, waiting, request in asked:
            charge = json.loads(request)["path"][0]
            if stripe_knows and charge in CHARGES:
                answer = json.dumps({"id": charge, "payment_intent": CHARGES[charge]})
                database.execute(_ANSWER, ("done", answer, None, None, seq))
            else:
                database.execute(_ANSWER, ("dead", None, "not_found", f"No such charge: '{charge}'", seq))
            database.execute(_WAKE, (waiting,))
        deliver(database, "subscriptions", slice_of=slice_of)
    return numbers
