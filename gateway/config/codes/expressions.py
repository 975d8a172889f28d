"""GW3xx: an expression that cannot work, or a value that cannot fit."""

from __future__ import annotations

from gateway.config.codes.entry import RULES, Code
from gateway.config.codes.samples import with_check, with_rules, with_steps

_ID = "  invoice: data.object.id\n"
_FIND = "{find: invoices, where: {id: $invoice}, as: row}"
_RULE = "  - {name: paid, on: invoice.paid, when: WHEN, do: [{log: paid}]}\n"

EXPRESSIONS = (
    Code(
        code="GW301",
        title="an expression that cannot be read",
        why="`when`, `path`, `extract` and `${ … }` hold JMESPath. Numbers in it stand in backticks, "
        "texts in single quotes.",
        wrong=with_rules(_RULE.replace("WHEN", "event.payload.data.object.amount_due > 100")),
        right=with_rules(_RULE.replace("WHEN", "event.payload.data.object.amount_due > `100`")),
        file=RULES,
    ),
    Code(
        code="GW302",
        title="an unknown function",
        why="There are JMESPath's own functions, and those of the gateway (`add_days`, `from_minor`, …).",
        wrong=with_steps("log: ${ uper(invoice) }", extract=_ID),
        right=with_steps("log: ${ upper(invoice) }", extract=_ID),
        file=RULES,
    ),
    Code(
        code="GW303",
        title="a function with the wrong arguments",
        why="The function takes another number of arguments, or arguments of another kind.",
        wrong=with_steps("log: ${ upper(invoice, event.type) }", extract=_ID),
        right=with_steps("log: ${ upper(invoice) }", extract=_ID),
        file=RULES,
    ),
    Code(
        code="GW304",
        title="a pattern that cannot be used",
        why="Patterns are RE2, which cannot hang: it has no look-around and no back-references. "
        "The first group is the value.",
        wrong=with_steps("log: $number", extract="  number: {path: data.object.number, match: '(?=RE)(.+)'}\n"),
        right=with_steps("log: $number", extract="  number: {path: data.object.number, match: '(RE.+)'}\n"),
        file=RULES,
    ),
    Code(
        code="GW305",
        title="a value that its column cannot hold",
        why="A value that does not fit its column would end every event badly.",
        wrong=with_steps("{update: invoices, where: {id: $invoice}, set: {status: payed}}", extract=_ID),
        right=with_steps("{update: invoices, where: {id: $invoice}, set: {status: paid}}", extract=_ID),
        file=RULES,
    ),
    Code(
        code="GW306",
        title="a check that one query cannot answer",
        why="A check compares columns of one type, as they stand; and what it finds is named by its key.",
        wrong=with_check("lacks: payments, by: {amount: $invoice.id}"),
        right=with_check("lacks: payments, by: {invoice_id: $invoice.id}"),
        file=RULES,
    ),
    Code(
        code="GW307",
        title="a path that no payload has",
        why="It would be null for every event. What payloads have is known from the provider's own schemas, and from "
        "yours in `schemas/payloads/PROVIDER/EVENT.json`. A path of an older API version may stand beside today's.",
        wrong=with_steps("log: $customer", extract="  customer: data.object.custmer\n"),
        right=with_steps("log: $customer", extract="  customer: data.object.customer\n"),
        file=RULES,
    ),
    Code(
        code="GW308",
        title="values of kinds that do not go together",
        why="A text and a number cannot be compared, a number has no members, a text no elements. It would fail, or be "
        "null, for every event.",
        wrong=with_steps("{log: late, when: now > settings.days}", settings="  days: 3\n"),
        right=with_steps("{log: late, when: event.attempt > settings.days}", settings="  days: 3\n"),
        file=RULES,
    ),
    Code(
        code="GW309",
        title="a condition that always comes out the same",
        why="What is compared can only be one of a few words, and this is none of them; or it is there for "
        "every event, is compared with itself, or with two values at once.",
        wrong=with_steps(_FIND, "{log: paid, when: row.status == 'payed'}", extract=_ID),
        right=with_steps(_FIND, "{log: paid, when: row.status == 'paid'}", extract=_ID),
        file=RULES,
    ),
    Code(
        code="GW310",
        title="an alternative that never counts",
        why="The first that is there counts: one that is written twice, or stands behind a value that is always there, "
        "does nothing. `|` hands what stands before it on, `||` takes the first that is there.",
        wrong=with_steps("log: ${ invoice || invoice }", extract=_ID),
        right=with_steps("log: ${ invoice || event.id }", extract=_ID),
        file=RULES,
    ),
)
