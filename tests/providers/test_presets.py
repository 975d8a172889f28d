"""Presets: what is known of the providers."""

from __future__ import annotations

import re
import typing

import pytest
import stripe

from gateway.providers import PRESETS, event_problems, preset_named
from gateway.providers.schemes import SCHEMES


def test_stripes_event_types_are_those_of_the_installed_sdk() -> None:
    named = typing.get_args(typing.get_type_hints(stripe.Event, vars(stripe._event))["type"])
    assert set(named) <= set(PRESETS["stripe"].event_types), "run tools/stripe_event_types.py"
    assert len(PRESETS["stripe"].event_types) >= 275


def test_workos_event_types_are_those_of_its_sdk_and_one_more() -> None:
    types = PRESETS["workos"].event_types
    assert len(types) == 128 + 1
    assert {"organization.created", "organization.updated", "organization.deleted", "dsync.deactivated"} <= set(types)


@pytest.mark.parametrize(
    ("provider", "types"),
    [
        ("asaas", "PAYMENT_CREATED PAYMENT_CONFIRMED PAYMENT_RECEIVED PAYMENT_OVERDUE PAYMENT_REFUNDED"),
        ("asaas", "SUBSCRIPTION_CREATED SUBSCRIPTION_UPDATED SUBSCRIPTION_INACTIVATED SUBSCRIPTION_DELETED"),
        ("paypal", "PAYMENT.CAPTURE.COMPLETED PAYMENT.CAPTURE.DENIED PAYMENT.CAPTURE.REFUNDED"),
        ("paypal", "PAYMENT.CAPTURE.REVERSED PAYMENT.CAPTURE.PENDING CHECKOUT.ORDER.APPROVED"),
    ],
)
def test_the_types_that_rules_name_are_known(provider: str, types: str) -> None:
    assert set(types.split()) <= set(PRESETS[provider].event_types)


@pytest.mark.parametrize("name", sorted(PRESETS))
def test_a_preset_holds_together(name: str) -> None:
    preset = PRESETS[name]
    assert preset_named(name) is preset
    assert preset.name == name
    assert preset.title
    assert re.fullmatch(r"https://\S+", preset.docs)
    assert preset.success
    assert preset.scheme in {*SCHEMES, "token", "paypal"}
    assert (preset.scheme == "token") == (preset.token_header is not None)
    assert event_problems(preset.event) == []
    assert {"id", "type"} <= set(preset.event) <= {"id", "type", "occurred_at", "key"}
    assert len(set(preset.event_types)) == len(preset.event_types)
    for old, today in preset.instead.items():
        assert old not in preset.event_types
        assert set(today) <= set(preset.event_types)


@pytest.mark.parametrize(
    ("provider", "tolerance"),
    [("stripe", 300), ("workos", 180), ("standard-webhooks", 300), ("github", None), ("asaas", None), ("paypal", None)],
)
def test_a_preset_knows_its_tolerance(provider: str, tolerance: float | None) -> None:
    assert PRESETS[provider].tolerance == tolerance


def test_nothing_known_is_none() -> None:
    assert preset_named(None) is None
    assert preset_named("nobody") is None
