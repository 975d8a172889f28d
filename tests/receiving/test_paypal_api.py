"""Asking PayPal about deliveries: a server of the tests' own in its place, which looks at every byte."""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import paypal
import pytest
from aiohttp import ClientSession, web
from paypal import WEBHOOK_ID
from receiving.conftest import Serve

from gateway.providers import PRESETS, Refused, Verified, build_envelope
from gateway.providers.verification import VerificationUnavailable
from gateway.receiving import paypal_api as module
from gateway.receiving.deliveries import Source
from gateway.receiving.paypal import build_paypal
from gateway.receiving.paypal_api import ApiVerifier, App

NOW = datetime.now(UTC).replace(microsecond=0)
BODY = '{ "id":"WH-1",  "event_type" : "X", "amount": 10.0, "summary": "€ \\u20ac \\/", "z": 1, "a": [\n\n] }'.encode()
TOKEN_PATH, ASK_PATH = "/v1/oauth2/token", "/v1/notifications/verify-webhook-signature"


@dataclass
class FakePaypal:
    """What it answers, and what it was asked."""

    base: str = ""
    verdict: str = "SUCCESS"
    expires_in: object = 32400
    asked: list[bytes] = field(default_factory=list)
    tokens: list[bytes] = field(default_factory=list)
    withdrawn: set[str] = field(default_factory=set)
    instead: dict[str, tuple[int, bytes]] = field(default_factory=dict)
    """By path: the status and the body that are answered instead."""
    held: list[tuple[asyncio.Event, asyncio.Event]] = field(default_factory=list)
    """For questions to come: what is set when one is there, and what it then waits for."""

    async def answer(self, request: web.BaseRequest) -> web.StreamResponse:
        sent = await request.read()
        if request.path == TOKEN_PATH:
            self.tokens.append(sent)
            expected = "Basic " + base64.b64encode(b"client:s\xc3\xa9cret").decode()
            assert request.headers["Authorization"] == expected
            assert request.content_type == "application/x-www-form-urlencoded"
        else:
            self.asked.append(sent)
            await self._hold()
        if request.path in self.instead:
            status, body = self.instead[request.path]
            return web.Response(status=status, body=body, headers={"Location": f"{self.base}{ASK_PATH}"})
        if request.path == TOKEN_PATH:
            return web.json_response({"access_token": f"A21-{len(self.tokens)}", "expires_in": self.expires_in})
        token = request.headers["Authorization"].removeprefix("Bearer ")
        if token in self.withdrawn or not token.startswith("A21-"):
            return web.json_response({"error": "invalid_token"}, status=401)
        return web.json_response({"verification_status": self.verdict})

    async def _hold(self) -> None:
        if self.held:
            arrived, go = self.held.pop(0)
            arrived.set()
            await go.wait()


@asynccontextmanager
async def fake_paypal() -> AsyncIterator[FakePaypal]:
    fake = FakePaypal()
    runner = web.ServerRunner(web.Server(fake.answer))
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    fake.base = f"http://127.0.0.1:{site.port}"
    try:
        yield fake
    finally:
        await runner.cleanup()


@pytest.fixture
async def there() -> AsyncIterator[FakePaypal]:
    async with fake_paypal() as fake:
        yield fake


@pytest.fixture
async def session() -> AsyncIterator[ClientSession]:
    async with ClientSession() as running:
        yield running


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def verifier(there: FakePaypal, session: ClientSession, clock: Clock) -> ApiVerifier:
    app = App(webhook_id=WEBHOOK_ID, client_id="client", client_secret="sécret", base=there.base)
    return ApiVerifier(app, session, clock=clock)


async def verify(verifier: ApiVerifier, body: bytes = BODY, **changes: str) -> Verified | Refused:
    return await verifier.verify(body, {**paypal.headers(body, at=NOW), **changes}, NOW.timestamp())


async def refusal(verifier: ApiVerifier, body: bytes = BODY, **changes: str) -> Refused:
    found = await verify(verifier, body, **changes)
    assert isinstance(found, Refused)
    assert found.code == "signature_mismatch"
    return found


async def trouble(verifier: ApiVerifier) -> VerificationUnavailable:
    with pytest.raises(VerificationUnavailable) as unavailable:
        await verify(verifier)
    assert unavailable.value.retry_after > 0
    return unavailable.value


async def test_the_body_is_asked_about_byte_by_byte(verifier: ApiVerifier, there: FakePaypal) -> None:
    signed = paypal.headers(BODY, at=NOW)
    found = await verifier.verify(BODY, signed, NOW.timestamp())
    assert found == Verified("paypal-api", 0, NOW.timestamp())
    (asked,) = there.asked
    assert asked.endswith(b', "webhook_event": ' + BODY + b"}")
    assert json.loads(asked) == {
        "auth_algo": "SHA256withRSA",
        "cert_url": signed["PAYPAL-CERT-URL"],
        "transmission_id": signed["PAYPAL-TRANSMISSION-ID"],
        "transmission_sig": signed["PAYPAL-TRANSMISSION-SIG"],
        "transmission_time": signed["PAYPAL-TRANSMISSION-TIME"],
        "webhook_id": WEBHOOK_ID,
        "webhook_event": json.loads(BODY),
    }
    assert there.tokens == [b"grant_type=client_credentials"]


async def test_what_paypal_denies_is_refused(verifier: ApiVerifier, there: FakePaypal) -> None:
    there.verdict = "FAILURE"
    assert (await refusal(verifier)).reason == "PayPal answered FAILURE"


@pytest.mark.parametrize("status", [400, 422])
async def test_what_paypal_cannot_have_sent_is_refused(verifier: ApiVerifier, there: FakePaypal, status: int) -> None:
    there.instead[ASK_PATH] = (status, b'{"name":"VALIDATION_ERROR"}')
    assert (await refusal(verifier)).reason == f"PayPal answered {status}"


async def test_a_token_is_kept_until_shortly_before_its_end(
    verifier: ApiVerifier, there: FakePaypal, clock: Clock
) -> None:
    await asyncio.gather(*(verify(verifier) for _ in range(20)))
    clock.now += 32400 - 61
    await verify(verifier)
    assert len(there.tokens) == 1
    clock.now += 1
    await verify(verifier)
    assert len(there.tokens) == 2
    assert len(there.asked) == 22


async def test_a_token_without_end_is_renewed_all_the_same(
    verifier: ApiVerifier, there: FakePaypal, clock: Clock
) -> None:
    there.expires_in = 10**400
    await verify(verifier)
    clock.now += 86_400
    await verify(verifier)
    assert len(there.tokens) == 2


async def test_a_token_that_was_withdrawn_is_renewed_once(verifier: ApiVerifier, there: FakePaypal) -> None:
    await verify(verifier)
    there.withdrawn = {"A21-1"}
    assert isinstance(await verify(verifier), Verified)
    there.withdrawn = {"A21-2", "A21-3"}
    assert "answered 401" in (await trouble(verifier)).message
    assert len(there.tokens) == 3


async def test_whoever_learns_of_it_late_takes_the_token_that_another_has_renewed(
    verifier: ApiVerifier, there: FakePaypal
) -> None:
    await verify(verifier)
    there.withdrawn = {"A21-1"}
    arrived, go = asyncio.Event(), asyncio.Event()
    there.held = [(arrived, go)]
    late = asyncio.create_task(verify(verifier))
    await arrived.wait()
    assert isinstance(await verify(verifier), Verified)
    go.set()
    assert isinstance(await late, Verified)
    assert len(there.tokens) == 2


async def test_a_token_that_was_refused_is_not_asked_for_by_every_delivery(
    verifier: ApiVerifier, there: FakePaypal, clock: Clock
) -> None:
    there.instead[TOKEN_PATH] = (401, b'{"error":"invalid_client"}')
    for _ in range(20):
        assert "it answered 401 when asked for a token" in (await trouble(verifier)).message
    assert len(there.tokens) == 1
    del there.instead[TOKEN_PATH]
    clock.now += module._REFUSED_SECONDS
    assert isinstance(await verify(verifier), Verified)
    assert len(there.tokens) == 2


@pytest.mark.parametrize(
    ("path", "status", "body", "says"),
    [
        (TOKEN_PATH, 401, b'{"error":"invalid_client"}', "it answered 401 when asked for a token"),
        (TOKEN_PATH, 200, b"{}", "it answered 200 when asked for a token"),
        (TOKEN_PATH, 200, b"[]", "when asked for a token"),
        (TOKEN_PATH, 200, b'{"access_token":"A21-1","expires_in":"soon"}', "when asked for a token"),
        (TOKEN_PATH, 200, b'{"access_token":"A21-1\\r\\nX: y","expires_in":9}', "when asked for a token"),
        (TOKEN_PATH, 302, b"", "it answered 302 when asked for a token"),
        (ASK_PATH, 500, b"", "it answered 500"),
        (ASK_PATH, 429, b"", "it answered 429"),
        (ASK_PATH, 403, b"{}", "it answered 403"),
        (ASK_PATH, 307, b"", "it answered 307"),
        (ASK_PATH, 201, b'{"verification_status":"SUCCESS"}', "it answered 201"),
        (ASK_PATH, 200, b"<html>", "it answered 200"),
        (ASK_PATH, 200, b"[1]", "it answered 200"),
        (ASK_PATH, 200, b"[" * 60_000, "it answered 200"),
        (ASK_PATH, 200, b'{"verification_status":"success"}', "it answered 200"),
        (ASK_PATH, 200, b'{"verification_status":"SUCCESS"}' + b" " * 70_000, "it answered 200"),
    ],
)
async def test_an_answer_that_says_neither_is_none(
    verifier: ApiVerifier, there: FakePaypal, path: str, status: int, body: bytes, says: str
) -> None:
    there.instead[path] = (status, body)
    unavailable = await trouble(verifier)
    assert says in unavailable.message
    assert "cret" not in unavailable.message


async def test_nobody_there_is_no_answer(session: ClientSession, there: FakePaypal) -> None:
    async with fake_paypal() as gone:
        base = gone.base
    app = App(webhook_id=WEBHOOK_ID, client_id="client", client_secret="x", base=base)
    assert "cannot be reached" in (await trouble(ApiVerifier(app, session))).message


async def test_a_slow_answer_is_none(session: ClientSession, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "API_SECONDS", 0.05)
    go = asyncio.Event()

    async def wait(request: web.BaseRequest) -> web.StreamResponse:
        await go.wait()
        return web.json_response({"access_token": "A21-1", "expires_in": 32400})

    runner = web.ServerRunner(web.Server(wait))
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    app = App(webhook_id=WEBHOOK_ID, client_id="client", client_secret="x", base=f"http://127.0.0.1:{site.port}")
    assert "no answer within 0.05 s" in (await trouble(ApiVerifier(app, session))).message
    go.set()
    await runner.cleanup()


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"null",
        b'"text"',
        b"[]",
        b'{"id":1}, "webhook_id": "another"',
        b'{"id":1}} {"x":{',
        b"\xef\xbb\xbf{}",
        '{"id":1}'.encode("utf-16"),
        b'{"id":"\xff"}',
        b"{" * 100_000,
    ],
    ids=range(10),
)
async def test_a_body_that_could_say_something_else_is_not_asked_about(
    verifier: ApiVerifier, there: FakePaypal, body: bytes
) -> None:
    assert "no JSON object" in (await refusal(verifier, body)).message
    assert there.asked == []


async def test_a_large_number_is_as_it_stands(verifier: ApiVerifier, there: FakePaypal) -> None:
    body = b'{"id":' + b"9" * 10_000 + b"}"
    assert isinstance(await verify(verifier, body), Verified)
    assert there.asked[0].endswith(body + b"}")


async def test_a_forged_address_or_algorithm_is_not_asked_about(verifier: ApiVerifier, there: FakePaypal) -> None:
    await refusal(verifier, **{"PAYPAL-CERT-URL": "https://evilpaypal.com/v1/notifications/certs/CERT-1"})
    await refusal(verifier, **{"PAYPAL-AUTH-ALGO": "none"})
    assert there.asked == there.tokens == []


def built(there: FakePaypal, session: ClientSession, **changes: Any) -> Source:
    verify = {
        "webhook_id": WEBHOOK_ID,
        "mode": "api",
        "client_id": "client ",
        "client_secret": "sécret\n",
        "api_base": f"{there.base}/",
        **changes,
    }
    envelope = build_envelope({}, PRESETS["paypal"])
    return Source(
        name="paypal", path="/hooks/paypal", verifier=None, awaited=build_paypal(verify, session), envelope=envelope
    )


async def test_a_delivery_is_verified_over_http(serve: Serve, there: FakePaypal, session: ClientSession) -> None:
    async with serve(built(there, session)) as serving:
        status, answer, _ = await serving.post("/hooks/paypal", BODY, paypal.headers(BODY, at=NOW))
        assert (status, answer["status"]) == (200, "accepted")
        assert serving.events()[0]["verified_by"] == "paypal-api#0"
        there.verdict = "FAILURE"
        status, answer, _ = await serving.post("/hooks/paypal", BODY, paypal.headers(BODY, at=NOW))
        assert (status, answer["error"]["code"]) == (401, "signature_mismatch")
        there.instead[ASK_PATH] = (500, b"")
        status, answer, headers = await serving.post("/hooks/paypal", BODY, paypal.headers(BODY, at=NOW))
        assert (status, answer["error"]["code"]) == (503, "verification_unavailable")
        assert int(headers["Retry-After"]) > 0
        assert len(serving.events()) == 1


async def test_a_tolerance_holds_here_too(serve: Serve, there: FakePaypal, session: ClientSession) -> None:
    async with serve(built(there, session, tolerance="1h")) as serving:
        late = paypal.headers(BODY, at=NOW - timedelta(hours=2))
        status, answer, _ = await serving.post("/hooks/paypal", BODY, late)
        assert (status, answer["error"]["code"]) == (400, "timestamp_outside_tolerance")
