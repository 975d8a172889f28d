"""The subscriptions at Stripe: the same rows in the end, whatever the order; every recorded payload ends well."""

from __future__ import annotations

import json
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rules.shipped import Rows, fresh_database, rows, rows_of, status
from rules.subscribers import BEGAN, MONTH, STORY, deliver_and_answer
from rules.test_any_order import histories
from rules.test_recorded import recorded

from gateway.store.codecs import encode_timestamp, moment_of

TABLES = (
    "users", "customers", "subscriptions", "subscription_prices", "payment_methods", "invoices", "payments", "refunds",
    "disputes", "charges",
)  # fmt: skip


Batches = list[list[dict[str, Any]]]


def _play(batches: Batches, *, stripe_knows: bool = True, slice_of: int = 64) -> Rows:
    with closing(fresh_database()) as database:
        for batch in batches:
            for number in deliver_and_answer(database, batch, stripe_knows=stripe_knows, slice_of=slice_of):
                assert status(database, number)[0] == "done"
        # Who an event was about may not be known yet when it is audited.
        audited = rows_of(database, "audit_entries", "id", "what", "object_id", "at")
        return rows(database, *TABLES) | {"audit_entries": audited}


@st.composite
def tellings(draw: st.DrawFn) -> tuple[Batches, Batches]:
    """Some events of the story, as they happened, and in any order with some of them again."""
    chosen = draw(st.one_of(st.just(range(len(STORY))), st.sets(st.sampled_from(range(len(STORY))), min_size=2)))
    part = [STORY[place] for place in sorted(chosen)]
    return [[event] for event in part], draw(histories(part))


@settings(max_examples=60)
@given(tellings(), st.sampled_from([1, 3, 64]))
def test_any_order(told: tuple[Batches, Batches], slice_of: int) -> None:
    in_order, history = told
    assert _play(history, slice_of=slice_of) == _play(in_order)


def test_what_stripe_does_not_know_is_told_by_events() -> None:
    backwards = [[event] for event in reversed(STORY)]
    assert _play(backwards, stripe_knows=False) == _play([[event] for event in STORY])


def test_what_there_is_in_the_end() -> None:
    with closing(fresh_database()) as database:
        deliver_and_answer(database, STORY)
        assert rows_of(database, "users", "id", "subscription_status", "features") == [
            ("u1", None, "[]"),
            ("u2", "trialing", '["likes","boosts","see_likes"]'),
            ("u3", "canceled", "[]"),
        ]
        assert rows_of(database, "subscriptions", "id", "user_id", "status", "plan_change", "current_period_end") == [
            ("sub_1", "u2", "canceled", "downgrade", _at(MONTH)),
            ("sub_2", "u2", "trialing", None, _at(MONTH)),
            ("sub_3", "u3", "canceled", None, _at(MONTH)),
            ("sub_4", "u3", "canceled", None, _at(MONTH)),
        ]
        assert rows_of(database, "payment_methods", "id", "is_default", "deleted_at") == [
            ("pm_1", 0, _at(5)),
            ("pm_2", 1, None),
            ("pm_3", 0, None),
        ]
        assert rows_of(database, "invoices", "id", "status", "outcome", "payment_intent") == [
            ("in_1", "paid", "paid", "pi_1"),
            ("in_2", "paid", "paid", "pi_2"),
            ("in_3", "void", "failed", None),
            ("in_4", "paid", "paid", None),
        ]
        assert rows_of(database, "payments", "id", "invoice_id", "amount", "status", "failure_reason") == [
            ("in_3", "in_3", "19.99", "failed", None),
            ("in_4", "in_4", "0.00", "succeeded", None),
            ("pi_1", "in_1", "19.99", "partially_refunded", None),
            ("pi_2", "in_2", "19.99", "disputed", None),
        ]


def _at(second: int) -> object:
    return encode_timestamp(moment_of((BEGAN + second) * 1_000_000))


# Written against the page of the events, not against the rules: everything else is acknowledged and ignored.
HANDLED = {
    *(f"customer.{what}" for what in ("created", "updated", "deleted")),
    *(f"customer.subscription.{what}" for what in ("created", "updated", "deleted", "trial_will_end")),
    *(f"invoice.{what}" for what in ("created", "finalized", "payment_succeeded", "payment_failed", "voided")),
    *(f"payment_method.{what}" for what in ("attached", "detached", "updated")),
    *(f"payment_intent.{what}" for what in ("succeeded", "payment_failed")),
    *(f"charge.dispute.{what}" for what in ("created", "closed")),
    "refund.created",
    "refund.updated",
    "invoice_payment.paid",
}


@pytest.mark.parametrize("path", recorded("stripe", "*.json"))
def test_recorded(path: Path) -> None:
    body = json.loads(path.read_bytes())
    handled = body["type"] in HANDLED and "id" in body["data"]["object"]
    with closing(fresh_database()) as database:
        [event] = deliver_and_answer(database, [body])
        assert status(database, event)[0] == ("done" if handled else "ignored")
        assert rows_of(database, "audit_entries", "object_id") == ([(body["data"]["object"]["id"],)] if handled else [])
