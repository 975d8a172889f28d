"""What Stripe's API versions have moved or taken away: a rule may still meet either shape.

Source: docs.stripe.com/changelog/basil (2025-03-31) and docs.stripe.com/upgrades.
"""

from __future__ import annotations

from collections.abc import Mapping

from gateway.providers.preset import Moved

_BASIL = "2025-03-31.basil"

MOVED: Mapping[tuple[str, str], Moved] = {
    ("subscription", "current_period_start"): Moved(_BASIL, "items.data[].current_period_start"),
    ("subscription", "current_period_end"): Moved(_BASIL, "items.data[].current_period_end"),
    ("subscription", "discount"): Moved(_BASIL, "discounts"),
    ("invoice", "subscription"): Moved(_BASIL, "parent.subscription_details.subscription"),
    ("invoice", "subscription_details"): Moved(_BASIL, "parent.subscription_details"),
    ("invoice", "subscription_proration_date"): Moved(
        _BASIL, "parent.subscription_details.subscription_proration_date"
    ),
    ("invoice", "quote"): Moved(_BASIL, "parent.quote_details.quote"),
    ("invoice", "payment_intent"): Moved(_BASIL, "the event `invoice_payment.paid`"),
    ("invoice", "charge"): Moved(_BASIL, "the event `invoice_payment.paid`"),
    ("invoice", "paid"): Moved(_BASIL, "status == 'paid'"),
    ("invoice", "paid_out_of_band"): Moved(_BASIL, "payments (not part of a delivery)"),
    ("invoice", "tax"): Moved(_BASIL, "total_taxes"),
    ("invoice", "total_tax_amounts"): Moved(_BASIL, "total_taxes"),
    ("invoice", "discount"): Moved(_BASIL, "discounts"),
    ("payment_intent", "invoice"): Moved(_BASIL, "the event `invoice_payment.paid`: its `payment.payment_intent`"),
    ("payment_intent", "charges"): Moved("2022-11-15", "latest_charge"),
    ("charge", "invoice"): Moved(_BASIL, "the event `invoice_payment.paid`"),
    ("charge", "refunds"): Moved("2022-11-15", "the event `refund.created`"),
    ("line_item", "price"): Moved(_BASIL, "pricing.price_details.price"),
    ("line_item", "plan"): Moved(_BASIL, "pricing.price_details.price"),
    ("line_item", "type"): Moved(_BASIL, "parent.type"),
    ("line_item", "subscription_item"): Moved(_BASIL, "parent.subscription_item_details.subscription_item"),
    ("line_item", "invoice_item"): Moved(_BASIL, "parent.invoice_item_details.invoice_item"),
    ("line_item", "proration"): Moved(_BASIL, "parent.subscription_item_details.proration"),
    ("line_item", "proration_details"): Moved(_BASIL, "parent.subscription_item_details.proration_details"),
    ("line_item", "tax_amounts"): Moved(_BASIL, "taxes"),
    ("customer", "sources"): Moved("2020-08-27", "the payment methods of the customer"),
    ("customer", "subscriptions"): Moved("2020-08-27", "the subscriptions of the customer"),
    ("customer", "default_currency"): Moved("2020-08-27", "currency"),
}
"""By object and member."""
