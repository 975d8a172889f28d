"""Signing what is sent. Source: standard-webhooks/standard-webhooks, spec/standard-webhooks.md."""

from __future__ import annotations

import base64
import hashlib
import hmac

from gateway.providers.keys import WHSEC, decode_key


def destination_key(secret: str) -> bytes:
    """Return the key that a destination's secret stands for: base64 behind `whsec_`, any other text as it is."""
    return (decode_key(secret, "whsec") if secret.startswith(WHSEC) else None) or secret.encode()


def sign(key: bytes, message_id: str, seconds: str, body: bytes) -> str:
    """Return the `webhook-signature` of a body."""
    signed = hmac.new(key, f"{message_id}.{seconds}.".encode() + body, hashlib.sha256).digest()
    return "v1," + base64.b64encode(signed).decode()
