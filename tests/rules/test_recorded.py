"""Recorded payloads, of every API version there is, go through the shipped rules and end well."""

from __future__ import annotations

import json
from contextlib import closing
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from rules.shipped import ROOT, deliver, fresh_database, project, rows, status, store

from gateway.config.diagnostics import Findings
from gateway.testing.loading import load_tests
from gateway.testing.suite import Suite

PAYLOADS = ROOT.parent / "shared" / "payloads"


def recorded(provider: str, pattern: str) -> list[Any]:
    found = sorted((PAYLOADS / provider).rglob(pattern))
    reason = pytest.mark.skip(reason="the recorded payloads are not here")
    return [pytest.param(path, id=path.stem) for path in found] or [pytest.param(None, marks=reason)]


@pytest.mark.parametrize("path", recorded("asaas", "*.json"))
def test_asaas(path: Path) -> None:
    body = json.loads(path.read_bytes())
    customer = (body.get("payment") or body["subscription"])["customer"]
    with closing(fresh_database()) as database:
        store(database, "tenants", [{"id": "t1", "asaas_customer_id": customer}])
        [event] = deliver(database, "asaas", path.read_bytes())
        expected = {"PAYMENT_DELETED": ("ignored", None)}.get(body["event"])
        found = status(database, event)
        assert found == expected if expected else found[0] == "done"
        assert found[1] != "tenant_not_found"


@pytest.mark.parametrize("path", recorded("stripe", "payment_intent.*.json"))
def test_stripe_payment_intents(path: Path) -> None:
    body = json.loads(path.read_bytes())
    intent = body["data"]["object"]
    intent["metadata"] = {"invoice_id": "inv_1"}
    with closing(fresh_database()) as database:
        store(database, "billing_invoices", [{"id": "inv_1", "total": 1, "currency": intent["currency"]}])
        [event] = deliver(database, "invoices", body)
        paid = body["type"].endswith("succeeded")
        assert status(database, event) == ("done", "payment_recorded" if paid else "payment_failed")
        assert len(rows(database, "billing_payments")["billing_payments"]) == paid


@pytest.mark.parametrize("path", recorded("stripe", "*.json"))
def test_anything_else_from_stripe_is_ignored_or_names_no_invoice(path: Path) -> None:
    with closing(fresh_database()) as database:
        [event] = deliver(database, "invoices", path.read_bytes())
        assert status(database, event) in {("ignored", None), ("done", "invoice_not_found")}


@pytest.mark.parametrize("path", recorded("paypal", "*.json"))
def test_paypal(path: Path) -> None:
    body = json.loads(path.read_bytes())
    resource = body["resource"]
    payment: dict[str, Any] = {"id": "p1", "user_id": "u1", "amount": Decimal("1.98"), "metadata": {"days": 30}}
    match body["event_type"]:
        case "PAYMENT.CAPTURE.COMPLETED":
            payment["transaction_id"] = resource["supplementary_data"]["related_ids"]["order_id"]
            expected: tuple[str, str | None] = ("done", "membership_granted")
        case "PAYMENT.CAPTURE.REFUNDED":
            payment |= {"status": "completed", "capture_id": resource["links"][1]["href"].rpartition("/")[2]}
            expected = ("done", "payment_refunded")
        case "CHECKOUT.ORDER.APPROVED":
            expected = ("done", "order_approved")
        case _:
            expected = ("ignored", None)
    with closing(fresh_database()) as database:
        store(database, "membership_payments", [payment])
        [event] = deliver(database, "paypal", path.read_bytes())
        assert status(database, event) == expected


WORKOS = """
source: workos
cases:
  - name: recorded
    given: {{calls: [{{stripe: customers.create, answer: {{id: cus_1}}, optional: true}}]}}
    event: {{file: "{path}"}}
    expect: {{status: {status}, result: {result}}}
"""


@pytest.mark.parametrize("path", recorded("workos", "*.json"))
def test_workos(path: Path, tmp_path: Path) -> None:
    results = {"created": "organization_created", "updated": "organization_created", "deleted": "organization_retained"}
    what, _, happened = json.loads(path.read_bytes())["event"].partition(".")
    result = results[happened] if what == "organization" else None
    case = tmp_path / "recorded.test.yaml"
    case.write_text(WORKOS.format(path=path.resolve(), status="done" if result else "ignored", result=result or "null"))
    findings = Findings()
    files = load_tests(project(), [case], findings)
    assert not findings.has_errors, findings.diagnostics
    assert [found.failures for found in Suite(project()).run(files).cases] == [()]
