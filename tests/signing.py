"""Deliveries as providers sign them, made without the gateway's own code."""

from __future__ import annotations

import hmac
import json
import time
from typing import Any

import stripe
from running import ENVIRONMENT, Gateway, Reply
from servers.certificates import PaypalCertificates

WORKOS_PATH = "/webhooks/workos/events"


def stripe_signature(body: bytes, secret: str, *, at: int | None = None) -> str:
    """Return what Stripe's own SDK makes."""
    moment = int(time.time()) if at is None else at
    return str(stripe.WebhookSignature.generate_signature_header(body.decode(), secret, timestamp=moment))


def workos_signature(body: bytes, secret: str, *, at: int | None = None) -> str:
    """Return a signature with its time in milliseconds. Source: workos/webhooks/_verification.py of the SDK."""
    moment = int(time.time() * 1000) if at is None else at
    digest = hmac.new(secret.encode(), f"{moment}.".encode() + body, "sha256").hexdigest()
    return f"t={moment}, v1={digest}"


def send_subscription(gateway: Gateway, event: dict[str, Any]) -> Reply:
    # Stripe's own bodies are pretty-printed.
    body = json.dumps(event, indent=2).encode()
    signature = stripe_signature(body, ENVIRONMENT["STRIPE_WEBHOOK_SECRET"])
    return gateway.post("/v1/payment/webhook", body, {"Stripe-Signature": signature})


def send_workos(gateway: Gateway, event: dict[str, Any]) -> Reply:
    body = json.dumps(event).encode()
    signature = workos_signature(body, ENVIRONMENT["WORKOS_WEBHOOK_SECRET"])
    return gateway.post(WORKOS_PATH, body, {"WorkOS-Signature": signature})


def send_paypal(gateway: Gateway, certificates: PaypalCertificates, event: dict[str, Any]) -> Reply:
    body = json.dumps(event, ensure_ascii=False).encode()
    return gateway.post("/api/payment/webhook/paypal", body, certificates.headers(body))


def send_asaas(gateway: Gateway, event: dict[str, Any]) -> Reply:
    headers = {"asaas-access-token": ENVIRONMENT["ASAAS_WEBHOOK_TOKEN"]}
    return gateway.post("/webhook/asaas", json.dumps(event).encode(), headers)
