"""An event whose row does not exist yet is parked: it runs when the row comes, and somebody is told if it does not."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import shop
from running import Gateway, eventually
from servers import MailServer
from shop import open_shop

MORE = """
channels:
  admins: ["${env:ADMIN_CHANNEL}"]
retry: {first: RETRY, factor: 1, max: RETRY, jitter: 0%, give_up_after: 1d}
park: {alert_after: ALERT, give_up_after: 1d, notify: admins}
"""

RULES = """
version: 1
tables:
  orders:
    columns:
      id: {type: text, primary_key: true}
      paid: {type: boolean, default: false}
extract:
  order: order
rules:
  - name: order
    on: order
    do:
      - {insert: orders, values: {id: $order}}
    result: ordered
  - name: payment
    on: payment
    do:
      - find: orders
        where: {id: $order}
        as: found
        missing: park
      - {update: orders, where: {id: $order}, set: {paid: true}}
    result: paid
"""


@dataclass
class Shop:
    """A gateway whose mail can be read."""

    gateway: Gateway
    mail: MailServer

    def send(self, kind: str, order: str) -> str:
        identity = f"{kind}-{order}"
        shop.send(self.gateway, identity, kind, order, order=order)
        return identity

    def paid(self, order: str) -> bool:
        row: dict[str, Any] | None = self.gateway.row("orders", order)
        return row is not None and row["paid"] is True


def opened(folder: Path, *, retry: str, alert: str) -> Iterator[Shop]:
    with MailServer() as mail:
        more = MORE.replace("RETRY", retry).replace("ALERT", alert)
        gateway = open_shop(folder, RULES, more, {"ADMIN_CHANNEL": mail.channel()})
        yield Shop(gateway, mail)
        assert gateway.stop() == 0


@pytest.fixture(scope="module")
def patient(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    """One whose clock does nothing within a test."""
    yield from opened(tmp_path_factory.mktemp("patient"), retry="1h", alert="1h")


@pytest.fixture(scope="module")
def hasty(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    """One that looks again all the time, and tells somebody soon."""
    yield from opened(tmp_path_factory.mktemp("hasty"), retry="200ms", alert="1s")


def test_it_runs_when_a_later_event_of_its_key_brings_the_row(patient: Shop) -> None:
    payment = patient.send("payment", "a")
    assert patient.gateway.outcome(payment)["status"] == "parked"
    other = patient.send("order", "b")
    assert patient.gateway.outcome(other)["status"] == "done"
    assert patient.gateway.event(payment)["status"] == "parked"
    patient.send("order", "a")
    eventually(lambda: patient.gateway.event(payment)["status"] == "done")
    assert patient.paid("a")
    assert patient.gateway.event(payment)["result"] == "paid"


def test_it_runs_after_the_gateway_died_at_once_behind_the_row(patient: Shop) -> None:
    payments = [patient.send("payment", f"many-{number}") for number in range(10)]
    for payment in payments:
        assert patient.gateway.outcome(payment)["status"] == "parked"
    patient.gateway.crash()
    assert patient.gateway.event(payments[-1])["status"] == "parked"
    for number in range(10):
        patient.send("order", f"many-{number}")
    patient.gateway.crash()
    eventually(lambda: all(patient.paid(f"many-{number}") for number in range(10)))


def test_it_runs_by_the_clock_when_somebody_else_brings_the_row(hasty: Shop) -> None:
    payment = hasty.send("payment", "c")
    eventually(lambda: hasty.gateway.event(payment)["status"] == "parked")
    assert hasty.gateway.api("PUT", "/api/tables/orders/c", {"paid": False}).status == 200
    eventually(lambda: hasty.gateway.event(payment)["status"] == "done", 30)
    assert hasty.paid("c")


def test_somebody_is_told_of_one_that_stays(hasty: Shop) -> None:
    payment = hasty.send("payment", "lost")
    eventually(lambda: any("key lost" in mail.text and "parked" in mail.subject for mail in hasty.mail.mails), 60)
    assert hasty.gateway.event(payment)["status"] != "done"
