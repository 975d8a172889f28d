"""Samples: of every event type that the shipped systems handle, in the provider's own shape."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from importlib import import_module
from typing import Any

import pytest
from stripe._object_classes import OBJECT_CLASSES

from gateway.providers import PRESETS, Envelope, build_envelope, build_verifier, freshen, sample, sample_types, sign
from gateway.providers.verification import Verified

NOW = 1_800_000_000
NAMED = {
    "asaas": """PAYMENT_CREATED PAYMENT_CONFIRMED PAYMENT_RECEIVED PAYMENT_OVERDUE PAYMENT_REFUNDED
        SUBSCRIPTION_ACTIVATED SUBSCRIPTION_CREATED SUBSCRIPTION_UPDATED SUBSCRIPTION_CANCELED
        SUBSCRIPTION_INACTIVATED SUBSCRIPTION_DELETED""",
    "stripe": """customer.created customer.updated customer.deleted invoice.payment_succeeded invoice.payment_failed
        customer.subscription.created customer.subscription.updated customer.subscription.deleted
        customer.subscription.trial_will_end payment_method.attached payment_method.detached payment_method.updated
        payment_intent.succeeded payment_intent.payment_failed invoice.created invoice.finalized invoice.voided
        charge.dispute.created refund.created refund.updated""",
    "paypal": """PAYMENT.CAPTURE.COMPLETED PAYMENT.CAPTURE.DENIED PAYMENT.CAPTURE.REFUNDED PAYMENT.CAPTURE.REVERSED
        PAYMENT.CAPTURE.PENDING CHECKOUT.ORDER.APPROVED""",
    "workos": "organization.created organization.updated organization.deleted",
}
"""The event types that each system's rules name."""
EVERY = [(provider, event_type) for provider in NAMED for event_type in NAMED[provider].split()]


def taken(provider: str, event_type: str) -> dict[str, Any]:
    found = sample(provider, event_type)
    assert found is not None
    return found


def envelope(provider: str, payload: object) -> Envelope:
    return build_envelope({}, PRESETS[provider]).read(payload, {})


@pytest.mark.parametrize("provider", NAMED)
def test_there_is_a_sample_of_each_type(provider: str) -> None:
    assert sample_types(provider) == tuple(sorted(NAMED[provider].split()))


@pytest.mark.parametrize(("provider", "event_type"), EVERY)
def test_a_sample_is_a_new_event_of_its_type_and_of_now(provider: str, event_type: str) -> None:
    found = envelope(provider, freshen(taken(provider, event_type), provider, NOW))
    again = envelope(provider, freshen(taken(provider, event_type), provider, NOW))
    assert (found.type, found.occurred_at) == (event_type, datetime.fromtimestamp(NOW, UTC))
    assert found.key
    assert found.id
    assert again.id
    assert found.id != again.id
    preset = PRESETS[provider]
    assert event_type in {*preset.event_types, *preset.instead}


def test_a_sample_is_nobody_elses() -> None:
    first = taken("stripe", "customer.created")
    first["data"]["object"]["name"] = "changed"
    assert taken("stripe", "customer.created")["data"]["object"]["name"] != "changed"


@pytest.mark.parametrize("event_type", NAMED["stripe"].split())
def test_a_stripe_sample_has_only_fields_that_stripe_has(event_type: str) -> None:
    found = taken("stripe", event_type)["data"]["object"]
    module, name = OBJECT_CLASSES[found["object"]]
    known = {
        field for cls in getattr(import_module(module), name).__mro__ for field in getattr(cls, "__annotations__", {})
    }
    assert set(found) <= known


def test_stripe_samples_have_the_shape_of_today() -> None:
    subscription = taken("stripe", "customer.subscription.created")["data"]["object"]
    assert "current_period_end" not in subscription
    assert subscription["items"]["data"][0]["current_period_end"]
    invoice = taken("stripe", "invoice.payment_succeeded")["data"]["object"]
    assert "subscription" not in invoice
    assert invoice["parent"]["subscription_details"]["subscription"] == subscription["id"]


@pytest.mark.parametrize("provider", ["stripe", "workos", "asaas"])
def test_a_signed_sample_is_verified(provider: str) -> None:
    verify = {"token": "secret"} if PRESETS[provider].scheme == "token" else {"secret": "whsec_secret"}
    for event_type in sample_types(provider):
        body = json.dumps(freshen(taken(provider, event_type), provider, NOW)).encode()
        headers = sign(verify, PRESETS[provider], body, now=NOW, id="")
        assert isinstance(build_verifier(verify, PRESETS[provider]).verify(body, headers, NOW), Verified)


def test_there_is_no_sample_of_what_is_not_known() -> None:
    assert sample("stripe", "nothing.happened") is None
    assert sample("nobody", "nothing.happened") is None
    assert sample_types("nobody") == ()
