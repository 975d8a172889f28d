"""Renaming changes every place that says a name, and nothing where one could be missed."""

from __future__ import annotations

import pytest
from editor.project import GATEWAY, RULES, Desk, with_rules

from gateway.editor.renaming import is_name, places_of, renamable


def said(desk: Desk, name: str, marked: str) -> list[tuple[str, int, str]]:
    """Return file, line and text of each place that is renamed with the name under the cursor."""
    path, _, position = desk._place(name, marked)
    view = desk.session.view(path)
    found = []
    for own, span in places_of(view, path, position):
        line = (desk.session.read(own) or "").splitlines()[span.start.line - 1]
        text = line[span.start.column - 1 : span.end.column - 1]
        found.append((own.relative_to(desk.folder.resolve()).as_posix(), span.start.line, text))
    return sorted(found)


def test_a_procedure(desk: Desk) -> None:
    found = said(desk, "rules/pay.yaml", with_rules("run: find_tenant", "run: 'find_ten‸ant'"))
    assert [(name, text) for name, _, text in found] == [("rules/pay.yaml", "find_tenant")] * 2


def test_a_table_wherever_it_is_named_looked_up_or_tested(desk: Desk) -> None:
    marked = with_rules("when: settings.grace > `3`", "when: lookup('tenants', 'c1').status == 'trial'")
    found = said(desk, "rules/pay.yaml", marked.replace("  tenants:\n", "  ten‸ants:\n"))
    assert {text for _, _, text in found} == {"tenants"}
    assert sum(name == "rules/pay.yaml" for name, _, _ in found) == marked.count("tenants")
    assert sum(name == "rules/tests/pay.test.yaml" for name, _, _ in found) == 2


def test_a_destination_and_a_channel_of_both_files(desk: Desk) -> None:
    found = said(desk, "gateway.yaml", GATEWAY.replace("  app:", "  ap‸p:"))
    assert found == [("gateway.yaml", 10, "app"), ("rules/pay.yaml", 19, "app")]
    found = said(desk, "rules/pay.yaml", RULES.replace("notify: admins", "notify: ad‸mins"))
    assert [(name, text) for name, _, text in found] == [("gateway.yaml", "admins"), ("rules/pay.yaml", "admins")]


@pytest.mark.parametrize("old", ["on: invoice.paid", "status: active", "log: voided", "run: find_tenant\n"])
def test_what_is_not_renamed(desk: Desk, old: str) -> None:
    new = old.replace("find_tenant", "nobodys")[:-2] + "‸" + old.replace("find_tenant", "nobodys")[-2:]
    path, _, position = desk._place("rules/pay.yaml", with_rules(old, new))
    view = desk.session.view(path)
    assert renamable(view, path, position) is None
    assert places_of(view, path, position) == []


def test_names() -> None:
    assert is_name("find_tenant_2")
    assert not any(map(is_name, ("", "2nd", "find tenant", "find-tenant", "$x")))
