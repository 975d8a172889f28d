"""GW5xx: it works, but is probably not meant, or could be better."""

from __future__ import annotations

from gateway.config.codes.entry import RULES, Code
from gateway.config.codes.samples import (
    GATEWAY_FILE,
    RULES_FILE,
    STRIPE_KEY,
    WITH_STRIPE,
    with_rules,
    with_source,
    with_steps,
)
from gateway.providers.paypal_local import MARK

_REFUND = "{stripe: refunds.create, params: {charge: ch_1, reason: %s}}"
_PAYPAL = """\
version: 1
sources:
  orders:
    provider: paypal
    path: /webhook/paypal
    verify: {%s}
    unmatched: keep
"""
_CANCELED = """\
  - {name: finalized, on: invoice.finalized, do: [{schedule: remind, after: 3d, key: remind-$event.key}]}
  - {name: reminded, on: schedule.remind, do: [{log: not paid yet}]}
  - {name: paid, on: invoice.paid, do: [{cancel: remind-$event.key}]}
"""
_PROCEDURE = "version: 1\nprocedures:\n  note_it: [{log: paid}]\nrules:\n"

ADVICE = (
    Code(
        code="GW501",
        title="a procedure that nothing runs",
        why="It is probably forgotten, or run under a name that was changed.",
        wrong=_PROCEDURE + RULES_FILE.removeprefix("version: 1\nrules:\n"),
        right=_PROCEDURE + "  - {name: paid, on: invoice.paid, do: [{run: note_it}]}\n",
        file=RULES,
    ),
    Code(
        code="GW502",
        title="an event type that the provider no longer sends",
        why="Older senders may still use it; the provider sends another type today.",
        wrong="version: 1\nrules:\n  - {name: canceled, on: SUBSCRIPTION_CANCELED, do: [{log: canceled}]}\n",
        right="version: 1\nrules:\n  - {name: canceled, on: SUBSCRIPTION_DELETED, do: [{log: canceled}]}\n",
        file=RULES,
        gateway=with_source(provider="asaas", verify='{token: "${env:STRIPE_WEBHOOK_SECRET}"}'),
    ),
    Code(
        code="GW503",
        title="an answer that is never given",
        why="`response.body` is the answer of sources that wait for the outcome (`respond: result`).",
        wrong=with_source(response="{body: {action: $result}}"),
        right=with_source(respond="result", response="{body: {action: $result}}"),
    ),
    Code(
        code="GW504",
        title="events without a type",
        why="Rules choose events by their type. Without a provider, `event` says where it is in the payload.",
        wrong=with_source(provider="", verify="none"),
        right=with_source(provider="", verify="none", event="{id: id, type: kind}"),
    ),
    Code(
        code="GW505",
        title="a word that Stripe does not list",
        why="The parameter takes one of a few words. Stripe adds words now and then, so it may be right.",
        wrong=with_steps(_REFUND % "duplicated"),
        right=with_steps(_REFUND % "duplicate"),
        file=RULES,
        gateway=WITH_STRIPE,
        environ=STRIPE_KEY,
    ),
    Code(
        code="GW506",
        title="calls of Stripe without a key",
        why="The variable may be set where the gateway runs. Where none is, events that call Stripe become dead "
        "letters, which can be run again once there is one.",
        wrong=GATEWAY_FILE,
        right=WITH_STRIPE,
        rules=with_steps(_REFUND % "duplicate"),
        environ=STRIPE_KEY,
    ),
    Code(
        code="GW507",
        title="an authority for tests is trusted",
        why="`gateway init` makes a certificate authority that only this configuration trusts, so that "
        "`gateway trigger` can sign events as PayPal does. Whoever has its key can do the same.",
        wrong=_PAYPAL % 'webhook_id: "${env:PAYPAL_WEBHOOK_ID}", trust: trusted.pem',
        right=_PAYPAL % 'webhook_id: "${env:PAYPAL_WEBHOOK_ID}"',
        beside={"trusted.pem": f"# {MARK}\n"},
        environ={"PAYPAL_WEBHOOK_ID": "40L71081MK3756722"},
    ),
    Code(
        code="GW508",
        title="a cancel that can drop nothing",
        why="No `schedule` step gives its events such a key, so the event that was meant would fire all the same.",
        wrong=with_rules(_CANCELED.replace("cancel: remind-", "cancel: reminder-")),
        right=with_rules(_CANCELED),
        file=RULES,
    ),
)
