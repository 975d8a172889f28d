"""Envelopes: what an event is called, what kind it is, when it happened, and in which order it belongs."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from multidict import CIMultiDict

from gateway.providers import PRESETS, Envelope, build_envelope

HUGE = pytest.param(10**5000, id="huge")
READERS = {name: build_envelope({}, preset) for name, preset in PRESETS.items()}


def read(provider: str, payload: object, headers: dict[str, str] | None = None) -> Envelope:
    return READERS[provider].read(payload, CIMultiDict(headers or {}))


def test_a_stripe_event() -> None:
    payload = {
        "id": "evt_1",
        "type": "invoice.paid",
        "created": 1767960000,
        "data": {"object": {"id": "in_1", "customer": "cus_1"}},
    }
    assert read("stripe", payload) == Envelope("evt_1", "invoice.paid", datetime(2026, 1, 9, 12, tzinfo=UTC), "cus_1")


@pytest.mark.parametrize(
    ("found", "key"),
    [
        ({"object": "customer", "id": "cus_1"}, "cus_1"),
        ({"object": "invoice", "id": "in_1", "customer": {"id": "cus_2", "object": "customer"}}, "cus_2"),
        ({"object": "refund", "id": "re_1", "payment_intent": "pi_1", "charge": "ch_1"}, "pi_1"),
        ({"object": "dispute", "id": "dp_1", "charge": "ch_1"}, "ch_1"),
        ({"object": "plan", "id": "plan_1"}, "plan_1"),
    ],
)
def test_stripe_events_are_ordered_by_customer_where_there_is_one(found: dict[str, Any], key: str) -> None:
    assert read("stripe", {"data": {"object": found}}).key == key


def test_a_detached_payment_method_stays_behind_its_customers_events() -> None:
    data = {
        "object": {"object": "payment_method", "id": "pm_1", "customer": None},
        "previous_attributes": {"customer": "cus_1"},
    }
    assert read("stripe", {"data": data}).key == "cus_1"


def test_a_thin_stripe_event() -> None:
    payload = {
        "id": "evt_1",
        "type": "v2.core.account.created",
        "created": "2026-01-09T12:00:00.000Z",
        "related_object": {"id": "acct_1"},
    }
    found = read("stripe", payload)
    assert (found.occurred_at, found.key) == (datetime(2026, 1, 9, 12, tzinfo=UTC), "acct_1")


def test_an_asaas_event_keeps_its_whole_id_and_its_local_time() -> None:
    payload = {
        "id": "evt_05b7&368604920",
        "event": "PAYMENT_RECEIVED",
        "dateCreated": "2026-08-08 21:01:48",
        "payment": {"customer": "cus_1"},
    }
    at = datetime(2026, 8, 9, 0, 1, 48, tzinfo=UTC)
    assert read("asaas", payload) == Envelope("evt_05b7&368604920", "PAYMENT_RECEIVED", at, "cus_1")


@pytest.mark.parametrize(
    ("payload", "identity"),
    [
        (
            {"event": "PAYMENT_CREATED", "payment": {"id": "pay_1", "status": "PENDING"}},
            "PAYMENT_CREATED:pay_1:PENDING",
        ),
        ({"event": "SUBSCRIPTION_DELETED", "subscription": {"id": "sub_1"}}, "SUBSCRIPTION_DELETED:sub_1"),
        ({"event": "PAYMENT_CREATED", "payment": {"id": 7, "status": "PENDING"}}, "PAYMENT_CREATED:7:PENDING"),
        ({"event": "PAYMENT_CREATED", "payment": {"status": "PENDING"}}, None),
        ({"payment": {"id": "pay_1", "status": "PENDING"}}, None),
        ({"event": "TRANSFER_DONE", "transfer": {"id": "t_1"}}, None),
    ],
)
def test_an_older_asaas_event_is_known_by_what_it_is_about(payload: dict[str, Any], identity: str | None) -> None:
    assert read("asaas", payload).id == identity


def test_workos_paypal_and_github() -> None:
    organization = {"id": "event_1", "event": "organization.created", "created_at": "2026-01-09T12:00:00.000Z"}
    assert read("workos", {**organization, "data": {"object": "organization", "id": "org_1"}}).key == "org_1"
    assert (
        read("workos", {**organization, "data": {"object": "user", "organization_id": "org_2", "id": "u"}}).key
        == "org_2"
    )
    capture = {"id": "WH-1", "event_type": "PAYMENT.CAPTURE.COMPLETED", "create_time": "2018-19-12T22:20:32.000Z"}
    assert read("paypal", {**capture, "resource": {"id": "c", "custom_id": "user"}}) == Envelope(
        "WH-1", "PAYMENT.CAPTURE.COMPLETED", None, "user"
    )
    headers = {"x-github-event": "push", "x-github-delivery": "guid"}
    assert read("github", {"repository": {"id": 7}}, headers) == Envelope("guid", "push", None, "7")


@pytest.mark.parametrize(
    ("resource", "key"),
    [
        ({"id": "CAP1", "custom_id": "user", "supplementary_data": {"related_ids": {"order_id": "ORD1"}}}, "user"),
        ({"id": "ORD1", "purchase_units": [{"custom_id": "user"}]}, "user"),
        ({"id": "CAP1", "supplementary_data": {"related_ids": {"order_id": "ORD1"}}}, "ORD1"),
        ({"id": "SALE1", "billing_agreement_id": "I-1"}, "I-1"),
        ({"id": "CAP1", "links": [{"rel": "up", "href": "https://api/v2/checkout/orders/ORD1"}]}, "ORD1"),
        ({"id": "REF1", "links": [{"rel": "up", "href": "https://api/v2/payments/captures/CAP1"}]}, "CAP1"),
        ({"id": "CAP1", "links": [{"rel": "up", "href": "https://api/v2/payments/authorizations/A"}]}, "CAP1"),
        ({"id": "CAP1", "links": [{"rel": "up", "href": 7}]}, None),
        ({"dispute_id": "PP-1", "disputed_transactions": [{"seller_transaction_id": "CAP1"}]}, "CAP1"),
        ({"dispute_id": "PP-1", "disputed_transactions": []}, "PP-1"),
    ],
)
def test_paypal_events_are_ordered_by_buyer_else_by_order(resource: dict[str, Any], key: str | None) -> None:
    assert read("paypal", {"id": "WH-1", "event_type": "X", "resource": resource}).key == key


@pytest.mark.parametrize(
    ("data", "key"),
    [
        ({"object": "organization", "id": "org_1", "domains": [{"organization_id": "org_9"}]}, "org_1"),
        ({"object": "user", "id": "user_1"}, "user_1"),
        ({"connection": {"id": "conn_1", "organization_id": "org_1"}, "days_until_expiry": 30}, "org_1"),
        ({"directory_id": "dir_1", "user": {"id": "u"}}, "dir_1"),
    ],
)
def test_workos_events_are_ordered_by_organization(data: dict[str, Any], key: str) -> None:
    assert read("workos", {"id": "event_1", "event": "x", "data": data}).key == key


def test_a_message_is_known_by_the_id_that_is_signed() -> None:
    headers = {"webhook-id": "signed", "svix-id": "added"}
    assert read("svix", {}, headers).id == read("standard-webhooks", {}, headers).id == "signed"
    assert read("standard-webhooks", {}, {"svix-id": " msg_1 "}).id == "msg_1"


def test_a_time_in_a_header() -> None:
    headers = {"x-shopify-triggered-at": "2026-01-09T12:00:00.123456Z", "x-shopify-event-id": "e"}
    assert read("shopify", {}, headers).occurred_at == datetime(2026, 1, 9, 12, 0, 0, 123456, tzinfo=UTC)


def test_a_source_says_a_part_differently() -> None:
    reader = build_envelope(
        {"key": "data.object.id", "occurred_at": {"path": "at", "zone": "Europe/Berlin"}}, PRESETS["stripe"]
    )
    found = reader.read({"id": "e", "type": "t", "at": "2026-01-09 13:00:00", "data": {"object": {"id": "x"}}}, {})
    assert found == Envelope("e", "t", datetime(2026, 1, 9, 12, tzinfo=UTC), "x")


@pytest.mark.parametrize(
    "value", [None, True, 1.5, [], {}, "", "a\0b", "a\nb", "\ud800", "a\x7f", "a\x9f", "é\n", HUGE]
)
def test_what_is_no_name_is_none(value: object) -> None:
    assert read("stripe", {"id": value}).id is None


def test_numbers_are_names() -> None:
    assert read("stripe", {"id": 12}).id == "12"


@pytest.mark.parametrize(
    "value",
    [
        10**30,
        -(10**30),
        Decimal("1E+999999999"),
        Decimal("NaN"),
        "2018-19-12T22:20:32.000Z",
        "",
        [],
        {},
        True,
        "\ud800",
        HUGE,
    ],
)
def test_what_is_no_time_is_none(value: object) -> None:
    assert read("stripe", {"id": "evt_1", "created": value}).occurred_at is None


def test_a_long_name_is_kept_whole_for_whoever_judges_it() -> None:
    assert read("stripe", {"id": "e" * 5000}).id == "e" * 5000


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.decimals() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["id", "type", "event", "created", "data", "object", "customer", "payment", "resource"]),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)


@settings(max_examples=300)
@given(provider=st.sampled_from(sorted(PRESETS)), payload=JSON)
def test_no_payload_raises(provider: str, payload: object) -> None:
    assert isinstance(read(provider, payload), Envelope)


def test_a_time_that_a_source_names_itself_does_not_tell_events_apart() -> None:
    assert build_envelope({}, PRESETS["stripe"]).fixed_time
    assert not build_envelope({"occurred_at": "sent_at"}, PRESETS["stripe"]).fixed_time
    assert not build_envelope({"id": "id", "occurred_at": "sent_at"}, None).fixed_time
