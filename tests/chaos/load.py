"""Signed deliveries for as long as it takes: each sender keeps the order of its account, as providers do at best."""

from __future__ import annotations

import asyncio
import json
import random
import time
from dataclasses import dataclass
from datetime import UTC, datetime

import aiohttp
from chaos.checker import Sent
from standardwebhooks import Webhook

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
MOST_EVENTS = 20_000
AGAIN_SECONDS = 0.05
_ASKING = 5
"""One event in so many makes an awaited call."""
_REPEATING = 0.05


@dataclass
class _Event:
    account: str
    number: int
    acknowledged: bool = False

    @property
    def id(self) -> str:
        return f"{self.account}-{self.number}"

    @property
    def asks(self) -> bool:
        return self.number % _ASKING == 1

    @property
    def body(self) -> bytes:
        kind = "question" if self.asks else "payment"
        return json.dumps({"id": self.id, "type": kind, "account": self.account, "number": self.number}).encode()


class Load:
    """Senders that deliver one event after the other, each until it is acknowledged, and some once more."""

    def __init__(self, urls: list[str], chance: random.Random, *, accounts: int = 12, shift: float = 0.0) -> None:
        """Take where to deliver to. `shift` is by how many seconds the senders' clock is off; it can be set later."""
        self.urls = urls
        """Where to deliver to, from the next delivery on."""
        self._chance = chance
        self._accounts = [f"acc{number}" for number in range(accounts)]
        self._events: list[_Event] = []
        self._signer = Webhook(SECRET)
        self.shift = shift
        self.ending = False
        self.refusals: dict[int, int] = {}
        """Answers that were none of 200, by status; 0 for no answer."""
        self.pause = 0.0
        """Seconds that a sender waits after each event."""

    @property
    def sent(self) -> list[Sent]:
        """Return all that was tried so far."""
        return [
            Sent(event=e.id, account=e.account, number=e.number, asks=e.asks, acknowledged=e.acknowledged)
            for e in self._events
        ]

    @property
    def acknowledged(self) -> int:
        """Return how many events were acknowledged so far."""
        return sum(e.acknowledged for e in self._events)

    async def run(self) -> None:
        """Send until `ending`, or for MOST_EVENTS."""
        timeout = aiohttp.ClientTimeout(total=15)
        async with aiohttp.ClientSession(timeout=timeout, connector=aiohttp.TCPConnector(limit=0)) as session:
            await asyncio.gather(*(self._send_all(session, account) for account in self._accounts))

    async def until(self, acknowledged: int, seconds: float = 60.0) -> None:
        """Wait until so many more events are acknowledged."""
        wanted = self.acknowledged + acknowledged
        async with asyncio.timeout(seconds):
            while self.acknowledged < wanted and not self.ending:
                await asyncio.sleep(0.01)

    async def _send_all(self, session: aiohttp.ClientSession, account: str) -> None:
        number = 0
        while not self.ending and len(self._events) < MOST_EVENTS:
            number += 1
            event = _Event(account, number)
            self._events.append(event)
            while not await self._try(session, event):
                # What has not been acknowledged when the load ends may be there or not; both are right.
                if self.ending:
                    return
                await asyncio.sleep(AGAIN_SECONDS)
            event.acknowledged = True
            if self._chance.random() < _REPEATING:
                await self._try(session, event)
            if self.pause:
                await asyncio.sleep(self.pause)

    async def _try(self, session: aiohttp.ClientSession, event: _Event) -> bool:
        url, body = self._chance.choice(self.urls), event.body
        try:
            async with session.post(url, data=body, headers=self._headers(event.id, body)) as reply:
                await reply.read()
                status = reply.status
        except (aiohttp.ClientError, OSError):
            status = 0
        if status != 200:
            self.refusals[status] = self.refusals.get(status, 0) + 1
        return status == 200

    def _headers(self, id: str, body: bytes) -> dict[str, str]:
        now = datetime.fromtimestamp(int(time.time() + self.shift), UTC)
        return {
            "webhook-id": id,
            "webhook-timestamp": str(int(now.timestamp())),
            "webhook-signature": self._signer.sign(id, now, body.decode()),
            "Content-Type": "application/json",
        }
