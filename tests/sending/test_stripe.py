"""`stripe`: calls through the SDK against a server of Stripe's shape, and what its errors mean."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Iterator
from datetime import timedelta
from typing import Any

import pytest
from sending.rig import leased
from servers import StripeServer
from servers.stripe import API_KEY

from gateway.config.environment import Secret
from gateway.sending.stripe import StripeTransport, judged, sendable
from gateway.sending.transport import Passing, Refused
from gateway.settings import StripeSettings
from gateway.store.outbox import decode


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StripeServer]:
    with StripeServer(tmp_path_factory.mktemp("stripe")) as stripe:
        yield stripe


def settings(base: str | None, key: str | None = API_KEY) -> StripeSettings:
    secret = None if key is None else Secret(key)
    return StripeSettings(api_key=secret, api_base=base, timeout=timedelta(seconds=10))


@pytest.fixture
async def transport(server: StripeServer) -> AsyncIterator[StripeTransport]:
    server.requests.clear()
    server.work_again()
    transport = StripeTransport(settings(server.url))
    yield transport
    await transport.close()


def call(operation: str, *path: str, identity: str = "msg_1", **params: object) -> Any:
    request = {"operation": operation, "path": path, "params": params}
    return leased("stripe", request, kind="call", target="stripe", message_id=identity)


async def test_a_customer_is_made_once_however_often_it_is_asked_for(
    server: StripeServer, transport: StripeTransport
) -> None:
    item = call("customers.create", identity="msg_once", name="Acme", metadata={"org": "org_1"})
    first: Any = await transport.deliver(item)
    again: Any = await transport.deliver(item)
    assert first["object"] == "customer"
    assert first["metadata"] == {"org": "org_1"}
    assert again == first
    assert [one.idempotency_key for one in server.requests] == ["msg_once", "msg_once"]
    assert len([one for one in server.objects("customers") if one["metadata"].get("org") == "org_1"]) == 1


async def test_path_arguments_stand_in_the_address(server: StripeServer, transport: StripeTransport) -> None:
    made: Any = await transport.deliver(call("customers.create", identity="msg_path", name="Acme"))
    found: Any = await transport.deliver(call("customers.update", made["id"], identity="msg_up", name="Acme 2"))
    assert (found["id"], found["name"]) == (made["id"], "Acme 2")
    listed: Any = await transport.deliver(call("customers.list", limit=3))
    assert listed["object"] == "list"
    assert server.requests[-1].path == "/v1/customers"


async def test_what_is_not_there_is_told_apart(transport: StripeTransport) -> None:
    with pytest.raises(Refused, match="404") as raised:
        await transport.deliver(call("customers.retrieve", "cus_unknown"))
    assert raised.value.code == "not_found"


async def test_trouble_may_pass_and_is_asked_once(server: StripeServer, transport: StripeTransport) -> None:
    server.fail(500)
    server.fail(429, headers={"Retry-After": "7"})
    server.reset()
    item = call("customers.create", identity="msg_trouble", name="Acme")
    with pytest.raises(Passing, match="Stripe answered 500"):
        await transport.deliver(item)
    with pytest.raises(Passing, match="429") as limited:
        await transport.deliver(item)
    assert limited.value.retry_after == 7
    with pytest.raises(Passing, match="could not be reached"):
        await transport.deliver(item)
    assert len(server.requests) == 3, "trying again is the courier's, not the SDK's"


async def test_a_refusal_says_what_stripe_says(server: StripeServer, transport: StripeTransport) -> None:
    body = {"error": {"type": "card_error", "code": "card_declined", "message": "Your card was declined."}}
    server.fail(402, body=json.dumps(body))
    with pytest.raises(Refused) as raised:
        await transport.deliver(call("payment_intents.create", amount=1000, currency="usd"))
    assert raised.value.full == "Stripe answered 402 card_declined: Your card was declined."
    assert raised.value.code == "refused"


async def test_a_key_that_is_wrong_is_not_quoted(server: StripeServer, transport: StripeTransport) -> None:
    body = {"error": {"type": "invalid_request_error", "message": f"Invalid API Key provided: {API_KEY}"}}
    server.fail(401, body=json.dumps(body))
    with pytest.raises(Refused, match="401") as raised:
        await transport.deliver(call("customers.create"))
    assert API_KEY not in raised.value.full


async def test_without_a_key_nothing_is_asked(server: StripeServer) -> None:
    server.requests.clear()
    with pytest.raises(Refused, match=r"no `stripe\.api_key` is set"):
        await StripeTransport(settings(server.url, None)).deliver(call("customers.create"))
    assert server.requests == []


@pytest.mark.parametrize(
    "name", ["customers.no_such", "customers", "_requestor.request", "customers.__class__", "a b.c"]
)
async def test_only_operations_are_called(server: StripeServer, transport: StripeTransport, name: str) -> None:
    with pytest.raises(Refused, match=r"no operation"):
        await transport.deliver(call(name))
    assert server.requests == []


async def test_an_account_is_named_in_the_options(server: StripeServer, transport: StripeTransport) -> None:
    request = {"operation": "customers.create", "path": [], "params": {}, "options": {"stripe_account": "acct_1"}}
    await transport.deliver(leased("stripe", request, kind="call", message_id="msg_account"))
    assert server.requests[-1].headers["stripe-account"] == "acct_1"


REPLAYED = {"Idempotent-Replayed": "true"}
STOP, GO_ON = {"Stripe-Should-Retry": "false"}, {"Stripe-Should-Retry": "true"}


@pytest.mark.parametrize(
    ("status", "headers", "kind", "code"),
    [
        (None, {}, Passing, None),
        (400, {}, Refused, "refused"),
        (401, {}, Refused, "refused"),
        (402, {}, Refused, "refused"),
        (403, {}, Refused, "refused"),
        (404, {}, Refused, "not_found"),
        (409, {}, Passing, None),
        (409, STOP, Passing, None),
        (424, {}, Refused, "refused"),
        (424, GO_ON, Passing, None),
        (429, STOP, Passing, None),
        (500, {}, Passing, None),
        (500, GO_ON, Passing, None),
        (500, STOP, Refused, "refused"),
        (500, REPLAYED, Refused, "refused"),
        (503, {}, Passing, None),
    ],
)
def test_what_an_error_means(status: int | None, headers: dict[str, str], kind: type, code: str | None) -> None:
    error = judged(status, headers, None, "said")
    assert type(error) is kind
    assert getattr(error, "code", None) == code
    if status == 500 and kind is Refused:
        assert "nobody knows whether the call took effect" in error.message


def test_numbers_are_sent_with_all_their_digits() -> None:
    assert sendable(decode('{"a": [1.50], "b": {"c": 1e-7, "d": 5, "e": true}}')) == {
        "a": ["1.50"],
        "b": {"c": "0.0000001", "d": 5, "e": True},
    }
