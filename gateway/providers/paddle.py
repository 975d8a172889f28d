"""Paddle Billing. Source: developer.paddle.com/webhooks."""

from __future__ import annotations

from gateway.providers.preset import Preset

PADDLE = Preset(
    name="paddle",
    title="Paddle",
    docs="https://developer.paddle.com/webhooks",
    scheme="paddle",
    success="2xx within 5 s",
    event={
        "id": "event_id",
        "type": "event_type",
        "occurred_at": "occurred_at",
        "key": "data.customer_id || data.id",
    },
)
