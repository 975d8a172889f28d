"""The Stripe of the tests keeps what Stripe promises of idempotency keys, and fails when it is told to."""

from __future__ import annotations

import json
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator
from typing import Any

import pytest

from servers import StripeServer
from servers.stripe import API_KEY

CUSTOMERS = "/v1/customers"


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StripeServer]:
    with StripeServer(tmp_path_factory.mktemp("servers")) as server:
        yield server


@pytest.fixture
def server(running: StripeServer) -> Iterator[StripeServer]:
    running.requests.clear()
    yield running
    running.work_again()


def post(server: StripeServer, form: str, key: str | None = None) -> tuple[int, dict[str, Any], dict[str, str]]:
    headers = {"Authorization": f"Bearer {API_KEY}"} | ({} if key is None else {"Idempotency-Key": key})
    request = urllib.request.Request(server.url + CUSTOMERS, data=form.encode(), headers=headers)
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            return answer.status, json.loads(answer.read()), dict(answer.headers)
    except urllib.error.HTTPError as error:
        return error.code, json.loads(error.read()), dict(error.headers)


def named(server: StripeServer, name: str) -> int:
    return sum(customer["name"] == name for customer in server.objects("customers"))


def test_a_key_gets_its_first_answer_again(server: StripeServer) -> None:
    first, again = post(server, "name=first", "key-1"), post(server, "name=first", "key-1")
    assert (first[0], again[0], again[1]) == (200, 200, first[1])
    assert again[2]["Idempotent-Replayed"] == "true"
    assert named(server, "first") == 1
    assert [one.idempotency_key for one in server.made("POST", CUSTOMERS)] == ["key-1", "key-1"]
    assert server.requests[0].form == {"name": "first"}


def test_without_a_key_everything_is_done_again(server: StripeServer) -> None:
    ids = {post(server, "name=keyless")[1]["id"] for _ in range(2)}
    assert len(ids) == named(server, "keyless") == 2


def test_a_key_belongs_to_its_parameters(server: StripeServer) -> None:
    assert post(server, "name=second", "key-2")[0] == 200
    status, answer, _ = post(server, "name=other", "key-2")
    assert (status, answer["error"]["type"]) == (400, "idempotency_error")
    assert named(server, "other") == 0


def test_a_key_in_use_is_a_conflict(server: StripeServer) -> None:
    hold = server.hold(path=CUSTOMERS)
    answers: list[int] = []
    sender = threading.Thread(target=lambda: answers.append(post(server, "name=third", "key-3")[0]))
    sender.start()
    hold.wait_until_it_arrived()
    status, answer, _ = post(server, "name=third", "key-3")
    assert (status, answer["error"]["code"]) == (409, "idempotency_key_in_use")
    hold.release()
    sender.join()
    assert answers == [200]
    assert named(server, "third") == 1


def test_a_failure_is_told_and_then_over(server: StripeServer) -> None:
    server.fail(429, headers={"Retry-After": "2"})
    server.fail(500)
    tried = [post(server, "name=fourth", "key-4") for _ in range(3)]
    assert [status for status, _, _ in tried] == [429, 500, 200]
    assert tried[0][2]["Retry-After"] == "2"
    assert tried[1][1]["error"]["type"] == "api_error"
    assert named(server, "fourth") == 1


def test_a_refusal_of_parameters_is_not_remembered(server: StripeServer) -> None:
    assert post(server, "nonsense=1", "key-5")[0] == 400
    assert post(server, "name=fifth", "key-5")[0] == 200


@pytest.mark.parametrize(("stage", "made"), [("before", 0), ("after", 1)])
def test_a_connection_breaks_before_or_after(server: StripeServer, stage: Any, made: int) -> None:
    server.reset(stage, path=CUSTOMERS)
    with pytest.raises(OSError):  # noqa: PT011 - which error a broken connection is, is not ours to say
        post(server, f"name=broken {stage}", f"key-{stage}")
    assert named(server, f"broken {stage}") == made
    assert post(server, f"name=broken {stage}", f"key-{stage}")[0] == 200
    assert named(server, f"broken {stage}") == 1


def test_another_path_is_left_alone(server: StripeServer) -> None:
    server.fail(500, path="/v1/refunds")
    assert post(server, "name=sixth")[0] == 200
