"""From the `verify` of a source to its verifier."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any

from gateway.providers.keys import read_keys
from gateway.providers.preset import Preset
from gateway.providers.schemes import SCHEMES, Scheme
from gateway.providers.signatures import HmacVerifier
from gateway.providers.tokens import TokenVerifier
from gateway.providers.verification import ConcealingVerifier, Verifier

CONCEALED = "Webhook verification failed"
"""What a concealing source says of every refusal, unless its configuration has another sentence."""

BEARER = "Bearer "

_SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0, "w": 604800.0}
_DURATION = re.compile(r"(?:[0-9]{1,9}(?:ms|[smhdw]))+")
_DURATION_PART = re.compile(r"([0-9]+)(ms|[smhdw])")

_PARTS = {
    "algorithm": "algorithm",
    "encoding": "encoding",
    "prefix": "prefix",
    "separator": "list_separator",
    "pair_separator": "pair_separator",
    "signed": "signed",
    "secret_encoding": "decoding",
}
"""Keys of a `verify`, and the parts of a scheme that they say as they stand."""


def build_verifier(verify: Mapping[str, Any], preset: Preset | None) -> Verifier:
    """Return the verifier of a source whose `verify` has no problems (`verify_problems`)."""
    name = scheme_name(verify, preset)
    verifier: Verifier
    if name == "token":
        header, prefix = token_place(verify, preset)
        verifier = TokenVerifier(read_keys(verify, "text"), header=header, prefix=prefix)
    else:
        scheme = resolve_scheme(name, verify)
        verifier = HmacVerifier(scheme, read_keys(verify, scheme.decoding), tolerance=scheme.tolerance)
    if verify.get("conceal") is True:
        verifier = ConcealingVerifier(verifier, str(verify.get("message") or CONCEALED))
    return verifier


def scheme_name(verify: Mapping[str, Any], preset: Preset | None) -> str:
    """Return the name of the scheme: as written, else what the keys or the preset say."""
    written = verify.get("scheme")
    if written is not None:
        return str(written)
    if preset is not None:
        return preset.scheme
    return "token" if "token" in verify or "tokens" in verify else "hmac"


def token_place(verify: Mapping[str, Any], preset: Preset | None) -> tuple[str, str]:
    """Return the header that holds a token, and what stands before the token in it."""
    header = str(verify.get("header") or (preset.token_header if preset else None) or "Authorization")
    return header, str(verify.get("prefix", BEARER if header.lower() == "authorization" else ""))


def resolve_scheme(name: str, verify: Mapping[str, Any]) -> Scheme:
    """Return a scheme with the parts that a `verify` says differently."""
    scheme = SCHEMES[name]
    parts: dict[str, Any] = {part: verify[key] for key, part in _PARTS.items() if verify.get(key) is not None}
    if verify.get("header") is not None:
        parts["headers"] = (str(verify["header"]),)
    if verify.get("id_header") is not None:
        parts["id_headers"] = (str(verify["id_header"]),)
    if verify.get("pair") is not None:
        pair = verify["pair"]
        parts["pairs"] = (pair,) if isinstance(pair, str) else tuple(pair)
    if isinstance(verify.get("timestamp"), Mapping):
        parts |= _time_parts(scheme, verify["timestamp"])
    if verify.get("tolerance") is not None:
        parts["tolerance"] = seconds_of(verify["tolerance"])
    resolved = replace(scheme, **parts)
    return replace(resolved, list_separator=",") if resolved.pairs and resolved.list_separator is None else resolved


def _time_parts(scheme: Scheme, timestamp: Mapping[str, Any]) -> dict[str, Any]:
    parts: dict[str, Any] = {"unit": timestamp.get("unit") or scheme.unit or "s"}
    if "header" in timestamp or "pair" in timestamp:
        parts["timestamp_headers"] = (str(timestamp["header"]),) if "header" in timestamp else ()
        parts["timestamp_pair"] = timestamp.get("pair")
    return parts


def seconds_of(value: object) -> float:
    """Return a duration (`5m`, `1h30m`, a timedelta, or seconds) in seconds; 0 when it is none."""
    if isinstance(value, timedelta):
        return value.total_seconds()
    text = str(value).strip()
    if _DURATION.fullmatch(text):
        return sum(int(number) * _SECONDS[unit] for number, unit in _DURATION_PART.findall(text))
    return float(text) if text.isascii() and text.isdigit() else 0.0
