"""Verifying a delivery: one engine for every scheme that a keyed hash or a token makes.

All of it is pure: bytes, headers and the time go in, a value comes out. Nothing that a sender can send raises.
Source of the schemes: docs/providers.md.
"""

from __future__ import annotations

import base64
import binascii
import hmac
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple, Protocol

from gateway.providers.schemes import Scheme

MAX_SIGNATURES = 32
"""More signatures than this in one header are not looked at."""


class Verified(NamedTuple):
    """A delivery whose signature or token fits."""

    scheme: str
    key: int
    """The number of the secret that fitted, from 0."""
    timestamp: float | None
    """When it was signed, seconds since the epoch; None where the scheme says nothing of it."""


class Refused(NamedTuple):
    """A delivery that is not what it claims to be."""

    code: str
    """`missing_signature`, `signature_mismatch` or `timestamp_outside_tolerance`."""
    message: str
    """What the sender is told."""
    reason: str
    """What the log says; never a secret nor a computed signature."""


class Verifier(Protocol):
    """Verifies deliveries of one source."""

    secret_headers: frozenset[str]
    """Lower-case names of headers whose value is itself a secret."""

    def verify(self, body: bytes, headers: Mapping[str, str], now: float) -> Verified | Refused:
        """Verify the raw bytes; `now` is seconds since the epoch."""


def _refused(code: str, message: str) -> Refused:
    return Refused(code, message, message)


class _Headers(Protocol):
    def getall(self, key: str, default: Sequence[str]) -> Sequence[str]: ...


def header_values(headers: Mapping[str, str], name: str) -> Sequence[str]:
    """Return every value of a header, whatever kind of mapping holds it."""
    getall: Callable[[str, Sequence[str]], Sequence[str]] | None = getattr(headers, "getall", None)
    if getall is not None:
        return getall(name, ())
    lower = name.lower()
    return [value for key, value in headers.items() if key.lower() == lower]


def to_bytes(text: str) -> bytes:
    """Return a header's text as bytes, whatever a sender has put into it."""
    return text.encode("utf-8", "surrogateescape")


class TokenVerifier:
    """A fixed text in a header, compared in constant time."""

    def __init__(self, tokens: Sequence[str], *, header: str, prefix: str = "") -> None:
        """Take the tokens that are good, the header, and what stands before the token in it (`Bearer `)."""
        self._tokens = [token.encode() for token in tokens]
        self._header = header
        self._prefix = prefix
        self.secret_headers = frozenset({header.lower()})

    def verify(self, body: bytes, headers: Mapping[str, str], now: float) -> Verified | Refused:
        """Compare the header with every token."""
        values = header_values(headers, self._header)
        if not any(values):
            return _refused("missing_signature", f"the header `{self._header}` is missing")
        if len(values) > 1:
            return _refused("signature_mismatch", f"the header `{self._header}` stands there {len(values)} times")
        value = values[0]
        if self._prefix:
            if value[: len(self._prefix)].lower() != self._prefix.lower():
                return _refused(
                    "signature_mismatch", f"the header `{self._header}` does not begin with `{self._prefix}`"
                )
            value = value[len(self._prefix) :].strip()
        given, fitted = to_bytes(value), -1
        for number, token in enumerate(self._tokens):
            if hmac.compare_digest(token, given):
                fitted = number
        if fitted < 0:
            return _refused("signature_mismatch", "the token is not the one this source expects")
        return Verified("token", fitted, None)


@dataclass(frozen=True, slots=True)
class _Signed:
    """What the headers of a delivery say of its signature."""

    timestamp: str
    signatures: list[str]
    id: str


class HmacVerifier:
    """A keyed hash over the body, and over the time and id where the scheme says so."""

    def __init__(self, scheme: Scheme, keys: Sequence[bytes], *, tolerance: float) -> None:
        """Take the scheme, the keys that are good, and by how many seconds a signature's time may be off."""
        self._scheme = scheme
        self._keys = tuple(keys)
        self._tolerance = tolerance
        self._name = scheme.name
        self._decode = _DECODERS[scheme.encoding]
        self._algorithm = scheme.algorithm
        self._template = scheme.template
        self.secret_headers: frozenset[str] = frozenset()

    def verify(self, body: bytes, headers: Mapping[str, str], now: float) -> Verified | Refused:
        """Compute the hash with every key and compare it with every signature; then look at the time."""
        signed = self._read(headers)
        if isinstance(signed, Refused):
            return signed
        message = self._message(signed, body)
        key = self._fitting_key(signed.signatures, message)
        if key is None:
            return self._mismatch(signed)
        if self._scheme.unit is None:
            return Verified(self._name, key, None)
        return self._timely(signed.timestamp, key, now)

    def _read(self, headers: Mapping[str, str]) -> _Signed | Refused:
        scheme = self._scheme
        values = next((found for name in scheme.headers if (found := header_values(headers, name))), ())
        if not any(values):
            return _refused("missing_signature", f"the header `{scheme.headers[0]}` is missing")
        text = (scheme.list_separator or ",").join(values) if len(values) > 1 else values[0]
        timestamp, signatures = self._split(text)
        if not signatures:
            wanted = f"`{scheme.pair}=`" if scheme.pair else f"`{scheme.prefix}`"
            return _refused(
                "signature_mismatch", f"the header `{scheme.headers[0]}` holds no signature that begins with {wanted}"
            )
        if scheme.timestamp_headers:
            timestamp = _first(headers, scheme.timestamp_headers)
        if scheme.unit is not None and not timestamp:
            return _refused("signature_mismatch", "the signature says no time, or several")
        identity = _first(headers, scheme.id_headers) if scheme.id_headers else ""
        if scheme.id_headers and not identity:
            return _refused("missing_signature", f"the header `{scheme.id_headers[0]}` is missing")
        return _Signed(timestamp, signatures[:MAX_SIGNATURES], identity)

    def _split(self, text: str) -> tuple[str, list[str]]:
        scheme = self._scheme
        if scheme.list_separator is None:
            return "", _after_prefix([text.strip()], scheme.prefix)
        items = [item.strip() for item in text.split(scheme.list_separator)]
        if scheme.pair is None:
            return "", _after_prefix(items, scheme.prefix)
        pairs = [item.split("=", 1) for item in items if "=" in item]
        signatures = [value.strip() for name, value in pairs if name.strip() == scheme.pair]
        times = [value.strip() for name, value in pairs if name.strip() == scheme.timestamp_pair]
        # A time that is given twice is signed once; whichever was, the other is somebody's addition.
        return times[0] if len(set(times)) == 1 else "", signatures

    def _message(self, signed: _Signed, body: bytes) -> bytes:
        before, after = self._template
        if not before and not after:
            return body
        return _fill(before, signed) + body + _fill(after, signed)

    def _fitting_key(self, signatures: Sequence[str], message: bytes) -> int | None:
        given = [digest for text in signatures if (digest := self._decode(text)) is not None]
        for number, key in enumerate(self._keys):
            wanted = hmac.digest(key, message, self._algorithm)
            for digest in given:
                if hmac.compare_digest(wanted, digest):
                    return number
        return None

    def _mismatch(self, signed: _Signed) -> Refused:
        tried, keys = len(signed.signatures), len(self._keys)
        return _refused(
            "signature_mismatch",
            f"{_count(tried, 'signature')} fit{'s' if tried == 1 else ''} none of {_count(keys, 'secret')}: "
            "another secret, or the body was altered on the way",
        )

    def _timely(self, text: str, key: int, now: float) -> Verified | Refused:
        timestamp = _read_time(text, self._scheme.unit or "s")
        if timestamp is None:
            return _refused("signature_mismatch", "the signature's time is not a time")
        late = now - timestamp
        if abs(late) > self._tolerance:
            way = "old" if late > 0 else "ahead of this machine's clock"
            return _refused(
                "timestamp_outside_tolerance",
                f"the signature is {abs(late):.0f} s {way}, {self._tolerance:.0f} s are tolerated",
            )
        return Verified(self._name, key, timestamp)


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def _first(headers: Mapping[str, str], names: Sequence[str]) -> str:
    for name in names:
        values = header_values(headers, name)
        if values:
            return values[0].strip()
    return ""


def _after_prefix(items: Sequence[str], prefix: str) -> list[str]:
    return [item[len(prefix) :] for item in items if item.startswith(prefix) and len(item) > len(prefix)]


def _fill(pieces: Sequence[str], signed: _Signed) -> bytes:
    values = {"{timestamp}": signed.timestamp, "{id}": signed.id}
    return b"".join(to_bytes(values.get(piece, piece)) for piece in pieces)


def _read_time(text: str, unit: str) -> float | None:
    if unit == "iso":
        try:
            moment = datetime.fromisoformat(text)
        except ValueError:
            return None
        return moment.timestamp() if moment.tzinfo else None
    if not text.isascii() or not text.isdigit() or len(text) > 17:
        return None
    return int(text) / (1000 if unit == "ms" else 1)


def _decode_hex(text: str) -> bytes | None:
    try:
        return bytes.fromhex(text) if text.isascii() and " " not in text else None
    except ValueError:
        return None


def _decode_base64(text: str) -> bytes | None:
    try:
        return base64.b64decode(to_bytes(text), validate=True)
    except (binascii.Error, ValueError):
        return None


def _decode_base64url(text: str) -> bytes | None:
    padded = text + "=" * (-len(text) % 4)
    try:
        return base64.b64decode(to_bytes(padded), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        return None


_DECODERS: dict[str, Callable[[str], bytes | None]] = {
    "hex": _decode_hex,
    "base64": _decode_base64,
    "base64url": _decode_base64url,
}


class ConcealingVerifier:
    """Another verifier, whose every refusal tells the sender the same."""

    def __init__(self, inner: Verifier, message: str) -> None:
        self._inner = inner
        self._message = message
        self.secret_headers = inner.secret_headers

    def verify(self, body: bytes, headers: Mapping[str, str], now: float) -> Verified | Refused:
        """Verify; a refusal keeps its true reason for the log alone."""
        found = self._inner.verify(body, headers, now)
        if isinstance(found, Verified):
            return found
        return Refused("signature_mismatch", self._message, f"{found.code}: {found.reason}")
