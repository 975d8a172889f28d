"""An organization gets one customer at Stripe, whenever the gateway dies and whatever Stripe answers."""

from __future__ import annotations

import itertools
import json
import sqlite3
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from installation import Installation
from servers.stripe import StripeRequest
from signing import send_workos

CUSTOMERS = "/v1/customers"

_numbers = itertools.count(1)


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    with Installation(tmp_path_factory.mktemp("workos_calls"), quick=True) as installation:
        yield installation


@pytest.fixture
def here(running: Installation) -> Iterator[Installation]:
    yield running
    running.stripe.work_again()


def organization(kind: str = "created", identity: str | None = None, name: str = "Acme") -> dict[str, Any]:
    number = next(_numbers)
    now = datetime.now(UTC).isoformat().replace("+00:00", "Z")
    return {
        "object": "event",
        "id": f"event_{number:026d}",
        "event": f"organization.{kind}",
        "data": {"object": "organization", "id": identity or f"org_{number}", "name": name, "updated_at": now},
        "created_at": now,
    }


def send(here: Installation, event: dict[str, Any]) -> None:
    reply = send_workos(here.gateway, event)
    assert reply.status == 200, reply.body


def asked_for(here: Installation, event: dict[str, Any]) -> list[StripeRequest]:
    """Return the requests that were to make the organization's customer."""
    made = here.stripe.made("POST", CUSTOMERS)
    return [one for one in made if one.form["metadata[workos_organization_id]"] == event["data"]["id"]]


def assert_one_customer(here: Installation, event: dict[str, Any], *, tries: int) -> None:
    """The organization has one customer, which its row names, and each try had the same key."""
    outcome = here.gateway.outcome(event["id"])
    assert (outcome["status"], outcome["result"]) == ("done", "organization_created")
    owner = event["data"]["id"]
    customers = [one for one in here.stripe.objects("customers") if one["metadata"]["workos_organization_id"] == owner]
    assert [one["id"] for one in customers] == [here.row("organization_balances", owner)["stripe_customer_id"]]
    asked = asked_for(here, event)
    assert len(asked) >= tries
    assert len({one.idempotency_key for one in asked}) == 1
    assert asked[0].idempotency_key


def assert_nothing_stored(here: Installation, event: dict[str, Any]) -> None:
    assert here.gateway.row("organization_balances", event["data"]["id"]) is None


@pytest.mark.parametrize("stage", ["before", "after"])
def test_the_gateway_dies_while_stripe_works(here: Installation, stage: Any) -> None:
    event = organization()
    hold = here.stripe.hold(stage, path=CUSTOMERS)
    send(here, event)
    hold.wait_until_it_arrived()
    here.gateway.kill()
    hold.release()
    here.gateway.start()
    assert_one_customer(here, event, tries=2)


def test_stripe_is_still_at_it_when_the_gateway_comes_back(here: Installation) -> None:
    event = organization()
    hold = here.stripe.hold(path=CUSTOMERS)
    send(here, event)
    hold.wait_until_it_arrived()
    here.gateway.crash()
    deadline = time.monotonic() + 30
    while len(asked_for(here, event)) < 2:
        assert time.monotonic() < deadline, "it was not tried again"
        time.sleep(0.02)
    assert_nothing_stored(here, event)
    hold.release()
    assert_one_customer(here, event, tries=3)
    assert 409 in {one.status for one in asked_for(here, event)}


def test_the_gateway_dies_with_an_answer_that_it_could_not_store(here: Installation) -> None:
    event = organization()
    hold = here.stripe.hold("after", path=CUSTOMERS)
    send(here, event)
    hold.wait_until_it_arrived()
    connection = sqlite3.connect(here.gateway.database, isolation_level=None)
    connection.execute("BEGIN IMMEDIATE")  # nothing else is written until this ends
    hold.release()
    deadline = time.monotonic() + 30
    while asked_for(here, event)[0].status is None:
        assert time.monotonic() < deadline, "it was not answered"
        time.sleep(0.01)
    here.gateway.kill()
    connection.execute("ROLLBACK")
    connection.close()
    here.gateway.start()
    assert_one_customer(here, event, tries=2)


def test_the_gateway_dies_somewhere_between_the_answer_and_the_commit(here: Installation) -> None:
    event = organization()
    hold = here.stripe.hold("after", path=CUSTOMERS)
    send(here, event)
    hold.wait_until_it_arrived()
    hold.release()
    here.gateway.crash()  # wherever it is by then: every outcome must be the same
    assert_one_customer(here, event, tries=1)


def test_the_gateway_dies_again_and_again(here: Installation) -> None:
    event = organization()
    holds = [here.stripe.hold("after", path=CUSTOMERS) for _ in range(2)]
    send(here, event)
    for hold in holds:
        hold.wait_until_it_arrived()
        here.gateway.kill()
        hold.release()
        here.gateway.start()
    assert_one_customer(here, event, tries=3)


def test_trouble_of_stripe_is_tried_again_and_stores_nothing(here: Installation) -> None:
    event = organization()
    here.stripe.fail(500, times=2)
    here.stripe.fail(429, headers={"Retry-After": "1"})
    hold = here.stripe.hold(path=CUSTOMERS)
    send(here, event)
    hold.wait_until_it_arrived()
    assert [one.status for one in asked_for(here, event)] == [500, 500, 429, None]
    assert_nothing_stored(here, event)
    assert here.gateway.event(event["id"])["status"] == "waiting"
    hold.release()
    assert_one_customer(here, event, tries=4)
    limited, last = asked_for(here, event)[2:4]
    assert last.at - limited.at >= 1, "it was asked to wait for a second"


@pytest.mark.parametrize("stage", ["before", "after"])
def test_a_connection_that_breaks_is_tried_again(here: Installation, stage: Any) -> None:
    event = organization()
    here.stripe.reset(stage, times=2, path=CUSTOMERS)
    send(here, event)
    assert_one_customer(here, event, tries=3)


def test_a_stripe_that_is_away_is_waited_for(here: Installation) -> None:
    event = organization()
    here.stripe.work_again()
    before = len(here.stripe.requests)
    here.stripe.reset(times=1000)
    send(here, event)
    deadline = time.monotonic() + 30
    while len(here.stripe.requests) < before + 3:
        assert time.monotonic() < deadline, "it was not tried again"
        time.sleep(0.02)
    assert_nothing_stored(here, event)
    here.stripe.work_again()
    assert_one_customer(here, event, tries=4)


def test_a_refusal_stores_nothing_and_the_event_can_be_run_again(here: Installation) -> None:
    event = organization()
    refusal = {"error": {"type": "invalid_request_error", "message": "no more customers for today"}}
    here.stripe.fail(403, body=json.dumps(refusal))
    send(here, event)
    deadline = time.monotonic() + 30
    while not any(one.status == 403 for one in asked_for(here, event)):
        assert time.monotonic() < deadline, "it was not asked for"
        time.sleep(0.02)
    outcome = here.gateway.outcome(event["id"])
    if outcome["status"] == "dead":
        assert "no more customers for today" in outcome["error"]
        assert_nothing_stored(here, event)
        assert here.gateway.cli("events", "retry", str(outcome["id"])).returncode == 0
    outcome = here.gateway.outcome(event["id"])
    assert (outcome["status"], outcome["result"]) == ("done", "organization_created")
    owner = event["data"]["id"]
    customers = [one for one in here.stripe.objects("customers") if one["metadata"]["workos_organization_id"] == owner]
    assert len(customers) == 1


def test_an_update_waits_behind_the_creation(here: Installation) -> None:
    created = organization()
    updated = organization("updated", created["data"]["id"], "Acme the Second")
    other = organization()
    hold = here.stripe.hold(path=CUSTOMERS)
    send(here, created)
    hold.wait_until_it_arrived()
    send(here, updated)
    send(here, other)
    assert_one_customer(here, other, tries=1)
    assert here.gateway.event(updated["id"])["status"] == "waiting"
    here.gateway.crash()
    assert here.gateway.event(updated["id"])["finished_at"] is None
    hold.release()
    assert_one_customer(here, created, tries=2)
    assert here.gateway.outcome(updated["id"])["result"] == "organization_updated"
    first, second = here.gateway.event(created["id"]), here.gateway.event(updated["id"])
    assert first["finished_at"] <= second["finished_at"]


def test_a_redelivery_asks_for_nothing(here: Installation) -> None:
    event = organization()
    send(here, event)
    assert_one_customer(here, event, tries=1)
    assert send_workos(here.gateway, event).json["status"] == "duplicate"
    twin = {**event, "id": event["id"] + "b"}
    send(here, twin)
    assert here.gateway.outcome(twin["id"])["result"] == "organization_exists"
    assert len(asked_for(here, event)) == 1
