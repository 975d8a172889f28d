"""The ASAAS system over HTTP: each line of what it promises."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from installation import Installation
from running import ENVIRONMENT, Gateway, Reply

TOKEN = {"asaas-access-token": ENVIRONMENT["ASAAS_WEBHOOK_TOKEN"]}
PATH = "/webhook/asaas"

_numbers = itertools.count(1)


@pytest.fixture(scope="module")
def installation(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    with Installation(tmp_path_factory.mktemp("asaas")) as installation:
        yield installation


@pytest.fixture(scope="module")
def asaas(installation: Installation) -> Gateway:
    return installation.gateway


@pytest.fixture
def tenant(asaas: Gateway) -> dict[str, str]:
    number = next(_numbers)
    row = {"status": "trial", "asaas_customer_id": f"cus_{number}", "asaas_subscription_id": f"sub_{number}"}
    assert asaas.api("PUT", f"/api/tables/tenants/tenant-{number}", row).status == 200
    return {"id": f"tenant-{number}", **row}


def send(gateway: Gateway, body: dict[str, Any], headers: dict[str, str] | None = None) -> Reply:
    return gateway.post(PATH, json.dumps(body).encode(), TOKEN if headers is None else headers)


def payment_event(kind: str, tenant: dict[str, str], *, at: str | None = None, **payment: Any) -> dict[str, Any]:
    number = next(_numbers)
    body: dict[str, Any] = {
        "event": kind,
        "payment": {
            "id": f"pay_{number}",
            "customer": tenant["asaas_customer_id"],
            "value": 99.9,
            "dueDate": "2024-01-10",
            "status": kind.removeprefix("PAYMENT_"),
            **payment,
        },
    }
    if at is not None:
        body |= {"id": f"evt_{number:032d}&{number}", "dateCreated": at}
    return body


def subscription_event(kind: str, tenant: dict[str, str], **subscription: Any) -> dict[str, Any]:
    return {
        "event": kind,
        "subscription": {
            "id": tenant["asaas_subscription_id"],
            "customer": tenant["asaas_customer_id"],
            **subscription,
        },
    }


def days_ago(days: int) -> str:
    return (datetime.now(UTC) - timedelta(days=days)).date().isoformat()


def test_a_created_payment_is_registered_and_the_tenant_stays_as_it_is(asaas: Gateway, tenant: dict[str, str]) -> None:
    event = payment_event("PAYMENT_CREATED", tenant, status="PENDING")
    reply = send(asaas, event)
    assert (reply.status, reply.json) == (
        200,
        {
            "success": True,
            "eventType": "PAYMENT_CREATED",
            "tenantId": tenant["id"],
            "action": "payment_registered",
        },
    )
    row = asaas.row("asaas_payments", event["payment"]["id"])
    assert row is not None
    assert (row["tenant_id"], Decimal(row["value"]), row["due_date"], row["status"]) == (
        tenant["id"],
        Decimal("99.90"),
        "2024-01-10",
        "pending",
    )
    assert asaas.row("tenants", tenant["id"])["status"] == "trial"  # type: ignore[index]


def test_a_created_payment_may_already_be_confirmed(asaas: Gateway, tenant: dict[str, str]) -> None:
    event = payment_event("PAYMENT_CREATED", tenant, status="CONFIRMED")
    assert send(asaas, event).json["action"] == "payment_registered"
    assert asaas.row("asaas_payments", event["payment"]["id"])["status"] == "paid"  # type: ignore[index]


@pytest.mark.parametrize("kind", ["PAYMENT_CONFIRMED", "PAYMENT_RECEIVED"])
def test_a_paid_payment_activates_the_tenant(asaas: Gateway, tenant: dict[str, str], kind: str) -> None:
    event = payment_event(kind, tenant)
    assert send(asaas, event).json == {
        "success": True,
        "eventType": kind,
        "tenantId": tenant["id"],
        "action": "tenant_activated",
    }
    assert asaas.row("tenants", tenant["id"])["status"] == "active"  # type: ignore[index]
    assert asaas.row("asaas_payments", event["payment"]["id"])["status"] == "paid"  # type: ignore[index]


def test_a_card_payment_is_confirmed_and_received_and_is_one_payment(asaas: Gateway, tenant: dict[str, str]) -> None:
    first = payment_event("PAYMENT_CONFIRMED", tenant, at="2026-01-10 10:00:00")
    second = payment_event("PAYMENT_RECEIVED", tenant, at="2026-02-11 10:00:00", id=first["payment"]["id"])
    assert [send(asaas, e).json["action"] for e in (first, second)] == ["tenant_activated"] * 2
    found = asaas.sql("SELECT status FROM asaas_payments WHERE id = ?", first["payment"]["id"])
    assert found == [("paid",)]


def test_an_overdue_payment_makes_the_tenant_overdue(asaas: Gateway, tenant: dict[str, str]) -> None:
    event = payment_event("PAYMENT_OVERDUE", tenant, dueDate=days_ago(3))
    assert send(asaas, event).json["action"] == "tenant_overdue"
    assert asaas.row("tenants", tenant["id"])["status"] == "overdue"  # type: ignore[index]
    assert asaas.row("asaas_payments", event["payment"]["id"])["status"] == "overdue"  # type: ignore[index]


def test_a_payment_due_today_only_warns(asaas: Gateway, tenant: dict[str, str]) -> None:
    event = payment_event("PAYMENT_OVERDUE", tenant, dueDate=days_ago(0))
    assert send(asaas, event).json["action"] == "overdue_warning"
    assert asaas.row("tenants", tenant["id"])["status"] == "trial"  # type: ignore[index]


def suspension_of(gateway: Gateway, event: dict[str, Any]) -> dict[str, Any]:
    """Return the scheduled event that will look whether a payment is still overdue."""
    found = gateway.api("GET", "/api/events?source=asaas&type=schedule.suspend&limit=100").json["events"]
    return next(one for one in found if event["payment"]["id"] in one["event_id"])


def days_pass(gateway: Gateway, suspension: dict[str, Any]) -> None:
    """Have the time of a scheduled event come while the gateway is down, as if days had gone by."""
    gateway.kill()
    gateway.sql_write("UPDATE gateway_events SET next_attempt_at = 1 WHERE seq = ?", int(suspension["id"]))
    gateway.start()


def test_a_tenant_that_is_overdue_for_too_long_is_suspended(asaas: Gateway, tenant: dict[str, str]) -> None:
    event = payment_event("PAYMENT_OVERDUE", tenant, dueDate=days_ago(3))
    assert send(asaas, event).json["action"] == "tenant_overdue"
    suspension = suspension_of(asaas, event)
    assert suspension["status"] == "waiting"
    assert suspension["next_attempt_at"].startswith((datetime.now(UTC) + timedelta(days=12)).date().isoformat())
    days_pass(asaas, suspension)
    outcome = asaas.outcome(suspension["id"])
    assert (outcome["status"], outcome["result"]) == ("done", "tenant_suspended")
    assert asaas.row("tenants", tenant["id"])["status"] == "suspended"  # type: ignore[index]
    paid = payment_event("PAYMENT_RECEIVED", tenant, id=event["payment"]["id"])
    assert send(asaas, paid).json["action"] == "tenant_activated"
    assert asaas.row("tenants", tenant["id"])["status"] == "active"  # type: ignore[index]


@pytest.mark.parametrize("kind", ["PAYMENT_CONFIRMED", "PAYMENT_RECEIVED"])
def test_a_payment_cancels_the_suspension(asaas: Gateway, tenant: dict[str, str], kind: str) -> None:
    event = payment_event("PAYMENT_OVERDUE", tenant, dueDate=days_ago(14))
    send(asaas, event)
    suspension = suspension_of(asaas, event)
    send(asaas, payment_event(kind, tenant, id=event["payment"]["id"]))
    canceled = asaas.event(suspension["id"])
    assert canceled["status"] == "ignored"
    assert "canceled by event" in canceled["error"]
    assert asaas.row("tenants", tenant["id"])["status"] == "active"  # type: ignore[index]


def test_an_old_overdue_does_not_undo_a_newer_payment(asaas: Gateway, tenant: dict[str, str]) -> None:
    paid = payment_event("PAYMENT_RECEIVED", tenant, at="2026-03-02 09:00:00")
    overdue = payment_event("PAYMENT_OVERDUE", tenant, at="2026-03-01 09:00:00", id=paid["payment"]["id"])
    assert send(asaas, paid).status == 200
    assert send(asaas, overdue).status == 200
    assert asaas.row("tenants", tenant["id"])["status"] == "active"  # type: ignore[index]
    assert asaas.row("asaas_payments", paid["payment"]["id"])["status"] == "paid"  # type: ignore[index]
    story = asaas.cli("events", "why", overdue["id"])
    assert f"newer state from {paid['id']}" in story.stdout


def test_a_refund_is_registered(asaas: Gateway, tenant: dict[str, str]) -> None:
    event = payment_event("PAYMENT_REFUNDED", tenant, value=19.99)
    assert send(asaas, event).json["action"] == "refund_registered"
    refund = asaas.row("asaas_refunds", event["payment"]["id"])
    assert refund is not None
    assert (refund["tenant_id"], Decimal(refund["value"])) == (tenant["id"], Decimal("19.99"))
    assert asaas.row("asaas_payments", event["payment"]["id"])["status"] == "refunded"  # type: ignore[index]


@pytest.mark.parametrize("kind", ["SUBSCRIPTION_ACTIVATED", "SUBSCRIPTION_CREATED", "SUBSCRIPTION_UPDATED"])
def test_a_subscription_status_is_copied(asaas: Gateway, tenant: dict[str, str], kind: str) -> None:
    assert send(asaas, subscription_event(kind, tenant, status="ACTIVE")).json["action"] == "subscription_synced"
    assert asaas.row("tenants", tenant["id"])["subscription_status"] == "ACTIVE"  # type: ignore[index]


@pytest.mark.parametrize("kind", ["SUBSCRIPTION_CANCELED", "SUBSCRIPTION_INACTIVATED", "SUBSCRIPTION_DELETED"])
def test_a_canceled_subscription_cancels_the_tenant(asaas: Gateway, tenant: dict[str, str], kind: str) -> None:
    assert send(asaas, subscription_event(kind, tenant, status="INACTIVE")).json["action"] == "tenant_canceled"
    assert asaas.row("tenants", tenant["id"])["status"] == "canceled"  # type: ignore[index]


def test_a_tenant_is_found_by_its_subscription_when_the_customer_is_unknown(
    asaas: Gateway, tenant: dict[str, str]
) -> None:
    event = payment_event(
        "PAYMENT_CONFIRMED", tenant, customer="cus_elsewhere", subscription=tenant["asaas_subscription_id"]
    )
    assert send(asaas, event).json["tenantId"] == tenant["id"]


def test_an_unknown_tenant_is_answered_200_without_an_id(asaas: Gateway) -> None:
    event = payment_event("PAYMENT_CONFIRMED", {"asaas_customer_id": "cus_nobody"})
    reply = send(asaas, event)
    assert (reply.status, reply.json) == (
        200,
        {"success": True, "eventType": "PAYMENT_CONFIRMED", "action": "tenant_not_found"},
    )


def test_an_unknown_event_type_is_kept_and_ignored(asaas: Gateway) -> None:
    reply = send(asaas, {"event": "PAYMENT_TELEPORTED", "payment": {"id": "pay_teleported"}})
    assert reply.status == 200
    assert reply.json["success"] is False
    assert "PAYMENT_TELEPORTED" in reply.json["error"]
    assert asaas.sql("SELECT status FROM gateway_events WHERE type = 'PAYMENT_TELEPORTED'") == [("ignored",)]


@pytest.mark.parametrize("headers", [{}, {"asaas-access-token": "wrong"}, {"asaas-access-token": ""}])
def test_a_wrong_or_missing_token_is_refused_and_nothing_is_stored(asaas: Gateway, headers: dict[str, str]) -> None:
    before = asaas.sql("SELECT count(*) FROM gateway_events")
    reply = send(asaas, {"event": "PAYMENT_CONFIRMED", "payment": {"id": "pay_forged"}}, headers)
    assert reply.status == 401
    assert reply.json["success"] is False
    assert reply.json["error"]["message"]
    assert asaas.sql("SELECT count(*) FROM gateway_events") == before


def test_a_redelivery_is_answered_like_the_first_and_counts_once(asaas: Gateway, tenant: dict[str, str]) -> None:
    event = payment_event("PAYMENT_CONFIRMED", tenant, at="2026-04-01 12:00:00")
    first, second = send(asaas, event), send(asaas, event)
    assert (second.status, second.json) == (first.status, first.json)
    assert asaas.sql("SELECT count(*), sum(duplicates) FROM gateway_events WHERE event_id = ?", event["id"]) == [(1, 1)]


def test_an_older_sender_without_ids_still_counts_once(asaas: Gateway, tenant: dict[str, str]) -> None:
    event = payment_event("PAYMENT_CONFIRMED", tenant)
    assert send(asaas, event).json == send(asaas, event).json
    count = asaas.sql("SELECT count(*) FROM gateway_events WHERE event_id LIKE ?", f"%{event['payment']['id']}%")
    assert count == [(1,)]


def test_ids_that_differ_after_the_ampersand_are_two_events(asaas: Gateway, tenant: dict[str, str]) -> None:
    events = [payment_event("PAYMENT_RECEIVED", tenant, at="2026-05-01 12:00:00") for _ in range(2)]
    events[0]["id"], events[1]["id"] = (
        "evt_05b708f961d739ea7eba7e4db318f621&1",
        "evt_05b708f961d739ea7eba7e4db318f621&2",
    )
    for event in events:
        assert send(asaas, event).json["action"] == "tenant_activated"
    assert all(asaas.row("asaas_payments", event["payment"]["id"]) for event in events)


@pytest.mark.parametrize("written", ["2026-08-08", "08/08/2026", "2026-08-08 10:00:00", "2026-08-08T10:00:00Z"])
def test_every_date_format_is_read(asaas: Gateway, tenant: dict[str, str], written: str) -> None:
    event = payment_event("PAYMENT_CREATED", tenant, dueDate=written, status="PENDING")
    assert send(asaas, event).json["success"] is True
    assert asaas.row("asaas_payments", event["payment"]["id"])["due_date"] == "2026-08-08"  # type: ignore[index]


def test_a_failure_that_will_not_pass_is_answered_200_and_kept(asaas: Gateway, tenant: dict[str, str]) -> None:
    event = payment_event("PAYMENT_CREATED", tenant, value="a lot")
    reply = send(asaas, event)
    assert reply.status == 200
    assert reply.json["success"] is False
    assert "a lot" in reply.json["error"]
    assert [e["status"] for e in asaas.api("GET", "/api/events?status=dead").json["events"]][:1] == ["dead"]


@pytest.mark.parametrize(
    "body",
    [b"{", b"\xff\xfe", b'{"event": NaN}', b'{"event": "PAYMENT_CREATED", "event": "PAYMENT_DELETED"}', b"[" * 5000],
    ids=["not JSON", "not UTF-8", "NaN", "duplicate key", "deep"],
)
def test_a_body_that_cannot_be_read_is_kept_and_answered_200(asaas: Gateway, body: bytes) -> None:
    reply = asaas.post(PATH, body, TOKEN)
    assert reply.status == 200
    assert reply.json["success"] is False
    [(stored,)] = asaas.sql("SELECT body FROM gateway_bodies ORDER BY event DESC LIMIT 1")
    assert stored == body
    assert asaas.sql("SELECT status FROM gateway_events ORDER BY seq DESC LIMIT 1") == [("dead",)]


def test_a_source_has_a_health_address(asaas: Gateway) -> None:
    reply = asaas.get("/webhook/health")
    assert reply.status == 200
    assert (reply.json["status"], reply.json["service"]) == ("healthy", "asaas-webhook")


def test_it_ends_the_same_when_the_gateway_dies_in_the_middle(asaas: Gateway, tenant: dict[str, str]) -> None:
    overdue = payment_event("PAYMENT_OVERDUE", tenant, at="2026-06-02 08:00:00", dueDate=days_ago(3))
    payment = overdue["payment"]["id"]
    created = payment_event("PAYMENT_CREATED", tenant, at="2026-06-01 08:00:00", id=payment, status="PENDING")
    events = [
        subscription_event("SUBSCRIPTION_CREATED", tenant, status="ACTIVE"),
        created,
        overdue,
        payment_event("PAYMENT_RECEIVED", tenant, at="2026-06-03 08:00:00", id=payment),
        payment_event("PAYMENT_REFUNDED", tenant, at="2026-06-04 08:00:00", id=payment),
    ]
    answers = []
    for number, event in enumerate(events):
        answers.append(send(asaas, event).json)
        if number == 2:
            asaas.crash()
    assert [send(asaas, event).json for event in events] == answers
    assert [answer["action"] for answer in answers] == [
        "subscription_synced",
        "payment_registered",
        "tenant_overdue",
        "tenant_activated",
        "refund_registered",
    ]
    row = asaas.row("tenants", tenant["id"])
    assert row is not None
    assert (row["status"], row["subscription_status"]) == ("active", "ACTIVE")
    assert asaas.row("asaas_payments", payment)["status"] == "refunded"  # type: ignore[index]
    assert asaas.row("asaas_refunds", payment)["tenant_id"] == tenant["id"]  # type: ignore[index]
    assert suspension_of(asaas, overdue)["status"] == "ignored"


def test_the_token_never_shows(asaas: Gateway, tenant: dict[str, str]) -> None:
    send(asaas, payment_event("PAYMENT_CONFIRMED", tenant))
    secret = ENVIRONMENT["ASAAS_WEBHOOK_TOKEN"]
    assert secret not in asaas.log
    assert asaas.sql("SELECT count(*) FROM gateway_bodies WHERE headers LIKE ?", f"%{secret}%") == [(0,)]


def recorded() -> list[Path]:
    folder = Path(__file__).parents[3] / "shared" / "payloads" / "asaas"
    return sorted(folder.rglob("*.json"))


@pytest.mark.skipif(not recorded(), reason="the recorded payloads are not here")
@pytest.mark.parametrize("path", recorded(), ids=lambda path: path.stem)
def test_a_recorded_payload_is_processed(asaas: Gateway, path: Path) -> None:
    body = json.loads(path.read_bytes())
    owner = body.get("payment") or body.get("subscription")
    key = f"tenant-{owner['customer']}"
    assert asaas.api("PUT", f"/api/tables/tenants/{key}", {"asaas_customer_id": owner["customer"]}).status == 200
    reply = asaas.post(PATH, path.read_bytes(), TOKEN)
    assert reply.status == 200
    if body["event"] == "PAYMENT_DELETED":
        assert reply.json["success"] is False
    else:
        assert (reply.json["success"], reply.json["tenantId"]) == (True, key)
