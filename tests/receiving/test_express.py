"""The short way and the long way come to the same answers, however the bytes of requests are cut."""

from __future__ import annotations

import asyncio
import json
import random
from typing import Any

import pytest
from receiving.serving import (
    TOKEN,
    asaas_source,
    raw_request,
    stripe_body,
    stripe_headers,
    stripe_source,
    until,
)

from gateway.errors import StorageUnavailable
from gateway.receiving.answers import Answer
from gateway.receiving.express import ExpressLane
from gateway.receiving.limits import RateLimit
from gateway.receiving.metrics import SourceMetrics
from gateway.receiving.receiver import Receiver
from gateway.telemetry import RequestIds

USUAL = raw_request("/hooks/stripe", stripe_body(), stripe_headers(stripe_body()))


class Sender:
    """A connection that keeps what it is told."""

    address = "127.0.0.1"

    def __init__(self) -> None:
        self.answers: list[Answer] = []
        self.long: list[bytes] = []

    def reply(self, answer: Answer) -> None:
        self.answers.append(answer)

    def go_long(self, data: bytes) -> None:
        self.long.append(data)


def lane_for(serving: Any, source: Any) -> ExpressLane:
    lane = ExpressLane(RequestIds())
    lane.load({source.path: Receiver(source, serving.writer, SourceMetrics(source.name))})
    return lane


def signed(event_id: str, **parts: Any) -> bytes:
    body = stripe_body(event_id, **parts)
    return raw_request("/hooks/stripe", body, stripe_headers(body))


async def read_answer(reader: asyncio.StreamReader) -> tuple[int, Any]:
    head = (await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 10)).decode().lower()
    length = int(head.partition("content-length: ")[2].split("\r\n")[0])
    return int(head.split(" ")[1]), json.loads(await reader.readexactly(length))


async def test_a_usual_request_goes_the_short_way(serve: Any) -> None:
    async with serve() as serving:
        lane, sender = lane_for(serving, stripe_source()), Sender()
        assert lane.take(USUAL, sender)
        await until(lambda: bool(sender.answers))
        assert sender.answers[0].body == b'{"status":"accepted","id":"1"}'
        assert sender.long == []


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"P",
        b"POST /hooks/stripe",
        b"POST /hooks/stripe HTTP/1.1\r\n\r\n",
        USUAL[:-1],
        USUAL + b"x",
        USUAL + USUAL,
        USUAL.replace(b"POST", b"GET"),
        USUAL.replace(b"/hooks/stripe", b"/hooks/other"),
        USUAL.replace(b"/hooks/stripe", b"/hooks/stripe?x=1"),
        USUAL.replace(b"Content-Length: ", b"Content-Length: +"),
        USUAL.replace(b"Content-Length: ", b"X-Length: "),
    ],
)
async def test_what_does_not_look_usual_is_not_taken(serve: Any, data: bytes) -> None:
    async with serve() as serving:
        sender = Sender()
        assert not lane_for(serving, stripe_source()).take(data, sender)
        assert sender.answers == []


@pytest.mark.parametrize(
    "data",
    [
        USUAL.replace(b"Host: localhost\r\n", b""),
        USUAL.replace(b"HTTP/1.1", b"HTTP/1.0"),
        USUAL.replace(b"HTTP/1.1", b"HTTP/9.9"),
        USUAL.replace(b"Host: localhost", b"Host: x\r\nConnection: close"),
        USUAL.replace(b"Host: localhost", b"Host: x\r\nConnection: upgrade\r\nUpgrade: websocket"),
        USUAL.replace(b"Host: localhost", b"Host: x\r\nContent-Encoding: gzip"),
        USUAL.replace(b"Host: localhost", b"Host: x\r\nTransfer-Encoding: chunked"),
        USUAL.replace(b"Stripe-Signature", b"Content-Length: 3\r\nStripe-Signature"),
        USUAL.replace(b"Host: localhost", b"Host: x\r\nbad header: 3"),
    ],
)
async def test_what_turns_out_unusual_goes_the_long_way_untouched(serve: Any, data: bytes) -> None:
    async with serve() as serving:
        lane, first, second = lane_for(serving, stripe_source()), Sender(), Sender()
        assert lane.take(data, first)
        assert lane.take(USUAL, second)
        await until(lambda: bool(second.answers))
        assert first.long == [data]
        assert first.answers == []
        assert second.answers[0].status == 200


async def test_names_of_headers_may_be_written_small(serve: Any) -> None:
    async with serve() as serving:
        lane, sender = lane_for(serving, stripe_source()), Sender()
        assert lane.take(USUAL.replace(b"Content-Length", b"content-length"), sender)
        await until(lambda: bool(sender.answers))


class Broken:
    """A verifier with a bug."""

    secret_headers: frozenset[str] = frozenset()

    def verify(self, body: bytes, headers: Any, now: float) -> Any:
        raise ZeroDivisionError


async def test_a_bug_is_one_requests_trouble(serve: Any) -> None:
    async with serve(stripe_source(verifier=Broken()), asaas_source()) as serving:
        connections = [await serving.connect() for _ in range(6)]
        for number, (_, writer) in enumerate(connections):
            headers = {"asaas-access-token": TOKEN}
            usual = raw_request("/webhook/asaas", b'{"id": "%d"}' % number, headers)
            writer.write(USUAL if number == 2 else usual)
        answers = [await read_answer(reader) for reader, _ in connections]
        assert [status for status, _ in answers] == [200, 200, 500, 200, 200, 200]
        assert answers[2][1]["error"]["code"] == "internal_error"
        for _, writer in connections:
            writer.close()


async def test_a_body_beyond_the_sources_limit_goes_the_long_way(serve: Any) -> None:
    async with serve(stripe_source(max_body=100)) as serving:
        reader, writer = await serving.connect()
        writer.write(signed("evt_1"))
        assert (await read_answer(reader))[0] == 413
        writer.close()


async def test_refusals_on_the_short_way(serve: Any) -> None:
    async with serve(stripe_source(rate_limit=RateLimit(2, 60.0)), asaas_source()) as serving:
        reader, writer = await serving.connect()
        writer.write(USUAL.replace(b"v1=", b"v1=0"))
        status, answer = await read_answer(reader)
        assert (status, answer["error"]["code"]) == (401, "signature_mismatch")
        writer.write(raw_request("/webhook/asaas", b"{}", {"asaas-access-token": "wrong"}))
        assert (await read_answer(reader))[1]["success"] is False
        serving.trouble = StorageUnavailable("disk full")
        writer.write(signed("evt_1"))
        status, answer = await read_answer(reader)
        assert (status, answer["error"]["code"]) == (503, "storage_unavailable")
        serving.trouble = None
        writer.write(signed("evt_1"))
        status, answer = await read_answer(reader)
        assert (status, answer["error"]["code"]) == (429, "rate_limited")
        writer.close()


async def test_what_is_sent_before_the_answer_waits_for_it(serve: Any) -> None:
    async with serve(stripe_source()) as serving:
        serving.hold.clear()
        reader, writer = await serving.connect()
        writer.write(signed("evt_1"))
        await until(lambda: len(serving.batches) == 1)
        writer.write(signed("evt_2")[:100])
        await writer.drain()
        await asyncio.sleep(0.02)
        writer.write(signed("evt_2")[100:] + signed("evt_3"))
        await asyncio.sleep(0.02)
        assert serving.batches == [1]
        serving.hold.set()
        answers = [await read_answer(reader) for _ in range(3)]
        assert [answer["id"] for _, answer in answers] == ["1", "2", "3"]
        writer.close()


async def test_a_body_that_looks_like_a_request_is_a_body(serve: Any) -> None:
    async with serve(stripe_source()) as serving:
        inner = signed("evt_smuggled")
        outer = b"POST /nowhere HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n" % len(inner)
        reader, writer = await serving.connect()
        writer.write(outer)
        await writer.drain()
        await asyncio.sleep(0.02)
        writer.write(inner)
        await asyncio.sleep(0.02)
        writer.write(signed("evt_real"))
        assert (await read_answer(reader))[0] == 404
        status, answer = await read_answer(reader)
        assert (status, answer["id"]) == (200, "1")
        assert [event["event_id"] for event in serving.events()] == ["evt_real"]
        writer.close()


async def test_requests_cut_anywhere_are_answered_in_order(serve: Any) -> None:
    chance = random.Random(20261121)
    async with serve(stripe_source()) as serving:
        for turn in range(25):
            names = [f"evt_{turn}_{number}" for number in range(chance.randint(1, 6))]
            stream = b"".join(signed(name) for name in names)
            cuts = sorted(chance.randrange(len(stream)) for _ in range(chance.randint(0, 5)))
            reader, writer = await serving.connect()
            for start, end in zip([0, *cuts], [*cuts, len(stream)], strict=True):
                writer.write(stream[start:end])
                await writer.drain()
                await asyncio.sleep(chance.choice([0, 0, 0.002]))
            answers = [await read_answer(reader) for _ in names]
            assert {status for status, _ in answers} == {200}
            ids = [int(answer["id"]) for _, answer in answers]
            stored = {event["seq"]: event["event_id"] for event in serving.events()}
            assert [stored[one] for one in ids] == names
            writer.close()


async def test_a_sender_that_reads_no_answers_is_not_served_without_end(serve: Any) -> None:
    async with serve(stripe_source()) as serving:
        reader, writer = await serving.connect()
        request = signed("evt_1")
        for _ in range(3000):
            writer.write(request)
        answers = [await read_answer(reader) for _ in range(3000)]
        assert {status for status, _ in answers} == {200}
        writer.close()


async def test_a_client_that_leaves_before_its_request_is_read(serve: Any) -> None:
    async with serve(stripe_source()) as serving:
        for number in range(20):
            _, writer = await serving.connect()
            writer.write(signed(f"evt_{number}").replace(b"HTTP/1.1", b"HTTP/1.0" if number % 2 else b"HTTP/1.1"))
            writer.transport.abort()
        await until(lambda: serving.server.open_connections == 0)
        assert (await serving.post_stripe(stripe_body("evt_after")))[0] == 200


async def test_draining_on_the_short_way(serve: Any) -> None:
    async with serve(stripe_source()) as serving:
        serving.hold.clear()
        reader, writer = await serving.connect()
        writer.write(signed("evt_1"))
        await until(lambda: len(serving.batches) == 1)
        draining = asyncio.create_task(serving.server.drain(5))
        await asyncio.sleep(0.05)
        assert not draining.done()
        serving.hold.set()
        assert (await read_answer(reader))[0] == 200
        assert await reader.read() == b""
        await draining
        writer.close()
