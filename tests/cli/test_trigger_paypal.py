"""PayPal's sources in a whole gateway: samples signed by its own authority, certificates that cannot be had."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import paypal
import pytest
from running import ENVIRONMENT, Gateway, eventually

CONFIGURATION = """
version: 1
server: {host: 127.0.0.1, port: "${env:GATEWAY_PORT}"}
database: sqlite:///var/gateway.db
admin: {token: "${env:GATEWAY_ADMIN_TOKEN}"}
sources:
  paypal:
    provider: paypal
    path: /hooks/paypal
    verify:
      webhook_id: ${env:PAYPAL_WEBHOOK_ID}
      certificates: ${env:PAYPAL_CERT_DIR:-}
      trust: ${env:PAYPAL_TRUST_FILE:-}
    unmatched: keep
"""
TYPES = [
    *(f"PAYMENT.CAPTURE.{name}" for name in ("COMPLETED", "DENIED", "REFUNDED", "REVERSED", "PENDING")),
    "CHECKOUT.ORDER.APPROVED",
]
BODY = b'{"id":"WH-1","event_type":"PAYMENT.CAPTURE.COMPLETED"}'
ID = ENVIRONMENT["PAYPAL_WEBHOOK_ID"]


def lay_out(folder: Path) -> Gateway:
    (folder / "gateway.yaml").write_text(CONFIGURATION)
    return Gateway(folder)


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    """A gateway as `gateway init --env-only` prepares it."""
    gateway = lay_out(tmp_path_factory.mktemp("paypal"))
    assert gateway.cli("init", "--env-only").returncode == 0
    gateway.start()
    yield gateway
    gateway.stop()


def post(gateway: Gateway, body: bytes = BODY, **signing: Any) -> tuple[int, str, dict[str, str]]:
    headers = paypal.headers(body, at=datetime.now(UTC), webhook_id=ID, **signing)
    reply = gateway.post("/hooks/paypal", body, headers)
    return reply.status, reply.json.get("error", {}).get("code", ""), reply.headers


@pytest.mark.parametrize("kind", TYPES)
def test_a_sample_is_signed_by_the_local_authority(served: Gateway, kind: str) -> None:
    ran = served.cli("trigger", "paypal", kind, "--json")
    event = json.loads(ran.stdout)["event"]
    # No rule takes it: it was verified, and is kept.
    assert (event["type"], event["status"]) == (kind, "dead")
    assert json.loads(ran.stdout)["answer"]["status"] == 200


def test_the_admin_api_signs_within_the_server(served: Gateway) -> None:
    reply = served.api("POST", "/api/trigger/paypal/PAYMENT.CAPTURE.COMPLETED")
    assert reply.status == 200, reply.body
    verified = served.sql("SELECT verified_by FROM gateway_events ORDER BY seq DESC LIMIT 1")
    assert verified == [("paypal#0",)]


def test_a_certificate_that_cannot_be_had_is_answered_503(served: Gateway) -> None:
    status, code, headers = post(served)
    assert (status, code) == (503, "verification_unavailable")
    assert int(headers["Retry-After"]) > 0
    assert served.sql("SELECT count(*) FROM gateway_events WHERE event_id = 'WH-1'") == [(0,)]
    eventually(lambda: "there is no file `CERT-360caa42-fca2a594-00000001`" in served.log)


def test_nobody_else_signs_in_its_name(served: Gateway) -> None:
    address = "https://api.paypal.com/v1/notifications/certs/CERT-LOCAL"
    assert post(served, address=address)[:2] == (401, "signature_mismatch")
    assert post(served, address=address.replace("api.", "api.evil"))[:2] == (401, "signature_mismatch")


def test_a_certificate_that_is_put_there_is_taken(served: Gateway) -> None:
    stranger = paypal.Authority("Root of somebody else", at=datetime.now(UTC))
    folder = served.folder / "var" / "paypal" / "certificates"
    (folder / "CERT-STRANGER").write_bytes(paypal.pem(stranger.issue()))
    address = "https://api.paypal.com/v1/notifications/certs/CERT-STRANGER"
    assert post(served, address=address)[:2] == (401, "signature_mismatch")
    told = re.compile(r"CERT-STRANGER is not to be trusted: .*candidates exhausted")
    eventually(lambda: told.search(served.log) is not None)


def test_without_the_local_authority_nothing_can_be_triggered(tmp_path: Path) -> None:
    gateway = lay_out(tmp_path)
    gateway.start()
    try:
        ran = gateway.cli("trigger", "paypal", "PAYMENT.CAPTURE.COMPLETED")
        assert ran.returncode == 2
        assert "PayPal signs with a key of its own" in ran.stderr
        assert "`gateway init --env-only`" in ran.stderr
        reply = gateway.api("POST", "/api/trigger/paypal/PAYMENT.CAPTURE.COMPLETED")
        assert reply.status == 409
        assert "PayPal signs with a key of its own" in reply.json["error"]["message"]
    finally:
        gateway.stop()


def test_a_trust_file_without_certificates_keeps_the_gateway_from_starting(tmp_path: Path) -> None:
    gateway = lay_out(tmp_path)
    (tmp_path / "trusted.pem").write_text("nothing")
    gateway.environment["PAYPAL_TRUST_FILE"] = "trusted.pem"
    ran = gateway.cli("serve")
    assert ran.returncode != 0
    assert "source `paypal`, `trust`: it is no certificate that can be read" in ran.stdout + ran.stderr
    assert "Traceback" not in ran.stderr
