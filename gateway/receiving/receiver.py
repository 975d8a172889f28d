"""One source's way from a request to its answer."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from functools import partial
from typing import Any, Protocol

import structlog
from aiohttp import hdrs, web
from multidict import CIMultiDictProxy

from gateway.errors import GatewayError, StorageUnavailable
from gateway.providers.verification import VerificationUnavailable
from gateway.receiving.answers import Answer, Refusal, refused
from gateway.receiving.bodies import rest_of_body, whole_body
from gateway.receiving.deliveries import Source, read_delivery
from gateway.receiving.limits import AddressList, client_address
from gateway.receiving.metrics import SourceMetrics
from gateway.receiving.writer import GroupWriter
from gateway.store.inbox import Delivery, Receipt

log = structlog.get_logger()

RESULT_TIMEOUT = 4.0
"""Seconds that a source which answers with the outcome waits for it."""

WriteLine = Callable[[dict[str, Any]], None]
"""Takes a finished log line: `time`, `level`, `message` and other fields (`telemetry.LogWriter.put`)."""


class Sender(Protocol):
    """The connection that a delivery came by."""

    @property
    def address(self) -> str:
        """Return the address at its other end."""

    def reply(self, answer: Answer) -> None:
        """Send the answer to the request that is under way."""


class Receiver:
    """Takes one source's deliveries: limits, verification, the inbox, the answer."""

    def __init__(
        self,
        source: Source,
        writer: GroupWriter,
        metrics: SourceMetrics,
        *,
        trusted_proxies: AddressList | None = None,
        write_line: WriteLine | None = None,
    ) -> None:
        """Take the source and where its deliveries go; without `write_line` accepted ones leave no log line."""
        self.source = source
        self._writer = writer
        self._metrics = metrics
        self._trusted = trusted_proxies
        self._write_line = write_line
        self._asks_address = source.allowed is not None or source.rate_limit is not None
        self._bursts = _Bursts()

    async def receive(self, request: web.BaseRequest, request_id: str) -> Answer:
        """Answer one delivery; it is on disk when the answer says so."""
        started = time.perf_counter()
        source, headers, peer = self.source, request.headers, request.remote or ""
        try:
            if self._asks_address:
                self._admit(peer, headers)
            body = whole_body(request, limit=source.max_body)
            if body is None:
                body = await rest_of_body(request, limit=source.max_body, seconds=source.body_timeout)
            now = time.time()
            found = None if source.awaited is None else await source.awaited.verify(body, headers, now)
            delivery = read_delivery(
                source, body, headers, request_id=request_id, now=now, found=found, violated=self._violated
            )
            receipt = await self._writer.append(delivery)
        except Refusal as refusal:
            return self._refuse(refusal, peer, headers, request_id)
        except VerificationUnavailable as error:
            return self._refuse(_unverified(error), peer, headers, request_id)
        except StorageUnavailable as error:
            return self._refuse(_unstored(error), peer, headers, request_id)
        self._note(delivery, receipt, time.perf_counter() - started)
        if source.respond == "result":
            return await self._answer_with_result(delivery, receipt)
        return _accepted(delivery, receipt)

    def receive_whole(self, body: bytes, headers: CIMultiDictProxy[str], request_id: str, sender: Sender) -> None:
        """Take one delivery whose body has arrived; the sender is replied to when it is on disk.

        For sources that answer once a delivery is stored, and verify it by themselves.
        """
        started = time.perf_counter()
        try:
            if self._asks_address:
                self._admit(sender.address, headers)
            delivery = read_delivery(
                self.source, body, headers, request_id=request_id, now=time.time(), violated=self._violated
            )
            self._writer.submit(delivery, partial(self._reply, delivery, headers, started, sender))
        except Refusal as refusal:
            sender.reply(self._refuse(refusal, sender.address, headers, request_id))
        except StorageUnavailable as error:
            sender.reply(self._refuse(_unstored(error), sender.address, headers, request_id))

    def _reply(
        self,
        delivery: Delivery,
        headers: CIMultiDictProxy[str],
        started: float,
        sender: Sender,
        result: Receipt | StorageUnavailable,
    ) -> None:
        if isinstance(result, StorageUnavailable):
            sender.reply(self._refuse(_unstored(result), sender.address, headers, delivery.request_id))
            return
        self._note(delivery, result, time.perf_counter() - started)
        sender.reply(_accepted(delivery, result))

    def is_stale(self, now: float) -> bool:
        """Say whether deliveries have stayed away for longer than the source expects."""
        limit = self.source.stale_after
        return limit is not None and now - self._metrics.last_at > limit

    def _admit(self, peer: str, headers: CIMultiDictProxy[str]) -> None:
        source = self.source
        address = self._address(peer, headers)
        if source.allowed is not None and address not in source.allowed:
            raise Refusal("address_not_allowed", "this address may not send to this source")
        if source.rate_limit is not None:
            wait = source.rate_limit.wait(address, time.monotonic())
            if wait:
                retry = {"Retry-After": str(math.ceil(wait))}
                raise Refusal("rate_limited", "too many deliveries, try again later", headers=retry)

    def _note(self, delivery: Delivery, receipt: Receipt, seconds: float) -> None:
        metrics = self._metrics
        metrics.last_at = delivery.received_at / 1_000_000
        metrics.seconds.observe(seconds)
        if receipt.duplicate:
            metrics.duplicate += 1
        elif delivery.status == "ready":
            metrics.accepted += 1
        else:
            metrics.dead += 1
        if self._write_line is not None:
            self._write_line(_accepted_line(delivery, receipt, seconds))

    async def _answer_with_result(self, delivery: Delivery, receipt: Receipt) -> Answer:
        status, error, response = delivery.status, delivery.error, None
        if error is None:
            try:
                _, status, _, error, response = await self._writer.outcome(receipt.id, RESULT_TIMEOUT)
            except GatewayError as trouble:  # the event is stored, which is what the sender has to know
                log.warning("outcome unknown", request_id=delivery.request_id, event=receipt.id, error=trouble.message)
        if response is None:
            pending = self.source.pending
            assert pending is not None, "a source that answers with the outcome can always answer"
            response = pending(delivery.type, status, error)
        return Answer(200, response, delivery.request_id)

    def _refuse(self, refusal: Refusal, peer: str, headers: CIMultiDictProxy[str], request_id: str) -> Answer:
        self._metrics.refusals[refusal.code] += 1
        if refusal.code == "schema_violation":
            self._metrics.schema_violations += 1
        held_back = self._bursts.speak(refusal.code, time.monotonic())
        if held_back is not None:
            log.warning(
                "delivery refused",
                request_id=request_id,
                source=self.source.name,
                reason=refusal.code,
                detail=refusal.reason,
                status=refusal.status,
                address=self._address(peer, headers),
                **({"held_back": held_back} if held_back else {}),
            )
        return refused(refusal, request_id, self.source.errors)

    def _violated(self, event_type: str, violation: str, request_id: str) -> None:
        self._metrics.schema_violations += 1
        held_back = self._bursts.speak("schema_violation", time.monotonic())
        if held_back is not None:
            log.warning(
                "payload breaks its schema",
                request_id=request_id,
                source=self.source.name,
                type=event_type,
                detail=violation,
                **({"held_back": held_back} if held_back else {}),
            )

    def _address(self, peer: str, headers: CIMultiDictProxy[str]) -> str:
        return client_address(peer, headers.getall(hdrs.X_FORWARDED_FOR, ()), self._trusted)


class _Bursts:
    """Says of what a log line is due: of what comes by the thousand, one in ten seconds."""

    _CODES = frozenset({"rate_limited", "schema_violation", "storage_unavailable", "verification_unavailable"})
    _PAUSE = 10.0

    def __init__(self) -> None:
        self._spoken: dict[str, float] = {}
        self._held_back: dict[str, int] = {}

    def speak(self, code: str, now: float) -> int | None:
        """Return None to hold this line back, else how many were held back since the last one."""
        if code not in self._CODES:
            return 0
        if now - self._spoken.get(code, -self._PAUSE) < self._PAUSE:
            self._held_back[code] = self._held_back.get(code, 0) + 1
            return None
        self._spoken[code] = now
        return self._held_back.pop(code, 0)


def _unstored(error: StorageUnavailable) -> Refusal:
    """Return what a sender is told: to come back, not what is wrong with the database."""
    retry = {"Retry-After": str(error.retry_after)}
    message = "the delivery could not be stored, try again later"
    return Refusal("storage_unavailable", message, reason=error.message, headers=retry)


def _unverified(error: VerificationUnavailable) -> Refusal:
    """Return what a sender is told: to come back, as nothing is known of it yet."""
    retry = {"Retry-After": str(error.retry_after)}
    message = "the delivery could not be verified, try again later"
    return Refusal("verification_unavailable", message, reason=error.message, headers=retry)


def _accepted(delivery: Delivery, receipt: Receipt) -> Answer:
    status = b"duplicate" if receipt.duplicate else b"accepted"
    return Answer(200, b'{"status":"%b","id":"%d"}' % (status, receipt.id), delivery.request_id)


def _accepted_line(delivery: Delivery, receipt: Receipt, seconds: float) -> dict[str, Any]:
    line = {
        "time": time.time(),
        "level": "info",
        "message": "delivery accepted",
        "request_id": delivery.request_id,
        "source": delivery.source,
        "event": receipt.id,
        "event_id": delivery.event_id,
        "type": delivery.type,
        "verified_by": delivery.verified_by,
        "duplicate": receipt.duplicate,
        "ms": round(seconds * 1000, 3),
    }
    if delivery.error is not None:
        line["level"], line["error"] = "warning", delivery.error
    return line
