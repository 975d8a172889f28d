from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

import pytest
from prometheus_client import CollectorRegistry
from receiving.serving import open_source, until

from gateway.errors import StorageUnavailable
from gateway.receiving.deliveries import read_delivery
from gateway.receiving.metrics import WriterMetrics
from gateway.receiving.writer import GroupWriter
from gateway.store.inbox import Delivery, Outcome, Receipt


def delivery(number: int, filling: int = 0) -> Delivery:
    body = b'{"id": "%d", "filling": "%b"}' % (number, b"x" * filling)
    return read_delivery(open_source(), body, {}, request_id=str(number), now=1.7e9)


class Storage:
    """A place to store deliveries that keeps them in memory, and stops and fails when told."""

    def __init__(self) -> None:
        self.batches: list[list[str]] = []
        self.gate = asyncio.Event()
        self.gate.set()
        self.under_way = 0
        self.most_under_way = 0
        self.failure: Exception | None = None
        self.poison: str | None = None

    async def commit(self, deliveries: list[Delivery]) -> Sequence[Receipt]:
        self.under_way += 1
        self.most_under_way = max(self.most_under_way, self.under_way)
        ids = [one.event_id for one in deliveries]
        self.batches.append(ids)
        await self.gate.wait()
        self.under_way -= 1
        if self.failure is not None:
            raise self.failure
        if self.poison in ids:
            raise UnicodeEncodeError("utf-8", "x", 0, 1, "surrogates not allowed")
        return [Receipt(int(one), False) for one in ids]

    async def look(self, event: int) -> Outcome | None:
        return None


@pytest.fixture
async def storage() -> Storage:
    return Storage()


def writer_for(storage: Storage, **limits: Any) -> tuple[GroupWriter, CollectorRegistry]:
    registry = CollectorRegistry()
    return GroupWriter(storage.commit, storage.look, metrics=WriterMetrics(registry), **limits), registry


async def test_a_lone_delivery_is_committed_at_once(storage: Storage) -> None:
    writer, _ = writer_for(storage)
    assert await writer.append(delivery(7)) == Receipt(7, False)
    assert storage.batches == [["7"]]


async def test_what_arrives_during_a_commit_is_the_next_batch(storage: Storage) -> None:
    writer, registry = writer_for(storage)
    storage.gate.clear()
    tasks = [asyncio.create_task(writer.append(delivery(0)))]
    await until(lambda: storage.under_way == 1)
    tasks += [asyncio.create_task(writer.append(delivery(number))) for number in range(1, 50)]
    await until(lambda: registry.get_sample_value("gateway_inbox_queue") == 49)
    storage.gate.set()
    receipts = await asyncio.gather(*tasks)
    assert [receipt.id for receipt in receipts] == list(range(50))
    assert [len(batch) for batch in storage.batches] == [1, 49]
    assert storage.most_under_way == 1
    assert registry.get_sample_value("gateway_batch_deliveries_count") == 2
    assert registry.get_sample_value("gateway_batch_deliveries_sum") == 50


async def test_a_batch_has_an_end(storage: Storage) -> None:
    writer, _ = writer_for(storage, max_batch=20)
    await asyncio.gather(*[writer.append(delivery(number)) for number in range(50)])
    assert [len(batch) for batch in storage.batches] == [20, 20, 10]


async def test_too_many_are_refused_at_once(storage: Storage) -> None:
    writer, _ = writer_for(storage, max_queue=2)
    storage.gate.clear()
    first = asyncio.create_task(writer.append(delivery(0)))
    await until(lambda: storage.under_way == 1)
    others = [asyncio.create_task(writer.append(delivery(number))) for number in (1, 2)]
    await asyncio.sleep(0)
    with pytest.raises(StorageUnavailable) as raised:
        await writer.append(delivery(3))
    assert raised.value.retry_after == 1
    assert not writer.failing
    storage.gate.set()
    await asyncio.gather(first, *others)
    assert (await writer.append(delivery(4))).id == 4


async def test_too_many_bytes_are_refused_at_once(storage: Storage) -> None:
    writer, _ = writer_for(storage, max_bytes=100_000)
    storage.gate.clear()
    first = asyncio.create_task(writer.append(delivery(0)))
    await until(lambda: storage.under_way == 1)
    second = asyncio.create_task(writer.append(delivery(1, filling=80_000)))
    await asyncio.sleep(0)
    with pytest.raises(StorageUnavailable):
        await writer.append(delivery(2, filling=30_000))
    storage.gate.set()
    await asyncio.gather(first, second)
    assert (await writer.append(delivery(2, filling=30_000))).id == 2


async def test_everyone_of_a_failed_batch_is_told(storage: Storage) -> None:
    writer, registry = writer_for(storage)
    storage.failure = StorageUnavailable("disk full", retry_after=9)
    results = await asyncio.gather(*[writer.append(delivery(n)) for n in range(5)], return_exceptions=True)
    assert [str(result) for result in results] == ["disk full"] * 5
    assert {result.retry_after for result in results if isinstance(result, StorageUnavailable)} == {9}
    assert len({id(result) for result in results}) == 5
    assert writer.failing
    storage.failure = None
    assert (await writer.append(delivery(9))).id == 9
    assert not writer.failing
    assert registry.get_sample_value("gateway_storage_failures_total") == 1


async def test_a_burst_of_failures_is_one_line(storage: Storage, capsys: pytest.CaptureFixture[str]) -> None:
    writer, _ = writer_for(storage)
    storage.failure = StorageUnavailable("disk full")
    for number in range(20):
        with pytest.raises(StorageUnavailable):
            await writer.append(delivery(number))
    storage.failure = None
    await writer.append(delivery(99))
    said = capsys.readouterr().out
    assert said.count("cannot be stored") == 1
    assert said.count("works again") == 1


async def test_one_that_cannot_be_stored_does_not_take_its_neighbours_with_it(storage: Storage) -> None:
    writer, _ = writer_for(storage)
    storage.poison = "3"
    results = await asyncio.gather(*[writer.append(delivery(n)) for n in range(6)], return_exceptions=True)
    assert [isinstance(result, StorageUnavailable) for result in results] == [False] * 3 + [True] + [False] * 2
    assert (await writer.append(delivery(7))).id == 7


async def test_one_who_cannot_be_told_does_not_keep_it_from_the_others(storage: Storage) -> None:
    writer, _ = writer_for(storage)
    told: list[object] = []

    def fail(result: object) -> None:
        raise ZeroDivisionError

    writer.submit(delivery(1), fail)
    writer.submit(delivery(2), told.append)
    await writer.flush()
    assert told == [Receipt(2, False)]
    assert storage.batches == [["1", "2"]]


async def test_a_cancelled_wait_leaves_the_batch_whole(storage: Storage) -> None:
    writer, _ = writer_for(storage)
    storage.gate.clear()
    tasks = [asyncio.create_task(writer.append(delivery(0)))]
    await until(lambda: storage.under_way == 1)
    tasks += [asyncio.create_task(writer.append(delivery(number))) for number in range(1, 6)]
    await asyncio.sleep(0)
    tasks[0].cancel()
    tasks[3].cancel()
    storage.gate.set()
    results = await asyncio.gather(*tasks, return_exceptions=True)
    assert [isinstance(result, asyncio.CancelledError) for result in results] == [
        True,
        False,
        False,
        True,
        False,
        False,
    ]
    assert [result.id for result in results if isinstance(result, Receipt)] == [1, 2, 4, 5]
    assert storage.batches == [["0"], ["1", "2", "3", "4", "5"]]


async def test_flushing_waits_for_all_that_was_taken(storage: Storage) -> None:
    writer, _ = writer_for(storage, max_batch=3)
    await writer.flush()
    storage.gate.clear()
    tasks = [asyncio.create_task(writer.append(delivery(number))) for number in range(10)]
    await until(lambda: storage.under_way == 1)
    flushes = [asyncio.create_task(writer.flush()) for _ in range(2)]
    await asyncio.sleep(0.01)
    assert not any(flush.done() for flush in flushes)
    storage.gate.set()
    await asyncio.gather(*flushes)
    assert sum(map(len, storage.batches)) == 10
    await asyncio.gather(*tasks)
