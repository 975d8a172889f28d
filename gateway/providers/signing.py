"""Signing a body as a provider would: for test events, and for tests."""

from __future__ import annotations

import base64
import hmac
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from gateway.providers.building import _key, _secrets, resolve_scheme, scheme_name
from gateway.providers.preset import Preset
from gateway.providers.schemes import Scheme


def sign(
    verify: Mapping[str, Any] | None, preset: Preset | None, body: bytes, *, now: float, id: str
) -> dict[str, str]:
    """Return the headers that a delivery of `body` needs to be verified.

    `now` is seconds since the epoch, `id` the message's id for schemes that sign one.
    """
    if verify is None:
        return {}
    name, secret = scheme_name(verify, preset), _secrets(verify)[0]
    if name == "token":
        header = str(verify.get("header") or (preset.token_header if preset else None) or "Authorization")
        prefix = str(verify.get("prefix", "Bearer " if header.lower() == "authorization" else ""))
        return {header: prefix + secret}
    scheme = resolve_scheme(name, verify)
    key = _key(secret, scheme.decoding)
    assert key is not None, "the secret was checked when the configuration was read"
    return _signed_headers(scheme, key, body, now, id)


def _signed_headers(scheme: Scheme, key: bytes, body: bytes, now: float, id: str) -> dict[str, str]:
    time = _time(now, scheme.unit)
    before, after = ("".join(_fill(piece, time, id) for piece in pieces).encode() for pieces in scheme.template)
    digest = hmac.digest(key, before + body + after, scheme.algorithm)
    signature = digest.hex() if scheme.encoding == "hex" else _base64(digest, scheme.encoding)
    headers = dict.fromkeys(scheme.id_headers[:1], id) | dict.fromkeys(scheme.timestamp_headers[:1], time)
    if scheme.pair is None:
        return {**headers, scheme.headers[0]: scheme.prefix + signature}
    pairs = [f"{scheme.timestamp_pair}={time}"] if scheme.timestamp_pair else []
    separator = ", " if scheme.name == "workos" else scheme.list_separator or ","
    return {**headers, scheme.headers[0]: separator.join([*pairs, f"{scheme.pair}={signature}"])}


def _fill(piece: str, time: str, id: str) -> str:
    return {"{timestamp}": time, "{id}": id}.get(piece, piece)


def _time(now: float, unit: str | None) -> str:
    if unit == "iso":
        return datetime.fromtimestamp(now, UTC).isoformat()
    return str(int(now * 1000 if unit == "ms" else now))


def _base64(digest: bytes, encoding: str) -> str:
    encode = base64.b64encode if encoding == "base64" else base64.urlsafe_b64encode
    return encode(digest).decode()
