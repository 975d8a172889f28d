"""SIGKILL under load, again and again: what was acknowledged is there, and was applied exactly once."""

from __future__ import annotations

import asyncio
import json
import random
from collections import Counter
from decimal import Decimal
from pathlib import Path

import aiohttp
from running import ENVIRONMENT, Gateway

KILLS = 4
SENDERS = 16
TENANTS = 20

CONFIGURATION = """
version: 1
server: {host: 127.0.0.1, port: "${env:GATEWAY_PORT}"}
database: sqlite:///var/gateway.db
admin: {token: "${env:GATEWAY_ADMIN_TOKEN}"}
sources:
  shop:
    path: /hooks/shop
    verify: {token: "${env:SHOP_TOKEN}", header: X-Token, scheme: token}
    event: {id: id, type: type, key: account}
    rules: [rules.yaml]
"""

RULES = """
version: 1
tables:
  accounts:
    columns:
      id: {type: text, primary_key: true}
      balance: {type: decimal, default: 0}
      payments: {type: integer, default: 0}
  payments:
    columns:
      id: {type: text, primary_key: true}
      account: {type: text}
      amount: {type: decimal}
extract:
  account: account
  payment_id: id
  amount: {path: amount, as: decimal}
rules:
  - name: payment
    on: payment
    do:
      - {upsert: accounts, key: {id: $account}, as: owner}
      - {insert: payments, values: {id: $payment_id, account: $account, amount: $amount}}
      - {update: accounts, where: {id: $account}, increment: {balance: $amount, payments: 1}}
    result: booked
"""


def event(number: int) -> dict[str, str]:
    return {
        "id": f"evt_{number}",
        "type": "payment",
        "account": f"acc_{number % TENANTS}",
        "amount": f"0.{number % 90 + 10}",
    }


class Load:
    """Senders that send each event until it is acknowledged, and sometimes once more."""

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway
        self._random = random.Random(20261121)
        self.acknowledged: list[int] = []
        self.next_number = 0
        self.ending = False
        self.up = asyncio.Event()
        """Senders wait while there is nobody to send to: knocking all the time they would only delay its start."""
        self.up.set()

    async def send(self, session: aiohttp.ClientSession) -> None:
        while not self.ending:
            number, self.next_number = self.next_number, self.next_number + 1
            while not await self._try(session, number):
                await self.up.wait()
                await asyncio.sleep(0.02)
            self.acknowledged.append(number)
            if self._random.random() < 0.1:
                await self._try(session, number)

    async def _try(self, session: aiohttp.ClientSession, number: int) -> bool:
        url = f"http://127.0.0.1:{self._gateway.port}/hooks/shop"
        headers = {"X-Token": "shop-token", "Content-Type": "application/json"}
        try:
            async with session.post(url, data=json.dumps(event(number)), headers=headers) as reply:
                await reply.read()
                return reply.status == 200
        except (aiohttp.ClientError, OSError):
            return False


async def run_load(gateway: Gateway) -> Load:
    load = Load(gateway)
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=10)) as session:
        senders = [asyncio.create_task(load.send(session)) for _ in range(SENDERS)]
        for _ in range(KILLS):
            before = len(load.acknowledged)
            while len(load.acknowledged) < before + 150:
                await asyncio.sleep(0.01)
            load.up.clear()
            gateway.kill()
            await asyncio.to_thread(gateway.start)
            load.up.set()
        load.ending = True
        await asyncio.gather(*senders)
    return load


async def test_nothing_is_lost_and_nothing_is_applied_twice(tmp_path: Path) -> None:
    (tmp_path / "gateway.yaml").write_text(CONFIGURATION)
    (tmp_path / "rules.yaml").write_text(RULES)
    gateway = Gateway(tmp_path, environment={"SHOP_TOKEN": "shop-token", **ENVIRONMENT})
    await asyncio.to_thread(gateway.start)
    load = await run_load(gateway)
    await asyncio.to_thread(gateway.wait_until_done)

    stored = Counter(identity for (identity,) in gateway.sql("SELECT event_id FROM gateway_events"))
    assert set(stored.values()) == {1}
    assert {f"evt_{number}" for number in load.acknowledged} <= set(stored)
    assert gateway.sql("SELECT DISTINCT status FROM gateway_events") == [("done",)]

    sent = [event(int(identity.removeprefix("evt_"))) for identity in stored]
    booked = gateway.sql("SELECT id, account, amount FROM payments")
    assert sorted(row[0] for row in booked) == sorted(stored)
    for account in {e["account"] for e in sent}:
        own = [Decimal(e["amount"]) for e in sent if e["account"] == account]
        [(balance, count)] = gateway.sql("SELECT balance, payments FROM accounts WHERE id = ?", account)
        assert (Decimal(balance), count) == (sum(own), len(own))
    assert gateway.stop() == 0
