"""A signed sample of every event type that the five systems name can be sent through the whole path."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from installation import Installation
from running import eventually

TYPES = {
    "asaas": """
        PAYMENT_CREATED PAYMENT_CONFIRMED PAYMENT_RECEIVED PAYMENT_OVERDUE PAYMENT_REFUNDED SUBSCRIPTION_ACTIVATED
        SUBSCRIPTION_CREATED SUBSCRIPTION_UPDATED SUBSCRIPTION_CANCELED SUBSCRIPTION_INACTIVATED SUBSCRIPTION_DELETED
    """,
    "invoices": "payment_intent.succeeded payment_intent.payment_failed",
    "subscriptions": """
        customer.created customer.updated customer.deleted invoice.payment_succeeded invoice.payment_failed
        customer.subscription.created customer.subscription.updated customer.subscription.deleted
        customer.subscription.trial_will_end payment_method.attached payment_method.detached payment_method.updated
        payment_intent.succeeded payment_intent.payment_failed invoice.created invoice.finalized invoice.voided
        charge.dispute.created refund.created refund.updated
    """,
    "paypal": """
        PAYMENT.CAPTURE.COMPLETED PAYMENT.CAPTURE.DENIED PAYMENT.CAPTURE.REFUNDED PAYMENT.CAPTURE.REVERSED
        PAYMENT.CAPTURE.PENDING CHECKOUT.ORDER.APPROVED
    """,
    "workos": "organization.created organization.updated organization.deleted",
}


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    installation = Installation(tmp_path_factory.mktemp("samples"))
    for name in ("PAYPAL_CERT_DIR", "PAYPAL_TRUST_FILE"):
        del installation.gateway.environment[name]
    # As `make run` does it: also an authority of one's own, which signs as PayPal would.
    assert installation.gateway.cli("init", "--env-only").returncode == 0
    with installation:
        yield installation


@pytest.mark.parametrize(("source", "kind"), [(source, kind) for source in TYPES for kind in TYPES[source].split()])
def test_a_sample_is_verified_and_handled(here: Installation, source: str, kind: str) -> None:
    before = here.gateway.sql("SELECT coalesce(max(seq), 0) FROM gateway_events")[0][0]
    reply = here.gateway.api("POST", f"/api/trigger/{source}/{kind}")
    assert reply.status == 200, reply.body

    def stored() -> list[tuple[str, ...]]:
        return here.gateway.sql(
            "SELECT seq FROM gateway_events WHERE seq > ? AND source = ? AND type = ?", before, source, kind
        )

    eventually(lambda: bool(stored()))
    outcome = here.gateway.outcome(str(stored()[0][0]))
    assert outcome["status"] == "done", outcome
    assert outcome["rule"]
