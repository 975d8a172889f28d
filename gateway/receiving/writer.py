"""Group commit: many requests' deliveries in one transaction, each answered when that is on disk.

At most one batch is under way; all that arrives meanwhile is the next. Nothing lingers to make a batch larger:
a lone delivery is committed at once, and under load the commits themselves collect the batches.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from functools import partial

import structlog

from gateway.errors import GatewayError, StorageUnavailable
from gateway.receiving.metrics import WriterMetrics
from gateway.receiving.outcomes import Lookup, Outcomes
from gateway.store.inbox import Delivery, Receipt

log = structlog.get_logger()

Commit = Callable[[list[Delivery]], Awaitable[Sequence[Receipt]]]
"""Stores deliveries in one transaction and returns a receipt for each, in order, once it is on disk."""

Done = Callable[[Receipt | StorageUnavailable], None]
"""Told how storing a delivery ended."""

# What a delivery takes beside its body: the tuple, its texts, its future.
_OVERHEAD = 2_048


class GroupWriter:
    """Appends deliveries to the inbox in batches.

    A delivery once taken is committed even when its sender has gone away and nobody waits any more.
    """

    def __init__(
        self,
        commit: Commit,
        lookup: Lookup,
        *,
        metrics: WriterMetrics,
        max_batch: int = 512,
        max_queue: int = 20_000,
        max_bytes: int = 64 * 2**20,
    ) -> None:
        """Take the commit, the look at an event, and how much may wait: deliveries and bytes; more is refused."""
        self._commit = commit
        self._outcomes = Outcomes(lookup)
        self.outcome = self._outcomes.wait
        self.finished = self._outcomes.finished
        self._metrics = metrics
        self._max_batch, self._max_queue, self._max_bytes = max_batch, max_queue, max_bytes
        self._queue: deque[tuple[Delivery, Done]] = deque()
        self._bytes = 0
        self._loop = asyncio.get_running_loop()
        self._batch: asyncio.Task[None] | None = None
        self._scheduled = False
        self._drained: asyncio.Future[None] | None = None
        self._failures = 0
        metrics.queued = self._queue.__len__

    @property
    def failing(self) -> bool:
        """Return whether the last commit failed."""
        return self._failures > 0

    async def append(self, delivery: Delivery) -> Receipt:
        """Store a delivery; it is on disk when this returns.

        Raises StorageUnavailable when the commit fails, or at once when too much is waiting for one.
        """
        waiter: asyncio.Future[Receipt] = self._loop.create_future()
        self.submit(delivery, partial(_settle, waiter))
        return await waiter

    def submit(self, delivery: Delivery, done: Done) -> None:
        """Store a delivery and call `done` when it is on disk, or cannot be.

        Raises StorageUnavailable, and does not call, when too much is waiting already.
        """
        size = len(delivery.body) + _OVERHEAD
        if len(self._queue) >= self._max_queue or self._bytes + size > self._max_bytes:
            raise StorageUnavailable("too many deliveries wait to be stored", retry_after=1)
        self._queue.append((delivery, done))
        self._bytes += size
        if not self._scheduled:
            self._scheduled = True
            self._loop.call_soon(self._start)

    async def flush(self) -> None:
        """Wait until nothing is queued and no batch is under way."""
        while self._scheduled:
            if self._drained is None:
                self._drained = self._loop.create_future()
            await asyncio.shield(self._drained)

    def _start(self) -> None:
        count = min(len(self._queue), self._max_batch)
        batch = [self._queue.popleft() for _ in range(count)]
        self._bytes -= sum([len(delivery.body) + _OVERHEAD for delivery, _ in batch])
        self._metrics.batches.observe(count)
        self._batch = self._loop.create_task(self._store(batch))

    async def _store(self, batch: list[tuple[Delivery, Done]]) -> None:
        try:
            self._answer(batch, await self._commit([delivery for delivery, _ in batch]))
        except GatewayError as error:
            self._fail(batch, error)
        except Exception:
            log.exception("storing deliveries failed", count=len(batch))
            await self._store_singly(batch)
        finally:
            # The next batch starts a turn of the loop after these answers: clients that answer at once are in it.
            self._loop.call_soon(self._next)

    async def _store_singly(self, batch: list[tuple[Delivery, Done]]) -> None:
        """Store what can be stored of a batch that holds something the database cannot take."""
        for one in batch:
            try:
                self._answer([one], await self._commit([one[0]]))
            except GatewayError as error:
                self._fail([one], error)
            except Exception:
                log.exception("storing a delivery failed", source=one[0].source, request_id=one[0].request_id)
                self._fail([one], StorageUnavailable())

    def _next(self) -> None:
        if self._queue:
            self._loop.call_soon(self._start)
            return
        self._scheduled = False
        if self._drained is not None:
            self._drained.set_result(None)
            self._drained = None

    def _answer(self, batch: list[tuple[Delivery, Done]], receipts: Sequence[Receipt]) -> None:
        if len(receipts) != len(batch):
            raise RuntimeError(f"{len(receipts)} receipts for {len(batch)} deliveries")
        for (_, done), receipt in zip(batch, receipts, strict=True):
            _tell(done, receipt)
        if self._failures:
            log.info("storing deliveries works again", failed_batches=self._failures)
            self._failures = 0

    def _fail(self, batch: list[tuple[Delivery, Done]], error: GatewayError) -> None:
        self._failures += 1
        self._metrics.failures += 1
        if self._failures == 1:
            log.error("deliveries cannot be stored", error=error.message, count=len(batch))
        retry_after = error.retry_after if isinstance(error, StorageUnavailable) else 5
        for _, done in batch:
            _tell(done, StorageUnavailable(error.message, retry_after=retry_after))


def _tell(done: Done, result: Receipt | StorageUnavailable) -> None:
    try:
        done(result)
    except Exception:
        log.exception("answering a delivery failed")  # it is stored; the others of its batch must hear of theirs


def _settle(waiter: asyncio.Future[Receipt], result: Receipt | StorageUnavailable) -> None:
    if waiter.done():  # its request was cancelled
        return
    if isinstance(result, StorageUnavailable):
        waiter.set_exception(result)
    else:
        waiter.set_result(result)
