"""Providers: how their deliveries are verified and what their events look like on the outside."""

from __future__ import annotations

from collections.abc import Mapping

from gateway.providers.asaas import ASAAS
from gateway.providers.building import build_verifier
from gateway.providers.envelope import Envelope, EnvelopeReader, build_envelope
from gateway.providers.github import GITHUB
from gateway.providers.paddle import PADDLE
from gateway.providers.paypal import PAYPAL
from gateway.providers.preset import Preset
from gateway.providers.problem import Problem
from gateway.providers.problems import event_problems, verify_problems
from gateway.providers.samples import freshen, sample, sample_types
from gateway.providers.schema import EVENT_SCHEMA, VERIFY_SCHEMA
from gateway.providers.shopify import SHOPIFY
from gateway.providers.signing import sign
from gateway.providers.slack import SLACK
from gateway.providers.standard_webhooks import STANDARD_WEBHOOKS, SVIX
from gateway.providers.stripe import STRIPE
from gateway.providers.verification import Refused, Verified, Verifier
from gateway.providers.workos import WORKOS

PRESETS: Mapping[str, Preset] = {
    preset.name: preset
    for preset in (STRIPE, PAYPAL, ASAAS, WORKOS, STANDARD_WEBHOOKS, SVIX, GITHUB, SLACK, PADDLE, SHOPIFY)
}
"""Every provider with a preset, by name."""


def preset_named(name: str | None) -> Preset | None:
    """Return a provider's preset, or None."""
    return None if name is None else PRESETS.get(name)


__all__ = [
    "EVENT_SCHEMA",
    "PRESETS",
    "VERIFY_SCHEMA",
    "Envelope",
    "EnvelopeReader",
    "Preset",
    "Problem",
    "Refused",
    "Verified",
    "Verifier",
    "build_envelope",
    "build_verifier",
    "event_problems",
    "freshen",
    "preset_named",
    "sample",
    "sample_types",
    "sign",
    "verify_problems",
]
