"""PayPal's signature: RSA over the checksum of a body, by a certificate whose address the delivery names.

Source: developer.paypal.com/api/rest/webhooks/rest. Everything here is pure; the certificate is fetched by the caller.
"""

from __future__ import annotations

import base64
import binascii
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import urlsplit

from gateway.expressions import CoercionError, coerce
from gateway.providers.headers import header_values
from gateway.providers.verification import Refused, Verified, refused

if TYPE_CHECKING:
    from gateway.providers.paypal_certificates import Certificate

HOSTS = frozenset(("api.paypal.com", "api.sandbox.paypal.com", "api-m.paypal.com", "api-m.sandbox.paypal.com"))
"""The only hosts that a certificate is taken from."""

PATH = "/v1/notifications/certs/"
ALGORITHM = "SHA256withRSA"

_LONGEST = 2048

_ID, _TIME, _SIGNATURE, _ADDRESS, _ALGORITHM = (
    "paypal-transmission-id", "paypal-transmission-time", "paypal-transmission-sig", "paypal-cert-url",
    "paypal-auth-algo",
)  # fmt: skip


class Transmission(NamedTuple):
    """What the headers of a delivery say."""

    id: str
    time: str
    signature: bytes
    address: str
    """Where its certificate is."""


def read_transmission(headers: Mapping[str, str]) -> Transmission | Refused:
    """Return what the headers say, once the address and the algorithm are ones that can be trusted."""
    found: dict[str, str] = {}
    for name in (_ID, _TIME, _SIGNATURE, _ADDRESS, _ALGORITHM):
        values = header_values(headers, name)
        if not values:
            return refused("missing_signature", f"the header `{name}` is missing")
        if len(values) > 1 or len(values[0]) > _LONGEST:
            return refused("signature_mismatch", f"the header `{name}` is not one value")
        found[name] = values[0].strip()
    if found[_ALGORITHM] != ALGORITHM:
        return refused("signature_mismatch", f"`{_ALGORITHM}` is not {ALGORITHM}")
    wrong = address_problem(found[_ADDRESS])
    if wrong is not None:
        return refused("signature_mismatch", f"`{_ADDRESS}` {wrong}")
    try:
        signature = base64.b64decode(found[_SIGNATURE], validate=True)
    except (binascii.Error, ValueError):
        return refused("signature_mismatch", f"`{_SIGNATURE}` is not base64")
    return Transmission(found[_ID], found[_TIME], signature, found[_ADDRESS])


def address_problem(address: str) -> str | None:
    """Return what is wrong with the address of a certificate, or None.

    Exactly one of PayPal's hosts, by https on its own port, below the one path: whoever chooses where a certificate
    comes from chooses who signs.
    """
    if not address.isascii() or any(character.isspace() or character == "\\" for character in address):
        return "is no address"
    try:
        parts = urlsplit(address)
        port = parts.port
    except ValueError:
        return "is no address"
    if parts.scheme != "https" or parts.username is not None or parts.password is not None or port not in {None, 443}:
        return "is not an https address of PayPal's"
    if parts.netloc.removesuffix(":443") not in HOSTS:
        return "is not on one of PayPal's hosts"
    name = parts.path.removeprefix(PATH)
    if not parts.path.startswith(PATH) or not name or "/" in name or "%" in name or name.startswith("."):
        return f"is not below {PATH}"
    return "has more than a path" if parts.query or parts.fragment else None


def signed_text(transmission: Transmission, webhook_id: str, body: bytes) -> bytes:
    """Return what is signed: the checksum stands for the body, in decimal digits."""
    return f"{transmission.id}|{transmission.time}|{webhook_id}|{zlib.crc32(body)}".encode()


@dataclass(frozen=True, slots=True, kw_only=True)
class PaypalVerifier:
    """Verifies deliveries with a certificate that somebody else has fetched."""

    webhook_id: str
    """PayPal's id of the webhook: it is part of what is signed, and not of the delivery."""
    tolerance: float | None = None
    """Seconds by which the time of a transmission may be off; PayPal itself sends for three days."""

    def verify(
        self, body: bytes, transmission: Transmission, certificate: Certificate, now: float
    ) -> Verified | Refused:
        """Verify the raw bytes; `now` is seconds since the epoch."""
        wrong = certificate.problem(datetime.fromtimestamp(now, UTC))
        if wrong is not None:
            return Refused("signature_mismatch", "the certificate is not to be trusted", wrong)
        if not certificate.has_signed(signed_text(transmission, self.webhook_id, body), transmission.signature):
            return refused("signature_mismatch", "the signature does not fit the body")
        at = _seconds(transmission.time)
        if self.tolerance is not None and (at is None or abs(now - at) > self.tolerance):
            off = "unknown" if at is None else f"{abs(now - at):.0f} s off, {self.tolerance:.0f} s are allowed"
            return refused("timestamp_outside_tolerance", f"the time of the transmission is {off}")
        return Verified("paypal", 0, at)


def _seconds(text: str) -> float | None:
    try:
        moment: datetime = coerce(text, "timestamp")
    except CoercionError:
        return None
    return moment.timestamp()
