"""Stripe: signed bodies, events of many shapes. Source: docs.stripe.com/webhooks, docs.stripe.com/api/events."""

from __future__ import annotations

from gateway.providers.event_types import read_event_types
from gateway.providers.preset import Preset
from gateway.providers.stripe_moves import MOVED

STRIPE = Preset(
    name="stripe",
    title="Stripe",
    docs="https://docs.stripe.com/webhooks",
    scheme="stripe",
    success="2xx, soon; anything else is sent again for up to 3 days",
    event={
        "id": "id",
        "type": "type",
        # Seconds in a v1 event, ISO text in a thin one: both are read.
        "occurred_at": "created",
        # What has just left its customer (a detached payment method) still belongs behind that customer's events.
        "key": (
            "data.object.customer.id || data.object.customer || (data.object.object == 'customer' && data.object.id)"
            " || data.previous_attributes.customer || data.object.payment_intent || data.object.charge"
            " || data.object.id || related_object.id"
        ),
    },
    event_types=read_event_types("stripe"),
    moved=MOVED,
)
