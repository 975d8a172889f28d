"""The WorkOS system over HTTP: each line of what it promises."""

from __future__ import annotations

import hmac
import itertools
import json
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from installation import Installation
from running import ENVIRONMENT, Reply, eventually
from signing import WORKOS_PATH, send_workos, workos_signature

SECRET = ENVIRONMENT["WORKOS_WEBHOOK_SECRET"]
BALANCE = {
    "minimum_balance": 100,
    "target_balance": 1000,
    "auto_recharge_enabled": True,
    "current_balance": 0,
    "least_balance": 100,
    "add_balance_up_to": 1000,
    "org_limit": 10000,
    "max_daily_recharges": 5,
    "minimum_recharge_amount": 100,
}

_numbers = itertools.count(1)


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    with Installation(tmp_path_factory.mktemp("workos")) as installation:
        yield installation


def organization(kind: str, identity: str | None = None, **data: Any) -> dict[str, Any]:
    number = next(_numbers)
    now = datetime.now(UTC).isoformat().replace("+00:00", "Z")
    thing = {"object": "organization", "id": identity or f"org_{number}", "name": "Acme", "updated_at": now}
    return {
        "object": "event",
        "id": f"event_{number:026d}",
        "event": f"organization.{kind}",
        "data": {**thing, **data},
        "created_at": now,
    }


def sent(here: Installation, event: dict[str, Any]) -> dict[str, Any]:
    """Send an event and return it when it has ended."""
    assert send_workos(here.gateway, event).status == 200
    return here.gateway.outcome(event["id"])


def customer_of(here: Installation, owner: str) -> dict[str, Any]:
    customer: dict[str, Any] = here.stripe.ask(
        "GET", f"/v1/customers/{here.row('organization_balances', owner)['stripe_customer_id']}"
    )
    return customer


def test_an_organization_gets_a_customer_and_a_balance(here: Installation) -> None:
    event = organization("created", name="Acme Inc.")
    assert sent(here, event)["result"] == "organization_created"
    owner = event["data"]["id"]
    row = here.row("organization_balances", owner)
    assert {name: row[name] for name in BALANCE} == BALANCE
    assert row["c_organization_id"] == owner
    customer = customer_of(here, owner)
    assert (customer["name"], customer["email"]) == ("Acme Inc.", f"org-{owner}@workos-auto.generated")
    assert customer["metadata"] == {
        "workos_organization_id": owner,
        "source": "workos_webhook",
        "created_by": "auto_sync",
    }


@pytest.mark.parametrize("name", [None, "", "absent"])
def test_one_without_a_name_is_called_by_its_id(here: Installation, name: str | None) -> None:
    event = organization("created", name=name)
    if name == "absent":
        del event["data"]["name"]
    sent(here, event)
    owner = event["data"]["id"]
    assert customer_of(here, owner)["name"] == f"Organization {owner}"


def test_one_that_is_known_is_left_alone(here: Installation) -> None:
    owner = f"org_{next(_numbers)}"
    here.put("organization_balances", owner, stripe_customer_id=f"cus_of_{owner}", minimum_balance=7)
    before = len(here.stripe.requests)
    assert sent(here, organization("created", owner))["result"] == "organization_exists"
    assert len(here.stripe.requests) == before
    assert here.row("organization_balances", owner)["minimum_balance"] == 7
    eventually(lambda: "Organization already exists" in here.gateway.log)


def test_an_update_creates_what_is_missing(here: Installation) -> None:
    event = organization("updated")
    assert sent(here, event)["result"] == "organization_created"
    assert customer_of(here, event["data"]["id"])["name"] == "Acme"


def test_an_update_touches_no_balance(here: Installation) -> None:
    created = organization("created")
    owner = created["data"]["id"]
    sent(here, created)
    here.put("organization_balances", owner, target_balance=5, current_balance=3)
    before = here.row("organization_balances", owner)
    sent(here, organization("updated", owner, name="Acme the Second"))
    assert here.row("organization_balances", owner) == before
    assert customer_of(here, owner)["name"] == "Acme"
    audit = here.gateway.sql("SELECT count(*) FROM organization_audit WHERE c_organization_id = ?", owner)
    assert audit == [(1,)]


def test_a_deleted_one_is_kept_and_its_balance_written_down(here: Installation) -> None:
    created = organization("created")
    owner = created["data"]["id"]
    sent(here, created)
    here.put("organization_balances", owner, current_balance=42)
    deleted = organization("deleted", owner)
    assert sent(here, deleted)["result"] == "organization_retained"
    customer = customer_of(here, owner)
    assert customer["metadata"]["workos_organization_id"] == owner
    entry = here.row("organization_audit", deleted["id"])
    assert (entry["current_balance"], entry["stripe_customer_id"]) == (42, customer["id"])


def test_with_the_setting_customer_and_balance_are_deleted(tmp_path: Any) -> None:
    with Installation(tmp_path) as here:
        path = here.gateway.folder / "rules" / "workos-organizations.yaml"
        text = path.read_text()
        assert "hard_delete: false" in text
        path.write_text(text.replace("hard_delete: false", "hard_delete: true "))
        eventually(lambda: "the configuration was read again" in here.gateway.log)
        created = organization("created")
        owner = created["data"]["id"]
        sent(here, created)
        customer = here.row("organization_balances", owner)["stripe_customer_id"]
        hold = here.stripe.hold(path=f"/v1/customers/{customer}")
        deleted = organization("deleted", owner)
        assert send_workos(here.gateway, deleted).status == 200
        hold.wait_until_it_arrived()
        assert here.gateway.row("organization_balances", owner) is not None, "the customer goes first"
        here.gateway.kill()
        hold.release()
        here.gateway.start()
        assert here.gateway.outcome(deleted["id"], 90)["result"] == "organization_deleted"
        assert here.gateway.row("organization_balances", owner) is None
        assert customer not in {one["id"] for one in here.stripe.objects("customers")}
        assert here.row("organization_audit", deleted["id"])["stripe_customer_id"] == customer


def refusals() -> dict[str, str]:
    body = json.dumps(organization("created")).encode()
    now = int(time.time() * 1000)
    in_seconds = hmac.new(SECRET.encode(), f"{now // 1000}.".encode() + body, "sha256").hexdigest()
    return {
        "missing": "",
        "of another secret": workos_signature(body, "another secret"),
        "late": workos_signature(body, SECRET, at=now - 200_000),
        "from the future": workos_signature(body, SECRET, at=now + 200_000),
        "in seconds": f"t={now // 1000}, v1={in_seconds}",
        "of no scheme": workos_signature(body, SECRET).replace("v1=", "v0="),
    }


@pytest.mark.parametrize("kind", refusals())
def test_a_signature_that_does_not_hold_is_refused(here: Installation, kind: str) -> None:
    body = json.dumps(organization("created")).encode()
    before = here.gateway.sql("SELECT count(*) FROM gateway_events")
    reply = here.gateway.post(WORKOS_PATH, body, {"WorkOS-Signature": refusals()[kind]})
    assert reply.status in {400, 401}
    assert here.gateway.sql("SELECT count(*) FROM gateway_events") == before


@pytest.mark.parametrize("separator", [",", ", "])
def test_a_proxy_may_take_the_space_away(here: Installation, separator: str) -> None:
    body = json.dumps(organization("created"), indent=3).encode()
    signature = workos_signature(body, SECRET, at=int(time.time() * 1000) - 170_000).replace(", ", separator)
    assert here.gateway.post(WORKOS_PATH, body, {"WorkOS-Signature": signature}).status == 200


def test_the_path_is_a_secret(here: Installation) -> None:
    body = json.dumps(organization("created")).encode()
    headers = {"WorkOS-Signature": workos_signature(body, SECRET)}
    assert here.gateway.post("/webhooks/workos/guessed", body, headers).status == 404


def test_it_says_that_it_is_well(here: Installation) -> None:
    reply = here.gateway.get("/webhooks/workos/health")
    assert reply.status == 200
    assert (reply.json["status"], reply.json["service"]) == ("healthy", "workos-webhook")
    assert datetime.fromisoformat(reply.json["timestamp"]).tzinfo is not None


def trigger(here: Installation, token: str) -> Reply:
    headers = {"Authorization": f"Bearer {token}"}
    return here.gateway.post("/api/trigger/workos/organization.created", b"{}", headers)


def test_a_signed_test_event_goes_the_whole_way(here: Installation) -> None:
    made = here.gateway.cli("trigger", "workos", "organization.created", "--set", "data.id=org_by_hand", "--json")
    assert made.returncode == 0, made.stderr
    event = json.loads(made.stdout)["event"]
    assert here.gateway.outcome(event["id"])["result"] == "organization_created"
    assert customer_of(here, "org_by_hand")["id"]
    assert trigger(here, "wrong").status == 401
    assert trigger(here, ENVIRONMENT["GATEWAY_ADMIN_TOKEN"]).status == 200


def test_the_mapping_is_readable(here: Installation) -> None:
    event = organization("created")
    owner = event["data"]["id"]
    sent(here, event)
    customer = here.row("organization_balances", owner)["stripe_customer_id"]
    reply = here.gateway.api("GET", f"/api/tables/organization_balances/{owner}")
    assert reply.json["row"]["stripe_customer_id"] == customer
    assert customer in here.gateway.cli("tables", "get", "organization_balances", owner).stdout


def test_an_organization_is_charged_through_the_mapping(here: Installation) -> None:
    event = organization("created")
    owner = event["data"]["id"]
    sent(here, event)
    customer = here.row("organization_balances", owner)["stripe_customer_id"]
    card = "type=card&card[number]=4242424242424242&card[exp_month]=12&card[exp_year]=2040&card[cvc]=123"
    method = here.stripe.ask("POST", "/v1/payment_methods", card.encode())["id"]
    here.stripe.ask("POST", f"/v1/payment_methods/{method}/attach", f"customer={customer}".encode())
    charged = here.gateway.cli(
        *("run", "charge_organization", "--with", f"organization_id={owner}"),
        *("--with", "amount=250", "--with", f"payment_method_id={method}"),
    )
    assert charged.returncode == 0, charged.stdout + charged.stderr
    eventually(lambda: here.row("organization_balances", owner)["current_balance"] == 250)
    [request] = here.stripe.made("POST", "/v1/payment_intents")
    assert request.form["customer"] == customer
    assert request.form["amount"] == "250"
    assert request.form["payment_method"] == method
    assert request.form["metadata[workos_org_id]"] == owner
    assert request.idempotency_key


def test_the_log_tells_the_story_and_no_secrets(here: Installation) -> None:
    event = organization("created", name="Somebody", contact="somebody@example.org")
    body = json.dumps(event).encode()
    signature = workos_signature(body, SECRET)
    headers = {"WorkOS-Signature": signature, "X-Request-Id": "request-of-the-test"}
    assert here.gateway.post(WORKOS_PATH, body, headers).headers["X-Request-Id"] == "request-of-the-test"
    here.gateway.outcome(event["id"])
    eventually(lambda: event["id"] in here.gateway.log)
    assert "request-of-the-test" in here.gateway.log
    refused = here.gateway.post(
        WORKOS_PATH, body, {"WorkOS-Signature": "t=1, v1=00", "X-Request-Id": "refused-request"}
    )
    assert refused.headers["X-Request-Id"] == "refused-request"
    eventually(lambda: "refused-request" in here.gateway.log)
    for secret in (SECRET, ENVIRONMENT["GATEWAY_ADMIN_TOKEN"], here.gateway.environment["STRIPE_API_KEY"]):
        assert secret not in here.gateway.log
    assert "somebody@example.org" not in here.gateway.log
    assert "@workos-auto.generated" not in here.gateway.log
