"""The files of a first project: one source, rules for it, and their tests."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from gateway.cli.schema import SCHEMAS, written

CONFIGURATION = """\
# yaml-language-server: $schema=schemas/gateway.schema.json
# Where events come from and where state lives; what they mean stands in rules/.
version: 1
server: {host: 127.0.0.1, port: "${env:GATEWAY_PORT:-8080}"}
database: sqlite:///var/gateway.db
admin: {token: "${env:GATEWAY_ADMIN_TOKEN}"}

sources:
  stripe:
    provider: stripe                    # how deliveries are verified, where id, type and time are
    path: /webhooks/stripe
    verify: {secrets: ["${env:STRIPE_WEBHOOK_SECRET}"]}
    rules: [rules/payments.yaml]
"""

RULES = """\
# yaml-language-server: $schema=../schemas/rules.schema.json
# What the events of Stripe mean: a row for each payment, as far as it has come.
version: 1

tables:                                 # made and migrated by the gateway
  payments:
    columns:
      id: {type: text, primary_key: true}
      customer: {type: text}
      amount: {type: decimal}
      currency: {type: text}
      status: {type: text, values: [succeeded, failed]}
      reason: {type: text}
      last_event_at: {type: timestamp}

extract:                                # paths into the payload
  payment_id: {path: data.object.id, required: true}
  customer: data.object.customer
  currency: data.object.currency
  amount: from_minor(data.object.amount, data.object.currency)
  reason: data.object.last_payment_error.message

rules:                                  # the first one that fits handles the event
  - name: payment succeeded
    on: payment_intent.succeeded
    do:
      - upsert: payments
        key: {id: $payment_id}
        set: {customer: $customer, amount: $amount, currency: $currency, status: succeeded, reason: null}
        as_of: last_event_at            # an older event never undoes a newer state
    result: payment_stored

  - name: payment failed
    on: payment_intent.payment_failed
    do:
      - upsert: payments
        key: {id: $payment_id}
        set: {customer: $customer, amount: $amount, currency: $currency, status: failed, reason: $reason}
        as_of: last_event_at
      - log: "payment ${payment_id} failed: ${reason}"
        level: warning
    result: payment_failed
"""

TESTS = """\
# yaml-language-server: $schema=../../schemas/tests.schema.json
# `gateway test` runs these on a database of their own.
source: stripe
cases:
  - name: a payment that succeeds is stored, with its amount in major units
    event:
      id: evt_1
      type: payment_intent.succeeded
      created: 1767960000
      data: {object: {id: pi_1, customer: cus_1, amount: 1999, currency: eur}}
    expect:
      result: payment_stored
      tables: {payments: [{id: pi_1, customer: cus_1, amount: "19.99", currency: eur, status: succeeded}]}

  - name: a second try succeeds, and news of the first one that comes late changes nothing
    events:
      - {id: evt_1, type: payment_intent.payment_failed, created: 1767960000, data: {object: {id: pi_1}}}
      - {id: evt_3, type: payment_intent.succeeded, created: 1767960120, data: {object: {id: pi_1}}}
      - {id: evt_2, type: payment_intent.payment_failed, created: 1767960060, data: {object: {id: pi_1}}}
    expect:
      tables: {payments: [{id: pi_1, status: succeeded}]}

  - name: the other way round it is the same
    events:
      - {id: evt_1, type: payment_intent.succeeded, created: 1767960000, data: {object: {id: pi_1}}}
      - {id: evt_3, type: payment_intent.payment_failed, created: 1767960120, data: {object: {id: pi_1}}}
      - {id: evt_2, type: payment_intent.succeeded, created: 1767960060, data: {object: {id: pi_1}}}
    expect:
      tables: {payments: [{id: pi_1, status: failed}]}

  - name: a payment that fails is stored with the reason
    event:
      id: evt_1
      type: payment_intent.payment_failed
      created: 1767960000
      data: {object: {id: pi_1, amount: 500, currency: jpy, last_payment_error: {message: declined}}}
    expect:
      result: payment_failed
      tables: {payments: [{id: pi_1, amount: "500", status: failed, reason: declined}]}
"""

IGNORED = """\
.env
var/
"""

FILES: Mapping[str, str] = {
    "gateway.yaml": CONFIGURATION,
    "rules/payments.yaml": RULES,
    "rules/tests/payments.test.yaml": TESTS,
    ".gitignore": IGNORED,
}
"""Each file's path in the project, and its text."""


def write_project(folder: Path) -> list[str]:
    """Write the files of a first project into a folder that has none of them, and return their paths.

    Raises FileExistsError, before anything is written, and other OSErrors.
    """
    files = {**FILES, **_schemas()}
    there = [name for name in FILES if name != ".gitignore" and (folder / name).exists()]
    if there:
        raise FileExistsError(there[0])
    missing = [name for name in files if not (folder / name).exists()]
    for name in missing:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(files[name], "utf-8")
    return missing


def _schemas() -> dict[str, str]:
    """Return the schemas that the first lines of the files name, for editors."""
    return {f"schemas/{name}.schema.json": written(name) for name in SCHEMAS}
