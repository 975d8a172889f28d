"""ASAAS: a token in a header, ids with an ampersand, local times. Source: docs.asaas.com."""

from __future__ import annotations

from gateway.providers.preset import Preset

_PAYMENT = (
    "CREATED AWAITING_RISK_ANALYSIS APPROVED_BY_RISK_ANALYSIS REPROVED_BY_RISK_ANALYSIS AUTHORIZED UPDATED CONFIRMED "
    "RECEIVED CREDIT_CARD_CAPTURE_REFUSED ANTICIPATED OVERDUE DELETED RESTORED REFUNDED PARTIALLY_REFUNDED "
    "REFUND_IN_PROGRESS REFUND_DENIED RECEIVED_IN_CASH_UNDONE CHARGEBACK_REQUESTED CHARGEBACK_DISPUTE "
    "AWAITING_CHARGEBACK_REVERSAL DUNNING_RECEIVED DUNNING_REQUESTED BANK_SLIP_VIEWED CHECKOUT_VIEWED "
    "SPLIT_CANCELLED SPLIT_DIVERGENCE_BLOCK SPLIT_DIVERGENCE_BLOCK_FINISHED"
)
_SUBSCRIPTION = "CREATED UPDATED INACTIVATED DELETED SPLIT_DIVERGENCE_BLOCK SPLIT_DIVERGENCE_BLOCK_FINISHED"

ASAAS = Preset(
    name="asaas",
    title="ASAAS",
    docs="https://docs.asaas.com/docs/sobre-os-webhooks",
    scheme="token",
    success="exactly 200 within 10 s; after 15 failures in a row nothing is sent any more",
    token_header="asaas-access-token",  # noqa: S106 - the header's name
    event={
        # Older senders give no id: then the type, the object and its status are what makes it this event. Without an
        # object's id nothing does, and the event is its body.
        "id": (
            "id || event && (payment.id || subscription.id) && join(':', map(&to_string(@),"
            " [event, payment.id || subscription.id, payment.status || subscription.status][?@]))"
        ),
        "type": "event",
        "occurred_at": {"path": "dateCreated", "zone": "America/Sao_Paulo"},
        "key": "payment.customer || subscription.customer || payment.id || subscription.id",
    },
    event_types=tuple(
        [f"PAYMENT_{name}" for name in _PAYMENT.split()] + [f"SUBSCRIPTION_{name}" for name in _SUBSCRIPTION.split()]
    ),
    instead={
        "SUBSCRIPTION_ACTIVATED": ("SUBSCRIPTION_CREATED", "SUBSCRIPTION_UPDATED"),
        "SUBSCRIPTION_CANCELED": ("SUBSCRIPTION_INACTIVATED", "SUBSCRIPTION_DELETED"),
    },
)
