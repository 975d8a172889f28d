"""Stripe: signed bodies, events of many shapes. Source: docs.stripe.com/webhooks, docs.stripe.com/api/events."""

from __future__ import annotations

import json
from functools import cache
from importlib.resources import files

from gateway.providers.preset import Preset


@cache
def event_types() -> tuple[str, ...]:
    """Return the types that Stripe's own SDK names (written by `tools/stripe_event_types.py`)."""
    text = (files("gateway.providers") / "data" / "stripe_event_types.json").read_text()
    return tuple(json.loads(text)["types"])


STRIPE = Preset(
    name="stripe",
    title="Stripe",
    docs="https://docs.stripe.com/webhooks",
    scheme="stripe",
    event={
        "id": "id",
        "type": "type",
        # Seconds in a v1 event, ISO text in a thin one: both are read.
        "occurred_at": "created",
        "key": (
            "data.object.customer.id || data.object.customer || (data.object.object == 'customer' && data.object.id)"
            " || data.object.payment_intent || data.object.charge || data.object.id || related_object.id"
        ),
    },
    event_types=event_types(),
)
