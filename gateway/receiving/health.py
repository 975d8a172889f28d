"""Whether the gateway lives, and whether it should be sent traffic."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime

from gateway.errors import GatewayError

Check = Callable[[], Awaitable[None]]
"""Returns when the thing works. Raises GatewayError, with the reason, when it does not."""

_CHECK_SECONDS = 2.0
_KEEP_SECONDS = 1.0


class Health:
    """Runs the checks that readiness depends on, at most once a second however often it is asked."""

    def __init__(self, checks: Mapping[str, Check], *, storing: Callable[[], bool]) -> None:
        """Take the checks by name (`database` must be one of them), and whether deliveries could last be stored.

        The database's check should write: one that can be read but not written takes no deliveries.
        """
        self._checks = dict(checks)
        self._storing = storing
        self._kept: dict[str, tuple[float, str | None]] = {}
        self.draining = False

    async def reasons(self) -> dict[str, str]:
        """Return why no traffic should come, by the name of the check that says so; empty when it may."""
        found = {name: await self._reason(name) for name in self._checks}
        if self.draining:
            found["draining"] = "shutting down"
        return {name: reason for name, reason in found.items() if reason is not None}

    async def storage_reason(self) -> str | None:
        """Return why deliveries cannot be stored, or None when they can."""
        return await self._reason("database")

    async def _reason(self, name: str) -> str | None:
        at, reason = self._kept.get(name, (-_KEEP_SECONDS, None))
        fresh = time.monotonic() - at < _KEEP_SECONDS
        if fresh and (reason is not None or name != "database" or self._storing()):
            return reason
        reason = await self._run(self._checks[name])
        self._kept[name] = (time.monotonic(), reason)
        return reason

    async def _run(self, check: Check) -> str | None:
        try:
            async with asyncio.timeout(_CHECK_SECONDS):
                await check()
        except GatewayError as error:
            return error.message
        except TimeoutError:
            return f"no answer in {_CHECK_SECONDS:g} s"
        return None


def timestamp() -> str:
    """Return the present moment, ISO 8601 in UTC, to the millisecond."""
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
