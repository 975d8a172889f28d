"""What sends one kind of message or call, and the two ways in which that can fail."""

from __future__ import annotations

from typing import Protocol

from gateway.errors import GatewayError
from gateway.store.leases import Leased


class Passing(GatewayError):
    """It could not be sent now, and may go well later."""

    def __init__(self, message: str, *, retry_after: float | None = None, progress: object = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after
        """Seconds that the other side asks to wait."""
        self.progress = progress
        """What the next try has to know, as JSON."""


class Refused(GatewayError):
    """The other side will not take it, whenever it comes."""

    def __init__(self, message: str, *, code: str = "refused") -> None:
        super().__init__(message)
        self.code = code
        """`refused`, or `not_found`."""


class Transport(Protocol):
    """Sends what one action produces."""

    async def deliver(self, item: Leased) -> object:
        """Send one item; return the answer, as JSON values. Raises Passing or Refused."""

    async def close(self) -> None:
        """Close its connections."""


def retry_after(value: str | None) -> float | None:
    """Return the seconds of a `Retry-After` header; a date counts as nothing said. Source: RFC 9110, 10.2.3."""
    return float(value) if value is not None and value.strip().isdigit() else None
