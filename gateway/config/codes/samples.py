"""The files that the examples of codes are changes of."""

from __future__ import annotations

SECRET_NAME = "STRIPE_WEBHOOK_SECRET"  # noqa: S105 - the name of a variable
SOURCE = f"""\
    provider: stripe
    path: /webhook/stripe
    verify: {{secrets: ["${{env:{SECRET_NAME}}}"]}}
    rules: [rules.yaml]
"""
GATEWAY_FILE = f"""\
version: 1
sources:
  stripe:
{SOURCE}"""
RULES_FILE = """\
version: 1
rules:
  - name: invoice paid
    on: invoice.paid
    do:
      - log: an invoice was paid
    result: noted
"""
WITH_STRIPE = GATEWAY_FILE + 'stripe: {api_key: "${env:STRIPE_API_KEY}"}\n'
STRIPE_KEY = {"STRIPE_API_KEY": "sk_test_example"}
TABLES = """\
version: 1
tables:
  invoices:
    columns:
      id: {type: text, primary_key: true}
      status: {type: text, values: [open, paid]}
      amount: {type: decimal}
"""


def with_source(**changes: str) -> str:
    """Return gateway.yaml with keys of its source changed or added; an empty text takes a key out."""
    lines = dict(line.strip().split(": ", 1) for line in SOURCE.splitlines())
    lines.update(changes)
    written = "".join(f"    {key}: {value}\n" for key, value in lines.items() if value)
    return f"version: 1\nsources:\n  stripe:\n{written}"


def with_rules(rules: str) -> str:
    """Return a rules file with a table, and these rules, indented by two."""
    return f"{TABLES}rules:\n{rules}"


def with_steps(*steps: str, extract: str = "", settings: str = "") -> str:
    """Return a rules file with a table and one rule of these steps.

    `extract` and `settings` are the lines of those keys.
    """
    written = "".join(f"      - {step}\n" for step in steps)
    head = f"settings:\n{settings}" if settings else ""
    head += f"extract:\n{extract}" if extract else ""
    return f"{TABLES}{head}rules:\n  - name: invoice paid\n    on: invoice.paid\n    do:\n{written}"


def with_check(rest: str) -> str:
    """Return a rules file with two tables, a rule, and a check of invoices whose last keys are these."""
    payments = """\
  payments:
    columns:
      id: {type: text, primary_key: true}
      invoice_id: {type: text}
      amount: {type: decimal}
"""
    rules = RULES_FILE.removeprefix("version: 1\n")
    check = f"  unpaid: {{find: invoices, where: {{status: paid}}, as: invoice, {rest}}}\n"
    return f"{TABLES}{payments}checks:\n{check}{rules}"
