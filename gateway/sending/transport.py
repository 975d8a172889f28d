"""What sends one kind of message or call, and the two ways in which that can fail."""

from __future__ import annotations

import time
from datetime import UTC
from email.utils import parsedate_to_datetime
from typing import Protocol

from gateway.errors import GatewayError
from gateway.store.leases import Leased
from gateway.telemetry import redact

LONGEST_SAID = 300
"""Characters that are kept of what the other side said."""


class _Failure(GatewayError):
    def __init__(self, message: str, *, said: str | None = None) -> None:
        super().__init__(message)
        self._said = said

    @property
    def full(self) -> str:
        """Return the message with what the other side said; for the outbox, not for the log."""
        said = " ".join((self._said or "").split())
        if not said:
            return self.message
        # Hidden before it is cut: half of a secret would not be known again.
        hidden = str(redact(said))
        return f"{self.message}: {hidden[:LONGEST_SAID]}{'…' if len(hidden) > LONGEST_SAID else ''}"


class Passing(_Failure):
    """It could not be sent now, and may go well later."""

    def __init__(
        self, message: str, *, said: str | None = None, retry_after: float | None = None, progress: object = None
    ) -> None:
        super().__init__(message, said=said)
        self.retry_after = retry_after
        """Seconds that the other side asks to wait."""
        self.progress = progress
        """What the next try has to know, as JSON."""


class Refused(_Failure):
    """The other side will not take it, whenever it comes."""

    def __init__(self, message: str, *, said: str | None = None, code: str = "refused") -> None:
        super().__init__(message, said=said)
        self.code = code
        """`refused`, or `not_found`."""


class Transport(Protocol):
    """Sends what one action produces."""

    async def deliver(self, item: Leased) -> object:
        """Send one item; return the answer, as JSON values. Raises Passing or Refused."""

    async def close(self) -> None:
        """Close its connections."""


def retry_after(value: str | None, now: float | None = None) -> float | None:
    """Return the seconds of a `Retry-After` header, None where it says nothing.

    A date is reckoned from `now`, the present moment when left out (seconds since the epoch). Source: RFC 9110, 10.2.3.
    """
    text = (value or "").strip()
    if text.isascii() and text.isdigit():
        return float(text[:9])
    try:
        at = parsedate_to_datetime(text)
    except ValueError:
        return None
    # A date of this header is always in GMT, also where it does not say so.
    moment = at if at.tzinfo is not None else at.replace(tzinfo=UTC)
    return max(0.0, moment.timestamp() - (time.time() if now is None else now))
