"""A first `.env`: random secrets for what gateway.yaml takes from the environment, so that it runs at once."""

from __future__ import annotations

import base64
import os
import re
import secrets
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from gateway.providers.paypal_local import CERTIFICATES, TRUST, write_authority

_REFERENCE = re.compile(r"(?<!\$)\$\{env:([A-Za-z_][A-Za-z0-9_]*)(?::-([^}]*))?\}")

_HEAD = """\
# What gateway.yaml takes from the environment; variables of the process count before these.
# The secrets here are random: put in those that your providers show you. Keep this file out of version control.
"""


def _token() -> str:
    return secrets.token_urlsafe(32)


def _stripe_secret() -> str:
    return f"whsec_{secrets.token_hex(24)}"


def _standard_secret() -> str:
    """Return a secret as Standard Webhooks has them: base64 behind `whsec_`."""
    return "whsec_" + base64.b64encode(secrets.token_bytes(24)).decode()


def _paypal_id() -> str:
    """Return what looks like PayPal's id of a webhook: 17 letters and digits."""
    return "".join(secrets.choice("0123456789ABCDEFGHJKLMNPQRSTUVWXYZ") for _ in range(17))


_MADE_UP: Mapping[str, Callable[[], str]] = {
    "GATEWAY_ADMIN_TOKEN": _token,
    "ASAAS_WEBHOOK_TOKEN": _token,
    "STRIPE_WEBHOOK_SECRET": _stripe_secret,
    "STRIPE_INVOICES_WEBHOOK_SECRET": _stripe_secret,
    "WORKOS_WEBHOOK_SECRET": _token,
    "PAYPAL_WEBHOOK_ID": _paypal_id,
    "APP_WEBHOOK_SECRET": _standard_secret,
}
"""Secrets that can be chosen by either side, and how one looks."""


_AUTHORITY = "var/paypal"
_OWN_PAYPAL: Mapping[str, str] = {
    "PAYPAL_CERT_DIR": f"{_AUTHORITY}/{CERTIFICATES}",
    "PAYPAL_TRUST_FILE": f"{_AUTHORITY}/{TRUST}",
}
"""What makes a configuration trust a PayPal of one's own, so that its events can be tried out."""


def write_env_file(config: Path) -> tuple[Path, list[str]] | None:
    """Write `.env` beside a configuration, for the owner's eyes only, and return it with the names that got a value.

    None when there is one already: it is never changed. Raises OSError when a file cannot be read or written.
    """
    path = config.parent / ".env"
    variables = list(_variables(config.read_text("utf-8")))
    chosen = {name: _value(name) for name, default in variables if default is None or name in _MADE_UP}
    if _OWN_PAYPAL.keys() <= dict(variables).keys() and not path.exists():
        write_authority(config.parent / _AUTHORITY)
        chosen |= _OWN_PAYPAL
    lines = [_line(name, default, chosen) for name, default in variables]
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return None
    with open(descriptor, "w", encoding="utf-8") as file:
        file.write("\n".join([_HEAD, *lines]) + "\n")
    return path, list(chosen)


def _variables(text: str) -> Iterator[tuple[str, str | None]]:
    """Yield the variables of a configuration, each once, with its default; one that must be set has none."""
    found: dict[str, str | None] = {}
    for line in text.splitlines():
        code = "" if line.lstrip().startswith("#") else line
        for name, default in _REFERENCE.findall(code):
            required = f"${{env:{name}}}" in code
            if name not in found or required:
                found[name] = None if required else default
    yield from found.items()


def _value(name: str) -> str:
    return _MADE_UP.get(name, _token)()


def _line(name: str, default: str | None, chosen: Mapping[str, str]) -> str:
    return f"{name}={chosen[name]}" if name in chosen else f"# {name}={default}"
