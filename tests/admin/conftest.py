"""A whole gateway in this process, on a real socket and a real file, with its admin API."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest
from admin.rig import TOKEN, Rig, Start

from gateway.app import Gateway
from gateway.config.diagnostics import Findings
from gateway.project import load_project

CONFIGURATION = """
version: 1
server: {host: 127.0.0.1, port: 0}
database: sqlite:///test.db
admin: {token: "${env:ADMIN_TOKEN:-}"}
log: {level: error}
sources:
  stripe:
    provider: stripe
    path: /hooks/stripe
    verify: {secrets: ["${env:STRIPE_SECRET}"]}
    rules: [rules/payments.yaml]
  shop:
    path: /hooks/shop/
    verify: {scheme: token, token: "${env:SHOP_TOKEN}", header: X-Token}
    event: {id: id, type: type, key: order, occurred_at: at}
    rules: [rules/orders.yaml]
"""

PAYMENTS = """
version: 1
tables:
  payments:
    columns:
      id: {type: text, primary_key: true}
      amount: {type: decimal}
      currency: {type: text}
      last_event_at: {type: timestamp}
      due: {type: date}
      extra: {type: json}
extract:
  payment_id: {path: data.object.id, required: true}
  amount: data.object.amount
  currency: data.object.currency
rules:
  - name: large payment
    on: payment_intent.succeeded
    when: amount > `1000000`
    do: [{fail: too large}]
  - name: payment
    on: payment_intent.*
    do:
      - upsert: payments
        key: {id: $payment_id}
        set: {amount: "${ from_minor(amount, currency) }", currency: $currency}
        as_of: last_event_at
    result: stored
"""

ORDERS = """
version: 1
tables:
  orders:
    columns:
      number: {type: integer, primary_key: true}
      state: {type: text, values: [open, paid], default: open}
procedures:
  settle:
    - upsert: orders
      key: {number: $number}
      set: {state: $state}
    - finish: settled by $event.headers.run_by
rules:
  - {name: broken, on: broken, do: [{fail: "broken as told"}]}
  - {name: fine, on: fine, do: [{finish: well}]}
  - {name: kept, on: kept, do: [{upsert: orders, key: {number: 1}, set: {state: paid}}]}
"""


@pytest.fixture
async def start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Start]:
    """Start gateways; they are stopped at the end."""
    rigs: list[Rig] = []
    (tmp_path / "rules").mkdir()
    (tmp_path / "rules" / "payments.yaml").write_text(PAYMENTS)
    (tmp_path / "rules" / "orders.yaml").write_text(ORDERS)
    (tmp_path / "gateway.yaml").write_text(CONFIGURATION)

    async def begin(token: str = TOKEN) -> Rig:
        for name, value in (("STRIPE_SECRET", "whsec_tests"), ("SHOP_TOKEN", "shop-token"), ("ADMIN_TOKEN", token)):
            monkeypatch.setenv(name, value)
        findings = Findings()
        project = load_project(tmp_path / "gateway.yaml", findings)
        assert project is not None
        assert not findings.has_errors, findings.diagnostics
        gateway = Gateway(project)
        port = await gateway.start()
        rigs.append(Rig(gateway, aiohttp.ClientSession(), port))
        return rigs[-1]

    yield begin
    for rig in rigs:
        await rig.session.close()
        await rig.gateway.drain()


@pytest.fixture
async def rig(start: Start) -> Rig:
    """A gateway with an admin token."""
    return await start()
