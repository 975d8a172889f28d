"""What a sender can do with a socket, over raw sockets."""

from __future__ import annotations

import asyncio
import json
import socket
from typing import Any

import pytest
import uvloop
from receiving.serving import open_source, raw_request, stripe_body, stripe_headers, stripe_source, until

from gateway.receiving.connections import connections_within, raise_file_limit

GET = b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"
GET_AND_CLOSE = b"GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"


def signed(event_id: str = "evt_1", *, extra: bytes = b"", **parts: Any) -> bytes:
    body = stripe_body(event_id, **parts)
    return raw_request("/hooks/stripe", body, stripe_headers(body), extra=extra)


def status_of(answer: bytes) -> int:
    return int(answer.split(b" ", 2)[1])


def error_of(answer: bytes) -> str:
    code: str = json.loads(answer.partition(b"\r\n\r\n")[2])["error"]["code"]
    return code


async def read_answer(reader: asyncio.StreamReader) -> tuple[int, dict[str, str], bytes]:
    head = (await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 10)).decode()
    lines = head.split("\r\n")
    headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines[1:-2])}
    return int(lines[0].split(" ")[1]), headers, await reader.readexactly(int(headers["content-length"]))


MALFORMED = {
    "no http": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
    "no version": b"GET\r\n\r\n",
    "a header without a name": b"POST /hooks/stripe HTTP/1.1\r\nHost: x\r\n: v\r\n\r\n",
    "a blank in a name": b"POST /hooks/stripe HTTP/1.1\r\nHost: x\r\nA b: v\r\n\r\n",
    "a nul byte": b"POST /hooks/stripe HTTP/1.1\r\nHost: x\r\nA: v\x00w\r\n\r\n",
    "no host": b"POST /hooks/stripe HTTP/1.1\r\n\r\n",
    "a length that is none": b"POST /hooks/stripe HTTP/1.1\r\nHost: x\r\nContent-Length: ten\r\n\r\n",
    "a negative length": b"POST /hooks/stripe HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n",
    "a length beyond all bounds": b"POST /hooks/stripe HTTP/1.1\r\nHost: x\r\nContent-Length: "
    + b"9" * 40
    + b"\r\n\r\n",
    "two lengths": b"POST /hooks/stripe HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab",
    "length and chunks": b"POST /hooks/stripe HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n"
    b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "two hundred headers": b"POST /hooks/stripe HTTP/1.1\r\nHost: x\r\n"
    + b"".join(b"X-%d: v\r\n" % n for n in range(200))
    + b"\r\n",
    "an old smuggling trick": b"POST /hooks/stripe HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: xchunked\r\n\r\n",
}


@pytest.mark.parametrize("data", MALFORMED.values(), ids=MALFORMED)
async def test_what_is_not_http_is_the_senders_fault(
    serve: Any, capsys: pytest.CaptureFixture[str], data: bytes
) -> None:
    async with serve(stripe_source()) as serving:
        answer = await serving.converse(data)
        assert status_of(answer) == 400
        assert error_of(answer) == "malformed_request"
        assert b"Connection: close" in answer
        assert status_of(await serving.converse(GET_AND_CLOSE)) == 200
        assert "Traceback" not in capsys.readouterr().out


@pytest.mark.parametrize("header", [b"X-Long: " + b"v" * 20_000, b"X-" + b"n" * 20_000 + b": v"])
async def test_a_header_that_is_too_long(serve: Any, capsys: pytest.CaptureFixture[str], header: bytes) -> None:
    async with serve(stripe_source()) as serving:
        answer = await serving.converse(b"POST /hooks/stripe HTTP/1.1\r\nHost: x\r\n" + header + b"\r\n\r\n")
        assert (status_of(answer), error_of(answer)) == (431, "headers_too_large")
        assert b"vvvv" not in answer
        assert "vvvv" not in capsys.readouterr().out


async def test_doubled_foreign_and_many_headers_are_kept_safely(serve: Any) -> None:
    extra = b"X-Two: a\r\nx-two: b\r\nX-Latin: caf\xe9\r\nX-Utf8: caf\xc3\xa9\r\n"
    many = b"".join(b"X-Big-%d: %b\r\n" % (number, b"v" * 4000) for number in range(30))
    async with serve(stripe_source()) as serving:
        reader, writer = await serving.connect()
        writer.write(signed(extra=extra) + signed("evt_2", extra=many))
        assert (await read_answer(reader))[0] == 200
        assert (await read_answer(reader))[0] == 200
        writer.close()
        small, large = (event["headers"] for event in serving.events())
        stored = json.loads(small)
        assert (stored["x-two"], stored["x-latin"], stored["x-utf8"]) == ("a, b", "caf\\xe9", "café")
        assert len(large) <= 16_500
        assert "(4000 characters)" in large


async def test_a_slow_body_is_given_up(serve: Any) -> None:
    async with serve(stripe_source(body_timeout=0.2)) as serving:
        answer = await serving.converse(signed()[:-10])
        assert (status_of(answer), error_of(answer)) == (408, "body_timeout")
        assert serving.events() == []


async def test_a_slow_head_is_given_up(serve: Any) -> None:
    async with serve(stripe_source(), head_timeout=0.2) as serving:
        assert await serving.converse(b"POST /hooks/stripe HTTP/1.1\r\nHost: x\r\nX-Slow: ") == b""


async def test_an_idle_connection_is_closed_and_a_busy_one_is_not(serve: Any) -> None:
    async with serve(stripe_source(), head_timeout=0.2, idle_timeout=0.5) as serving:
        serving.hold.clear()
        reader, writer = await serving.connect()
        idle, other = await serving.connect()
        writer.write(signed())
        assert await asyncio.wait_for(idle.read(), 10) == b""
        serving.hold.set()
        assert (await read_answer(reader))[0] == 200
        writer.close()
        other.close()


async def test_a_body_in_small_pieces(serve: Any) -> None:
    async with serve(stripe_source()) as serving:
        reader, writer = await serving.connect()
        for byte in signed():
            writer.write(bytes([byte]))
            await writer.drain()
            await asyncio.sleep(0)
        assert (await read_answer(reader))[0] == 200
        writer.close()


async def test_broken_chunks_are_the_senders_fault(serve: Any) -> None:
    async with serve(stripe_source(body_timeout=0.3)) as serving:
        head = b"POST /hooks/stripe HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
        answer = await serving.converse(head + b"5\r\nabcde\r\nzz\r\n")
        assert status_of(answer) in {400, 408}
        assert status_of(await serving.converse(GET_AND_CLOSE)) == 200


async def test_a_client_that_leaves_within_the_body(serve: Any) -> None:
    async with serve(stripe_source()) as serving:
        _, writer = await serving.connect()
        writer.write(signed()[:-20])
        await writer.drain()
        await until(lambda: serving.server.open_connections == 1)
        writer.close()
        await until(lambda: serving.server.open_connections == 0)
        assert serving.events() == []
        assert (await serving.post_stripe(stripe_body()))[0] == 200


async def test_a_client_that_leaves_right_after_sending(serve: Any) -> None:
    async with serve(stripe_source()) as serving:
        serving.hold.clear()
        _, writer = await serving.connect()
        writer.write(signed("evt_left"))
        await writer.drain()
        await until(lambda: len(serving.batches) == 1)
        writer.transport.abort()
        await until(lambda: serving.server.open_connections == 0)
        serving.hold.set()
        await until(lambda: len(serving.events()) == 1)
        assert (await serving.post_stripe(stripe_body("evt_left")))[1]["status"] == "duplicate"


async def test_a_client_that_resets_the_connection(serve: Any, capsys: pytest.CaptureFixture[str]) -> None:
    async with serve(stripe_source()) as serving:
        for cut in (10, 150, None):
            raw = socket.create_connection(("127.0.0.1", serving.port))
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\x00\x00\x00\x00\x00\x00\x00")
            raw.sendall(signed()[:cut])
            raw.close()
        await until(lambda: serving.server.open_connections == 0)
        assert (await serving.post_stripe(stripe_body("evt_9")))[0] == 200
        assert "Traceback" not in capsys.readouterr().out


async def test_pipelined_requests_are_answered_in_order(serve: Any) -> None:
    async with serve(stripe_source()) as serving:
        reader, writer = await serving.connect()
        writer.write(b"".join(signed(f"evt_{number}") for number in range(40)) + GET)
        answers = [await read_answer(reader) for _ in range(41)]
        assert [json.loads(body)["id"] for _, _, body in answers[:40]] == [str(n) for n in range(1, 41)]
        assert json.loads(answers[40][2])["status"] == "alive"
        writer.close()


async def test_100_continue(serve: Any) -> None:
    async with serve(stripe_source(max_body=1000)) as serving:
        body = stripe_body()
        reader, writer = await serving.connect()
        request = raw_request("/hooks/stripe", body, {**stripe_headers(body), "Expect": "100-continue"})
        head, _, _ = request.partition(b"\r\n\r\n")
        writer.write(head + b"\r\n\r\n")
        assert await reader.readuntil(b"\r\n\r\n") == b"HTTP/1.1 100 Continue\r\n\r\n"
        writer.write(body)
        assert (await read_answer(reader))[0] == 200
        large = b"POST /hooks/stripe HTTP/1.1\r\nHost: x\r\nContent-Length: 5000\r\nExpect: 100-continue\r\n\r\n"
        writer.write(large)
        assert (await read_answer(reader))[0] == 413
        writer.close()


async def test_http_1_0_and_connection_close(serve: Any) -> None:
    async with serve(stripe_source()) as serving:
        body = stripe_body()
        request = raw_request("/hooks/stripe", body, stripe_headers(body))
        old = request.replace(b"HTTP/1.1", b"HTTP/1.0")
        assert status_of(await serving.converse(old)) == 200
        answer = await serving.converse(request.replace(b"Host: localhost", b"Host: x\r\nConnection: close"))
        assert status_of(answer) == 200
        assert b"\r\nConnection: close\r\n" in answer
        reader, writer = await serving.connect()
        writer.write(old.replace(b"Host: localhost", b"Connection: keep-alive"))
        assert (await read_answer(reader))[1]["connection"] == "keep-alive"
        writer.close()


async def test_strange_targets(serve: Any) -> None:
    async with serve(stripe_source()) as serving:
        targets = (b"/%ff%fe", b"*", b"//", b"/../..", b"http://other/healthz", b"/hooks/stripe#x", "/ü".encode())
        for target in targets:
            answer = await serving.converse(b"GET " + target + b" HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
            assert status_of(answer) < 500, target
        reader, writer = await serving.connect()
        writer.write(b"CONNECT a:1 HTTP/1.1\r\nHost: a:1\r\n\r\n")
        assert (await read_answer(reader))[0] == 404
        writer.close()


async def test_an_upgrade_is_ignored(serve: Any) -> None:
    async with serve(stripe_source()) as serving:
        reader, writer = await serving.connect()
        writer.write(signed(extra=b"Connection: Upgrade\r\nUpgrade: websocket\r\n"))
        assert (await read_answer(reader))[0] == 200
        writer.close()


async def test_too_many_connections(serve: Any) -> None:
    async with serve(stripe_source(), max_connections=3) as serving:
        open_ones = [await serving.connect() for _ in range(3)]
        for _, writer in open_ones:
            writer.write(GET)
        for reader, _ in open_ones:
            assert (await read_answer(reader))[0] == 200
        reader, writer = await serving.connect()
        status, headers, body = await read_answer(reader)
        assert (status, headers["retry-after"], headers["connection"]) == (503, "5", "close")
        assert json.loads(body)["error"]["code"] == "too_many_connections"
        assert await reader.read() == b""
        writer.close()
        open_ones[0][1].close()
        await until(lambda: serving.server.open_connections == 2)
        assert status_of(await serving.converse(GET_AND_CLOSE)) == 200
        for _, writer in open_ones:
            writer.close()


async def test_many_open_connections(serve: Any) -> None:
    async with serve(open_source()) as serving:
        connections = [await serving.connect() for _ in range(2000)]
        assert (await serving.post("/open/in", b'{"id": "1"}'))[0] == 200
        for number, (_, writer) in enumerate(connections):
            writer.write(raw_request("/open/in", b'{"id": "%d"}' % number, {}))
        answers = [await read_answer(reader) for reader, _ in connections]
        assert {status for status, _, _ in answers} == {200}
        assert serving.counted("gateway_connections") >= 2000
        for _, writer in connections:
            writer.close()


async def test_draining_answers_what_is_under_way(serve: Any) -> None:
    async with serve(stripe_source()) as serving:
        serving.hold.clear()
        reader, writer = await serving.connect()
        idle, other = await serving.connect()
        writer.write(signed())
        await until(lambda: len(serving.batches) == 1)
        draining = asyncio.create_task(serving.server.drain(5, grace=0.1))
        await until(lambda: serving.health.draining)
        status, body, headers = await serving.get("/readyz")
        assert (status, headers["Connection"]) == (503, "close")
        assert json.loads(body)["reasons"] == {"draining": "shutting down"}
        await asyncio.sleep(0.2)
        with pytest.raises(OSError, match=r"refused|reset|Connect call failed"):
            await serving.converse(GET)
        assert not draining.done()
        serving.hold.set()
        status, headers, _ = await read_answer(reader)
        assert (status, headers["connection"]) == (200, "close")
        await draining
        assert await reader.read() == b""
        assert await idle.read() == b""
        assert len(serving.events()) == 1
        writer.close()
        other.close()


async def test_draining_does_not_wait_for_ever(serve: Any) -> None:
    async with serve(stripe_source()) as serving:
        _, writer = await serving.connect()
        writer.write(signed()[:-5])
        await until(lambda: serving.server.open_connections == 1)
        async with asyncio.timeout(8):
            await serving.server.drain(0.2)
        writer.close()


def test_the_file_limit() -> None:
    assert raise_file_limit() >= 1024
    assert connections_within(1024) == 512
    assert connections_within(100) == 64


def test_the_same_on_uvloop(serve: Any) -> None:
    """Run the cases that depend most on the loop's own sockets on the loop that production uses."""

    async def run() -> None:
        async with serve(stripe_source(body_timeout=0.3), head_timeout=0.3) as serving:
            reader, writer = await serving.connect()
            writer.write(b"".join(signed(f"evt_{number}") for number in range(50)))
            for number in range(1, 51):
                assert json.loads((await read_answer(reader))[2])["id"] == str(number)
            writer.close()
            reader, writer = await serving.connect()
            serving.hold.clear()
            for name in ("evt_a", "evt_b", "evt_c"):
                writer.write(signed(name))
                await asyncio.sleep(0.02)
            serving.hold.set()
            assert [(await read_answer(reader))[0] for _ in range(3)] == [200] * 3
            writer.close()
            assert status_of(await serving.converse(signed("evt_old").replace(b"HTTP/1.1", b"HTTP/1.0"))) == 200
            assert status_of(await serving.converse(signed("evt_x")[:-10])) == 408
            assert await serving.converse(signed()[:30]) == b""
            serving.hold.clear()
            _, leaving = await serving.connect()
            leaving.write(signed("evt_left"))
            await until(lambda: serving.counted("gateway_batch_deliveries_count") >= 2)
            leaving.transport.abort()
            serving.hold.set()
            await until(lambda: serving.events()[-1]["event_id"] == "evt_left")
            large = stripe_body("evt_large", filling="x" * 900_000)
            reader, writer = await serving.connect()
            writer.write(raw_request("/hooks/stripe", large, stripe_headers(large)))
            assert (await read_answer(reader))[0] == 200
            writer.close()

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(run())
