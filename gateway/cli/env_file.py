"""A first `.env`: random secrets for what gateway.yaml takes from the environment, so that it runs at once."""

from __future__ import annotations

import base64
import os
import re
import secrets
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

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
_TRUSTED: Mapping[str, str] = {
    "PAYPAL_CERT_DIR": f"{_AUTHORITY}/{CERTIFICATES}",
    "PAYPAL_TRUST_FILE": f"{_AUTHORITY}/{TRUST}",
}
"""What makes a configuration trust a PayPal of one's own, so that its events can be tried out."""

_TAKE_OUT = """\
# An authority of your own, for `gateway trigger`: whoever has its key signs as PayPal does.
# Take both lines out before real events come.
"""


class EnvFile(NamedTuple):
    """An `.env` file that was written."""

    path: Path
    made_up: list[str]
    """The names that got a random value."""
    authority: Path | None
    """The folder of a PayPal of one's own, where the configuration can have one."""


def write_env_file(config: Path) -> EnvFile | None:
    """Write `.env` beside a configuration, for the owner's eyes only.

    None when there is one already: it is never changed. Raises OSError when a file cannot be read or written.
    """
    path = config.parent / ".env"
    if os.path.lexists(path):
        return None
    variables = dict(_variables(config.read_text("utf-8")))
    made_up = {name: _value(name) for name, default in variables.items() if default is None or name in _MADE_UP}
    authority = config.parent / _AUTHORITY if variables.keys() >= _TRUSTED.keys() else None
    if authority is not None:
        write_authority(authority)
    lines = [_line(name, default, made_up, trusts=authority is not None) for name, default in variables.items()]
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return None
    with open(descriptor, "w", encoding="utf-8") as file:
        file.write("\n".join([_HEAD, *lines]) + "\n")
    return EnvFile(path, list(made_up), authority)


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


def _line(name: str, default: str | None, made_up: Mapping[str, str], *, trusts: bool) -> str:
    if trusts and name in _TRUSTED:
        return (_TAKE_OUT if name == next(iter(_TRUSTED)) else "") + f"{name}={_TRUSTED[name]}"
    return f"{name}={made_up[name]}" if name in made_up else f"# {name}={default}"
