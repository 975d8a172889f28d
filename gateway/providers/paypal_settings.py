"""What the `verify` of a PayPal source holds, and what can be wrong with it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from ipaddress import ip_address
from typing import Any
from urllib.parse import urlsplit

from gateway.providers.building import seconds_of
from gateway.providers.problem import Problem

PAYPAL_KEYS = ("webhook_id", "mode", "certificates", "trust", "client_id", "client_secret", "api_base")
"""Keys that no other scheme has."""

_ALLOWED = frozenset((*PAYPAL_KEYS, "scheme", "tolerance", "conceal", "message"))


def paypal_problems(verify: Mapping[str, Any]) -> Iterable[Problem]:
    """Yield what keeps a `verify` of the right shape from working."""
    for key in verify:
        if key not in _ALLOWED:
            yield Problem(
                key=key,
                message=f"`{key}` has no meaning for PayPal, which signs with a certificate of its own",
                help="write `webhook_id: ${env:PAYPAL_WEBHOOK_ID}`",
            )
    if not _text(verify, "webhook_id"):
        yield Problem(
            key="webhook_id" if "webhook_id" in verify else "",
            message="there is no `webhook_id`, which is part of what PayPal signs",
            help="take it from the app's webhooks at PayPal: `webhook_id: ${env:PAYPAL_WEBHOOK_ID}`",
        )
    if "tolerance" in verify and seconds_of(verify["tolerance"]) <= 0:
        yield Problem(
            key="tolerance",
            message="a tolerance of 0 would refuse every delivery",
            help="leave it out: PayPal itself sends again for three days",
        )
    if verify.get("mode") == "api":
        yield from _api_problems(verify)


def _api_problems(verify: Mapping[str, Any]) -> Iterable[Problem]:
    for key in ("client_id", "client_secret"):
        if not _text(verify, key):
            yield Problem(
                key=key if key in verify else "mode",
                message=f"`mode: api` needs `{key}`",
                help=f"write `{key}: ${{env:PAYPAL_{key.upper()}}}` and set the variable",
            )
    base = _text(verify, "api_base")
    if base and not _is_safe(base):
        yield Problem(
            key="api_base",
            message="`api_base` is no https address",
            help="for example https://api-m.sandbox.paypal.com; http is for a server on this machine alone",
        )


def _is_safe(address: str) -> bool:
    """Say whether an app's secret can be sent there: by https, or within this machine."""
    try:
        parts = urlsplit(address)
    except ValueError:
        return False
    host = parts.hostname or ""
    return bool(host) and (parts.scheme == "https" or (parts.scheme == "http" and _is_loopback(host)))


def _is_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False


def _text(verify: Mapping[str, Any], key: str) -> str:
    return str(verify.get(key) or "").strip()
