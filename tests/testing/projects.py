"""Small projects in a folder of their own, and `gateway test` run on them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import structlog
from click.testing import CliRunner, Result

from gateway.cli import main
from gateway.config.diagnostics import Findings
from gateway.project import Project, load_project
from gateway.testing.loading import load_tests
from gateway.testing.suite import Suite, SuiteReport

GATEWAY = """
version: 1
sources:
  shop:
    path: /hooks/shop
    verify: {token: "${env:SHOP_TOKEN_OF_NOBODY}"}
    event: {id: id, type: type, key: customer, occurred_at: at}
    respond: result
    response: {body: {ok: "${ !error }", said: $outcome, customer: $customer.id}}
    rules: [rules/shop.yaml]
  strict:
    path: /hooks/strict
    verify: {token: "${env:SHOP_TOKEN_OF_NOBODY}"}
    event: {id: id, type: type}
    unmatched: reject
    rules: [rules/strict.yaml]
"""

RULES = """
version: 1
settings: {least: 10}
tables:
  customers:
    columns:
      id: {type: text, primary_key: true}
      email: {type: text, unique: true}
      status: {type: text, values: [new, known], default: new}
      balance: {type: decimal, default: 0}
      extra: {type: json}
      changed_at: {type: timestamp}
extract:
  customer_id: [customer, buyer]
  amount: {path: amount, as: decimal}
procedures:
  find_customer:
    - {find: customers, where: {id: $customer_id}, as: customer, missing: {finish: nobody}}
rules:
  - name: big order
    on: order
    when: amount >= settings.least
    do:
      - run: find_customer
      - update: customers
        where: {id: $customer.id}
        set: {status: known}
        increment: {balance: $amount}
        as_of: changed_at
      - log: order of $amount
        level: warning
        fields: {customer: $customer.id}
        when: amount > `100`
    result: booked
  - name: small order
    on: order
    do:
      - {find: customers, where: {id: $customer_id}, as: customer, missing: park}
      - {finish: too small}
  - name: registration
    on: customer
    do:
      - {insert: customers, values: {id: $customer_id, email: $event.payload.email}, on_conflict: ignore}
    result: registered
  - name: trouble
    on: trouble
    do:
      - {fail: not now, retry: true}
"""

STRICT = """
version: 1
rules:
  - {name: any, on: known, do: [{log: hello}]}
"""


@dataclass
class Folder:
    """A project's folder."""

    path: Path

    def write(self, tests: str, name: str = "shop.test.yaml", source: str = "shop") -> Path:
        """Write a tests file whose cases are `tests`."""
        path = self.path / "rules" / "tests" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"source: {source}\ncases:\n{tests}" if source else tests)
        return path

    def project(self) -> Project:
        project = load_project(self.path / "gateway.yaml", Findings())
        assert project is not None
        return project

    def findings(self) -> list[str]:
        """Return what is wrong in the tests files, as `line:column CODE message`."""
        findings = Findings()
        load_tests(self.project(), sorted((self.path / "rules" / "tests").glob("*.yaml")), findings)
        return [
            f"{one.span.start.line}:{one.span.start.column} {one.code} {one.message}" for one in findings.diagnostics
        ]

    def run(self) -> SuiteReport:
        """Run all tests files, which must be free of findings."""
        assert self.findings() == []
        paths = sorted((self.path / "rules" / "tests").glob("*.yaml"))
        project = self.project()
        return Suite(project).run(load_tests(project, paths, Findings()))

    def failures(self) -> list[tuple[str, str, str]]:
        """Run all tests files and return (what, expected, got) of every expectation that does not hold."""
        return [(one.what, one.expected, one.got) for case in self.run().cases for one in case.failures]

    def command(self, *arguments: str) -> Result:
        """Run `gateway test`."""
        try:
            return CliRunner().invoke(main, ["test", "--config", str(self.path / "gateway.yaml"), *arguments])
        finally:
            structlog.reset_defaults()
