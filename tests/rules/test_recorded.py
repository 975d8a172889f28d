"""Recorded payloads, of every API version there is, go through the shipped rules and end well."""

from __future__ import annotations

import json
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from rules.shipped import ROOT, deliver, fresh_database, rows, status, store

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
