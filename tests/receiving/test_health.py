from __future__ import annotations

import asyncio
import json
import time
from datetime import datetime, timedelta
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families
from receiving.serving import asaas_source, stripe_body, stripe_source

from gateway.errors import GatewayError, StorageUnavailable
from gateway.receiving import health
from gateway.receiving.health import Health


async def test_the_page_beside_a_source(serve: Any) -> None:
    async with serve(asaas_source(), stripe_source(health_service="billing")) as serving:
        status, body, headers = await serving.get("/webhook/health")
        found = json.loads(body)
        assert (status, found["status"], found["service"]) == (200, "healthy", "asaas-webhook")
        assert set(found) == {"status", "service", "timestamp"}
        assert found["timestamp"].endswith("Z")
        age = datetime.now().astimezone() - datetime.fromisoformat(found["timestamp"])
        assert abs(age) < timedelta(seconds=30)
        assert headers["Content-Type"] == "application/json"
        assert json.loads((await serving.get("/hooks/health"))[1])["service"] == "billing"
        assert (await serving.get("/webhook/health", "HEAD"))[:2] == (200, b"")
        assert (await serving.get("/webhook/health", "POST"))[0] == 405


async def test_sources_beside_each_other_share_a_page(serve: Any) -> None:
    async with serve(asaas_source(path="/webhook/asaas"), stripe_source(path="/webhook/stripe")) as serving:
        found = json.loads((await serving.get("/webhook/health"))[1])
        assert found["service"] == "asaas-webhook"
        assert found["services"] == ["asaas-webhook", "invoices-webhook"]


async def test_a_secret_path_has_its_page_one_above(serve: Any) -> None:
    async with serve(stripe_source(path="/webhooks/workos/4f5a6b"), stripe_source(name="top", path="/in")) as serving:
        assert json.loads((await serving.get("/webhooks/workos/health"))[1])["service"] == "invoices-webhook"
        assert json.loads((await serving.get("/health"))[1])["service"] == "top-webhook"


async def test_storage_that_fails_makes_the_page_unhealthy(serve: Any) -> None:
    async with serve(stripe_source()) as serving:
        serving.trouble = StorageUnavailable("read-only")
        status, body, _ = await serving.get("/hooks/health")
        assert (status, json.loads(body)["status"]) == (503, "unhealthy")


async def test_a_source_that_has_gone_quiet(serve: Any) -> None:
    async with serve(stripe_source(stale_after=0.2)) as serving:
        assert json.loads((await serving.get("/hooks/health"))[1])["status"] == "healthy"
        await asyncio.sleep(0.25)
        status, body, _ = await serving.get("/hooks/health")
        assert (status, json.loads(body)["status"]) == (200, "stale")
        await serving.post_stripe(stripe_body())
        assert json.loads((await serving.get("/hooks/health"))[1])["status"] == "healthy"


async def test_the_general_pages(serve: Any) -> None:
    async with serve(stripe_source()) as serving:
        status, body, _ = await serving.get("/healthz")
        assert (status, json.loads(body)["status"]) == (200, "alive")
        status, body, _ = await serving.get("/readyz")
        assert (status, json.loads(body)) == (200, {"status": "ready", "reasons": {}})
        await serving.post_stripe(stripe_body())
        status, body, headers = await serving.get("/metrics")
        assert status == 200
        assert headers["Content-Type"].startswith("text/plain")
        names = {family.name for family in text_string_to_metric_families(body.decode())}
        assert {"gateway_deliveries", "gateway_ack_seconds", "gateway_batch_deliveries", "gateway_connections"} <= names


async def test_readiness_names_every_reason() -> None:
    async def fine() -> None:
        return None

    async def broken() -> None:
        raise GatewayError("rules/a.yaml could not be read")

    state = Health({"database": fine, "rules": broken}, storing=lambda: True)
    assert await state.reasons() == {"rules": "rules/a.yaml could not be read"}
    state.draining = True
    assert set(await state.reasons()) == {"rules", "draining"}
    assert await state.storage_reason() is None


async def test_checks_run_at_most_once_a_second() -> None:
    runs = 0

    async def check() -> None:
        nonlocal runs
        runs += 1

    state = Health({"database": check}, storing=lambda: True)
    for _ in range(20):
        assert await state.storage_reason() is None
    assert runs == 1
    failing = Health({"database": check}, storing=lambda: False)
    for _ in range(3):
        assert await failing.storage_reason() is None
    assert runs == 4


async def test_a_check_that_hangs_is_a_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(health, "_CHECK_SECONDS", 0.05)

    async def hang() -> None:
        await asyncio.Event().wait()

    started = time.monotonic()
    assert await Health({"database": hang}, storing=lambda: True).storage_reason() == "no answer in 0.05 s"
    assert time.monotonic() - started < 1
