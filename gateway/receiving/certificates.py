"""Certificates that deliveries name, fetched once and kept: from their addresses, or from a folder."""

from __future__ import annotations

import asyncio
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from pathlib import Path

import aiohttp
import structlog

from gateway.providers.paypal_certificates import LONGEST, Certificate, CertificateUnreadable, Trust, read_certificate
from gateway.providers.verification import VerificationUnavailable

_log = structlog.get_logger("gateway.receiving")

MOST_BYTES = 64 * 1024
MOST_KEPT = 32
"""Certificates kept at once; PayPal has a few."""
MOST_FETCHES = 4
"""Fetches under way at once, for all addresses."""
FETCH_SECONDS = 5.0
FAILED_SECONDS = 15.0
"""For so long an address that could not be fetched is not asked again."""

Fetch = Callable[[str], Awaitable[bytes]]


class Certificates:
    """Gives certificates by address; each is fetched once, however many ask for it at the same time."""

    def __init__(self, fetch: Fetch, trust: Trust, *, clock: Callable[[], float] = time.time) -> None:
        """Take what fetches the bytes at an address, what certificates are traced to, and a clock (seconds)."""
        self._fetch = fetch
        self._trust = trust
        self._clock = clock
        self._kept: OrderedDict[str, tuple[float, Certificate | VerificationUnavailable]] = OrderedDict()
        self._under_way: dict[str, asyncio.Task[Certificate]] = {}
        self._turns = asyncio.Semaphore(MOST_FETCHES)

    async def get(self, address: str) -> Certificate:
        """Return the certificate at an address. Raises VerificationUnavailable."""
        until, kept = self._kept.get(address, (0.0, None))
        if kept is not None and self._clock() < until:
            if isinstance(kept, VerificationUnavailable):
                raise kept
            return kept
        task = self._under_way.get(address)
        if task is None:
            task = self._under_way[address] = asyncio.get_running_loop().create_task(self._load(address))
            task.add_done_callback(lambda done: self._under_way.pop(address, None))
        # One sender who hangs up must not end the fetch that others wait for.
        return await asyncio.shield(task)

    async def _load(self, address: str) -> Certificate:
        try:
            async with self._turns, asyncio.timeout(FETCH_SECONDS):
                certificate = read_certificate(await self._fetch(address), self._trust)
        except (OSError, TimeoutError, aiohttp.ClientError, CertificateUnreadable) as error:
            unavailable = VerificationUnavailable(
                f"the certificate cannot be had: {_reason(error)}", retry_after=int(FAILED_SECONDS)
            )
            _log.error("a certificate cannot be had", address=address, error=unavailable.message)
            self._keep(address, self._clock() + FAILED_SECONDS, unavailable)
            raise unavailable from error
        # One that has ended already is not fetched anew for every delivery.
        soonest, now = self._clock() + FAILED_SECONDS, self._clock()
        until = max(soonest, min(now + LONGEST.total_seconds(), certificate.ends.timestamp()))
        self._keep(address, until, certificate)
        return certificate

    def _keep(self, address: str, until: float, found: Certificate | VerificationUnavailable) -> None:
        self._kept[address] = (until, found)
        self._kept.move_to_end(address)
        while len(self._kept) > MOST_KEPT:
            self._kept.popitem(last=False)


def _reason(error: Exception) -> str:
    if isinstance(error, CertificateUnreadable):
        return error.message
    if isinstance(error, TimeoutError):
        return f"no answer within {FETCH_SECONDS:g} seconds"
    return str(error) or type(error).__name__


def fetch_from_folder(folder: Path) -> Fetch:
    """Return what reads certificates from a folder, by the last part of their address, instead of fetching them."""

    async def fetch(address: str) -> bytes:
        name = address.rpartition("/")[2]
        for path in (folder / name, folder / f"{name}.pem"):
            if path.is_file():
                return await asyncio.to_thread(path.read_bytes)
        raise FileNotFoundError(f"there is no file `{name}` in the folder of certificates")

    return fetch


def fetch_by_http(session: aiohttp.ClientSession) -> Fetch:
    """Return what fetches certificates from their addresses, which have been found to be PayPal's own."""

    async def fetch(address: str) -> bytes:
        async with session.get(address, allow_redirects=False) as response:
            if response.status != 200:
                raise CertificateUnreadable(f"its address answered {response.status}")
            found = await response.content.read(MOST_BYTES + 1)
            while not response.content.at_eof() and len(found) <= MOST_BYTES:
                found += await response.content.read(MOST_BYTES + 1 - len(found))
            if len(found) > MOST_BYTES:
                raise CertificateUnreadable(f"its address answered with more than {MOST_BYTES} bytes")
            return found

    return fetch
