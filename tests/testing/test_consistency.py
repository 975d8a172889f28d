"""Checks of the rules, and their repairs, in cases."""

from __future__ import annotations

import pytest
from testing.projects import Folder

RULES = """
version: 1
tables:
  payments:
    columns:
      id: {type: text, primary_key: true}
      user: {type: text}
      status: {type: text, default: completed}
  memberships:
    columns: {user: {type: text, primary_key: true}, payment: {type: text}}
procedures:
  grant:
    - {insert: memberships, values: {user: $payment.user, payment: $payment.id}}
    - {finish: granted}
checks:
  unpaid:
    find: payments
    where: {status: completed}
    as: payment
    lacks: memberships
    by: {user: $payment.user}
    repair: grant
  useless: {find: memberships, as: membership, lacks: payments, by: {user: $membership.user}}
rules:
  - {name: any, on: known, do: [{log: hello}]}
"""

GIVEN = "given: {tables: {payments: [{id: p1, user: a}, {id: p2, user: b}, {id: p3, user: c, status: open}]}}"


@pytest.fixture
def checked(folder: Folder) -> Folder:
    (folder.path / "rules" / "strict.yaml").write_text(RULES)
    return folder


def test_a_check_looks_and_repairs(checked: Folder) -> None:
    checked.write(
        f"""
  - name: each completed payment gets its membership
    {GIVEN}
    events:
      - {{check: unpaid, expect: {{findings: [p2, p1], tables: {{memberships: []}}}}}}
      - check: unpaid
        repair: true
        expect: {{result: granted, rule: grant, status: done, findings: [p1, p2]}}
      - {{check: useless, expect: {{findings: []}}}}
      - check: unpaid
    expect:
      findings: []
      tables: {{memberships: {{count: 2, rows: [{{user: a, payment: p1}}, {{user: b}}]}}}}
""",
        source="strict",
    )
    assert checked.failures() == []
    assert [one.what for one in checked.run().coverage.missed if one.path == "rules/strict.yaml"] == [
        "rule `any` handled no event",
        "step `log`: never ran",
    ]


def test_what_it_finds_otherwise_fails(checked: Folder) -> None:
    checked.write(
        f"  - name: a\n    {GIVEN}\n    event: {{check: unpaid}}\n    expect: {{findings: [p1], status: done}}\n",
        source="strict",
    )
    assert checked.failures() == [("findings", '["p1"]', '["p1","p2"]'), ("status", "done", "(no event)")]
    missed = [f"{one.span.start.line} {one.what}" for one in checked.run().coverage.missed]
    assert "23 check `useless` never looked" in missed


@pytest.mark.parametrize(
    ("case", "finding"),
    [
        ("event: {check: unpayd}, expect: {findings: []}", "GW203 the rules have no check `unpayd`"),
        ("event: {check: useless, repair: true}, expect: {findings: []}", "GW104 check `useless` has no `repair`"),
        ("event: {type: known}, expect: {findings: []}", "GW104 only a check finds something"),
        ("event: {payload: {type: known}, repair: true}, expect: {rule: any}", "GW102 `repair` needs `check` beside"),
        ("events: [{check: unpaid}, {again: 1}], expect: {rule: any}", "GW104 `again: 1` names no delivery"),
    ],
)
def test_a_mistake_is_found(checked: Folder, case: str, finding: str) -> None:
    checked.write(f"  - {{name: a, {case}}}\n", source="strict")
    [found] = checked.findings()
    assert found.partition(" ")[2].startswith(finding)
