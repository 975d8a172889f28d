"""What may be written at a place."""

from __future__ import annotations

import pytest
from editor.project import GATEWAY, RULES, TESTS, Desk, with_rules

from gateway.actions import ACTIONS_BY_NAME

RULE = "    do:\n      - run: find_tenant\n"
"""Where a rule's steps begin."""


def in_rule(step: str) -> str:
    """Return the rules with something written before the first rule's steps."""
    return with_rules(RULE, f"    do:\n{step}      - run: find_tenant\n")


def behind(step: str) -> str:
    """Return the rules with something written behind the first rule's first step."""
    return with_rules(RULE, f"{RULE}{step}")


def test_keys_are_those_of_the_place_that_are_not_there(desk: Desk) -> None:
    found = desk.labels("gateway.yaml", GATEWAY + "‸")
    assert {"server", "retry", "log"} <= set(found)
    assert not {"version", "sources"} & set(found)


@pytest.mark.parametrize(
    ("marked", "some", "others"),
    [
        ("server:\n  ‸\n", {"port", "host"}, {"path"}),
        ("server: {po‸\n", {"port", "host"}, {"path"}),
        ("log: {level: ‸}\n", {"debug", "warning"}, set[str]()),
        ("log:\n  format: j‸\n", {"auto", "json"}, set[str]()),
        ("alerts:\n  - ‸\n", {"name", "when", "notify"}, set[str]()),
        ("alerts:\n  - {name: a, notify: ‸}\n", {"admins"}, {"app"}),
        ("alerts:\n  - {name: a, source: ‸}\n", {"pay"}, {"admins"}),
        ("park: {notify: ‸}\n", {"admins"}, set[str]()),
    ],
)
def test_gateway_yaml(desk: Desk, marked: str, some: set[str], others: set[str]) -> None:
    found = set(desk.labels("gateway.yaml", GATEWAY + marked))
    assert some <= found
    assert not others & found


def test_a_source(desk: Desk) -> None:
    new = GATEWAY.replace("destinations:", "  new:\n    ‸\ndestinations:")
    assert {"provider", "path", "verify", "respond"} <= set(desk.labels("gateway.yaml", new))
    provider = GATEWAY.replace("provider: stripe", "provider: ‸")
    assert {"stripe", "asaas", "paypal", "workos"} <= set(desk.labels("gateway.yaml", provider))
    respond = GATEWAY.replace("    path:", "    respond: ‸\n    path:")
    assert desk.labels("gateway.yaml", respond) == ["accepted", "result"]
    rules = GATEWAY.replace("[rules/pay.yaml]", "[rules/pay.yaml, ‸]")
    assert desk.labels("gateway.yaml", rules) == ["rules/pay.yaml"]
    settings = GATEWAY.replace("{grace: 3}", "{‸}")
    assert desk.labels("gateway.yaml", settings) == ["grace"]


def test_a_step_begins_with_an_action(desk: Desk) -> None:
    found = desk.suggestions("rules/pay.yaml", in_rule("      - ‸\n"))
    assert {one.label for one in found} == {*ACTIONS_BY_NAME, "when", "name"}
    update = next(one for one in found if one.label == "update")
    assert update.insert == "update: "
    assert "Change every row" in update.about


@pytest.mark.parametrize(
    ("step", "expected"),
    [
        ("      - update: ‸\n", {"tenants"}),
        ("      - upd‸: tenants\n", {"update", "upsert"}),
        ("      - update: tenants\n        ‸\n", {"where", "set", "as_of", "when"}),
        ("      - update: tenants\n        where: {‸\n", {"id", "status", "balance"}),
        ("      - update: tenants\n        set:\n          ‸\n", {"id", "status", "balance"}),
        ("      - update: tenants\n        set: {status: ‸}\n", {"active", "overdue", "$customer", "$lines"}),
        ("      - update: tenants\n        as_of: ‸\n", {"balance"}),
        ("      - find: tenants\n        order_by: ‸\n", {"balance"}),
        ("      - find: tenants\n        missing: ‸\n", {"park", "null"}),
        ("      - {find: tenants, where: {balance: {‸}}}\n", {"gte", "is", "within"}),
        ("      - run: ‸\n", {"find_tenant", "greet"}),
        ("      - {run: greet, with: {‸}}\n", {"whom"}),
        ("      - send: ‸\n", {"app", "bus"}),
        ("      - notify: ‸\n", {"admins"}),
        ("      - stripe: customers.‸\n", {"customers.create"}),
        ("      - {stripe: customers.create, params: {‸}}\n", {"email", "name"}),
        ("      - log: hello $‸\n", {"customer", "lines", "event", "settings"}),
        ("      - log: $event.‸\n", {"occurred_at", "payload"}),
        ("      - log: $event.payload.data.object.‸\n", {"amount_due", "customer"}),
        ('      - log: "${ lines[].‸\n', {"amount", "currency"}),
        ('      - log: "${ days_‸\n', {"days_between", "customer"}),
        ("      - log: x\n        when: settings.‸\n", {"grace"}),
        ("      - log: x\n        level: ‸\n", {"info", "warning"}),
    ],
)
def test_steps(desk: Desk, step: str, expected: set[str]) -> None:
    assert expected <= set(desk.labels("rules/pay.yaml", in_rule(step)))


def test_only_names_that_are_bound_by_then_are_in_scope(desk: Desk) -> None:
    assert "tenant" not in desk.labels("rules/pay.yaml", in_rule("      - log: $‸\n"))
    assert "tenant" in desk.labels("rules/pay.yaml", behind("      - log: $‸\n"))
    assert {"id", "status"} <= set(desk.labels("rules/pay.yaml", behind("      - log: $tenant.‸\n")))
    values = desk.labels("rules/pay.yaml", behind("      - require: tenant.status == 'a‸\n"))
    assert values == ["active", "overdue", "trial"]


def test_a_procedure_has_the_names_of_the_rules_that_run_it(desk: Desk) -> None:
    inside = with_rules("      as: tenant\n", "      as: tenant\n    - log: $‸\n")
    assert {"tenant", "customer", "lines"} <= set(desk.labels("rules/pay.yaml", inside))


def test_rules_and_extractions(desk: Desk) -> None:
    types = desk.labels("rules/pay.yaml", with_rules("on: invoice.paid", "on: [invoice.p‸]"))
    assert {"invoice.paid", "invoice.payment_failed"} <= set(types)
    path = with_rules("customer: data.object.customer", "customer: data.object.‸")
    assert {"amount_due", "customer"} <= set(desk.labels("rules/pay.yaml", path))
    first = with_rules("customer: data.object.customer", "customer: {first: [data.object.id, data.‸]}")
    assert "object" in desk.labels("rules/pay.yaml", first)
    assert {"when", "description"} <= set(
        desk.labels("rules/pay.yaml", with_rules("    on: invoice.paid\n", "    ‸\n"))
    )
    column = with_rules("balance: {type: decimal}", "balance: {type: d‸}")
    assert {"decimal", "date"} <= set(desk.labels("rules/pay.yaml", column))


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("source: pay", "source: ‸", {"pay"}),
        ("{tables: {tenants: [{id: c1, status: trial}]}}", "{tables: {‸}}", {"tenants"}),
        ("status: trial", "st‸", {"status", "balance"}),
        ("status: trial", "status: ‸", {"trial", "active"}),
        ("rule: paid", "rule: ‸", {"paid", "voided"}),
        ("rule: paid", "messages: [{notify: ‸}]", {"admins"}),
        ("rule: paid", "‸", {"status", "rule", "messages"}),
    ],
)
def test_tests_of_rules(desk: Desk, old: str, new: str, expected: set[str]) -> None:
    assert expected <= set(desk.labels("rules/tests/pay.test.yaml", TESTS.replace(old, new, 1)))


def test_what_is_written_takes_the_place_of_the_word(desk: Desk) -> None:
    found = desk.suggestions("rules/pay.yaml", with_rules("on: invoice.paid", 'on: "invoice.p‸ai"'))
    one = next(one for one in found if one.label == "invoice.paid")
    assert (one.insert, one.span.end.column - one.span.start.column) == ("invoice.paid", len("invoice.pai"))
    member = desk.suggestions("rules/pay.yaml", with_rules("$customer}", "$cus‸to}"))
    own = next(one for one in member if one.label == "customer")
    assert (own.insert, own.span.end.column - own.span.start.column) == ("customer", len("custo"))


def test_a_colon_that_is_there_is_not_written_twice(desk: Desk) -> None:
    found = desk.suggestions("rules/pay.yaml", with_rules("result: paid", "res‸: paid"))
    assert next(one for one in found if one.label == "result").insert == "result"


@pytest.mark.parametrize(
    "marked",
    [
        with_rules("name: paid", "name: paid # ‸"),
        with_rules("description: Who pays.", "description: Who ‸"),
        with_rules("name: paid", "name: p‸"),
    ],
)
def test_where_anything_may_stand_nothing_is_proposed(desk: Desk, marked: str) -> None:
    assert desk.labels("rules/pay.yaml", marked) == []


@pytest.mark.parametrize("broken", ["rules: [\n", "x: {a: ‸\n", "\t", '"', "- a\nb: c\n", "&a *b", "a: &x\n  b: *x\n"])
def test_a_file_in_any_state_is_answered(desk: Desk, broken: str) -> None:
    for name in ("gateway.yaml", "rules/pay.yaml", "rules/tests/pay.test.yaml"):
        desk.labels(name, broken if "‸" in broken else f"{broken}‸")


def test_every_place_of_the_rules_is_answered(desk: Desk) -> None:
    for at in range(0, len(RULES), 9):
        desk.labels("rules/pay.yaml", f"{RULES[:at]}‸{RULES[at:]}")
        desk.labels("rules/pay.yaml", f"{RULES[:at]}‸")
