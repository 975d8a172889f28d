"""The load generator counts what it is answered, and does not take a wrong answer for a fast one."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager

import pytest

from bench.deliveries import Request, stripe_requests
from bench.load import LoadFailure, Report, closed_loop, open_loop

OK = [b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"]


@contextmanager
def _answering(pieces: list[bytes], answers: int | None = None) -> Iterator[int]:
    """Listen, and answer each request with these pieces, written one by one; hang up after `answers` of them."""
    listener = socket.create_server(("127.0.0.1", 0))
    threading.Thread(target=_accept, args=(listener, pieces, answers), daemon=True).start()
    with closing(listener):
        yield listener.getsockname()[1]


def _accept(listener: socket.socket, pieces: list[bytes], answers: int | None) -> None:
    while True:
        try:
            connection, _ = listener.accept()
        except OSError:  # the test is over
            return
        threading.Thread(target=_answer, args=(connection, pieces, answers), daemon=True).start()


def _answer(connection: socket.socket, pieces: list[bytes], answers: int | None) -> None:
    stream, told = connection.makefile("rb"), 0
    with connection, stream:
        while told != answers and stream.readline():
            length = 0
            while (line := stream.readline()) != b"\r\n":
                if line.startswith(b"Content-Length:"):
                    length = int(line.partition(b":")[2])
            assert len(stream.read(length)) == length
            for piece in pieces:
                connection.sendall(piece)
            told += 1


@pytest.fixture(scope="module")
def requests() -> list[Request]:
    return stripe_requests(40, path="/stripe", seed=1, now=1_763_600_000)


def _closed(port: int, requests: list[Request]) -> Report:
    return closed_loop(port, requests, connections=4, own_core=False, limit=20)


def _open(port: int, requests: list[Request]) -> Report:
    return open_loop(port, requests, connections=4, rate=1_000, limit=20)


@pytest.fixture(params=[_closed, _open], ids=["closed loop", "open loop"])
def loop(request: pytest.FixtureRequest) -> Callable[[int, list[Request]], Report]:
    return request.param


def test_every_request_is_sent_once_and_answered(loop, requests) -> None:
    with _answering(OK) as port:
        report = loop(port, requests).require_accepted()
    assert report.statuses == {200: 40}
    assert set(report.answered_at) == {request.event_id for request in requests}
    assert len(report.latencies) == 40
    assert report.percentile(0) <= report.percentile(0.5) <= report.percentile(1)


def test_an_answer_may_come_in_pieces(loop, requests) -> None:
    with _answering([b"HTTP/1.1 200 OK\r\nconte", b"nt-length: 2\r\n\r", b"\no", b"k"]) as port:
        assert loop(port, requests).require_accepted().statuses == {200: 40}


def test_another_status_is_a_failure(loop, requests) -> None:
    with _answering([b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n"]) as port:
        report = loop(port, requests)
    assert report.statuses == {503: 40}
    with pytest.raises(LoadFailure, match="503"):
        report.require_accepted()


def test_a_server_that_hangs_up_is_a_failure(loop, requests) -> None:
    with _answering(OK, answers=5) as port, pytest.raises(LoadFailure, match="closed"):
        loop(port, requests)
