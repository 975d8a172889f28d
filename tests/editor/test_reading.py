"""Hover, definitions and references."""

from __future__ import annotations

import pytest
from editor.project import GATEWAY, TESTS, Desk, with_rules

HOVERS = [
    ("    on: invoice.paid", "    o‸n: invoice.paid", "Event types, exactly or with"),
    ("on: invoice.paid", "on: invoice.‸paid", "an event type of Stripe"),
    ("run: find_tenant", "run: find‸_tenant", "```yaml\n- find: tenants"),
    ("update: tenants", "update: ten‸ants", "- `status`: text, one of `trial`, `active`, `overdue`"),
    ("update: tenants", "upd‸ate: tenants", "Change every row"),
    ("set: {status:", "set: {sta‸tus:", "How far it came."),
    ("data.object.customer", "data.object.cust‸omer", "`customer`: text"),
    ("data.object.customer", "da‸ta.object.customer", "`data`: object"),
    ("{id: $tenant.id}", "{id: $ten‸ant.id}", "a row of `tenants`"),
    ("{id: $tenant.id}", "{id: $tenant.i‸d}", "`id`: text"),
    ("settings.grace >", "settings.gr‸ace >", "`grace`: number"),
    ("settings.grace >", "days_‸between(now, now) >", "days_between(a, b)"),
    ("notify: admins", "notify: adm‸ins", "a channel"),
    ("send: app", "send: ap‸p", "a destination"),
    ("primary_key: true", "prim‸ary_key: true", "names the row"),
]


@pytest.mark.parametrize(("old", "new", "said"), HOVERS)
def test_hover_says_what_it_is(desk: Desk, old: str, new: str, said: str) -> None:
    assert said in desk.hover("rules/pay.yaml", with_rules(old, new))


def test_hover_in_other_files(desk: Desk) -> None:
    assert "preset" in desk.hover("gateway.yaml", GATEWAY.replace("provider", "prov‸ider"))
    assert "Stripe" in desk.hover("gateway.yaml", GATEWAY.replace("provider: stripe", "provider: str‸ipe"))
    assert "What must have come of it" in desk.hover("rules/tests/pay.test.yaml", TESTS.replace("expect", "exp‸ect"))


def test_hover_says_nothing_of_plain_text(desk: Desk) -> None:
    assert desk.hover("rules/pay.yaml", with_rules("    do:", "    # com‸ment\n    do:")) == ""


def test_secrets_are_not_shown(desk: Desk) -> None:
    assert "whsec_" not in desk.hover("gateway.yaml", GATEWAY.replace("${env:", "${en‸v:"))


ORIGINS = [
    ("run: find_tenant", "run: find‸_tenant", ("rules/pay.yaml", "find_tenant:")),
    ("update: tenants", "update: ten‸ants", ("rules/pay.yaml", "tenants:")),
    ("balance: {type", "bal‸ance: {type", ("rules/pay.yaml", "balance: {type: decimal}")),
    ("where: {id: $customer}", "where: {i‸d: $customer}", ("rules/pay.yaml", "id: {type: text, primary_key: true}")),
    ("where: {id: $customer}", "where: {id: $cus‸tomer}", ("rules/pay.yaml", "customer: data.object.customer")),
    ("{id: $tenant.id}", "{id: $ten‸ant.id}", ("rules/pay.yaml", "as: tenant")),
    ("{id: $tenant.id}", "{id: $tenant.i‸d}", ("rules/pay.yaml", "id: {type: text, primary_key: true}")),
    ("settings.grace >", "settings.gr‸ace >", ("rules/pay.yaml", "settings: {grace: 7}")),
    ("notify: admins", "notify: adm‸ins", ("gateway.yaml", 'admins: ["log://"]')),
    ("send: app", "send: ap‸p", ("gateway.yaml", 'app: {url: "http://127.0.0.1:9000"}')),
    ("paid 🎉 $customer", "paid 🎉 $cust‸omer", ("rules/pay.yaml", "customer: data.object.customer")),
]


@pytest.mark.parametrize(("old", "new", "origin"), ORIGINS)
def test_a_name_leads_to_where_it_comes_from(desk: Desk, old: str, new: str, origin: tuple[str, str]) -> None:
    assert desk.origin("rules/pay.yaml", with_rules(old, new)) == origin


def test_names_in_other_files(desk: Desk) -> None:
    tests = "rules/tests/pay.test.yaml"
    assert desk.origin(tests, TESTS.replace("source: pay", "source: p‸ay")) == ("gateway.yaml", "pay:")
    assert desk.origin(tests, TESTS.replace("rule: paid", "rule: pa‸id")) == ("rules/pay.yaml", "- name: paid")
    assert desk.origin(tests, TESTS.replace("tenants", "ten‸ants", 1)) == ("rules/pay.yaml", "tenants:")
    rules = desk.origin("gateway.yaml", GATEWAY.replace("rules/pay", "rules/p‸ay"))
    assert rules == ("rules/pay.yaml", "version: 1")


@pytest.mark.parametrize("new", ["name: pa‸id", "name: paid # x‸"])
def test_what_comes_from_nowhere_leads_nowhere(desk: Desk, new: str) -> None:
    found = desk.origin("rules/pay.yaml", with_rules("name: paid", new))
    assert found in (None, ("rules/pay.yaml", "- name: paid"))


def test_references_are_found_in_all_files(desk: Desk) -> None:
    found = desk.uses("rules/pay.yaml", with_rules("update: tenants", "update: ten‸ants"))
    assert [name for name, _ in found].count("rules/tests/pay.test.yaml") == 2
    assert ("rules/pay.yaml", "- find: tenants") in found
    assert found[0] == ("rules/pay.yaml", "tenants:")


def test_references_of_a_name_in_scope(desk: Desk) -> None:
    found = desk.uses("rules/pay.yaml", with_rules("  customer: data", "  cust‸omer: data"))
    assert [line for _, line in found] == [
        "customer: data.object.customer",
        "where: {id: $customer}",
        'body: "${ tenant.id } has paid 🎉 $customer"',
    ]
