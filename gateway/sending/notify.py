"""`notify`: messages to people, by Apprise. Source of the addresses: the Apprise documentation."""

from __future__ import annotations

import asyncio
import logging
import re
import threading
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from hashlib import sha256
from typing import Any
from urllib.parse import unquote

import structlog

from gateway.config.environment import Secret
from gateway.sending.transport import Passing, Refused
from gateway.store.leases import Leased
from gateway.store.outbox import decode
from gateway.telemetry import REDACTED

_log = structlog.get_logger("gateway.notify")

LOG = "log://"
"""An address of our own: the message goes into the gateway's log."""

_LOG_LEVELS = {"failure": "error", "warning": "warning"}
_THREADS = 4
_SHORTEST_HIDDEN = 4


class NotifyTransport:
    """Tells one channel. Apprise is imported with the first message, and waits in threads of the channel's own."""

    def __init__(self, channel: str, addresses: Sequence[Secret], timeout: float) -> None:
        """Take the channel's name, its addresses, and the seconds that each of them may take."""
        self._channel = channel
        self._addresses = tuple(address.reveal() for address in addresses)
        self._timeout = timeout
        self._threads: ThreadPoolExecutor | None = None

    async def deliver(self, item: Leased) -> object:
        """Tell every address that an earlier try has not told; return how many were. Raises Passing or Refused."""
        if not self._addresses:
            return {"skipped": "the channel has no address"}
        request: Any = decode(item.request)
        before = _told_before(item.answer)
        waiting = [address for address in self._addresses if _name(address) not in before]
        results = await asyncio.gather(*(self._tell(address, request) for address in waiting), return_exceptions=True)
        told = before | {_name(address) for address, result in zip(waiting, results, strict=True) if result is None}
        self._raise(results, sorted(told))
        return {"told": len(self._addresses)}

    def _raise(self, results: Iterable[object], told: list[str]) -> None:
        """Raise what went wrong: what may pass comes first, so that all are told who can be."""
        failed = [result for result in results if isinstance(result, BaseException)]
        for error in failed:
            if not isinstance(error, Passing | Refused):
                raise error
        for error in failed:
            if isinstance(error, Passing):
                raise Passing(error.message, progress={"told": told})
        for error in failed:
            raise error

    async def _tell(self, address: str, request: dict[str, str]) -> None:
        """Tell one address. Raises Passing or Refused, naming it by its place alone: it holds secrets."""
        if address.startswith(LOG):
            tell = getattr(_log, _LOG_LEVELS.get(request["level"], "info"))
            tell(request["title"] or request["body"], channel=self._channel, body=request["body"])
            return
        place = f"address {self._addresses.index(address) + 1} of {len(self._addresses)}"
        if self._threads is None:
            self._threads = ThreadPoolExecutor(_THREADS, thread_name_prefix=f"notify-{self._channel}")
        try:
            async with asyncio.timeout(self._timeout):
                problem = await asyncio.get_running_loop().run_in_executor(self._threads, _notify, address, request)
        except TimeoutError:
            raise Passing(f"{place} took longer than {self._timeout:g} seconds") from None
        except _NoAddress:
            raise Refused(f"{place} is none that Apprise knows") from None
        if problem is not None:
            raise Passing(f"{place} took nothing: {problem}")

    async def close(self) -> None:
        """Begin nothing more in the threads."""
        if self._threads is not None:
            self._threads.shutdown(wait=False, cancel_futures=True)
            self._threads = None


def _told_before(answer: str | None) -> set[str]:
    found = None if answer is None else decode(answer)
    told = found.get("told") if isinstance(found, dict) else None
    return set(told) if isinstance(told, list) else set()


def _name(address: str) -> str:
    """Return what an address is remembered by, which gives nothing of it away."""
    return sha256(address.encode()).hexdigest()[:16]


def _notify(address: str, request: dict[str, str]) -> str | None:
    """Tell an address, in a thread; return None, or why not. Raises _NoAddress."""
    import apprise

    warnings = _listen()
    service = apprise.Apprise()
    if not service.add(address):
        raise _NoAddress
    if service.notify(body=request["body"], title=request["title"] or "", notify_type=request["level"]):
        return None
    return hidden(warnings.last or "Apprise does not say why", address)


def hidden(text: str, address: str) -> str:
    """Return a text without any part of an address: which of them are secrets differs from service to service."""
    rest = address.partition("://")[2]
    parts = {part for form in (rest, unquote(rest)) for part in re.split(r"[:/@?&=,;]+", form)}
    for part in sorted((part for part in parts if len(part) >= _SHORTEST_HIDDEN), key=len, reverse=True):
        text = text.replace(part, REDACTED)
    return text


class _NoAddress(Exception):
    """Apprise knows no service of such an address."""


class _Warnings(logging.Handler):
    """Keeps the last warning that Apprise has logged in each thread, instead of the log: it may quote an address."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self._own = threading.local()

    @property
    def last(self) -> str | None:
        return getattr(self._own, "text", None)

    def forget(self) -> None:
        self._own.text = None

    def emit(self, record: logging.LogRecord) -> None:
        self._own.text = record.getMessage()


_WARNINGS = _Warnings()


def _listen() -> _Warnings:
    logger = logging.getLogger("apprise")
    logger.propagate = False
    if _WARNINGS not in logger.handlers:
        logger.addHandler(_WARNINGS)
    _WARNINGS.forget()
    return _WARNINGS
