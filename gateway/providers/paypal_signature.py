"""PayPal's signature: RSA over the checksum of a body, by a certificate whose address the delivery names.

Source: developer.paypal.com/api/rest/webhooks/rest. Everything here is pure; the certificate is fetched by the caller.
"""

from __future__ import annotations

import base64
import binascii
import math
import re
import zlib
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, NamedTuple

from gateway.expressions import CoercionError, coerce
from gateway.providers.headers import header_values
from gateway.providers.verification import Refused, Verified, refused
from gateway.records import dataclass

if TYPE_CHECKING:
    from gateway.providers.paypal_certificates import Certificate

SCHEME = "paypal"
HOSTS = frozenset(("api.paypal.com", "api.sandbox.paypal.com", "api-m.paypal.com", "api-m.sandbox.paypal.com"))
"""The only hosts that a certificate is taken from."""

PATH = "/v1/notifications/certs/"
ALGORITHM = "SHA256withRSA"

_ID, _TIME, _SIGNATURE, _ADDRESS, _ALGORITHM = (
    "paypal-transmission-id", "paypal-transmission-time", "paypal-transmission-sig", "paypal-cert-url",
    "paypal-auth-algo",
)  # fmt: skip
_HEADERS = (_ID, _TIME, _SIGNATURE, _ADDRESS, _ALGORITHM)

_VALUE = re.compile(r"[!-{}~]{1,2048}")
"""ASCII without spaces, and without the `|` that joins what is signed."""
_URL = re.compile(r"https://(?P<host>[a-z0-9.-]+)(?::443)?(?P<path>/[A-Za-z0-9._/-]*)")
"""Nothing but a host and a path, written as PayPal writes them: what is no such text cannot be read in two ways."""
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}")


class Transmission(NamedTuple):
    """What the headers of a delivery say."""

    id: str
    time: str
    signature: bytes
    address: str
    """Where its certificate is."""

    @property
    def at(self) -> float | None:
        """Return when it was sent, in seconds since the epoch; None when its time is none."""
        try:
            moment: datetime = coerce(self.time, "timestamp")
        except CoercionError:
            return None
        return moment.timestamp()


def read_transmission(headers: Mapping[str, str]) -> Transmission | Refused:
    """Return what the headers say, once the address and the algorithm are ones that can be trusted."""
    found: dict[str, str] = {}
    for name in _HEADERS:
        values = [value.strip() for value in header_values(headers, name)]
        if not any(values):
            return refused("missing_signature", f"the header `{name}` is missing")
        if len(values) > 1:
            return refused("signature_mismatch", f"the header `{name}` stands there {len(values)} times")
        if not _VALUE.fullmatch(values[0]):
            return refused("signature_mismatch", f"the header `{name}` holds what PayPal would not write")
        found[name] = values[0]
    if found[_ALGORITHM] != ALGORITHM:
        return refused("signature_mismatch", f"`{_ALGORITHM}` is not {ALGORITHM}")
    wrong = address_problem(found[_ADDRESS])
    if wrong is not None:
        return refused("signature_mismatch", f"`{_ADDRESS}` {wrong}")
    try:
        signature = base64.b64decode(found[_SIGNATURE], validate=True)
    except binascii.Error:
        return refused("signature_mismatch", f"`{_SIGNATURE}` is not base64")
    return Transmission(found[_ID], found[_TIME], signature, found[_ADDRESS])


def address_problem(address: str) -> str | None:
    """Return what is wrong with the address of a certificate, or None.

    It must be exactly one of PayPal's hosts, by https on its own port, and a name right below the one path: whoever
    chooses where a certificate comes from chooses who signs.
    """
    parts = _URL.fullmatch(address)
    if parts is None:
        return "is not an https address of a host and a path alone"
    if parts["host"] not in HOSTS:
        return "is not on one of PayPal's hosts"
    folder, name = parts["path"][: len(PATH)], parts["path"][len(PATH) :]
    return None if folder == PATH and _NAME.fullmatch(name) else f"is not right below {PATH}"


def signed_text(transmission: Transmission, webhook_id: str, body: bytes) -> bytes:
    """Return what is signed: the checksum stands for the body, in decimal digits."""
    return f"{transmission.id}|{transmission.time}|{webhook_id}|{zlib.crc32(body)}".encode()


def time_refusal(transmission: Transmission, tolerance: float | None, now: float) -> Refused | None:
    """Return the refusal of a transmission that was sent too long ago or later than now, or None; both in seconds.

    PayPal defines no window and sends for three days: None for `tolerance` asks nothing of the time.
    """
    if tolerance is None:
        return None
    at = transmission.at
    if at is None:
        return refused("timestamp_outside_tolerance", f"`{_TIME}` is no time")
    off = now - at
    if abs(off) <= tolerance:
        return None
    way = "old" if off > 0 else "ahead of this machine's clock"
    return refused(
        "timestamp_outside_tolerance",
        f"the transmission is {math.ceil(abs(off))} s {way}, {tolerance:g} s are tolerated",
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class PaypalVerifier:
    """Verifies deliveries with a certificate that somebody else has fetched."""

    webhook_id: str
    """PayPal's id of the webhook: it is part of what is signed, and not of the delivery."""
    tolerance: float | None = None
    """Seconds by which the time of a transmission may be off."""

    def verify(
        self, body: bytes, transmission: Transmission, certificate: Certificate, now: float
    ) -> Verified | Refused:
        """Verify the raw bytes; `now` is seconds since the epoch."""
        wrong = certificate.problem(datetime.fromtimestamp(now, UTC))
        if wrong is not None:
            reason = f"the certificate at {transmission.address} is not to be trusted: {wrong}"
            return Refused("signature_mismatch", "the certificate is not to be trusted", reason)
        if not certificate.has_signed(signed_text(transmission, self.webhook_id, body), transmission.signature):
            return refused("signature_mismatch", "the signature does not fit the body and this webhook's id")
        late = time_refusal(transmission, self.tolerance, now)
        return Verified(SCHEME, 0, transmission.at) if late is None else late
