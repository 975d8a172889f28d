"""Sources that hold payloads against their schema, by both ways in."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import pytest
import structlog
from receiving.serving import Serving, open_source, stripe_body, stripe_headers, stripe_source

from gateway.config.payload_validation import PayloadValidator

SCHEMA = {
    "properties": {
        "data": {"properties": {"object": {"properties": {"customer": {"type": "string"}}, "required": ["id"]}}}
    }
}
GOOD = stripe_body("evt_good")
BAD = stripe_body("evt_bad", data={"object": {"id": "in_1", "customer": 41111111}})
OTHER = stripe_body("evt_other", type="invoice.voided", data={"object": {"customer": 41111111}})


@pytest.fixture
def validator(tmp_path: Path) -> PayloadValidator:
    (tmp_path / "invoice.paid.json").write_text(json.dumps(SCHEMA))
    return PayloadValidator([tmp_path])


async def post(serving: Serving, body: bytes, way: str, **signing: Any) -> tuple[int, Any]:
    """Post by the short way, or in chunks, which goes the long one."""
    headers = stripe_headers(body, **signing)
    data = body if way == "short" else io.BytesIO(body)
    chunked = {} if way == "short" else {"chunked": True}
    async with serving.session.post(serving.url("/hooks/stripe"), data=data, headers=headers, **chunked) as response:
        return response.status, await response.json()


@pytest.mark.parametrize("way", ["short", "long"])
async def test_reject(serve: Any, validator: PayloadValidator, way: str) -> None:
    async with serve(stripe_source(violation=validator.violation, rejects_violations=True)) as serving:
        status, answer = await post(serving, BAD, way)
        assert (status, answer["error"]["code"]) == (422, "schema_violation")
        assert "`data.object.customer` is integer, not string" in answer["error"]["message"]
        assert "41111111" not in json.dumps(answer)
        assert [(await post(serving, body, way))[0] for body in (GOOD, OTHER)] == [200, 200]
        assert [event["event_id"] for event in serving.events()] == ["evt_good", "evt_other"]
        assert serving.counted("gateway_schema_violations_total", source="invoices") == 1
        assert serving.counted("gateway_refusals_total", source="invoices", reason="schema_violation") == 1


@pytest.mark.parametrize("way", ["short", "long"])
async def test_warn(serve: Any, validator: PayloadValidator, way: str) -> None:
    async with serve(stripe_source(violation=validator.violation)) as serving:
        with structlog.testing.capture_logs() as lines:
            answers = [await post(serving, body, way) for body in (BAD, BAD, GOOD)]
        assert [(status, answer["status"]) for status, answer in answers] == [
            (200, "accepted"),
            (200, "duplicate"),
            (200, "accepted"),
        ]
        assert [event["status"] for event in serving.events()] == ["ready", "ready"]
        assert serving.counted("gateway_schema_violations_total", source="invoices") == 2
        said = [line for line in lines if line["event"] == "payload breaks its schema"]
        assert [(line["source"], line["type"], line["detail"]) for line in said] == [
            ("invoices", "invoice.paid", "`data.object.customer` is integer, not string")
        ]
        assert said[0]["request_id"]


@pytest.mark.parametrize("way", ["short", "long"])
async def test_what_is_not_verified_is_not_looked_at(serve: Any, validator: PayloadValidator, way: str) -> None:
    async with serve(stripe_source(violation=validator.violation, rejects_violations=True)) as serving:
        status, answer = await post(serving, BAD, way, secret="whsec_wrong")
        assert (status, answer["error"]["code"]) == (401, "signature_mismatch")
        assert serving.counted("gateway_schema_violations_total", source="invoices") == 0


async def test_a_verified_body_that_cannot_be_read_stays_a_dead_letter(serve: Any, validator: PayloadValidator) -> None:
    async with serve(stripe_source(violation=validator.violation, rejects_violations=True)) as serving:
        assert (await post(serving, b"{", "short"))[0] == 200
        assert [event["status"] for event in serving.events()] == ["dead"]


async def test_an_unmatched_type_is_told_before(serve: Any, validator: PayloadValidator) -> None:
    source = open_source(violation=validator.violation, rejects_violations=True, handles=lambda _: False)
    async with serve(source) as serving:
        body = json.dumps({"id": "a", "kind": "invoice.paid", "data": {"object": {}}}).encode()
        _, answer, _ = await serving.post("/open/in", body)
        assert answer["error"]["code"] == "unmatched_event_type"
