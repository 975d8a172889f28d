"""The invoices system over HTTP, with signatures made by Stripe's own SDK."""

from __future__ import annotations

import itertools
import json
import time
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from installation import Installation
from running import ENVIRONMENT, Gateway, Reply, eventually
from signing import stripe_signature

PATH = "/api/backoffice/finance/stripe/webhook"
SECRET = ENVIRONMENT["STRIPE_INVOICES_WEBHOOK_SECRET"]

_numbers = itertools.count(1)


@pytest.fixture(scope="module")
def installation(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    with Installation(tmp_path_factory.mktemp("invoices")) as installation:
        yield installation


@pytest.fixture(scope="module")
def invoices(installation: Installation) -> Gateway:
    return installation.gateway


def signature(body: bytes, *, secret: str = SECRET, at: int | None = None) -> str:
    return stripe_signature(body, secret, at=at)


def send(gateway: Gateway, event: dict[str, Any] | bytes, header: str | None = None) -> Reply:
    # Stripe's own bodies are pretty-printed.
    body = event if isinstance(event, bytes) else json.dumps(event, indent=2).encode()
    return gateway.post(PATH, body, {"Stripe-Signature": signature(body) if header is None else header})


def new_invoice(gateway: Gateway, total: str = "100.00", currency: str = "eur") -> dict[str, str]:
    number = next(_numbers)
    row = {"number": f"RE-2026-{number:04d}", "total": total, "currency": currency, "status": "open"}
    assert gateway.api("PUT", f"/api/tables/billing_invoices/inv_{number}", row).status == 200
    return {"id": f"inv_{number}", **row}


def payment(kind: str, invoice: str | None, amount: int, currency: str = "eur", **more: Any) -> dict[str, Any]:
    number = next(_numbers)
    intent = {
        "id": f"pi_{number}",
        "object": "payment_intent",
        "amount": amount,
        "amount_received": amount,
        "currency": currency,
        "metadata": {} if invoice is None else {"invoice_id": invoice},
        **more,
    }
    return {
        "id": f"evt_{number:024d}",
        "object": "event",
        "api_version": "2025-04-30.basil",
        "created": int(time.time()),
        "type": f"payment_intent.{kind}",
        "data": {"object": intent},
    }


def settled(gateway: Gateway, event: dict[str, Any]) -> dict[str, Any]:
    gateway.wait_until_done()
    return gateway.api("GET", f"/api/events/{event['id']}").json  # type: ignore[no-any-return]


def test_a_payment_settles_its_invoice(invoices: Gateway) -> None:
    invoice = new_invoice(invoices)
    event = payment("succeeded", invoice["id"], 10000)
    reply = send(invoices, event)
    assert (reply.status, reply.json["status"]) == (200, "accepted")
    assert settled(invoices, event)["status"] == "done"
    assert invoices.row("billing_invoices", invoice["id"])["status"] == "paid"  # type: ignore[index]
    row = invoices.row("billing_payments", event["data"]["object"]["id"])
    assert row is not None
    assert (row["invoice_id"], Decimal(row["amount"]), row["currency"]) == (invoice["id"], Decimal("100.00"), "eur")
    assert row["paid_at"]
    line = f"Payment recorded for Invoice {invoice['number']}: €100.00"
    eventually(lambda: line in invoices.log)


def test_part_payments_settle_it_together(invoices: Gateway) -> None:
    invoice = new_invoice(invoices, total="99.99")
    for amount, status in [(3333, "partially_paid"), (3333, "partially_paid"), (3333, "paid")]:
        event = payment("succeeded", invoice["id"], amount)
        assert send(invoices, event).status == 200
        settled(invoices, event)
        assert invoices.row("billing_invoices", invoice["id"])["status"] == status  # type: ignore[index]


@pytest.mark.parametrize(
    ("currency", "minor", "major"), [("jpy", 5000, "5000"), ("kwd", 12340, "12.340"), ("usd", 1, "0.01")]
)
def test_amounts_are_in_the_major_unit_of_their_currency(
    invoices: Gateway, currency: str, minor: int, major: str
) -> None:
    invoice = new_invoice(invoices, total=major, currency=currency)
    event = payment("succeeded", invoice["id"], minor, currency)
    send(invoices, event)
    settled(invoices, event)
    row = invoices.row("billing_payments", event["data"]["object"]["id"])
    assert row is not None
    assert Decimal(row["amount"]) == Decimal(major)
    assert invoices.row("billing_invoices", invoice["id"])["status"] == "paid"  # type: ignore[index]


def test_a_redelivery_books_nothing_twice(invoices: Gateway) -> None:
    invoice = new_invoice(invoices, total="200.00")
    event = payment("succeeded", invoice["id"], 10000)
    assert send(invoices, event).json["status"] == "accepted"
    assert send(invoices, event).json["status"] == "duplicate"
    # Stripe sometimes makes two events of one payment.
    twin = {**event, "id": event["id"] + "b"}
    assert send(invoices, twin).json["status"] == "accepted"
    settled(invoices, twin)
    assert invoices.sql("SELECT count(*) FROM billing_payments WHERE invoice_id = ?", invoice["id"]) == [(1,)]
    assert invoices.row("billing_invoices", invoice["id"])["status"] == "partially_paid"  # type: ignore[index]


def test_a_failed_payment_leaves_the_invoice(invoices: Gateway) -> None:
    invoice = new_invoice(invoices)
    event = payment("payment_failed", invoice["id"], 100, last_payment_error={"message": "Your card was declined."})
    send(invoices, event)
    assert settled(invoices, event)["status"] == "done"
    assert invoices.row("billing_invoices", invoice["id"])["status"] == "open"  # type: ignore[index]
    line = f"Payment failed for Invoice {invoice['number']}: Your card was declined."
    eventually(lambda: line in invoices.log)


def test_the_admin_is_told_of_a_failed_payment(installation: Installation, invoices: Gateway) -> None:
    invoice = new_invoice(invoices)
    event = payment("payment_failed", invoice["id"], 100, last_payment_error={"message": "Insufficient funds."})
    send(invoices, event)
    assert settled(invoices, event)["status"] == "done"
    installation.told(invoice["number"])
    [mail] = [mail for mail in installation.mail.mails if invoice["number"] in f"{mail.subject}\n{mail.text}"]
    assert "Insufficient funds." in mail.text


def test_it_ends_the_same_when_the_gateway_dies_in_the_middle(installation: Installation, invoices: Gateway) -> None:
    invoice = new_invoice(invoices, total="100.00")
    events = [payment("succeeded", invoice["id"], amount) for amount in (2500, 2500, 4000, 1000)]
    events.insert(2, payment("payment_failed", invoice["id"], 100, last_payment_error={"message": "Declined."}))
    for number, event in enumerate(events):
        assert send(invoices, event).status == 200
        if number == 2:
            invoices.crash()
    for event in events:
        assert send(invoices, event).json["status"] == "duplicate"
        assert settled(invoices, event)["status"] == "done"
    booked = invoices.sql("SELECT amount FROM billing_payments WHERE invoice_id = ? ORDER BY amount", invoice["id"])
    assert sorted(Decimal(amount) for (amount,) in booked) == [10, 25, 25, 40]
    assert invoices.row("billing_invoices", invoice["id"])["status"] == "paid"  # type: ignore[index]
    installation.told(invoice["number"])


@pytest.mark.parametrize("invoice", [None, "inv_of_nobody"])
def test_a_payment_of_no_invoice_is_visible(invoices: Gateway, invoice: str | None) -> None:
    event = payment("succeeded", invoice, 100)
    assert send(invoices, event).status == 200
    assert settled(invoices, event)["result"] == "invoice_not_found"


def test_any_other_event_is_acknowledged_and_ignored(invoices: Gateway) -> None:
    event = {**payment("succeeded", None, 1), "type": "customer.created"}
    assert send(invoices, event).status == 200
    assert settled(invoices, event)["status"] == "ignored"


def refusals() -> dict[str, str]:
    body = json.dumps(payment("succeeded", None, 1), indent=2).encode()
    now = int(time.time())
    return {
        "missing": "",
        "of another secret": signature(body, secret="whsec_other"),
        "late": signature(body, at=now - 3600),
        "from the future": signature(body, at=now + 3600),
        "of a lower scheme": signature(body).replace("v1=", "v0="),
        "not ASCII": f"t={now},v1=\xe9\xe9",
        "not a time": signature(body).replace("t=", "t=x"),
    }


@pytest.mark.parametrize("kind", refusals())
def test_a_signature_that_does_not_hold_is_refused_without_detail(invoices: Gateway, kind: str) -> None:
    before = invoices.sql("SELECT count(*) FROM gateway_events")
    reply = send(invoices, payment("succeeded", None, 1), refusals()[kind])
    assert 400 <= reply.status < 500
    assert reply.json["error"]["message"] == "Webhook verification failed"
    assert invoices.sql("SELECT count(*) FROM gateway_events") == before


def test_one_good_signature_among_several_is_enough(invoices: Gateway) -> None:
    event = payment("succeeded", None, 1)
    body = json.dumps(event).encode()
    good = signature(body)
    doubled = good.replace("v1=", f"v1={'0' * 64},v1=")
    assert send(invoices, body, doubled).status == 200


def test_an_altered_body_is_refused(invoices: Gateway) -> None:
    event = payment("succeeded", None, 1)
    header = signature(json.dumps(event, indent=2).encode())
    assert send(invoices, json.dumps(event).encode(), header).status == 401


def recorded() -> list[Path]:
    folder = Path(__file__).parents[3] / "shared" / "payloads" / "stripe"
    return sorted(folder.rglob("*.json"))


@pytest.mark.skipif(not recorded(), reason="the recorded payloads are not here")
@pytest.mark.parametrize("path", recorded(), ids=lambda path: path.stem)
def test_a_recorded_payload_is_stored_and_ends_well(invoices: Gateway, path: Path) -> None:
    event = json.loads(path.read_bytes())
    # Some of the files share the id of a template: each is an event of its own here.
    body = path.read_bytes().replace(
        json.dumps(event["id"]).encode(), json.dumps(f"evt_{path.name}_{path.parent.name}").encode()
    )
    reply = invoices.post(PATH, body, {"Stripe-Signature": signature(body)})
    assert reply.status == 200
    invoices.wait_until_done()
    stored = invoices.api("GET", f"/api/events/{reply.json['id']}").json
    assert stored["status"] in {"done", "ignored"}
    assert stored["type"] == event["type"]
