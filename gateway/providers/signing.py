"""Signing a body as a provider would: for test events, and for tests."""

from __future__ import annotations

import hmac
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from gateway.providers.building import resolve_scheme, scheme_name, token_place
from gateway.providers.encodings import ENCODINGS
from gateway.providers.headers import to_bytes
from gateway.providers.keys import read_keys
from gateway.providers.paypal_local import sign_paypal
from gateway.providers.preset import Preset
from gateway.providers.schemes import Scheme


def sign(
    verify: Mapping[str, Any] | None, preset: Preset | None, body: bytes, *, now: float, id: str
) -> dict[str, str]:
    """Return the headers that a delivery of `body` needs to be verified, made with the first secret that is set.

    `verify` is None where anyone may post; `now` is seconds since the epoch, `id` the message's id for schemes that
    sign one. Raises SigningUnavailable where only the provider has the key.
    """
    if verify is None:
        return {}
    name = scheme_name(verify, preset)
    if name == "token":
        header, prefix = token_place(verify, preset)
        return {header: prefix + read_keys(verify, "text")[0].value.decode()}
    if name == "paypal":
        return sign_paypal(verify, body, now=now, id=id)
    scheme = resolve_scheme(name, verify)
    return _signed_headers(scheme, read_keys(verify, scheme.decoding)[0].value, body, now, id)


def _signed_headers(scheme: Scheme, key: bytes, body: bytes, now: float, id: str) -> dict[str, str]:
    time = _time(now, scheme.unit)
    before, after = (to_bytes("".join(_fill(piece, time, id) for piece in pieces)) for pieces in scheme.template)
    digest = hmac.digest(key, before + body + after, scheme.algorithm)
    signature = scheme.prefix + ENCODINGS[scheme.encoding].write(digest).decode()
    headers = dict.fromkeys(scheme.id_headers[:1], id) | dict.fromkeys(scheme.timestamp_headers[:1], time)
    return {**headers, scheme.headers[0]: _paired(scheme, time, signature)}


def _paired(scheme: Scheme, time: str, signature: str) -> str:
    if not scheme.pairs:
        return signature
    pairs = [(scheme.timestamp_pair, time)] if scheme.timestamp_pair else []
    written = [f"{name}{scheme.pair_separator}{value}" for name, value in [*pairs, (scheme.pairs[0], signature)]]
    return f"{scheme.list_separator}{scheme.list_space}".join(written)


def _fill(piece: str, time: str, id: str) -> str:
    return {"{timestamp}": time, "{id}": id}.get(piece, piece)


def _time(now: float, unit: str | None) -> str:
    if unit == "iso":
        return datetime.fromtimestamp(now, UTC).isoformat()
    return str(int(now * 1000 if unit == "ms" else now))
