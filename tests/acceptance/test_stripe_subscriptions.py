"""The subscriptions system over HTTP: each line of what it promises, with signatures made by Stripe's own SDK."""

from __future__ import annotations

import itertools
import json
import random
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from installation import SECRET_BEFORE, Installation
from running import ENVIRONMENT, Gateway, eventually
from signing import send_subscription, stripe_signature

PATH = "/v1/payment/webhook"
BASIC, BEST = "price_basic", "price_1O2x3a2eZvKYlo2C5Zl3xY2a"
BASIC_FEATURES, BEST_FEATURES = ["likes"], ["likes", "boosts", "see_likes"]

_numbers = itertools.count(1)


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    with Installation(tmp_path_factory.mktemp("subscriptions")) as installation:
        yield installation


def utc(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat()


class Account:
    """A user's customer at Stripe and what belongs to it; each event is a second later than the one before."""

    def __init__(self) -> None:
        number = next(_numbers)
        self.user, self.customer, self.subscription = f"user_{number}", f"cus_{number}", f"sub_{number}"
        self.invoice, self.intent, self.method = f"in_{number}", f"pi_{number}", f"pm_{number}"
        self.charge, self.refund, self.dispute = f"ch_{number}", f"re_{number}", f"dp_{number}"
        self.began = int(time.time()) - 10_000
        self.clock = self.began
        self.period = (self.began, self.began + 30 * 86_400)

    def event(self, kind: str, thing: dict[str, Any], before: dict[str, Any] | None = None) -> dict[str, Any]:
        self.clock += 1
        data: dict[str, Any] = {"object": thing}
        if before is not None:
            data["previous_attributes"] = before
        return {
            "id": f"evt_{next(_numbers):024d}",
            "object": "event",
            "api_version": "2026-10-28.endive",
            "created": self.clock,
            "type": kind,
            "livemode": False,
            "data": data,
        }

    def of_customer(self, kind: str, **more: Any) -> dict[str, Any]:
        thing = {
            "id": self.customer,
            "object": "customer",
            "email": f"{self.user}@example.org",
            "name": "Ada",
            "created": self.began,
            "metadata": {"user_id": self.user},
            "invoice_settings": {"default_payment_method": None},
            **more,
        }
        return self.event(f"customer.{kind}", thing)

    def of_subscription(
        self, kind: str, price: str = BASIC, status: str = "active", before: dict[str, Any] | None = None, **more: Any
    ) -> dict[str, Any]:
        item = {
            "id": "si_1",
            "price": {"id": price, "product": "prod_1"},
            "current_period_start": self.period[0],
            "current_period_end": self.period[1],
        }
        thing = {
            "id": self.subscription,
            "object": "subscription",
            "customer": self.customer,
            "status": status,
            "created": self.began,
            "canceled_at": None,
            "ended_at": None,
            "items": {"object": "list", "data": [item]},
            "metadata": {},
            **more,
        }
        return self.event(f"customer.subscription.{kind}", thing, before)

    def of_invoice(self, kind: str, status: str, price: str = BASIC, paid: int = 0, **more: Any) -> dict[str, Any]:
        line = {"id": "il_1", "pricing": {"price_details": {"price": price, "product": "prod_1"}}, "parent": None}
        thing = {
            "id": self.invoice,
            "object": "invoice",
            "customer": self.customer,
            "status": status,
            "amount_due": 1999,
            "amount_paid": paid,
            "currency": "usd",
            "created": self.began,
            "parent": {
                "type": "subscription_details",
                "subscription_details": {"subscription": self.subscription, "metadata": {}},
            },
            "lines": {"object": "list", "data": [line]},
            **more,
        }
        return self.event(f"invoice.{kind}", thing)

    def of_method(self, kind: str, **more: Any) -> dict[str, Any]:
        thing = {
            "id": self.method,
            "object": "payment_method",
            "customer": self.customer,
            "type": "card",
            "created": self.began,
            "card": {"brand": "visa", "last4": "4242"},
            **more,
        }
        return self.event(f"payment_method.{kind}", thing)

    def of_intent(self, kind: str, **more: Any) -> dict[str, Any]:
        thing = {
            "id": self.intent,
            "object": "payment_intent",
            "customer": self.customer,
            "amount": 1999,
            "amount_received": 1999 if kind == "succeeded" else 0,
            "currency": "usd",
            "created": self.began,
            "latest_charge": self.charge,
            "metadata": {},
            **more,
        }
        return self.event(f"payment_intent.{kind}", thing)

    def of_refund(self, kind: str, amount: int = 1999, status: str = "succeeded", **more: Any) -> dict[str, Any]:
        thing = {
            "id": self.refund,
            "object": "refund",
            "amount": amount,
            "currency": "usd",
            "charge": self.charge,
            "payment_intent": self.intent,
            "reason": "requested_by_customer",
            "status": status,
            "created": self.began,
            **more,
        }
        return self.event(f"refund.{kind}", thing)

    def of_dispute(self, kind: str = "created", **more: Any) -> dict[str, Any]:
        thing = {
            "id": self.dispute,
            "object": "dispute",
            "amount": 1999,
            "currency": "usd",
            "charge": self.charge,
            "payment_intent": self.intent,
            "reason": "fraudulent",
            "status": "needs_response",
            "created": self.began,
            **more,
        }
        return self.event(f"charge.dispute.{kind}", thing)


def sent(here: Installation, *events: dict[str, Any]) -> dict[str, Any]:
    """Send events one after another; return the last when it has ended, and well."""
    outcome: dict[str, Any] = {}
    for event in events:
        assert send_subscription(here.gateway, event).status == 200
        outcome = here.gateway.outcome(event["id"])
        assert outcome["status"] == "done", outcome
    return outcome


def subscriber(here: Installation, price: str = BASIC) -> Account:
    account = Account()
    sent(here, account.of_customer("created"), account.of_subscription("created", price))
    return account


def audited(here: Installation, event: dict[str, Any]) -> bool:
    return here.gateway.row("audit_entries", event["id"]) is not None


def test_a_customer_is_tied_to_its_user(here: Installation) -> None:
    account = Account()
    event = account.of_customer("created")
    sent(here, event)
    row = here.row("customers", account.customer)
    assert (row["user_id"], row["email"], row["name"], row["deleted_at"]) == (
        account.user,
        f"{account.user}@example.org",
        "Ada",
        None,
    )
    assert audited(here, event)


def test_a_changed_customer_is_changed_and_no_longer_cached(here: Installation) -> None:
    account = subscriber(here)
    key = f"customer:{account.customer}"
    here.redis.keep(key, "customer:other")
    event = account.of_customer("updated", name="Ada Lovelace")
    sent(here, event)
    assert here.row("customers", account.customer)["name"] == "Ada Lovelace"
    eventually(lambda: key not in here.redis.keys)
    assert "customer:other" in here.redis.keys
    assert audited(here, event)


def test_a_deleted_customer_loses_all_its_subscriptions(here: Installation) -> None:
    account = subscriber(here)
    second = Account()
    second.customer = account.customer
    sent(here, second.of_subscription("created", BEST))
    keys = {
        f"customer:{account.customer}",
        f"subscription:{account.subscription}",
        f"subscription:{second.subscription}",
        f"user:{account.user}:features",
    }
    here.redis.keep(*keys)
    account.clock = second.clock + 10
    event = account.of_customer("deleted")
    sent(here, event)
    assert here.row("customers", account.customer)["deleted_at"]
    for one in (account, second):
        row = here.row("subscriptions", one.subscription)
        assert row["status"] == "canceled"
        assert row["canceled_at"]
    assert here.row("users", account.user)["features"] == []
    eventually(lambda: not keys & here.redis.keys)
    assert audited(here, event)


def test_a_new_subscription_gives_its_features(here: Installation) -> None:
    account = Account()
    here.redis.keep(f"user:{account.user}:features")
    event = account.of_subscription("created", BEST, "trialing")
    sent(here, account.of_customer("created"), event)
    row = here.row("subscriptions", account.subscription)
    assert (row["customer_id"], row["user_id"], row["status"], row["price_id"]) == (
        account.customer,
        account.user,
        "trialing",
        BEST,
    )
    period = [datetime.fromisoformat(row[f"current_period_{side}"]) for side in ("start", "end")]
    assert period == [datetime.fromtimestamp(second, UTC) for second in account.period]
    user = here.row("users", account.user)
    assert (user["subscription_status"], user["features"]) == ("trialing", BEST_FEATURES)
    eventually(lambda: f"user:{account.user}:features" not in here.redis.keys)
    assert audited(here, event)


@pytest.mark.parametrize(
    ("first", "second", "change", "features"),
    [(BASIC, BEST, "upgrade", BEST_FEATURES), (BEST, BASIC, "downgrade", BASIC_FEATURES)],
)
def test_a_change_of_plan_is_recognised(
    here: Installation, first: str, second: str, change: str, features: list[str]
) -> None:
    account = subscriber(here, first)
    assert here.row("subscriptions", account.subscription)["plan_change"] is None
    before = {"items": {"data": [{"id": "si_1", "price": {"id": first}}]}}
    sent(here, account.of_subscription("updated", second, before=before))
    row = here.row("subscriptions", account.subscription)
    assert (row["price_id"], row["plan_change"]) == (second, change)
    assert here.row("users", account.user)["features"] == features


def test_a_deleted_subscription_takes_its_features_away(here: Installation) -> None:
    account = subscriber(here, BEST)
    now = account.clock
    sent(here, account.of_subscription("deleted", BEST, "canceled", canceled_at=now, ended_at=now))
    row = here.row("subscriptions", account.subscription)
    assert (row["status"], bool(row["canceled_at"])) == ("canceled", True)
    user = here.row("users", account.user)
    assert (user["subscription_status"], user["features"]) == ("canceled", [])


def test_an_update_may_come_before_its_creation(here: Installation) -> None:
    account = Account()
    created = account.of_subscription("created", BASIC, "incomplete")
    updated = account.of_subscription("updated", BEST, "active")
    sent(here, updated, account.of_customer("created"), created)
    row = here.row("subscriptions", account.subscription)
    assert (row["status"], row["price_id"], row["user_id"]) == ("active", BEST, account.user)
    assert here.row("users", account.user)["features"] == BEST_FEATURES


def test_an_old_update_does_not_undo_a_newer_one(here: Installation) -> None:
    account = subscriber(here)
    old, new = account.of_subscription("updated", BASIC, "past_due"), account.of_subscription("updated", BEST)
    sent(here, new, old)
    row = here.row("subscriptions", account.subscription)
    assert (row["status"], row["price_id"]) == ("active", BEST)
    assert "newer" in here.gateway.cli("events", "why", old["id"]).stdout


def test_an_older_api_version_is_read_and_the_trace_says_so(here: Installation) -> None:
    account = Account()
    event = account.of_subscription("created")
    thing = event["data"]["object"]
    thing |= {"current_period_start": account.period[0] + 5, "current_period_end": account.period[1] + 5}
    del thing["items"]["data"][0]["current_period_start"], thing["items"]["data"][0]["current_period_end"]
    event["api_version"] = "2020-03-02"
    sent(here, account.of_customer("created"), event)
    row = here.row("subscriptions", account.subscription)
    assert datetime.fromisoformat(row["current_period_end"]) == datetime.fromtimestamp(account.period[1] + 5, UTC)
    older = account.of_invoice("created", "draft", subscription=account.subscription)
    del older["data"]["object"]["parent"]
    sent(here, older)
    assert here.row("invoices", account.invoice)["subscription_id"] == account.subscription
    for one, path in ((event, "data.object.current_period_end"), (older, "data.object.subscription")):
        assert path in here.gateway.cli("events", "why", one["id"]).stdout


def test_a_paid_invoice(here: Installation) -> None:
    account = Account()
    sent(here, account.of_customer("created"), account.of_subscription("created", BEST, "incomplete"))
    here.redis.keep(f"subscription:{account.subscription}")
    event = account.of_invoice("payment_succeeded", "paid", BEST, 1999)
    sent(here, event)
    assert here.row("subscriptions", account.subscription)["status"] == "active"
    payments = here.gateway.sql(
        "SELECT amount, currency, status, customer_id FROM payments WHERE invoice_id = ?", account.invoice
    )
    assert [(Decimal(row[0]), *row[1:]) for row in payments] == [
        (Decimal("19.99"), "usd", "succeeded", account.customer)
    ]
    assert here.row("users", account.user)["features"] == BEST_FEATURES
    eventually(lambda: f"subscription:{account.subscription}" not in here.redis.keys)
    confirmation = here.sent("/notices", account.invoice)
    assert confirmation.verified
    assert confirmation.json["user_id"] == account.user
    assert audited(here, event)


def test_an_invoice_that_could_not_be_collected(here: Installation) -> None:
    account = subscriber(here)
    event = account.of_invoice("payment_failed", "open", next_payment_attempt=int(time.time()) + 3 * 86_400)
    sent(here, event)
    assert here.row("subscriptions", account.subscription)["status"] == "past_due"
    payments = here.gateway.sql("SELECT status FROM payments WHERE invoice_id = ?", account.invoice)
    assert payments == [("failed",)]
    notice = here.sent("/notices", account.invoice)
    assert notice.json["user_id"] == account.user
    waiting = here.gateway.api("GET", "/api/events?source=subscriptions&status=waiting&limit=100").json["events"]
    reminders = [one for one in waiting if one["type"].startswith("schedule.")]
    assert any(account.invoice in json.dumps(here.gateway.event(one["id"])) for one in reminders)


def test_a_trial_that_ends_is_told_with_an_offer(here: Installation) -> None:
    account = subscriber(here)
    sent(here, account.of_subscription("trial_will_end", BASIC, "trialing", trial_end=account.clock + 3 * 86_400))
    notice = here.sent("/notices", account.subscription)
    assert notice.json["user_id"] == account.user
    assert BEST in notice.body.decode()


def test_payment_methods(here: Installation) -> None:
    account = subscriber(here)
    second = Account()
    second.customer, second.user, second.clock = account.customer, account.user, account.clock + 100
    second.began = account.began + 100
    sent(here, account.of_method("attached"))
    row = here.row("payment_methods", account.method)
    assert (row["customer_id"], row["user_id"], row["type"], row["brand"], row["last4"], row["deleted_at"]) == (
        account.customer,
        account.user,
        "card",
        "visa",
        "4242",
        None,
    )
    sent(here, account.of_method("updated", card={"brand": "visa", "last4": "0341"}))
    assert here.row("payment_methods", account.method)["last4"] == "0341"
    chosen = {"invoice_settings": {"default_payment_method": account.method}}
    sent(here, second.of_method("attached"), account.of_customer("updated", **chosen))
    assert here.row("payment_methods", account.method)["is_default"] is True
    assert here.row("payment_methods", second.method)["is_default"] is False
    account.clock = second.clock + 10
    detached = account.of_method("detached", customer=None)
    detached["data"]["previous_attributes"] = {"customer": account.customer}
    sent(here, detached)
    gone = here.row("payment_methods", account.method)
    assert (bool(gone["deleted_at"]), gone["is_default"]) == (True, False)
    assert here.row("payment_methods", second.method)["is_default"] is True
    second.clock = account.clock + 10
    detached = second.of_method("detached", customer=None)
    detached["data"]["previous_attributes"] = {"customer": account.customer}
    sent(here, detached)
    defaults = "SELECT count(*) FROM payment_methods WHERE customer_id = ? AND is_default"
    assert here.gateway.sql(defaults, account.customer) == [(0,)]


@pytest.mark.parametrize(
    ("currency", "minor", "major"), [("usd", 1999, "19.99"), ("jpy", 5000, "5000"), ("kwd", 12340, "12.34")]
)
def test_a_payment_is_kept_in_major_units(here: Installation, currency: str, minor: int, major: str) -> None:
    account = Account()
    event = account.of_intent("succeeded", amount=minor, amount_received=minor, currency=currency)
    sent(here, account.of_customer("created"), event)
    row = here.row("payments", account.intent)
    assert (Decimal(row["amount"]), row["currency"], row["status"], row["customer_id"]) == (
        Decimal(major),
        currency,
        "succeeded",
        account.customer,
    )
    assert here.sent("/notices", account.intent).json["user_id"] == account.user


def test_a_payment_settles_its_invoice(here: Installation) -> None:
    account = subscriber(here)
    invoice = account.of_invoice("finalized", "open", payment_intent=account.intent)
    sent(here, invoice, account.of_intent("succeeded", invoice=account.invoice))
    assert here.row("invoices", account.invoice)["status"] == "paid"
    assert here.row("payments", account.intent)["invoice_id"] == account.invoice


def test_a_declined_payment_keeps_its_reason(here: Installation) -> None:
    account = subscriber(here)
    error = {"code": "card_declined", "decline_code": "insufficient_funds", "message": "Your card was declined."}
    event = account.of_intent("payment_failed", last_payment_error=error)
    sent(here, event)
    row = here.row("payments", account.intent)
    assert row["status"] == "failed"
    assert row["failure_reason"] in error.values()
    assert here.sent("/notices", account.intent).json["user_id"] == account.user
    eventually(lambda: account.intent in here.gateway.log)


def test_an_invoice_is_made_finalized_and_voided(here: Installation) -> None:
    account = subscriber(here)
    sent(here, account.of_invoice("created", "draft"))
    row = here.row("invoices", account.invoice)
    assert (row["customer_id"], row["subscription_id"], row["status"], row["currency"]) == (
        account.customer,
        account.subscription,
        "draft",
        "usd",
    )
    assert (Decimal(row["amount_due"]), Decimal(row["amount_paid"])) == (Decimal("19.99"), Decimal(0))
    sent(here, account.of_invoice("finalized", "open"))
    assert here.row("invoices", account.invoice)["status"] == "open"
    assert here.sent("/notices", account.invoice).json["user_id"] == account.user
    sent(here, account.of_invoice("voided", "void"))
    assert here.row("invoices", account.invoice)["status"] == "void"


def test_a_dispute_marks_its_payment_and_is_told(here: Installation) -> None:
    account = subscriber(here)
    sent(here, account.of_intent("succeeded"), account.of_dispute())
    row = here.row("disputes", account.dispute)
    assert (row["payment_id"], Decimal(row["amount"]), row["reason"], row["status"]) == (
        account.intent,
        Decimal("19.99"),
        "fraudulent",
        "needs_response",
    )
    assert here.row("payments", account.intent)["status"] == "disputed"
    here.told(account.dispute)


@pytest.mark.parametrize(("amount", "status"), [(1999, "refunded"), (500, "partially_refunded")])
def test_a_refund_marks_its_payment(here: Installation, amount: int, status: str) -> None:
    account = subscriber(here)
    sent(here, account.of_intent("succeeded"), account.of_refund("created", amount))
    row = here.row("refunds", account.refund)
    assert (row["payment_id"], Decimal(row["amount"]), row["currency"], row["status"], row["reason"]) == (
        account.intent,
        Decimal(amount) / 100,
        "usd",
        "succeeded",
        "requested_by_customer",
    )
    assert here.row("payments", account.intent)["status"] == status
    assert here.sent("/notices", account.refund).json["user_id"] == account.user


def test_a_refund_that_fails_gives_nothing_back(here: Installation) -> None:
    account = subscriber(here)
    sent(here, account.of_intent("succeeded"), account.of_refund("created", status="pending"))
    sent(here, account.of_refund("updated", status="failed"))
    assert here.row("refunds", account.refund)["status"] == "failed"
    assert here.row("payments", account.intent)["status"] == "succeeded"


def test_a_refund_that_names_only_its_charge_finds_the_payment(here: Installation) -> None:
    account = subscriber(here)
    sent(here, account.of_intent("succeeded"), account.of_refund("created", payment_intent=None))
    assert here.row("payments", account.intent)["status"] == "refunded"
    disputed = subscriber(here)
    sent(here, disputed.of_intent("succeeded"), disputed.of_dispute(payment_intent=None))
    assert here.row("payments", disputed.intent)["status"] == "disputed"


def test_a_redelivery_changes_nothing(here: Installation) -> None:
    account = subscriber(here)
    event = account.of_invoice("payment_succeeded", "paid", BASIC, 1999)
    sent(here, event)
    assert here.sent("/notices", account.invoice)
    before = here.gateway.sql("SELECT * FROM payments WHERE invoice_id = ?", account.invoice)
    assert send_subscription(here.gateway, event).json["status"] == "duplicate"
    assert here.gateway.sql("SELECT * FROM payments WHERE invoice_id = ?", account.invoice) == before
    assert len({one.id for one in here.app.at("/notices") if account.invoice.encode() in one.body}) == 1


def life_of(account: Account) -> list[dict[str, Any]]:
    """Return what Stripe sends of a user who subscribes, pays, changes the plan, and gets money back."""
    before = {"items": {"data": [{"id": "si_1", "price": {"id": BASIC}}]}}
    return [
        account.of_customer("created"),
        account.of_subscription("created", BASIC, "incomplete"),
        account.of_method("attached"),
        account.of_invoice("created", "draft"),
        account.of_invoice("finalized", "open"),
        account.of_intent("succeeded"),
        account.of_invoice("payment_succeeded", "paid", BASIC, 1999),
        account.of_subscription("updated", BASIC, "active"),
        account.of_subscription("updated", BEST, "active", before),
        account.of_refund("created", 500, "pending"),
        account.of_refund("updated", 500, "succeeded"),
        account.of_customer("updated", name="Ada Lovelace"),
    ]


def assert_lived(here: Installation, account: Account) -> None:
    assert here.row("customers", account.customer)["name"] == "Ada Lovelace"
    row = here.row("subscriptions", account.subscription)
    assert (row["status"], row["price_id"], row["user_id"], row["plan_change"]) == (
        "active",
        BEST,
        account.user,
        "upgrade",
    )
    user = here.row("users", account.user)
    assert (user["subscription_status"], user["features"]) == ("active", BEST_FEATURES)
    assert here.row("invoices", account.invoice)["status"] == "paid"
    assert here.row("refunds", account.refund)["status"] == "succeeded"
    assert here.row("payments", account.intent)["status"] == "partially_refunded"
    assert here.row("payment_methods", account.method)["user_id"] == account.user


@pytest.mark.parametrize("seed", range(4))
def test_any_order_ends_the_same(here: Installation, seed: int) -> None:
    account = Account()
    events = life_of(account)
    random.Random(seed).shuffle(events)
    sent(here, *events)
    assert_lived(here, account)


def test_it_ends_the_same_when_the_gateway_dies_in_the_middle(here: Installation) -> None:
    account = Account()
    events = life_of(account)
    for number, event in enumerate(events):
        assert send_subscription(here.gateway, event).status == 200
        if number == 6:
            here.gateway.crash()
    for event in events:
        assert send_subscription(here.gateway, event).json["status"] == "duplicate"
        assert here.gateway.outcome(event["id"])["status"] == "done"
    assert_lived(here, account)
    for thing in (account.invoice, account.intent, account.refund):
        assert here.sent("/notices", thing).verified


def refused(gateway: Gateway, header: str) -> int:
    return gateway.post(PATH, b"{}", {"Stripe-Signature": header}).status


def test_only_stripe_is_believed(here: Installation) -> None:
    before = here.gateway.sql("SELECT count(*) FROM gateway_events")
    late = stripe_signature(b"{}", ENVIRONMENT["STRIPE_WEBHOOK_SECRET"], at=int(time.time()) - 301)
    of_invoices = stripe_signature(b"{}", ENVIRONMENT["STRIPE_INVOICES_WEBHOOK_SECRET"])
    assert {refused(here.gateway, header) for header in ("", late, of_invoices)} <= {400, 401}
    assert here.gateway.sql("SELECT count(*) FROM gateway_events") == before
    metrics = here.gateway.get("/metrics").body.decode()
    counted = [line for line in metrics.splitlines() if line.startswith("gateway_refusals_total{")]
    assert any('source="subscriptions"' in line for line in counted)
    eventually(lambda: "signature_mismatch" in here.gateway.log)


@pytest.mark.parametrize("secret", [ENVIRONMENT["STRIPE_WEBHOOK_SECRET"], SECRET_BEFORE])
def test_two_secrets_hold_during_a_rotation(here: Installation, secret: str) -> None:
    body = json.dumps(Account().of_customer("created")).encode()
    assert here.gateway.post(PATH, body, {"Stripe-Signature": stripe_signature(body, secret)}).status == 200
