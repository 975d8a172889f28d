"""A small made-up project, and a session of an editor that has it open."""

from __future__ import annotations

from pathlib import Path

from editor.client import cut

from gateway.config.diagnostics import Position, Span
from gateway.editor.completion import Suggestion, complete
from gateway.editor.hover import explain
from gateway.editor.places import definition, references
from gateway.editor.positions import Place, Text
from gateway.editor.session import Session

GATEWAY = """\
version: 1
sources:
  pay:
    provider: stripe
    path: /hooks/pay
    verify: {secrets: ["${env:STRIPE_WEBHOOK_SECRET}"]}
    rules: [rules/pay.yaml]
    settings: {grace: 3}
destinations:
  app: {url: "http://127.0.0.1:9000"}
  bus: {url: "nats://127.0.0.1:4222"}
channels:
  admins: ["log://"]
"""

RULES = """\
version: 1
settings: {grace: 7}
tables:
  tenants:
    description: Who pays.
    columns:
      id: {type: text, primary_key: true}
      status: {type: text, values: [trial, active, overdue], description: How far it came.}
      balance: {type: decimal}
extract:
  customer: data.object.customer
procedures:
  find_tenant:
    - find: tenants
      where: {id: $customer}
      as: tenant
      missing: {finish: stranger}
  greet:
    - send: app
      path: /hello/$whom
rules:
  - name: paid
    on: invoice.paid
    extract:
      lines: data.object.lines.data
    do:
      - run: find_tenant
      - update: tenants
        where: {id: $tenant.id}
        set: {status: active}
      - notify: admins
        body: "${ tenant.id } has paid 🎉 $customer"
    result: paid_${ length(lines) }
  - name: voided
    on: invoice.voided
    when: settings.grace > `3`
    do:
      - log: voided
"""

TESTS = """\
source: pay
cases:
  - name: it pays
    given: {tables: {tenants: [{id: c1, status: trial}]}}
    event: {id: e, type: invoice.paid, created: 1, data: {object: {customer: c1}}}
    expect: {rule: paid, tables: {tenants: [{id: c1, status: active}]}}
"""

NAMES = {"gateway.yaml": GATEWAY, "rules/pay.yaml": RULES, "rules/tests/pay.test.yaml": TESTS}
ENVIRON = {"STRIPE_WEBHOOK_SECRET": "whsec_c2VjcmV0IG9mIHRoZSB0ZXN0cw"}


def write_project(folder: Path) -> Path:
    """Write the project into an empty folder."""
    for name, text in NAMES.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, "utf-8")
    return folder


class Desk:
    """Whoever edits the project; in texts that are given, `‸` is the cursor."""

    def __init__(self, folder: Path) -> None:
        self.folder = write_project(folder)
        self.session = Session()

    def _place(self, name: str, marked: str) -> tuple[Path, Text, Position]:
        text, line, character = cut(marked)
        path = (self.folder / name).resolve()
        self.session.buffers[path] = text
        counted = Text(text)
        return path, counted, counted.position(Place(line, character))

    def suggestions(self, name: str, marked: str) -> list[Suggestion]:
        path, text, position = self._place(name, marked)
        return complete(self.session.view(path), path, text, position)

    def labels(self, name: str, marked: str) -> list[str]:
        return [one.label for one in self.suggestions(name, marked)]

    def hover(self, name: str, marked: str) -> str:
        path, _, position = self._place(name, marked)
        found = explain(self.session.view(path), path, position)
        return "" if found is None else found.text

    def origin(self, name: str, marked: str) -> tuple[str, str] | None:
        """Return the file and the line that the name under the cursor comes from."""
        path, _, position = self._place(name, marked)
        found = definition(self.session.view(path), path, position)
        return None if found is None else self._line(*found)

    def uses(self, name: str, marked: str) -> list[tuple[str, str]]:
        path, _, position = self._place(name, marked)
        return [self._line(*one) for one in references(self.session.view(path), path, position)]

    def _line(self, path: Path, span: Span) -> tuple[str, str]:
        lines = (self.session.read(path) or "").splitlines()
        return path.relative_to(self.folder.resolve()).as_posix(), lines[span.start.line - 1].strip()


def with_rules(old: str, new: str) -> str:
    """Return the rules with something written otherwise."""
    assert old in RULES
    return RULES.replace(old, new, 1)
