"""What verifying a delivery is: bytes, headers and the time go in, a value comes out.

All of it is pure, and nothing that a sender can send raises.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple, Protocol

from gateway.errors import GatewayError

MAX_VALUES = 4
"""A header that stands there more often than this is refused: every value could cost a hash of the whole body."""


class Verified(NamedTuple):
    """A delivery whose signature or token fits."""

    scheme: str
    key: int
    """Which secret fitted: its place as they are written, from 0."""
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


def refused(code: str, message: str) -> Refused:
    """Return a refusal that tells the sender what it tells the log."""
    return Refused(code, message, message)


class Verifier(Protocol):
    """Verifies deliveries of one source.

    `verify` neither waits nor reads a clock. A scheme that needs something from elsewhere, such as the certificate
    that a delivery names, has an AwaitedVerifier.
    """

    secret_headers: frozenset[str]
    """Lower-case names of headers whose value is itself a secret."""

    def verify(self, body: bytes, headers: Mapping[str, str], now: float) -> Verified | Refused:
        """Verify the raw bytes; `now` is seconds since the epoch."""


class AwaitedVerifier(Protocol):
    """Verifies deliveries of one source by something that has to be fetched or asked first."""

    async def verify(self, body: bytes, headers: Mapping[str, str], now: float) -> Verified | Refused:
        """Verify the raw bytes; `now` is seconds since the epoch.

        Raises VerificationUnavailable when what it needs cannot be had: then nothing is known of the sender.
        """


class VerificationUnavailable(GatewayError):
    """What a delivery is verified by cannot be had at the moment."""

    def __init__(self, message: str, *, retry_after: int) -> None:
        super().__init__(message)
        self.retry_after = retry_after
        """Seconds after which it is worth coming again."""


def conceal(found: Verified | Refused, message: str) -> Verified | Refused:
    """Return an outcome whose refusal tells the sender the same, whatever it is; its reason is for the log alone."""
    if isinstance(found, Verified):
        return found
    return Refused("signature_mismatch", message, f"{found.code}: {found.reason}")


class ConcealingVerifier:
    """Another verifier, whose every refusal tells the sender the same."""

    def __init__(self, inner: Verifier, message: str) -> None:
        """Take the verifier, and what the sender is told of each refusal."""
        self._inner = inner
        self._message = message
        self.secret_headers = inner.secret_headers

    def verify(self, body: bytes, headers: Mapping[str, str], now: float) -> Verified | Refused:
        """Verify; a refusal keeps its true reason for the log alone."""
        return conceal(self._inner.verify(body, headers, now), self._message)
