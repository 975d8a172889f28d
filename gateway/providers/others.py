"""Providers that need no file of their own: a scheme, and where the envelope is."""

from __future__ import annotations

from gateway.providers.preset import Preset

GITHUB = Preset(
    name="github",
    title="GitHub",
    docs="https://docs.github.com/webhooks",
    scheme="github",
    event={
        "id": {"header": "X-GitHub-Delivery"},
        "type": {"header": "X-GitHub-Event"},
        "key": "repository.id",
    },
)

STANDARD_WEBHOOKS = Preset(
    name="standard-webhooks",
    title="Standard Webhooks",
    docs="https://www.standardwebhooks.com",
    scheme="standard-webhooks",
    event={"id": {"header": "webhook-id"}, "type": "type", "occurred_at": "timestamp"},
)

SVIX = Preset(
    name="svix",
    title="Svix",
    docs="https://docs.svix.com/receiving/introduction",
    scheme="standard-webhooks",
    event={"id": {"header": "svix-id"}, "type": "type", "occurred_at": "timestamp"},
)

SLACK = Preset(
    name="slack",
    title="Slack",
    docs="https://api.slack.com/apis/events-api",
    scheme="slack",
    event={"id": "event_id", "type": "event.type || type", "occurred_at": "event_time", "key": "event.channel"},
)

PADDLE = Preset(
    name="paddle",
    title="Paddle",
    docs="https://developer.paddle.com/webhooks",
    scheme="paddle",
    event={
        "id": "event_id",
        "type": "event_type",
        "occurred_at": "occurred_at",
        "key": "data.customer_id || data.id",
    },
)

SHOPIFY = Preset(
    name="shopify",
    title="Shopify",
    docs="https://shopify.dev/docs/apps/build/webhooks",
    scheme="shopify",
    event={
        "id": {"header": "X-Shopify-Event-Id"},
        "type": {"header": "X-Shopify-Topic"},
        "occurred_at": {"header": "X-Shopify-Triggered-At"},
        "key": "id",
    },
    fixed_time=False,
)
