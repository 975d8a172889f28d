"""From the `verify` of a source to its verifier, and what can be wrong with it."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

from gateway.providers.preset import Preset
from gateway.providers.schemes import HMAC, SCHEMES, Scheme
from gateway.providers.verification import ConcealingVerifier, HmacVerifier, TokenVerifier, Verifier

CONCEALED = "Webhook verification failed"
"""What a concealing source says of every refusal, unless its configuration has another sentence."""

_SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0, "w": 604800.0}


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """What keeps a `verify` from working."""

    key: str
    """Which of its keys is to blame; empty for the whole."""
    message: str
    help: str | None = None
    index: int | None = None
    """Which entry, where the key holds a list."""


def scheme_name(verify: Mapping[str, object], preset: Preset | None) -> str:
    """Return the name of the scheme: as written, else what the keys or the preset say."""
    written = verify.get("scheme")
    if written is not None:
        return str(written)
    if preset is not None:
        return preset.scheme
    return "token" if "token" in verify or "tokens" in verify else "hmac"


def build_verifier(verify: Mapping[str, Any], preset: Preset | None) -> Verifier:
    """Return the verifier of a source whose `verify` has no problems."""
    name = scheme_name(verify, preset)
    secrets = _secrets(verify)
    verifier: Verifier
    if name == "token":
        header = str(verify.get("header") or (preset.token_header if preset else None) or "Authorization")
        prefix = str(verify.get("prefix", "Bearer " if header.lower() == "authorization" else ""))
        verifier = TokenVerifier(secrets, header=header, prefix=prefix)
    else:
        scheme = resolve_scheme(name, verify)
        keys = [key for secret in secrets if (key := _key(secret, scheme.decoding)) is not None]
        verifier = HmacVerifier(scheme, keys, tolerance=scheme.tolerance)
    if verify.get("conceal") is True:
        verifier = ConcealingVerifier(verifier, str(verify.get("message") or CONCEALED))
    return verifier


def resolve_scheme(name: str, verify: Mapping[str, Any]) -> Scheme:
    """Return a scheme with the parts that a `verify` says differently."""
    scheme = SCHEMES[name]
    parts: dict[str, Any] = {
        own: verify[key] for key, own in _PARTS.items() if key in verify and verify[key] is not None
    }
    if "header" in verify:
        parts["headers"] = (str(verify["header"]),)
    if "id_header" in verify:
        parts["id_headers"] = (str(verify["id_header"]),)
    timestamp = verify.get("timestamp")
    if isinstance(timestamp, Mapping):
        parts["timestamp_headers"] = (str(timestamp["header"]),) if "header" in timestamp else ()
        parts["timestamp_pair"] = timestamp.get("pair")
        parts["unit"] = timestamp.get("unit", "s")
    if "tolerance" in verify:
        parts["tolerance"] = seconds_of(verify["tolerance"])
    return replace(scheme, **parts)


_PARTS = {
    "algorithm": "algorithm",
    "encoding": "encoding",
    "prefix": "prefix",
    "separator": "list_separator",
    "pair": "pair",
    "signed": "signed",
    "secret_encoding": "decoding",
}


def seconds_of(value: object) -> float:
    """Return a duration (`5m`, or a timedelta, or seconds) in seconds; 0 when it is none."""
    if isinstance(value, timedelta):
        return value.total_seconds()
    text = str(value).strip()
    for unit in ("ms", "s", "m", "h", "d", "w"):
        number = text.removesuffix(unit)
        if number != text and number.isdigit():
            return int(number) * _SECONDS[unit]
    return float(text) if text.isdigit() else 0.0


def _secrets(verify: Mapping[str, Any]) -> list[str]:
    return [text for _, _, text in _written_secrets(verify) if text]


def _written_secrets(verify: Mapping[str, Any]) -> Iterable[tuple[str, int | None, str]]:
    for key in ("secret", "token"):
        if verify.get(key) is not None:
            yield key, None, str(verify[key]).strip()
    for key in ("secrets", "tokens"):
        listed = verify.get(key)
        for index, item in enumerate(listed if isinstance(listed, list | tuple) else ()):
            yield key, index, "" if item is None else str(item).strip()


def _key(secret: str, decoding: str) -> bytes | None:
    try:
        match decoding:
            case "hex":
                return bytes.fromhex(secret)
            case "base64":
                return base64.b64decode(secret, validate=True)
            case "whsec":
                return base64.b64decode(secret.removeprefix("whsec_"), validate=True)
    except (binascii.Error, ValueError):
        return None
    return secret.encode()


def verify_problems(verify: Mapping[str, Any], preset: Preset | None) -> list[Problem]:
    """Return what keeps a `verify` of the right shape from working."""
    name = scheme_name(verify, preset)
    if name == "paypal":
        return [
            Problem(
                key="scheme",
                message="verification of PayPal's signatures is not available yet",
                help="say `verify: none` for a test, and let nobody else reach the address",
            )
        ]
    if name != "token" and name not in SCHEMES:
        return [
            Problem(key="scheme", message=f"there is no scheme `{name}`", help=f"schemes: token, {', '.join(SCHEMES)}")
        ]
    problems = list(_secret_problems(verify, name))
    if name != "token":
        problems += _scheme_problems(name, verify)
    return problems


def _secret_problems(verify: Mapping[str, Any], name: str) -> Iterable[Problem]:
    written = list(_written_secrets(verify))
    noun = "token" if name == "token" else "secret"
    if not any(text for _, _, text in written):
        key = written[0][0] if written else ""
        yield Problem(
            key=key,
            message=f"there is no {noun} to verify with",
            help=f"write `{noun}: ${{env:NAME}}` and set the variable",
        )
    if name == "token":
        return
    decoding = resolve_scheme(name, {"secret_encoding": verify.get("secret_encoding")}).decoding
    for key, index, text in written:
        if text and _key(text, decoding) is None:
            kind = "base64" if decoding in {"base64", "whsec"} else "hex"
            yield Problem(
                key=key, index=index, message=f"the secret is not {kind}", help="copy it from the sender whole"
            )


def _scheme_problems(name: str, verify: Mapping[str, Any]) -> Iterable[Problem]:
    scheme = resolve_scheme(name, verify)
    if "tolerance" in verify and scheme.tolerance <= 0:
        yield Problem(
            key="tolerance",
            message="a tolerance of 0 would refuse every delivery",
            help="write how far clocks may differ: `5m`",
        )
    if "{body}" not in scheme.signed:
        yield Problem(
            key="signed", message="what is signed must hold `{body}`", help="for example `{timestamp}.{body}`"
        )
    if "{timestamp}" in scheme.signed and scheme.unit is None:
        yield Problem(
            key="signed",
            message="`{timestamp}` is signed, but nothing says where the time stands",
            help="add `timestamp: {header: X-Timestamp, unit: s}`",
        )
    if "{id}" in scheme.signed and not scheme.id_headers:
        yield Problem(
            key="signed", message="`{id}` is signed, but nothing says where the id stands", help="add `id_header: X-Id`"
        )
    if scheme.unit is not None and "{timestamp}" not in scheme.signed and name == HMAC.name:
        yield Problem(
            key="timestamp",
            message="the time is not signed, so anyone can change it",
            help="put `{timestamp}` into `signed` as the sender does, or leave `timestamp` out",
        )
