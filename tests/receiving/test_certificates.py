"""Certificates fetched from PayPal's addresses: over TLS, from a server of the tests' own."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import paypal
import pytest
from aiohttp import web
from paypal import ADDRESS, FOLDER, Authority
from receiving.paypal_host import PaypalHost, paypal_host, serving

from gateway.providers.paypal_certificates import Certificate
from gateway.providers.verification import VerificationUnavailable
from gateway.receiving import certificates as module
from gateway.receiving.certificates import Certificates, fetch_by_http, fetch_from_folder

NOW = datetime.now(UTC).replace(microsecond=0)
DAY = 86400.0
ROOT = Authority(at=NOW)
LEAF = ROOT.issue()


class Clock:
    """A clock that stands still until it is moved."""

    def __init__(self) -> None:
        self.now = NOW.timestamp()

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def host(tmp_path: Path) -> AsyncIterator[PaypalHost]:
    async with paypal_host(tmp_path, serving(paypal.pem(LEAF))) as running:
        yield running


@pytest.fixture
def certificates(host: PaypalHost, clock: Clock) -> Certificates:
    return Certificates(fetch_by_http(host.session), ROOT.trust, clock=clock)


async def refusal(certificates: Certificates, address: str = ADDRESS) -> VerificationUnavailable:
    with pytest.raises(VerificationUnavailable) as unavailable:
        await certificates.get(address)
    return unavailable.value


async def test_a_certificate_is_fetched_once_and_kept(certificates: Certificates, host: PaypalHost) -> None:
    first = await certificates.get(ADDRESS)
    assert first.own == LEAF
    assert await certificates.get(ADDRESS) is first
    assert host.asked == [ADDRESS]


async def test_each_address_has_its_own(certificates: Certificates, host: PaypalHost) -> None:
    other = ROOT.issue(own=paypal.key("another"))
    await certificates.get(ADDRESS)
    host.answer = serving(paypal.pem(other))
    assert (await certificates.get(FOLDER + "CERT-2")).own == other
    assert (await certificates.get(ADDRESS)).own == LEAF


async def test_whoever_asks_at_the_same_time_waits_for_one_fetch(certificates: Certificates, host: PaypalHost) -> None:
    asked = await asyncio.gather(*(certificates.get(ADDRESS) for _ in range(100)))
    assert len({id(one) for one in asked}) == 1
    assert host.asked == [ADDRESS]


async def test_whoever_gives_up_leaves_the_fetch_to_the_others(certificates: Certificates, host: PaypalHost) -> None:
    arrived, go = asyncio.Event(), asyncio.Event()

    async def answer(request: web.BaseRequest) -> web.StreamResponse:
        arrived.set()
        await go.wait()
        return web.Response(body=paypal.pem(LEAF))

    host.answer = answer
    first, second = (asyncio.create_task(certificates.get(ADDRESS)) for _ in range(2))
    await arrived.wait()
    first.cancel()
    go.set()
    assert (await second).own == LEAF
    with pytest.raises(asyncio.CancelledError):
        await first
    assert host.asked == [ADDRESS]


async def test_it_is_kept_for_a_day_at_most(certificates: Certificates, host: PaypalHost, clock: Clock) -> None:
    await certificates.get(ADDRESS)
    clock.now += DAY - 1
    await certificates.get(ADDRESS)
    assert len(host.asked) == 1
    clock.now += 1
    await certificates.get(ADDRESS)
    assert len(host.asked) == 2


async def test_it_is_not_kept_past_its_end(certificates: Certificates, host: PaypalHost, clock: Clock) -> None:
    host.answer = serving(paypal.pem(ROOT.issue(until=NOW + timedelta(hours=1))))
    await certificates.get(ADDRESS)
    renewed = ROOT.issue()
    host.answer = serving(paypal.pem(renewed))
    clock.now += 3599
    assert (await certificates.get(ADDRESS)).own != renewed
    clock.now += 1
    assert (await certificates.get(ADDRESS)).own == renewed


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        (serving(b"<html>sign in</html>"), "no certificate in PEM form"),
        (serving(b""), "no certificate in PEM form"),
        (serving(b"gone", 404), "its address answered 404"),
        (serving(b"busy", 503), "its address answered 503"),
        (serving(paypal.pem(LEAF), 302, Location=FOLDER + "CERT-2"), "its address answered 302"),
        (serving(paypal.pem(LEAF), 203), "its address answered 203"),
        (serving(paypal.pem(LEAF) * 100), "it is longer than 64 KiB"),
        (serving(b" " * 70_000), "it is longer than 64 KiB"),
    ],
    ids=["html", "empty", "404", "503", "redirect", "203", "many", "spaces"],
)
async def test_anything_else_is_not_to_be_had(
    certificates: Certificates, host: PaypalHost, answer: object, says: str
) -> None:
    host.answer = answer
    unavailable = await refusal(certificates)
    assert says in unavailable.message
    assert unavailable.retry_after == 15
    assert host.asked == [ADDRESS]


async def test_a_body_that_goes_on_is_not_read_to_its_end(certificates: Certificates, host: PaypalHost) -> None:
    async def answer(request: web.BaseRequest) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        while True:
            await response.write(b"x" * 10_000)

    host.answer = answer
    assert "longer than 64 KiB" in (await refusal(certificates)).message


async def test_a_packed_body_counts_unpacked(certificates: Certificates, host: PaypalHost) -> None:
    async def answer(request: web.BaseRequest) -> web.StreamResponse:
        assert request.headers["Accept-Encoding"] == "identity"
        response = web.Response(body=b" " * 10_000_000)
        response.enable_compression(web.ContentCoding.gzip)
        return response

    host.answer = answer
    assert "longer than 64 KiB" in (await refusal(certificates)).message


async def test_a_slow_server_is_not_waited_for(
    certificates: Certificates, host: PaypalHost, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "FETCH_SECONDS", 0.05)
    go = asyncio.Event()

    async def answer(request: web.BaseRequest) -> web.StreamResponse:
        await go.wait()
        return web.Response(body=paypal.pem(LEAF))

    host.answer = answer
    assert "no answer within 0.05 s" in (await refusal(certificates)).message
    go.set()


async def test_a_host_that_is_not_there_or_somebody_else_is_no_answer(tmp_path: Path, host: PaypalHost) -> None:
    # The server's certificate is for one host alone.
    address = "https://api-m.paypal.com/v1/notifications/certs/CERT-1"
    unavailable = await refusal(Certificates(fetch_by_http(host.session), ROOT.trust), address)
    assert "cannot be had" in unavailable.message
    assert host.asked == []


async def test_an_address_that_failed_is_left_alone_for_a_while(
    certificates: Certificates, host: PaypalHost, clock: Clock
) -> None:
    host.answer = serving(b"", 500)
    await refusal(certificates)
    host.answer = serving(paypal.pem(LEAF))
    clock.now += 10
    assert (await refusal(certificates)).retry_after == 5
    assert len(host.asked) == 1
    clock.now += 5
    assert (await certificates.get(ADDRESS)).own == LEAF


async def test_one_that_is_not_to_be_trusted_is_had_and_fetched_seldom(
    certificates: Certificates, host: PaypalHost, clock: Clock
) -> None:
    host.answer = serving(paypal.pem(Authority("Root of somebody else", at=NOW).issue()))
    found = await certificates.get(ADDRESS)
    assert isinstance(found, Certificate)
    assert found.problem(NOW) is not None
    clock.now += 299
    assert await certificates.get(ADDRESS) is found
    clock.now += 1
    host.answer = serving(paypal.pem(LEAF))
    assert (await certificates.get(ADDRESS)).own == LEAF
    assert len(host.asked) == 2


async def test_unknown_addresses_are_fetched_seldom_and_known_ones_all_the_same(
    certificates: Certificates, host: PaypalHost, clock: Clock
) -> None:
    await certificates.get(ADDRESS)
    host.answer = serving(b"", 404)
    for number in range(1000):
        await refusal(certificates, f"{FOLDER}FORGED-{number}")
    assert len(host.asked) == module.UNKNOWN_PER_MINUTE
    assert (await refusal(certificates, FOLDER + "FORGED-1001")).retry_after == 3
    assert (await certificates.get(ADDRESS)).own == LEAF
    clock.now += DAY
    for number in range(100):
        await refusal(certificates, f"{FOLDER}AGAIN-{number}")
    host.answer = serving(paypal.pem(LEAF))
    assert (await certificates.get(ADDRESS)).own == LEAF
    clock.now += 60
    await certificates.get(FOLDER + "CERT-2")


async def test_few_unknown_addresses_are_fetched_at_once(certificates: Certificates, host: PaypalHost) -> None:
    everyone, go = asyncio.Event(), asyncio.Event()

    async def answer(request: web.BaseRequest) -> web.StreamResponse:
        if len(host.asked) == module.UNKNOWN_AT_ONCE:
            everyone.set()
        await go.wait()
        return web.Response(body=paypal.pem(LEAF))

    host.answer = answer
    tasks = [asyncio.create_task(certificates.get(f"{FOLDER}CERT-{n}")) for n in range(module.UNKNOWN_AT_ONCE)]
    await everyone.wait()
    assert "too many unknown addresses" in (await refusal(certificates, FOLDER + "CERT-99")).message
    go.set()
    assert all(one.own == LEAF for one in await asyncio.gather(*tasks))
    assert len(host.asked) == module.UNKNOWN_AT_ONCE


async def test_what_is_kept_is_bounded(host: PaypalHost, clock: Clock) -> None:
    certificates = Certificates(fetch_by_http(host.session), ROOT.trust, is_costly=False, clock=clock)
    for number in range(module.MOST_KEPT + 1):
        await certificates.get(f"{FOLDER}CERT-{number}")
    await certificates.get(f"{FOLDER}CERT-{module.MOST_KEPT}")
    assert len(host.asked) == module.MOST_KEPT + 1
    await certificates.get(FOLDER + "CERT-0")
    assert len(host.asked) == module.MOST_KEPT + 2
    host.answer = serving(b"", 404)
    for number in range(module.MOST_OTHERS + 1):
        await refusal(certificates, f"{FOLDER}NONE-{number}")
    await certificates.get(FOLDER + "CERT-0")
    before = len(host.asked)
    await refusal(certificates, FOLDER + "NONE-0")
    assert len(host.asked) == before + 1


async def test_a_folder_stands_for_the_addresses(tmp_path: Path, clock: Clock) -> None:
    (tmp_path / "CERT-1").write_bytes(paypal.pem(LEAF))
    (tmp_path / "CERT-2.pem").write_bytes(paypal.pem(LEAF))
    (tmp_path / "CERT-3").write_bytes(b" " * 70_000)
    (tmp_path / "CERT-4").mkdir()
    certificates = Certificates(fetch_from_folder(tmp_path), ROOT.trust, is_costly=False, clock=clock)
    assert (await certificates.get(FOLDER + "CERT-1")).own == LEAF
    assert (await certificates.get(FOLDER + "CERT-2")).own == LEAF
    assert "longer than 64 KiB" in (await refusal(certificates, FOLDER + "CERT-3")).message
    assert "there is no file `CERT-4`" in (await refusal(certificates, FOLDER + "CERT-4")).message
    for number in range(100):
        assert "there is no file" in (await refusal(certificates, f"{FOLDER}FORGED-{number}")).message
    (tmp_path / "CERT-5").write_bytes(paypal.pem(LEAF))
    assert (await certificates.get(FOLDER + "CERT-5")).own == LEAF


async def test_the_real_clock_counts_in_seconds_since_the_epoch(host: PaypalHost) -> None:
    certificates = Certificates(fetch_by_http(host.session), ROOT.trust)
    found = await certificates.get(ADDRESS)
    assert found.ends > time.time()
    assert await certificates.get(ADDRESS) is found
