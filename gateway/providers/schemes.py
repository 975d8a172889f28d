"""Signature schemes, declared: where the signature stands, what is signed, and how."""

from __future__ import annotations

import re

from gateway.records import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Scheme:
    """How one kind of sender signs with a keyed hash."""

    name: str
    headers: tuple[str, ...]
    """The header that holds the signature; the first of several that is there."""
    algorithm: str = "sha256"
    encoding: str = "hex"
    prefix: str = ""
    """What stands before each signature: `sha256=`, `v1,`."""
    list_separator: str | None = None
    """What separates several signatures or pairs in the header; None where the header is one signature."""
    pairs: tuple[str, ...] = ()
    """The names of the pairs that hold signatures: `v1` in `t=…,v1=…`."""
    pair_separator: str = "="
    timestamp_pair: str | None = None
    timestamp_headers: tuple[str, ...] = ()
    unit: str | None = None
    """Of the time: `s`, `ms` or `iso`; None where nothing is said of when it was signed."""
    id_headers: tuple[str, ...] = ()
    signed: str = "{body}"
    """What is signed: `{body}`, with `{timestamp}` and `{id}` round it as the sender does."""
    list_space: str = ""
    """What senders write behind a list separator; it is not needed to read one."""
    decoding: str = "text"
    """How a secret becomes a key: `text`, `hex`, `base64`, or `whsec` (base64 behind that prefix)."""
    tolerance: float = 300.0
    """Seconds that a signature's time may be off, either way."""

    @property
    def template(self) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """Return the pieces that stand before and after the body in what is signed."""
        before, _, after = self.signed.partition("{body}")
        return _pieces(before), _pieces(after)


def _pieces(text: str) -> tuple[str, ...]:
    return tuple(piece for piece in re.split(r"(\{timestamp\}|\{id\})", text) if piece)


STRIPE = Scheme(
    name="stripe",
    headers=("Stripe-Signature",),
    list_separator=",",
    pairs=("v1",),
    timestamp_pair="t",
    unit="s",
    signed="{timestamp}.{body}",
)
"""Source: docs.stripe.com/webhooks/signature. The key is the whole `whsec_…` text."""

WORKOS = Scheme(
    name="workos",
    headers=("WorkOS-Signature",),
    list_separator=",",
    pairs=("v1",),
    timestamp_pair="t",
    unit="ms",
    signed="{timestamp}.{body}",
    list_space=" ",
    tolerance=180.0,
)
"""Source: workos-python, webhooks/_verification.py. The time is in milliseconds."""

STANDARD_WEBHOOKS = Scheme(
    name="standard-webhooks",
    headers=("webhook-signature", "svix-signature"),
    encoding="base64",
    prefix="v1,",
    list_separator=" ",
    timestamp_headers=("webhook-timestamp", "svix-timestamp"),
    unit="s",
    id_headers=("webhook-id", "svix-id"),
    signed="{id}.{timestamp}.{body}",
    decoding="whsec",
)
"""Source: the Standard Webhooks specification, spec/standard-webhooks.md."""

GITHUB = Scheme(name="github", headers=("X-Hub-Signature-256",), prefix="sha256=")
"""Source: docs.github.com, validating webhook deliveries."""

SLACK = Scheme(
    name="slack",
    headers=("X-Slack-Signature",),
    prefix="v0=",
    timestamp_headers=("X-Slack-Request-Timestamp",),
    unit="s",
    signed="v0:{timestamp}:{body}",
)
"""Source: api.slack.com/authentication/verifying-requests-from-slack."""

PADDLE = Scheme(
    name="paddle",
    headers=("Paddle-Signature",),
    list_separator=";",
    pairs=("h1",),
    timestamp_pair="ts",
    unit="s",
    signed="{timestamp}:{body}",
)
"""Source: developer.paddle.com/webhooks/signature-verification."""

SHOPIFY = Scheme(name="shopify", headers=("X-Shopify-Hmac-SHA256",), encoding="base64")
"""Source: shopify.dev, verifying HTTPS webhooks."""

HMAC = Scheme(name="hmac", headers=("X-Signature",))
"""The generic scheme: every part is said in gateway.yaml."""

SCHEMES = {scheme.name: scheme for scheme in (STRIPE, WORKOS, STANDARD_WEBHOOKS, GITHUB, SLACK, PADDLE, SHOPIFY, HMAC)}
"""Schemes by the name that `verify.scheme` gives."""
