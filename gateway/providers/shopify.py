"""Shopify: what an event is stands in headers. Source: shopify.dev, webhooks."""

from __future__ import annotations

from gateway.providers.preset import Preset

SHOPIFY = Preset(
    name="shopify",
    title="Shopify",
    docs="https://shopify.dev/docs/apps/build/webhooks",
    scheme="shopify",
    success="2xx within 5 s; after 8 failures in 4 h the subscription is deleted",
    event={
        "id": {"header": "X-Shopify-Event-Id"},
        "type": {"header": "X-Shopify-Topic"},
        "occurred_at": {"header": "X-Shopify-Triggered-At"},
        "key": "id",
    },
    fixed_time=False,
)
