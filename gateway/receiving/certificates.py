"""Certificates that deliveries name, fetched once and kept: from their addresses, or from a folder.

Any sender can name any address that PayPal could have. What such names cost is bounded: addresses that have never
had a good certificate are fetched seldom and few at a time, and what comes of them takes no room from the good ones.
"""

from __future__ import annotations

import asyncio
import math
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

import aiohttp
import structlog

from gateway.providers.paypal_certificates import LONGEST, Certificate, CertificateUnreadable, Trust, read_certificate
from gateway.providers.verification import VerificationUnavailable
from gateway.receiving.limits import RateLimit

_log = structlog.get_logger()

MOST_BYTES = 64 * 1024
MOST_KEPT = 32
"""Good certificates kept at once; PayPal has a few."""
MOST_OTHERS = 256
"""Addresses kept of which nothing good is known."""
FETCH_SECONDS = 5.0
FAILED_SECONDS = 15.0
"""For so long an address that could not be fetched is not asked again."""
DISTRUSTED_SECONDS = 300.0
"""For so long a certificate that is not to be trusted is not fetched again."""
UNKNOWN_AT_ONCE = 4
UNKNOWN_PER_MINUTE = 20
"""Fetches of addresses that have never had a good certificate."""

_TOO_LONG = f"it is longer than {MOST_BYTES // 1024} KiB"

Fetch = Callable[[str], Awaitable[bytes]]


class _Kept(NamedTuple):
    until: float
    found: Certificate | str
    """The certificate, or why it cannot be had."""


class Certificates:
    """Gives certificates by address; each is fetched once, however many ask for it at the same time."""

    def __init__(
        self, fetch: Fetch, trust: Trust, *, is_costly: bool = True, clock: Callable[[], float] = time.time
    ) -> None:
        """Take what fetches the bytes at an address, what certificates are traced to, and a clock (seconds).

        `is_costly` says that fetching reaches out, so that unknown addresses are fetched seldom.
        """
        self._fetch = fetch
        self._trust = trust
        self._clock = clock
        self._good: OrderedDict[str, _Kept] = OrderedDict()
        self._others: OrderedDict[str, _Kept] = OrderedDict()
        self._under_way: dict[str, asyncio.Task[_Kept]] = {}
        self._rate = RateLimit(UNKNOWN_PER_MINUTE, 60.0) if is_costly else None

    async def get(self, address: str) -> Certificate:
        """Return the certificate at an address, good or not. Raises VerificationUnavailable when there is none."""
        kept = self._good.get(address) or self._others.get(address)
        if kept is None or self._clock() >= kept.until:
            # One sender who hangs up must not end the fetch that others wait for.
            kept = await asyncio.shield(self._under_way.get(address) or self._begin(address))
        if isinstance(kept.found, str):
            wait = max(1, math.ceil(kept.until - self._clock()))
            raise VerificationUnavailable(f"the certificate cannot be had: {kept.found}", retry_after=wait)
        return kept.found

    def _begin(self, address: str) -> asyncio.Task[_Kept]:
        if self._rate is not None and address not in self._good:
            self._admit(self._rate)
        task = asyncio.get_running_loop().create_task(self._load(address))
        self._under_way[address] = task
        task.add_done_callback(lambda done: self._under_way.pop(address, None))
        return task

    def _admit(self, rate: RateLimit) -> None:
        """Raise VerificationUnavailable when too many unknown addresses are being fetched."""
        unknown = sum(address not in self._good for address in self._under_way)
        wait = 1.0 if unknown >= UNKNOWN_AT_ONCE else rate.wait("", self._clock())
        if wait:
            message = "the certificate cannot be had: too many unknown addresses are asked for"
            raise VerificationUnavailable(message, retry_after=math.ceil(wait))

    async def _load(self, address: str) -> _Kept:
        try:
            async with asyncio.timeout(FETCH_SECONDS):
                pem = await self._fetch(address)
            certificate = read_certificate(pem, self._trust)
        except (OSError, TimeoutError, aiohttp.ClientError, CertificateUnreadable) as error:
            reason = _reason(error)
            _log.error("certificate not to be had", address=address, reason=reason)
            return self._keep_other(address, _Kept(self._clock() + FAILED_SECONDS, reason))
        now = self._clock()
        wrong = certificate.problem(datetime.fromtimestamp(now, UTC))
        if wrong is not None:
            _log.error("certificate not to be trusted", address=address, reason=wrong)
            return self._keep_other(address, _Kept(now + DISTRUSTED_SECONDS, certificate))
        return self._keep_good(address, _Kept(min(now + LONGEST.total_seconds(), certificate.ends), certificate))

    def _keep_good(self, address: str, kept: _Kept) -> _Kept:
        self._others.pop(address, None)
        return _put(self._good, address, kept, MOST_KEPT)

    def _keep_other(self, address: str, kept: _Kept) -> _Kept:
        if address in self._good:
            return _put(self._good, address, kept, MOST_KEPT)
        return _put(self._others, address, kept, MOST_OTHERS)


def _put(cache: OrderedDict[str, _Kept], address: str, kept: _Kept, most: int) -> _Kept:
    cache[address] = kept
    cache.move_to_end(address)
    while len(cache) > most:
        cache.popitem(last=False)
    return kept


def _reason(error: Exception) -> str:
    match error:
        case CertificateUnreadable():
            return error.message
        case TimeoutError():
            return f"no answer within {FETCH_SECONDS:g} s"
        case OSError(strerror=str(text)):
            return text.lower()
    return f"{error}" or type(error).__name__


def fetch_from_folder(folder: Path) -> Fetch:
    """Return what reads certificates from a folder, by the last part of their address, instead of fetching them."""

    async def fetch(address: str) -> bytes:
        return await asyncio.to_thread(_read_file, folder, address.rpartition("/")[2])

    return fetch


def _read_file(folder: Path, name: str) -> bytes:
    for path in (folder / name, folder / f"{name}.pem"):
        if path.is_file():
            with path.open("rb") as file:
                found = file.read(MOST_BYTES + 1)
            if len(found) > MOST_BYTES:
                raise CertificateUnreadable(_TOO_LONG)
            return found
    raise CertificateUnreadable(f"there is no file `{name}` in the folder of certificates")


def fetch_by_http(session: aiohttp.ClientSession) -> Fetch:
    """Return what fetches certificates from their addresses, which have been found to be PayPal's own."""

    async def fetch(address: str) -> bytes:
        headers = {"Accept-Encoding": "identity"}
        async with session.get(address, allow_redirects=False, headers=headers) as response:
            if response.status != 200:
                raise CertificateUnreadable(f"its address answered {response.status}")
            found = await read_short(response)
        if found is None:
            raise CertificateUnreadable(_TOO_LONG)
        return found

    return fetch


async def read_short(response: aiohttp.ClientResponse) -> bytes | None:
    """Return a body, or None when it is longer than 64 KiB."""
    found = bytearray()
    async for chunk in response.content.iter_any():
        found += chunk
        if len(found) > MOST_BYTES:
            return None
    return bytes(found)
