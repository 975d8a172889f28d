"""Every answer of the receiving server, over HTTP."""

from __future__ import annotations

import asyncio
import gzip
import json
import time
from typing import Any

import pytest
from aiohttp import web
from receiving.serving import (
    TOKEN,
    asaas_source,
    open_source,
    stripe_body,
    stripe_headers,
    stripe_source,
    until,
)

from gateway.errors import StorageUnavailable
from gateway.receiving.limits import AddressList, RateLimit
from gateway.store.inbox import Outcome


def assert_error(answer: tuple[int, Any, Any], status: int, code: str) -> dict[str, Any]:
    """Check the one shape of errors and return the error."""
    found, body, headers = answer
    assert found == status
    assert set(body["error"]) == {"code", "message", "request_id"}
    assert body["error"]["code"] == code
    assert body["error"]["request_id"] == headers["X-Request-Id"]
    assert headers["Content-Type"] == "application/json"
    error: dict[str, Any] = body["error"]
    return error


async def test_a_delivery_is_stored_before_it_is_answered(serve: Any) -> None:
    async with serve(stripe_source()) as serving:
        body = stripe_body()
        status, answer, headers = await serving.post_stripe(body)
        assert (status, answer) == (200, {"status": "accepted", "id": "1"})
        (event,) = serving.events()
        assert bytes(event["body"]) == body
        assert (event["source"], event["event_id"], event["type"]) == ("invoices", "evt_1", "invoice.paid")
        assert event["event_second"] == 1_700_000_000
        assert event["key"] == "cus_1"
        assert event["occurred_at"] == 1_700_000_000_000_000
        assert event["status"] == "ready"
        assert event["verified_by"] == "stripe#0"
        assert event["request_id"] == headers["X-Request-Id"]


async def test_a_second_delivery_is_answered_like_the_first(serve: Any) -> None:
    async with serve(stripe_source()) as serving:
        await serving.post_stripe(stripe_body())
        status, answer, _ = await serving.post_stripe(stripe_body(pending_webhooks=2))
        assert (status, answer) == (200, {"status": "duplicate", "id": "1"})
        assert len(serving.events()) == 1
        assert serving.counted("gateway_deliveries_total", source="invoices", outcome="accepted") == 1
        assert serving.counted("gateway_deliveries_total", source="invoices", outcome="duplicate") == 1
        assert serving.counted("gateway_ack_seconds_count", source="invoices") == 2


async def test_the_second_secret_is_noted(serve: Any) -> None:
    async with serve(stripe_source()) as serving:
        await serving.post_stripe(stripe_body(), secret="whsec_old_secret")
        assert serving.events()[0]["verified_by"] == "stripe#1"


@pytest.mark.parametrize(
    ("headers", "status", "code"),
    [
        ({}, 401, "missing_signature"),
        ({"Stripe-Signature": ""}, 401, "missing_signature"),
        ({"Stripe-Signature": "nonsense"}, 401, "signature_mismatch"),
        ({"Stripe-Signature": "t=1,v1=\udcff\udcfe"}, 401, "signature_mismatch"),
        (stripe_headers(stripe_body(), secret="whsec_wrong"), 401, "signature_mismatch"),
        (stripe_headers(stripe_body(), at=time.time() - 9000), 400, "timestamp_outside_tolerance"),
        (stripe_headers(stripe_body(), at=time.time() + 9000), 400, "timestamp_outside_tolerance"),
    ],
)
async def test_what_is_not_verified_is_refused_and_not_stored(
    serve: Any, headers: dict[str, str], status: int, code: str
) -> None:
    async with serve(stripe_source()) as serving:
        lines = [f"{name}: {value}" for name, value in headers.items()]
        head = "\r\n".join(["POST /hooks/stripe HTTP/1.1", "Host: x", f"Content-Length: {len(stripe_body())}", *lines])
        raw = head.encode("utf-8", "surrogateescape") + b"\r\nConnection: close\r\n\r\n" + stripe_body()
        answer = (await serving.converse(raw)).decode()
        assert answer.startswith(f"HTTP/1.1 {status} ")
        assert json.loads(answer.partition("\r\n\r\n")[2])["error"]["code"] == code
        assert serving.events() == []
        assert serving.counted("gateway_refusals_total", source="invoices", reason=code) == 1
        assert serving.counted("gateway_deliveries_total", source="invoices", outcome="refused") == 1


async def test_errors_carry_the_sources_own_keys(serve: Any) -> None:
    async with serve(asaas_source()) as serving:
        answer = await serving.post("/webhook/asaas", b"{}", {"asaas-access-token": "wrong"})
        assert_error(answer, 401, "signature_mismatch")
        assert answer[1]["success"] is False
        assert serving.events() == []


async def test_token_and_credentials_are_not_stored(serve: Any) -> None:
    async with serve(asaas_source()) as serving:
        headers = {"asaas-access-token": TOKEN, "Authorization": "Bearer abc", "Cookie": "c=d", "X-Other": "kept"}
        status, _, _ = await serving.post("/webhook/asaas", b'{"event": "PAYMENT_CREATED"}', headers)
        assert status == 200
        stored = json.loads(serving.events()[0]["headers"])
        assert stored["asaas-access-token"] == stored["authorization"] == stored["cookie"] == "[redacted]"
        assert stored["x-other"] == "kept"


async def test_addresses(serve: Any) -> None:
    source = asaas_source(allowed=AddressList(["10.0.0.0/8"]))
    async with serve(source, trusted_proxies=AddressList(["127.0.0.1"])) as serving:
        headers = {"asaas-access-token": TOKEN}
        assert_error(await serving.post(source.path, b"{}", headers), 403, "address_not_allowed")
        claimed = {**headers, "X-Forwarded-For": "10.1.2.3, 8.8.8.8"}
        assert_error(await serving.post(source.path, b"{}", claimed), 403, "address_not_allowed")
        status, _, _ = await serving.post(source.path, b"{}", {**headers, "X-Forwarded-For": "8.8.8.8, 10.1.2.3"})
        assert status == 200


async def test_a_forwarded_address_is_not_believed_without_a_trusted_proxy(serve: Any) -> None:
    source = asaas_source(allowed=AddressList(["10.0.0.0/8"]))
    async with serve(source) as serving:
        headers = {"asaas-access-token": TOKEN, "X-Forwarded-For": "10.1.2.3"}
        assert_error(await serving.post(source.path, b"{}", headers), 403, "address_not_allowed")


async def test_the_rate_limit(serve: Any) -> None:
    async with serve(asaas_source(rate_limit=RateLimit(2, 60.0))) as serving:
        headers = {"asaas-access-token": TOKEN}
        for number in (1, 2):
            status, _, _ = await serving.post("/webhook/asaas", b'{"event": "A", "n": %d}' % number, headers)
            assert status == 200
        answer = await serving.post("/webhook/asaas", b'{"event": "A", "n": 3}', headers)
        assert_error(answer, 429, "rate_limited")
        assert 1 <= int(answer[2]["Retry-After"]) <= 30
        assert len(serving.events()) == 2


@pytest.mark.parametrize("chunked", [False, True])
async def test_a_body_that_is_too_large(serve: Any, chunked: bool) -> None:
    async def pieces() -> Any:
        for _ in range(40):
            yield b"x" * 1000

    async with serve(stripe_source(max_body=10_000)) as serving:
        data: Any = pieces() if chunked else b"x" * 40_000
        async with serving.session.post(serving.url("/hooks/stripe"), data=data) as response:
            answer = response.status, await response.json(), response.headers
        assert_error(answer, 413, "body_too_large")
        status, _, _ = await serving.post_stripe(stripe_body())
        assert status == 200


async def test_a_body_of_ten_megabytes_is_taken_where_that_is_allowed(serve: Any) -> None:
    async with serve(stripe_source(max_body=16 * 2**20)) as serving:
        body = stripe_body(filling="x" * 10 * 2**20)
        status, _, _ = await serving.post_stripe(body)
        assert status == 200
        assert bytes(serving.events()[0]["body"]) == body


async def test_a_chunked_body_is_verified_as_a_whole(serve: Any) -> None:
    body = stripe_body()

    async def pieces() -> Any:
        for start in range(0, len(body), 7):
            yield body[start : start + 7]

    async with serve(stripe_source()) as serving:
        async with serving.session.post(
            serving.url("/hooks/stripe"), data=pieces(), headers=stripe_headers(body)
        ) as response:
            assert response.status == 200
        assert bytes(serving.events()[0]["body"]) == body


async def test_a_compressed_body_is_refused(serve: Any) -> None:
    async with serve(open_source()) as serving:
        packed = gzip.compress(b'{"id": "1", "filling": "%b"}' % (b"0" * 1_000_000))
        answer = await serving.post("/open/in", packed, {"Content-Encoding": "gzip"})
        assert_error(answer, 415, "content_encoding_not_supported")
        assert answer[2]["Accept-Encoding"] == "identity"
        status, _, _ = await serving.post("/open/in", b'{"id": "1"}', {"Content-Encoding": "identity"})
        assert status == 200


BROKEN = [
    (b"", "empty"),
    (b"not json", "line 1, column 1"),
    (b'{"id": "evt_1",\n "type": }', "line 2"),
    (b'{"id": "\xff"}', "0xff at line 1"),
    (b'{"id": NaN}', "NaN"),
    (b"[" * 5000 + b"]" * 5000, "deep"),
    (b'{"id": "\\ud800"}', "surrogate"),
]


@pytest.mark.parametrize(("body", "said"), BROKEN, ids=[said for _, said in BROKEN])
async def test_a_verified_body_that_cannot_be_read_is_a_dead_letter(serve: Any, body: bytes, said: str) -> None:
    async with serve(stripe_source(handles=lambda _: False)) as serving:
        status, answer, _ = await serving.post_stripe(body)
        assert (status, answer) == (200, {"status": "accepted", "id": "1"})
        (event,) = serving.events()
        assert (event["status"], event["type"]) == ("dead", "unknown")
        assert event["event_id"].startswith("sha256:")
        assert said in event["error"]
        assert bytes(event["body"]) == body
        assert serving.counted("gateway_deliveries_total", source="invoices", outcome="dead") == 1
        assert (await serving.post_stripe(body))[1] == {"status": "duplicate", "id": "1"}


@pytest.mark.parametrize(("body", "said"), [*BROKEN, (b'{"id": "1", "id": "2"}', "key `id` occurs twice")])
async def test_an_unverified_body_that_cannot_be_read_is_refused(serve: Any, body: bytes, said: str) -> None:
    async with serve(open_source()) as serving:
        error = assert_error(await serving.post("/open/in", body), 400, "invalid_json")
        assert said in error["message"]
        assert serving.events() == []


async def test_a_type_that_no_rule_names_is_rejected_where_the_source_says_so(serve: Any) -> None:
    async with serve(stripe_source(handles=lambda name: name == "invoice.paid")) as serving:
        assert (await serving.post_stripe(stripe_body()))[0] == 200
        answer = await serving.post_stripe(stripe_body("evt_2", type="invoice.voided"))
        error = assert_error(answer, 422, "unmatched_event_type")
        assert "`invoice.voided`" in error["message"]


async def test_storage_that_fails_and_recovers(serve: Any) -> None:
    async with serve(stripe_source()) as serving:
        serving.trouble = StorageUnavailable("disk full", retry_after=7)
        answer = await serving.post_stripe(stripe_body())
        error = assert_error(answer, 503, "storage_unavailable")
        assert answer[2]["Retry-After"] == "7"
        assert "disk" not in error["message"]
        assert serving.writer.failing
        status, body, _ = await serving.get("/readyz")
        assert (status, json.loads(body)) == (503, {"status": "not ready", "reasons": {"database": "disk full"}})
        assert (await serving.get("/hooks/health"))[0] == 503
        serving.trouble = None
        assert (await serving.post_stripe(stripe_body()))[1] == {"status": "accepted", "id": "1"}
        assert not serving.writer.failing
        assert serving.counted("gateway_storage_failures_total") == 1


async def test_a_source_that_answers_with_the_outcome(serve: Any) -> None:
    def pending(kind: str, status: str, error: str | None) -> bytes:
        return json.dumps({"eventType": kind, "status": status, "error": error}).encode()

    async with serve(asaas_source(respond="result", pending=pending)) as serving:
        headers = {"asaas-access-token": TOKEN}
        answer = asyncio.create_task(serving.post("/webhook/asaas", b'{"event": "PAYMENT_CREATED"}', headers))
        await until(lambda: serving.counted("gateway_ack_seconds_count", source="asaas") == 1)
        serving.writer.finished([Outcome(1, "done", "ok", None, b'{"success":true}')])
        assert (await answer)[:2] == (200, {"success": True})
        status, body, _ = await serving.post("/webhook/asaas", b"broken", headers)
        assert status == 200
        assert (body["eventType"], body["status"]) == ("unknown", "dead")
        assert "not JSON" in body["error"]


async def test_an_outcome_that_does_not_come_in_time(serve: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gateway.receiving.receiver.RESULT_TIMEOUT", 0.1)
    pending = lambda kind, status, error: json.dumps([kind, status, error]).encode()  # noqa: E731 - as short as the answer
    async with serve(asaas_source(respond="result", pending=pending)) as serving:
        answer = await serving.post("/webhook/asaas", b'{"event": "X"}', {"asaas-access-token": TOKEN})
        assert answer[:2] == (200, ["X", "ready", None])


async def test_request_ids(serve: Any) -> None:
    async with serve(stripe_source()) as serving:
        body = stripe_body()
        for given, taken in [("abc-1.2_3", True), ("x" * 128, True), ("x" * 129, False), ("a b", False), ("é", False)]:
            _, _, headers = await serving.post("/hooks/stripe", body, {**stripe_headers(body), "X-Request-Id": given})
            assert (headers["X-Request-Id"] == given) is taken
        made = {(await serving.get("/healthz"))[2]["X-Request-Id"] for _ in range(5)}
        assert len(made) == 5


async def test_other_addresses_and_methods(serve: Any) -> None:
    async with serve(stripe_source(), asaas_source()) as serving:
        assert_error(await serving.post("/nowhere", b"{}"), 404, "not_found")
        assert_error(await serving.post("/hooks/stripe/more", b"{}"), 404, "not_found")
        status, body, headers = await serving.get("/hooks/stripe")
        assert_error((status, json.loads(body), headers), 405, "method_not_allowed")
        assert headers["Allow"] == "POST"
        status, _, headers = await serving.get("/healthz", "DELETE")
        assert (status, headers["Allow"]) == (405, "GET, HEAD")
        status, body, _ = await serving.get("/nowhere", "HEAD")
        assert (status, body) == (404, b"")
        body = stripe_body()
        for path in ("/hooks/stripe/", "/hooks/stripe?x=1", "/hooks/%73tripe"):
            assert (await serving.post(path, body, stripe_headers(body)))[0] == 200
        assert serving.counted("gateway_refusals_total", source="", reason="not_found") == 3


async def test_secret_paths_are_not_logged(serve: Any, capsys: pytest.CaptureFixture[str]) -> None:
    async with serve(stripe_source(path="/hooks/9f8e7d6c5b")) as serving:
        await serving.post("/hooks/9f8e7d6c5b", b"{}")
        await serving.post("/hooks/9f8e7d6c5b", stripe_body(), stripe_headers(stripe_body()))
        await serving.get("/hooks/9f8e7d6c5b")
        said = capsys.readouterr().out + str(serving.lines)
        assert "delivery refused" in said
        assert "9f8e7d6c5b" not in said


async def test_the_line_of_a_delivery(serve: Any) -> None:
    async with serve(stripe_source()) as serving:
        _, _, headers = await serving.post_stripe(stripe_body())
        (line,) = serving.lines
        assert line["message"] == "delivery accepted"
        assert line["request_id"] == headers["X-Request-Id"]
        assert (line["source"], line["event"], line["event_id"]) == ("invoices", 1, "evt_1")
        assert (line["type"], line["verified_by"], line["duplicate"]) == ("invoice.paid", "stripe#0", False)
        assert 0 < line["ms"] < 10_000


async def test_plugged_in_handlers(serve: Any) -> None:
    async def api(request: web.BaseRequest, request_id: str) -> web.StreamResponse:
        return web.json_response({"path": request.path, "id": request_id})

    source = stripe_source(path="/api/backoffice/stripe/webhook")
    async with serve(source, handlers={"/api/": api}) as serving:
        status, body, headers = await serving.get("/api/events")
        assert (status, json.loads(body)) == (200, {"path": "/api/events", "id": headers["X-Request-Id"]})
        assert (await serving.get("/api"))[0] == 200
        assert (await serving.get("/apis"))[0] == 404
        body = stripe_body()
        assert (await serving.post(source.path, body, stripe_headers(body)))[1]["status"] == "accepted"
        status, body, _ = await serving.get("/api/backoffice/stripe/health")
        assert json.loads(body)["service"] == "invoices-webhook"


async def test_a_handler_that_fails_is_answered_in_the_one_shape(serve: Any) -> None:
    async def broken(request: web.BaseRequest, request_id: str) -> web.StreamResponse:
        raise ZeroDivisionError("secret detail")

    async with serve(stripe_source(), handlers={"/api/": broken}) as serving:
        status, body, headers = await serving.get("/api/x")
        assert_error((status, json.loads(body), headers), 500, "internal_error")
        assert b"secret detail" not in body


async def test_reloading_the_sources(serve: Any) -> None:
    async with serve(stripe_source()) as serving:
        await serving.post_stripe(stripe_body())
        serving.server.load([stripe_source(path="/moved/stripe")])
        body = stripe_body("evt_2")
        assert (await serving.post("/hooks/stripe", body, stripe_headers(body)))[0] == 404
        assert (await serving.post("/moved/stripe", body, stripe_headers(body)))[0] == 200
        assert (await serving.get("/moved/health"))[0] == 200
        assert serving.counted("gateway_deliveries_total", source="invoices", outcome="accepted") == 2


async def test_duplicates_in_one_batch(serve: Any) -> None:
    async with serve(stripe_source()) as serving:
        serving.hold.clear()
        first = asyncio.create_task(serving.post_stripe(stripe_body("evt_0")))
        await until(lambda: len(serving.batches) == 1)
        same = [asyncio.create_task(serving.post_stripe(stripe_body("evt_1"))) for _ in range(20)]
        await until(lambda: serving.counted("gateway_inbox_queue") == 20)
        serving.hold.set()
        answers = [answer for _, answer, _ in await asyncio.gather(*same)]
        assert (await first)[1]["status"] == "accepted"
        assert serving.batches == [1, 20]
        assert sorted(answer["status"] for answer in answers) == ["accepted"] + ["duplicate"] * 19
        assert len({answer["id"] for answer in answers}) == 1
        assert len(serving.events()) == 2


async def test_a_thousand_at_once(serve: Any) -> None:
    async with serve(stripe_source()) as serving:
        requests = [serving.post_stripe(stripe_body(f"evt_{number % 900}")) for number in range(1000)]
        answers = await asyncio.gather(*requests)
        assert {status for status, _, _ in answers} == {200}
        assert sum(answer["status"] == "duplicate" for _, answer, _ in answers) == 100
        assert len(serving.events()) == 900
        assert sum(serving.batches) == 1000
        assert max(serving.batches) > 1


async def test_backpressure(serve: Any) -> None:
    async with serve(stripe_source(), limits={"max_queue": 3}) as serving:
        serving.hold.clear()
        tasks = [asyncio.create_task(serving.post_stripe(stripe_body("evt_0")))]
        await until(lambda: len(serving.batches) == 1)
        tasks += [asyncio.create_task(serving.post_stripe(stripe_body(f"evt_{n}"))) for n in (1, 2, 3)]
        await until(lambda: serving.counted("gateway_inbox_queue") == 3)
        answer = await serving.post_stripe(stripe_body("evt_4"))
        assert_error(answer, 503, "storage_unavailable")
        assert answer[2]["Retry-After"] == "1"
        serving.hold.set()
        assert {status for status, _, _ in await asyncio.gather(*tasks)} == {200}
        assert len(serving.events()) == 4
