"""PayPal's deliveries over HTTP: verified offline by certificates, answered, stored."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import paypal
import pytest
from aiohttp import web
from multidict import CIMultiDict
from paypal import ADDRESS, WEBHOOK_ID, Authority
from receiving.conftest import Serve
from receiving.paypal_host import PaypalHost, paypal_host, serving

from gateway.providers import PRESETS, build_envelope
from gateway.receiving.deliveries import Source
from gateway.receiving.paypal import PaypalVerifiers, build_paypal

NOW = datetime.now(UTC).replace(microsecond=0)
ROOT = Authority(at=NOW)
LEAF = ROOT.issue()
PATH = "/hooks/paypal"
EVENT = '{"id":"WH-%s","event_type":"PAYMENT.CAPTURE.COMPLETED","summary":"€","resource":{"id":"1"}}'


def body(number: int = 1) -> bytes:
    return (EVENT % number).encode()


def signed(content: bytes, **changes: Any) -> dict[str, str]:
    return paypal.headers(content, **{"at": NOW, **changes})


@pytest.fixture
async def host(tmp_path: Path) -> AsyncIterator[PaypalHost]:
    async with paypal_host(tmp_path, serving(paypal.pem(LEAF))) as running:
        yield running


@pytest.fixture
def source(tmp_path: Path, host: PaypalHost) -> Source:
    (tmp_path / "trusted.pem").write_bytes(paypal.pem(ROOT.certificate))
    return offline(host, tmp_path)


def offline(host: PaypalHost, folder: Path, **changes: Any) -> Source:
    verify = {"webhook_id": f"{WEBHOOK_ID}\n", "trust": str(folder / "trusted.pem"), "certificates": "", **changes}
    awaited = build_paypal(verify, host.session)
    return Source(
        name="paypal", path=PATH, verifier=None, awaited=awaited, envelope=build_envelope({}, PRESETS["paypal"])
    )


async def test_a_delivery_is_verified_and_stored_with_what_verified_it(serve: Serve, source: Source) -> None:
    async with serve(source) as serving_:
        status, answer, _ = await serving_.post(PATH, body(), signed(body()))
        assert (status, answer["status"]) == (200, "accepted")
        (event,) = serving_.events()
        assert (event["event_id"], event["verified_by"], event["body"]) == ("WH-1", "paypal#0", body())


async def test_a_certificate_is_kept_when_the_settings_are_read_again(tmp_path: Path, host: PaypalHost) -> None:
    (tmp_path / "trusted.pem").write_bytes(paypal.pem(ROOT.certificate))
    verify = {"webhook_id": WEBHOOK_ID, "trust": str(tmp_path / "trusted.pem")}
    verifiers = PaypalVerifiers(host.session)
    first = verifiers.get("paypal", verify)
    await first.verify(body(), CIMultiDict(signed(body())), NOW.timestamp())
    again = verifiers.get("paypal", dict(verify))
    await again.verify(body(), CIMultiDict(signed(body())), NOW.timestamp())
    assert host.asked == [ADDRESS]
    assert verifiers.get("paypal", {**verify, "tolerance": "5m"}) is not first


async def test_other_trusted_certificates_in_the_same_file_count_from_the_next_reading_on(
    tmp_path: Path, host: PaypalHost
) -> None:
    (tmp_path / "trusted.pem").write_bytes(paypal.pem(ROOT.certificate))
    verify = {"webhook_id": WEBHOOK_ID, "trust": str(tmp_path / "trusted.pem")}
    verifiers = PaypalVerifiers(host.session)
    first = verifiers.get("paypal", verify)
    (tmp_path / "trusted.pem").write_bytes(paypal.pem(Authority("Another", at=NOW).certificate))
    assert verifiers.get("paypal", verify) is not first


async def test_a_hundred_deliveries_at_once_fetch_one_certificate(
    serve: Serve, source: Source, host: PaypalHost
) -> None:
    async with serve(source) as serving_:
        posts = [serving_.post(PATH, body(n), signed(body(n))) for n in range(100)]
        statuses = [status for status, _, _ in await asyncio.gather(*posts)]
        assert statuses == [200] * 100
        assert len(serving_.events()) == 100
    assert host.asked == [ADDRESS]


async def test_a_forged_address_is_refused_without_a_request(serve: Serve, source: Source, host: PaypalHost) -> None:
    async with serve(source) as serving_:
        address = "https://evilpaypal.com/v1/notifications/certs/CERT-1"
        status, answer, _ = await serving_.post(PATH, body(), signed(body(), address=address))
        assert (status, answer["error"]["code"]) == (401, "signature_mismatch")
        assert serving_.events() == []
    assert host.asked == []


async def test_without_a_certificate_the_sender_is_asked_to_come_again(
    serve: Serve, source: Source, host: PaypalHost
) -> None:
    host.answer = serving(b"<html>", 502)
    async with serve(source) as serving_:
        for _ in range(3):
            status, answer, headers = await serving_.post(PATH, body(), signed(body()))
            assert (status, answer["error"]["code"]) == (503, "verification_unavailable")
            assert 1 <= int(headers["Retry-After"]) <= 15
        assert serving_.events() == []
        counted = serving_.counted("gateway_refusals_total", source="paypal", reason="verification_unavailable")
        assert counted == 3
    assert len(host.asked) == 1


@pytest.mark.parametrize(
    "served",
    [
        ROOT.issue("www.paypal.com"),
        ROOT.issue(until=NOW - timedelta(days=1)),
        ROOT.issue(from_=NOW + timedelta(days=1)),
        Authority("Root of somebody else", at=NOW).issue(),
    ],
    ids=["name", "expired", "not yet", "authority"],
)
async def test_a_certificate_that_is_not_paypals_is_a_refusal(
    serve: Serve, source: Source, host: PaypalHost, served: Any
) -> None:
    host.answer = serving(paypal.pem(served))
    async with serve(source) as serving_:
        status, answer, _ = await serving_.post(PATH, body(), signed(body()))
        assert (status, answer["error"]["code"]) == (401, "signature_mismatch")
        assert answer["error"]["message"] == "the certificate is not to be trusted"
        assert serving_.events() == []


async def test_pinned_roots_alone_trust_nobody_of_ours(serve: Serve, host: PaypalHost, tmp_path: Path) -> None:
    async with serve(offline(host, tmp_path, trust="")) as serving_:
        status, answer, _ = await serving_.post(PATH, body(), signed(body()))
        assert (status, answer["error"]["code"]) == (401, "signature_mismatch")


async def test_a_retry_days_later_is_taken(serve: Serve, source: Source) -> None:
    late = signed(body(), at=NOW - timedelta(days=3))
    async with serve(source) as serving_:
        assert (await serving_.post(PATH, body(), late))[0] == 200


async def test_where_a_tolerance_is_set_it_is_not(
    serve: Serve, source: Source, host: PaypalHost, tmp_path: Path
) -> None:
    late = signed(body(), at=NOW - timedelta(days=2))
    async with serve(offline(host, tmp_path, tolerance="1d")) as serving_:
        status, answer, _ = await serving_.post(PATH, body(), late)
        assert (status, answer["error"]["code"]) == (400, "timestamp_outside_tolerance")
        assert (await serving_.post(PATH, body(), signed(body())))[0] == 200


async def test_a_concealing_source_says_nothing_of_why(
    serve: Serve, source: Source, host: PaypalHost, tmp_path: Path
) -> None:
    async with serve(offline(host, tmp_path, conceal=True)) as serving_:
        for headers in ({}, signed(body(2)), signed(body(), own=paypal.key("another"))):
            status, answer, _ = await serving_.post(PATH, body(), headers)
            assert status == 401
            assert answer["error"]["message"] == "Webhook verification failed"
        assert (await serving_.post(PATH, body(), signed(body())))[0] == 200


async def test_headers_in_any_bytes_are_refused(serve: Serve, source: Source) -> None:
    async with serve(source) as serving_:
        lines = "".join(f"{name}: {value}\r\n" for name, value in list(signed(body()).items())[1:])
        head = f"POST {PATH} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: {len(body())}\r\n{lines}"
        raw = await serving_.converse(head.encode() + b"PAYPAL-TRANSMISSION-ID: \xff\xfe\r\n\r\n" + body())
        assert raw.startswith(b"HTTP/1.1 401 ")


async def test_a_header_twice_is_refused(serve: Serve, source: Source) -> None:
    async with serve(source) as serving_:
        twice = CIMultiDict(signed(body()))
        twice.add("PAYPAL-CERT-URL", ADDRESS)
        assert (await serving_.post(PATH, body(), twice))[0] == 401


async def test_other_deliveries_do_not_wait_for_a_certificate(serve: Serve, source: Source, host: PaypalHost) -> None:
    arrived, go = asyncio.Event(), asyncio.Event()

    async def answer(request: web.BaseRequest) -> web.StreamResponse:
        arrived.set()
        await go.wait()
        return web.Response(body=paypal.pem(LEAF))

    host.answer = answer
    open_ = Source(name="open", path="/open", verifier=None, envelope=build_envelope({"id": "id"}, None))
    async with serve(source, open_) as serving_:
        waiting = asyncio.create_task(serving_.post(PATH, body(), signed(body())))
        await arrived.wait()
        assert (await serving_.post("/open", b'{"id":"1"}'))[0] == 200
        assert not waiting.done()
        go.set()
        assert (await waiting)[0] == 200
