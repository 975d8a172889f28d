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
_ID = "  invoice: data.object.id\n"
_ADD = "{update: invoices, where: {id: $invoice}, increment: {amount: 1}}"
_REMEMBER = "{insert: invoices, values: {id: $event.id}, on_conflict: {finish: added_before}}"
_STATES = """\
version: 1
tables:
  invoices:
    columns:
      id: {type: text, primary_key: true}
      status: {type: text}
      changed_at: {type: timestamp}
extract: {invoice: data.object.id}
rules:
  - {name: paid, on: invoice.paid, do: [{upsert: invoices, key: {id: $invoice}, set: {status: paid}%s}]}
  - {name: voided, on: invoice.voided, do: [{upsert: invoices, key: {id: $invoice}, set: {status: void}%s}]}
"""
_AMOUNTS = """\
version: 1
tables:
  payments:
    columns:
      id: {type: text, primary_key: true}
      amount: {type: decimal}
      currency: {type: text}
extract: {payment: data.object.id}
rules:
  - name: paid
    on: invoice.paid
    do:
      - {find: payments, where: {id: $payment}, as: row}
      - {send: app, json: {amount: $row.amount%s}}
"""
_DUE = "  invoice: data.object.id\n  due: data.object.amount_due\n"
_KEEP = '{upsert: invoices, key: {id: $invoice}, set: {amount: "%s"}}'
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
        title="a cancel that can drop nothing, or nothing for sure",
        why="No `schedule` step gives its events such a key, or says which it gives: what was meant would fire "
        "all the same.",
        wrong=with_rules(_CANCELED.replace("cancel: remind-", "cancel: reminder-")),
        right=with_rules(_CANCELED),
        file=RULES,
    ),
    Code(
        code="GW509",
        title="a text that could be worked out",
        why="Text is taken as it is written; a name in it needs its `$`, an expression `${ … }`.",
        wrong=with_steps("{insert: invoices, values: {id: invoice}}", extract=_ID),
        right=with_steps("{insert: invoices, values: {id: $invoice}}", extract=_ID),
        file=RULES,
    ),
    Code(
        code="GW510",
        title="a value or setting that nothing reads",
        why="It is probably forgotten, or read under a name that was changed.",
        wrong=with_steps("log: an invoice was paid", extract=_ID),
        right=with_steps("log: invoice $invoice was paid", extract=_ID),
        file=RULES,
    ),
    Code(
        code="GW511",
        title="a column that several rules write, whatever the order of their events",
        why="Providers send events late and in any order. Where each rule writes what its own event says, the last to "
        "come wins, not the last that happened. `as_of` keeps an older event from overwriting a newer state.",
        wrong=_STATES % ("", ""),
        right=_STATES % (", as_of: changed_at", ", as_of: changed_at"),
        file=RULES,
    ),
    Code(
        code="GW512",
        title="an amount without its currency",
        why="10 is something else in another currency; the table or row that it is from knows which it is.",
        wrong=_AMOUNTS % "",
        right=_AMOUNTS % ", currency: $row.currency",
        file=RULES,
        gateway=GATEWAY_FILE + 'destinations: {app: {url: "http://127.0.0.1:9000"}}\n',
    ),
    Code(
        code="GW513",
        title="a whole payload for people",
        why="A payload holds personal data that most people on a channel need not see, and hardly anybody can read it.",
        wrong=with_steps("{notify: admins, body: $event.payload}"),
        right=with_steps("{notify: admins, body: invoice $event.payload.data.object.id was paid}"),
        file=RULES,
        gateway=GATEWAY_FILE + 'channels: {admins: ["log://"]}\n',
    ),
    Code(
        code="GW514",
        title="a step that does something else, or more, the second time",
        why="An event may be run again, and two events may be about one thing. What is added is added twice unless "
        "something remembers it; a key that is made of the moment is another each time.",
        wrong=with_steps(_ADD, extract=_ID),
        right=with_steps(_REMEMBER, _ADD, extract=_ID),
        file=RULES,
    ),
    Code(
        code="GW515",
        title="a destination that is spoken to in the clear",
        why="What goes over the open internet without encryption can be read and changed on its way.",
        wrong=GATEWAY_FILE + 'destinations: {app: {url: "http://app.shop.io"}}\n',
        right=GATEWAY_FILE + 'destinations: {app: {url: "https://app.shop.io"}}\n',
    ),
    Code(
        code="GW516",
        title="a tolerance that takes old deliveries",
        why="A signature holds a time so that a delivery which somebody has recorded cannot be sent again later. The "
        "tolerance is how long it can be.",
        wrong=with_source(verify='{secrets: ["${env:STRIPE_WEBHOOK_SECRET}"], tolerance: 500d}'),
        right=with_source(verify='{secrets: ["${env:STRIPE_WEBHOOK_SECRET}"], tolerance: 5m}'),
    ),
    Code(
        code="GW517",
        title="a signature whose header is not named",
        why="Every sender puts its signature somewhere else; where it is not looked for, every delivery is refused.",
        wrong=with_source(
            provider="", verify='{scheme: hmac, secret: "${env:STRIPE_WEBHOOK_SECRET}"}', event="{id: id, type: kind}"
        ),
        right=with_source(
            provider="",
            verify='{scheme: hmac, header: X-Partner-Signature, secret: "${env:STRIPE_WEBHOOK_SECRET}"}',
            event="{id: id, type: kind}",
        ),
    ),
    Code(
        code="GW518",
        title="an amount in minor units, kept as a decimal",
        why="Stripe tells amounts in the smallest unit of their currency: 1990 is 19.90 in most, and 1990 in some.",
        wrong=with_steps(_KEEP % "$due", extract=_DUE),
        right=with_steps(_KEEP % "${ from_minor(due, currency) }", extract=_DUE + "  currency: data.object.currency\n"),
        file=RULES,
    ),
)
