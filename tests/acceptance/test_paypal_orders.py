"""The PayPal system over HTTP: each line of what it promises, with signatures of a certificate of the tests' own."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from installation import Installation
from running import Reply, eventually
from servers.certificates import PaypalCertificates
from signing import send_paypal

PATH = "/api/payment/webhook/paypal"

_numbers = itertools.count(1000)


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    with Installation(tmp_path_factory.mktemp("paypal")) as installation:
        yield installation


def now(**ago: float) -> str:
    return (datetime.now(UTC) - timedelta(**ago)).isoformat(timespec="milliseconds").replace("+00:00", "Z")


class Purchase:
    """A user, the order that the site stored, and the capture that PayPal tells of."""

    def __init__(self, here: Installation, **row: Any) -> None:
        number = next(_numbers)
        self.user, self.order, self.capture = f"user_{number}", f"ORDER{number}", f"CAPTURE{number}"
        self.payment = f"payment_{number}"
        self.event_id, self.told_at = f"WH-{number}-{number}", now()
        columns = {
            "user_id": self.user,
            "transaction_id": self.order,
            "amount": "9.99",
            "currency": "USD",
            "status": "pending",
            "metadata": {"days": 30},
            "created_at": now(minutes=5),
        }
        self._here = here
        here.put("membership_payments", self.payment, **{**columns, **row})

    def event(self, kind: str = "CAPTURE.COMPLETED", **resource: Any) -> dict[str, Any]:
        """Return what PayPal sends, with the order id where it usually is."""
        return {
            "id": self.event_id,
            "event_version": "1.0",
            "create_time": self.told_at,
            "resource_type": "capture",
            "event_type": f"PAYMENT.{kind}",
            "resource": {
                "id": self.capture,
                "status": "COMPLETED",
                "custom_id": self.user,
                "amount": {"value": "9.99", "currency_code": "USD"},
                "supplementary_data": {"related_ids": {"order_id": self.order}},
                **resource,
            },
        }

    @property
    def row(self) -> dict[str, Any]:
        return self._here.row("membership_payments", self.payment)

    @property
    def days_left(self) -> int:
        """Whole days that the user has, counted from now, rounded."""
        row = self._here.row("membership_subscriptions", self.user)
        assert row["status"] == "active"
        left = datetime.fromisoformat(row["current_period_end"]) - datetime.now(UTC)
        return round(left / timedelta(days=1))


def sent(here: Installation, event: dict[str, Any]) -> dict[str, Any]:
    """Send an event and return it when it has ended."""
    reply = send_paypal(here.gateway, here.paypal, event)
    assert reply.status == 200, reply.body
    return here.gateway.outcome(event["id"])


def trace_of(here: Installation, event: dict[str, Any]) -> str:
    """Return the whole story of an event, as the API tells it."""
    return json.dumps(here.gateway.event(event["id"])["traces"])


def without_order_id(event: dict[str, Any], href: str | None = None, rel: str = "up") -> dict[str, Any]:
    """Take the order id out of where it usually is; perhaps have a link lead to it."""
    del event["resource"]["supplementary_data"]
    if href is not None:
        other = {"rel": "self", "href": "https://api.paypal.com/v2/payments/captures/X", "method": "GET"}
        event["resource"]["links"] = [other, {"rel": rel, "href": href, "method": "GET"}]
    return event


def assert_granted(purchase: Purchase, days: int = 30) -> None:
    row = purchase.row
    assert (row["status"], row["transaction_id"], row["capture_id"]) == ("completed", purchase.order, purchase.capture)
    assert purchase.days_left == days


def test_a_capture_is_found_by_its_order(here: Installation) -> None:
    purchase = Purchase(here)
    assert sent(here, purchase.event())["status"] == "done"
    assert_granted(purchase)


@pytest.mark.parametrize("part", ["orders", "checkouts"])
def test_the_order_id_may_stand_in_a_link(here: Installation, part: str) -> None:
    purchase = Purchase(here)
    link = f"https://api.paypal.com/v2/checkout/{part}/{purchase.order}"
    event = without_order_id(purchase.event(custom_id=None), link)
    sent(here, event)
    assert_granted(purchase)
    assert "NOT_FOUND" not in trace_of(here, event)


@pytest.mark.parametrize(
    "href", [None, "https://api.paypal.com/v2/payments/authorizations/8XY123", "https://api.paypal.com/v2/nothing"]
)
def test_without_an_order_id_the_user_and_the_amount_find_it(here: Installation, href: str | None) -> None:
    purchase = Purchase(here)
    event = without_order_id(purchase.event(), href)
    sent(here, event)
    assert_granted(purchase)
    assert "NOT_FOUND" in trace_of(here, event)


def test_empty_parts_are_no_order_id(here: Installation) -> None:
    ways: list[dict[str, Any] | None] = [{}, {"related_ids": {}}, {"related_ids": {"order_id": None}}, None]
    for related in ways:
        purchase = Purchase(here)
        sent(here, purchase.event(supplementary_data=related))
        assert_granted(purchase)


def test_a_link_that_leads_elsewhere_is_not_taken(here: Installation) -> None:
    purchase = Purchase(here, amount="1.00")
    link = f"https://api.paypal.com/v2/checkout/orders/{purchase.order}"
    event = without_order_id(purchase.event(), link, rel="self")
    assert sent(here, event)["result"] == "payment_not_found"
    assert purchase.row["status"] == "pending"


def test_the_capture_id_itself_finds_it_first(here: Installation) -> None:
    purchase = Purchase(here)
    here.put("membership_payments", purchase.payment, transaction_id=purchase.capture)
    sent(here, purchase.event())
    assert (purchase.row["status"], purchase.days_left) == ("completed", 30)


def test_a_custom_id_that_names_the_wrong_user_does_not_count(here: Installation) -> None:
    purchase = Purchase(here)
    sent(here, purchase.event(custom_id="somebody_else"))
    assert_granted(purchase)
    assert here.gateway.row("membership_subscriptions", "somebody_else") is None


def test_the_newest_pending_payment_of_the_last_day_counts(here: Installation) -> None:
    older = Purchase(here, created_at=now(hours=3))
    newer = Purchase(here, created_at=now(hours=1), user_id=older.user)
    other = Purchase(here, created_at=now(minutes=1), user_id=older.user, currency="EUR")
    done = Purchase(here, created_at=now(minutes=1), user_id=older.user, status="failed")
    event = without_order_id(newer.event(custom_id=older.user))
    assert sent(here, event)["status"] == "done"
    assert [one.row["status"] for one in (older, newer, other, done)] == ["pending", "completed", "pending", "failed"]


def test_one_that_is_older_than_a_day_does_not(here: Installation) -> None:
    purchase = Purchase(here, created_at=now(hours=25))
    assert sent(here, without_order_id(purchase.event()))["result"] == "payment_not_found"
    assert purchase.row["status"] == "pending"


@pytest.mark.parametrize("by", ["order", "invoice"])
def test_rows_of_the_other_checkout_are_found(here: Installation, by: str) -> None:
    purchase = Purchase(here, created_at=now(days=3))
    other = f"OUT{purchase.order}"
    columns = {"transaction_id": f"elsewhere_{other}", "out_trade_no": other}
    here.put("membership_payments", purchase.payment, **columns)
    if by == "order":
        event = purchase.event(supplementary_data={"related_ids": {"order_id": other}})
    else:
        event = without_order_id(purchase.event(invoice_id=other))
    sent(here, event)
    assert (purchase.row["status"], purchase.days_left) == ("completed", 30)


def test_the_trace_names_the_strategy(here: Installation) -> None:
    by_order, by_user = Purchase(here), Purchase(here)
    events = [by_order.event(), without_order_id(by_user.event())]
    for event in events:
        sent(here, event)
    first, second = (trace_of(here, event) for event in events)
    assert first != second
    story = here.gateway.cli("events", "why", events[1]["id"]).stdout
    assert "NOT_FOUND" in story
    assert "pending" in story, "which conditions hit"


@pytest.mark.parametrize(("amount", "days"), [("9.99", 30), ("99.99", 365)])
@pytest.mark.parametrize("metadata", [None, {}])
def test_the_amount_says_how_many_days(here: Installation, amount: str, days: int, metadata: Any) -> None:
    purchase = Purchase(here, amount=amount, metadata=metadata)
    sent(here, purchase.event(amount={"value": amount, "currency_code": "USD"}))
    assert_granted(purchase, days)


def test_an_amount_that_buys_nothing_fails_for_good(here: Installation) -> None:
    purchase = Purchase(here, amount="12.34", metadata=None)
    outcome = sent(here, purchase.event(amount={"value": "12.34", "currency_code": "USD"}))
    assert outcome["status"] == "dead"
    assert "12.34" in outcome["error"]
    assert purchase.row["status"] == "pending"
    assert here.gateway.row("membership_subscriptions", purchase.user) is None


def test_time_is_added_to_what_is_left(here: Installation) -> None:
    purchase = Purchase(here)
    end = (datetime.now(UTC) + timedelta(days=10)).isoformat()
    here.put("membership_subscriptions", purchase.user, status="active", current_period_end=end)
    sent(here, purchase.event())
    assert_granted(purchase, 40)


def test_time_that_is_over_does_not_count(here: Installation) -> None:
    purchase = Purchase(here)
    end = (datetime.now(UTC) - timedelta(days=10)).isoformat()
    here.put("membership_subscriptions", purchase.user, status="expired", current_period_end=end)
    sent(here, purchase.event())
    assert_granted(purchase, 30)


def test_no_active_subscription_undoes_everything(here: Installation) -> None:
    purchase = Purchase(here, metadata={"days": -30})
    outcome = sent(here, purchase.event())
    assert outcome["status"] == "dead"
    assert purchase.row["status"] == "pending"
    assert purchase.row["capture_id"] is None
    assert here.gateway.row("membership_subscriptions", purchase.user) is None
    here.told(purchase.event_id)


def test_a_redelivery_adds_no_second_period(here: Installation) -> None:
    purchase = Purchase(here)
    event = purchase.event()
    sent(here, event)
    assert send_paypal(here.gateway, here.paypal, event).json["status"] == "duplicate"
    sent(here, {**event, "id": event["id"] + "B"})
    again = {**purchase.event(), "id": event["id"] + "C"}
    again["resource"]["id"] = f"{purchase.capture}B"
    sent(here, again)
    assert_granted(purchase, 30)


def test_a_payment_that_nobody_knows_is_visible_and_told(here: Installation) -> None:
    purchase = Purchase(here)
    stranger = purchase.event(custom_id="nobody", supplementary_data={"related_ids": {"order_id": "OTHER1"}})
    stranger["resource"]["id"] = f"STRANGE{purchase.capture}"
    assert sent(here, stranger)["result"] == "payment_not_found"
    here.told(f"STRANGE{purchase.capture}")
    here.put("membership_payments", purchase.payment, transaction_id="OTHER1")
    replayed = here.gateway.cli("events", "retry", "--done", stranger["id"])
    assert replayed.returncode == 0, replayed.stderr
    eventually(lambda: purchase.row["status"] == "completed")
    assert purchase.days_left == 30


def test_a_denied_one_fails(here: Installation) -> None:
    purchase = Purchase(here)
    sent(here, purchase.event("CAPTURE.DENIED"))
    assert purchase.row["status"] == "failed"
    assert here.gateway.row("membership_subscriptions", purchase.user) is None


def refund_of(purchase: Purchase, kind: str) -> dict[str, Any]:
    """Return what PayPal sends: the resource is the refund, and leads up to its capture."""
    event = purchase.event(kind)
    event["id"] += "R"
    up = {"rel": "up", "href": f"https://api.paypal.com/v2/payments/captures/{purchase.capture}", "method": "GET"}
    event["resource"] |= {"id": f"REFUND{purchase.capture}", "links": [up]}
    del event["resource"]["supplementary_data"]
    del event["resource"]["custom_id"]
    return event


@pytest.mark.parametrize("kind", ["CAPTURE.REFUNDED", "CAPTURE.REVERSED"])
def test_what_is_given_back_takes_the_days_back(here: Installation, kind: str) -> None:
    purchase = Purchase(here)
    end = (datetime.now(UTC) + timedelta(days=10)).isoformat()
    here.put("membership_subscriptions", purchase.user, status="active", current_period_end=end)
    sent(here, purchase.event())
    assert_granted(purchase, 40)
    refund = refund_of(purchase, kind)
    sent(here, refund)
    sent(here, {**refund, "id": refund["id"] + "B"})
    assert purchase.row["status"] == "refunded"
    assert purchase.days_left == 10


@pytest.mark.parametrize("kind", ["PAYMENT.CAPTURE.PENDING", "CHECKOUT.ORDER.APPROVED"])
def test_others_are_noted(here: Installation, kind: str) -> None:
    purchase = Purchase(here)
    event = {**purchase.event(), "event_type": kind}
    if kind.startswith("CHECKOUT"):
        event["resource"]["id"] = purchase.order
    assert sent(here, event)["status"] == "done"
    assert purchase.row["status"] == "pending"
    assert here.gateway.row("membership_subscriptions", purchase.user) is None


def test_history_is_repaired(here: Installation) -> None:
    lost = Purchase(here, status="completed")
    found = here.gateway.cli("check", "completed_without_membership")
    assert found.returncode == 1
    assert lost.user in found.stdout + found.stderr or lost.payment in found.stdout + found.stderr
    here.gateway.cli("check", "completed_without_membership", "--repair")
    eventually(lambda: here.gateway.row("membership_subscriptions", lost.user) is not None)
    assert lost.days_left == 30
    assert here.gateway.cli("check", "completed_without_membership").returncode == 0


def forged(here: Installation, body: bytes, kind: str) -> Reply:
    headers = here.paypal.headers(body)
    changes = {
        "no signature": {"PAYPAL-TRANSMISSION-SIG": ""},
        "another signature": {"PAYPAL-TRANSMISSION-SIG": here.paypal.headers(b"{}")["PAYPAL-TRANSMISSION-SIG"]},
        "another time": {"PAYPAL-TRANSMISSION-TIME": "2020-01-01T00:00:00Z"},
        "another algorithm": {"PAYPAL-AUTH-ALGO": "SHA1withRSA"},
        "a host like PayPal's": {"PAYPAL-CERT-URL": headers["PAYPAL-CERT-URL"].replace("api.paypal", "api.evilpaypal")},
        "no secure address": {"PAYPAL-CERT-URL": headers["PAYPAL-CERT-URL"].replace("https:", "http:")},
        "a user in the address": {"PAYPAL-CERT-URL": headers["PAYPAL-CERT-URL"].replace("https://", "https://a@")},
    }
    return here.gateway.post(PATH, body, headers | changes[kind])


@pytest.mark.parametrize(
    "kind",
    [
        "no signature",
        "another signature",
        "another time",
        "another algorithm",
        "a host like PayPal's",
        "no secure address",
        "a user in the address",
    ],
)
def test_a_forged_delivery_is_refused(here: Installation, kind: str) -> None:
    before = here.gateway.sql("SELECT count(*) FROM gateway_events")
    reply = forged(here, json.dumps(Purchase(here).event()).encode(), kind)
    assert reply.status in {400, 401}, reply.body
    assert here.gateway.sql("SELECT count(*) FROM gateway_events") == before


def test_a_certificate_of_another_authority_is_refused(here: Installation, tmp_path: Path) -> None:
    other = PaypalCertificates(tmp_path / "other")
    [certificate] = other.directory.iterdir()
    (here.paypal.directory / "CERT-of-another").write_bytes(certificate.read_bytes())
    body = json.dumps(Purchase(here).event()).encode()
    before = here.gateway.sql("SELECT count(*) FROM gateway_events")
    reply = here.gateway.post(PATH, body, other.headers(body, certificate="CERT-of-another"))
    assert reply.status in {400, 401}, reply.body
    assert here.gateway.sql("SELECT count(*) FROM gateway_events") == before


def test_a_certificate_that_cannot_be_had_is_asked_for_again_later(here: Installation) -> None:
    before = here.gateway.sql("SELECT count(*) FROM gateway_events")
    body = json.dumps(Purchase(here).event()).encode()
    reply = here.gateway.post(PATH, body, here.paypal.headers(body, certificate="CERT-unknown"))
    assert reply.status == 503
    assert here.gateway.sql("SELECT count(*) FROM gateway_events") == before


def test_a_body_beyond_ascii_is_verified_as_it_came(here: Installation) -> None:
    purchase = Purchase(here)
    sent(here, purchase.event(note="für 9,99 €"))
    assert_granted(purchase)


def test_it_ends_the_same_when_the_gateway_dies_in_the_middle(here: Installation) -> None:
    purchases = [Purchase(here) for _ in range(6)]
    granted, refunded = purchases[:4], purchases[4:]
    for number, purchase in enumerate(purchases):
        assert send_paypal(here.gateway, here.paypal, purchase.event()).status == 200
        if number == len(purchases) - 2:
            here.gateway.crash()
    for purchase in refunded:
        assert send_paypal(here.gateway, here.paypal, refund_of(purchase, "CAPTURE.REFUNDED")).status == 200
    for purchase in purchases:
        reply = send_paypal(here.gateway, here.paypal, purchase.event())
        assert reply.json["status"] == "duplicate"
        here.gateway.outcome(purchase.event_id)
    for purchase in refunded:
        here.gateway.outcome(purchase.event_id + "R")
        assert purchase.row["status"] == "refunded"
        assert here.row("membership_subscriptions", purchase.user)["status"] != "active"
    for purchase in granted:
        assert_granted(purchase)
    assert here.gateway.sql("SELECT count(*) FROM membership_payments WHERE capture_id = ?", purchases[0].capture) == [
        (1,)
    ]
    assert Decimal(purchases[0].row["amount"]) == Decimal("9.99")
