"""Waiting for what becomes of an event, for sources that answer with it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable

from gateway.errors import NotFound
from gateway.store.inbox import Outcome

Lookup = Callable[[int], Awaitable[Outcome | None]]
"""Reads how an event stands in the database."""

# The engine of this process says at once what it has finished; other processes' work is found by looking.
_FIRST_LOOK = 0.02
_LONGEST_PAUSE = 0.5


class Outcomes:
    """Tells those who wait how their events ended."""

    def __init__(self, lookup: Lookup) -> None:
        self._lookup = lookup
        self._waiting: dict[int, asyncio.Future[Outcome]] = {}

    def finished(self, outcomes: Iterable[Outcome]) -> None:
        """Wake those who wait for these events. Called from the loop."""
        for outcome in outcomes:
            waiter = self._waiting.pop(outcome.id, None)
            if waiter is not None:
                waiter.set_result(outcome)

    async def wait(self, event: int, timeout: float) -> Outcome:
        """Return how an event stands once it has left `ready`, or after `timeout` seconds.

        Raises NotFound, StorageUnavailable.
        """
        loop = asyncio.get_running_loop()
        end, pause = loop.time() + timeout, _FIRST_LOOK
        waiter = self._waiting.get(event)
        if waiter is None:
            waiter = self._waiting[event] = loop.create_future()
        try:
            while True:
                await asyncio.wait({waiter}, timeout=min(pause, end - loop.time()))
                outcome = waiter.result() if waiter.done() else await self._look(event)
                if outcome.status != "ready" or loop.time() >= end:
                    return outcome
                pause = min(pause * 2, _LONGEST_PAUSE)
        finally:
            self._forget(event, waiter)

    async def _look(self, event: int) -> Outcome:
        outcome = await self._lookup(event)
        if outcome is None:
            raise NotFound(f"no event {event}")
        return outcome

    def _forget(self, event: int, waiter: asyncio.Future[Outcome]) -> None:
        """Drop the future; another who waits for the same event goes on by looking."""
        if self._waiting.get(event) is waiter:
            del self._waiting[event]
