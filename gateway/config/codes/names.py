"""GW2xx: a name that stands for nothing, or for too much."""

from __future__ import annotations

from gateway.config.codes.entry import RULES, Code
from gateway.config.codes.samples import (
    GATEWAY_FILE,
    RULES_FILE,
    STRIPE_KEY,
    WITH_STRIPE,
    with_check,
    with_rules,
    with_source,
    with_steps,
)

_UPDATE = "{update: invoices, where: {id: $invoice}, set: {status: paid}}"
_EXTRACT = "  invoice: data.object.id\n"
_TWO = "  - {name: all, on: invoice.*, do: [{log: seen}]}\n"
_PAID = "  - {name: paid, on: invoice.paid, do: [{log: paid}]}\n"
_ALERT = "alerts:\n  - {name: failing, when: 'success_rate < `0.95`', notify: "
_REPAIR = (
    with_check("lacks: payments, by: {invoice_id: $invoice.id}, repair: note_it")
    + "procedures:\n  note_it: [{insert: payments, values: {id: $invoice.id, invoice_id: $invoice.id}}]\n"
)
_REMINDED = (
    "  - {name: paid, on: invoice.paid, do: [{schedule: remind, after: 3d}]}\n"
    "  - {name: reminded, on: schedule.remind, do: [{log: reminded}]}\n"
)
_CHANNEL = 'channels: {admins: ["log://"]}\n'
_GIVEN = """\
version: 1
procedures:
  note_it: [{log: paid, fields: {amount: $amount}}]
rules:
  - {name: paid, on: invoice.paid, do: [{run: note_it, with: {%s: 1}}]}
"""
_SOMETIMES = ("{find: invoices, where: {id: $invoice}, when: event.attempt == `1`, as: row}",)

NAMES = (
    Code(
        code="GW201",
        title="an unknown table",
        why="Rules read and write tables that some rules file declares under `tables`.",
        wrong=with_steps(_UPDATE.replace("invoices", "invoice"), extract=_EXTRACT),
        right=with_steps(_UPDATE, extract=_EXTRACT),
        file=RULES,
    ),
    Code(
        code="GW202",
        title="an unknown column",
        why="The table has no column of that name.",
        wrong=with_steps(_UPDATE.replace("status", "state"), extract=_EXTRACT),
        right=with_steps(_UPDATE, extract=_EXTRACT),
        file=RULES,
    ),
    Code(
        code="GW203",
        title="an unknown name",
        why="A name in a value or expression must have been extracted, bound by a step before, or be `event`, "
        "`settings` or `now`. A misspelt one would be null for ever.",
        wrong=with_steps(_UPDATE.replace("$invoice", "$invoce"), extract=_EXTRACT),
        right=with_steps(_UPDATE, extract=_EXTRACT),
        file=RULES,
    ),
    Code(
        code="GW204",
        title="an unknown procedure",
        why="`run` names a procedure of the same file.",
        wrong="version: 1\nprocedures:\n  note_it: [{log: paid}]\nrules:\n"
        "  - {name: paid, on: invoice.paid, do: [{run: note_them}]}\n",
        right="version: 1\nprocedures:\n  note_it: [{log: paid}]\nrules:\n"
        "  - {name: paid, on: invoice.paid, do: [{run: note_it}]}\n",
        file=RULES,
    ),
    Code(
        code="GW205",
        title="an unknown source, destination or channel",
        why="What is named must be declared in gateway.yaml.",
        wrong=GATEWAY_FILE + _CHANNEL + _ALERT + "admin}\n",
        right=GATEWAY_FILE + _CHANNEL + _ALERT + "admins}\n",
    ),
    Code(
        code="GW206",
        title="a name or path is used twice",
        why="Two things of one name cannot be told apart: traces go by the name of a rule, "
        "deliveries by the path of a source.",
        wrong=with_rules(_PAID + _PAID.replace("invoice.paid", "invoice.voided")),
        right=with_rules(_PAID + _PAID.replace("paid", "voided")),
        file=RULES,
    ),
    Code(
        code="GW207",
        title="a rule that can never be reached",
        why="The first rule that fits handles an event. A rule before this one takes everything it could take; "
        "or it is for a scheduled event, and no step schedules it.",
        wrong=with_rules(_TWO + _PAID),
        right=with_rules(_PAID + _TWO),
        file=RULES,
    ),
    Code(
        code="GW208",
        title="an event type that the provider does not have",
        why="No event of this type will ever come.",
        wrong=RULES_FILE.replace("invoice.paid", "invoice.payed"),
        right=RULES_FILE,
        file=RULES,
    ),
    Code(
        code="GW209",
        title="a procedure runs itself",
        why="Every run must end.",
        wrong="version: 1\nprocedures:\n  note_it: [{run: note_it}]\nrules:\n"
        "  - {name: paid, on: invoice.paid, do: [{run: note_it}]}\n",
        right="version: 1\nprocedures:\n  note_it: [{log: paid}]\nrules:\n"
        "  - {name: paid, on: invoice.paid, do: [{run: note_it}]}\n",
        file=RULES,
    ),
    Code(
        code="GW210",
        title="an unknown provider",
        why="`provider` names a preset. A sender without one is described by `verify` and `event`.",
        wrong=with_source(provider="strip"),
        right=with_source(),
    ),
    Code(
        code="GW211",
        title="a path that is the gateway's own",
        why="The path belongs to the health pages, the metrics, the console or the admin API, "
        "or is the health page of another source.",
        wrong=with_source(path="/healthz"),
        right=with_source(),
    ),
    Code(
        code="GW212",
        title="a procedure that is not given all it needs",
        why="Its steps read a name that the rule which runs it has not, and others that run it have. A check runs its "
        "repair for one row: that is all the procedure can read beside `settings` and `now`.",
        wrong=_REPAIR.replace("values: {id: $invoice.id", "values: {id: $payment_id"),
        right=_REPAIR,
        file=RULES,
    ),
    Code(
        code="GW213",
        title="an operation that Stripe does not have",
        why="`stripe` takes every operation of the installed SDK, by the name that the SDK gives it.",
        wrong=with_steps('{stripe: customer.create, params: {name: "a"}}'),
        right=with_steps('{stripe: customers.create, params: {name: "a"}}'),
        file=RULES,
        gateway=WITH_STRIPE,
        environ=STRIPE_KEY,
    ),
    Code(
        code="GW214",
        title="a Stripe operation with the wrong parameters",
        why="Stripe refuses parameters that it does not know, values of another kind than it takes, and calls that "
        "lack what it needs: the event would become a dead letter.",
        wrong=with_steps('{stripe: customers.create, params: {mail: "a@example.com"}}'),
        right=with_steps('{stripe: customers.create, params: {email: "a@example.com"}}'),
        file=RULES,
        gateway=WITH_STRIPE,
        environ=STRIPE_KEY,
    ),
    Code(
        code="GW215",
        title="a destination of the other kind",
        why="`send` makes HTTP requests, `publish` publishes to a message broker.",
        wrong=with_steps("{send: events, json: {paid: true}}"),
        right=with_steps("{publish: events, subject: invoices.paid, json: {paid: true}}"),
        file=RULES,
        gateway=GATEWAY_FILE + 'destinations: {events: {url: "nats://127.0.0.1:4222"}}\n',
    ),
    Code(
        code="GW216",
        title="a name that is perhaps not bound",
        why="A step whose `when` does not hold binds nothing, and one that says `missing: null` binds null where "
        "nothing is found: the steps after it have to ask for the name before they build on it.",
        wrong=with_steps(*_SOMETIMES, "log: $row.status", extract=_EXTRACT),
        right=with_steps(*_SOMETIMES, "{log: $row.status, when: row}", extract=_EXTRACT),
        file=RULES,
    ),
    Code(
        code="GW217",
        title="a scheduled event that no rule handles",
        why="When its time has come nothing would happen: `schedule: remind` makes an event of type `schedule.remind`.",
        wrong=with_rules(_REMINDED.replace("on: schedule.remind", "on: invoice.voided")),
        right=with_rules(_REMINDED),
        file=RULES,
    ),
    Code(
        code="GW218",
        title="a step that is never reached",
        why="A `finish` or `fail` without a `when` ends every event that comes to it.",
        wrong=with_steps("finish: noted", "log: an invoice was paid"),
        right=with_steps("log: an invoice was paid", "finish: noted"),
        file=RULES,
    ),
    Code(
        code="GW219",
        title="a name that a procedure does not read",
        why="What `with` gives under that name comes to nothing: it is probably misspelt.",
        wrong=_GIVEN % "amout",
        right=_GIVEN % "amount",
        file=RULES,
    ),
)
