"""Types through a rules file: what is wrong on every way is found, what is right on one is not."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway.config.diagnostics import Findings
from gateway.config.document import read_document
from gateway.config.suspicions import Suspicion, Suspicions
from gateway.project import load_project

GATEWAY = """\
version: 1
sources:
  one: {provider: stripe, path: /one, verify: none, rules: [rules.yaml], settings: {limit: 5}}
  two: {path: /two, verify: none, event: {id: id, type: kind}, rules: [%s]}
"""
RULES = """\
version: 1
settings: {limit: null, days: 3}
extract: {number: data.object.number}
procedures:
  look:
    - {log: seen, when: given == `3`}
rules:
  - {name: paid, on: invoice.paid, do: [{run: look, with: {given: $number}}]}
"""
OTHER = "version: 1\nrules: [{name: paid, on: paid, do: [{log: paid}]}]\n"
KNOWS = "  - {name: voided, on: invoice.voided, do: [{run: look, with: {given: $event.attempt}}]}\n"


def codes(directory: Path, rules: str, *, shared: bool = False) -> list[str]:
    (directory / "gateway.yaml").write_text(GATEWAY % ("rules.yaml" if shared else "other.yaml"))
    (directory / "rules.yaml").write_text(rules)
    (directory / "other.yaml").write_text(OTHER)
    findings = Findings()
    load_project(directory / "gateway.yaml", findings, {})
    return [one.code for one in findings.diagnostics if one.code not in {"GW219", "GW402", "GW510"}]


def test_a_procedure_is_wrong_when_it_is_so_for_every_rule(tmp_path: Path) -> None:
    assert codes(tmp_path, RULES) == ["GW308"]
    assert codes(tmp_path, RULES + KNOWS) == []


def test_what_another_source_sends_is_not_known(tmp_path: Path) -> None:
    rules = RULES.replace("$number", "$event.payload.data.object.nubmer")
    assert codes(tmp_path, rules) == ["GW307"]
    assert codes(tmp_path, rules, shared=True) == []


@pytest.mark.parametrize(
    ("condition", "wanted"),
    [
        ("settings.limit == 'a'", ["GW308"]),  # the source that says more gives a number
        ("settings.limit == `5`", []),
        ("settings.days == 'a'", ["GW308"]),
        ("settings.days == `1.5`", []),
    ],
)
def test_settings_are_what_the_sources_say(tmp_path: Path, condition: str, wanted: list[str]) -> None:
    number = "settings: {limit: 1, days: 3}"
    rules = RULES.replace("settings: {limit: null, days: 3}", number).replace("given == `3`", condition)
    assert codes(tmp_path, rules) == wanted


def test_an_empty_setting_may_be_anything(tmp_path: Path) -> None:
    assert codes(tmp_path, RULES.replace("given == `3`", "settings.limit == 'a' || settings.limit == `3`")) == []


def test_a_scope_that_holds_itself_comes_to_an_end(tmp_path: Path) -> None:
    rules = RULES.replace("given == `3`", "given == given").replace("$number", '"${ @ }"')
    assert codes(tmp_path, rules) == ["GW309"]


def test_a_suspicion_holds_when_it_does_each_time() -> None:
    document = read_document("rules.yaml", "version: 1\n", Findings())
    assert document.root is not None
    always = Suspicion(code="GW308", message="always", span=document.root.span)
    once = Suspicion(code="GW309", message="once", span=document.root.span)
    suspicions, findings = Suspicions(), Findings()
    suspicions.look(document.root, "type", [always, once])
    suspicions.look(document.root, "type", [always])
    suspicions.report(findings.for_document(document))
    assert [one.message for one in findings.diagnostics] == ["always"]


def test_a_place_that_was_in_order_once_is_not_looked_at_again() -> None:
    document = read_document("rules.yaml", "version: 1\n", Findings())
    assert document.root is not None
    asked: list[str] = []

    def found(when: str, *wrong: str) -> Iterator[Suspicion]:
        asked.append(when)
        for message in wrong:
            yield Suspicion(code=message, message=message, span=document.root.span)

    suspicions, findings = Suspicions(), Findings()
    suspicions.look(document.root, "type", found("first", "this", "that"))
    suspicions.look(document.root, "type", found("second", "another"))
    suspicions.look(document.root, "type", found("third", "this"))
    suspicions.look(document.root, "names", found("of another kind", "this"))
    suspicions.report(findings.for_document(document))
    assert asked == ["first", "second", "of another kind"]
    assert [one.message for one in findings.diagnostics] == ["this"]


def test_a_path_is_not_there_for_the_sake_of_an_older_sender_alone(tmp_path: Path) -> None:
    asaas = "{provider: asaas, path: /asaas, verify: none, rules: [rules.yaml]}"
    rules = """\
version: 1
extract: {customer: subscription.%s}
rules:
  - {name: ended, on: [SUBSCRIPTION_DELETED, SUBSCRIPTION_CANCELED], do: [{log: $customer}]}
"""
    for path, wanted in (("customer", []), ("custmoer", ["GW307"])):
        (tmp_path / "gateway.yaml").write_text("version: 1\nsources:\n  asaas: " + asaas)
        (tmp_path / "rules.yaml").write_text(rules % path)
        findings = Findings()
        load_project(tmp_path / "gateway.yaml", findings, {})
        assert [one.code for one in findings.diagnostics if one.code != "GW402"] == wanted


@pytest.mark.parametrize(
    ("condition", "wanted"),
    [
        ("status == 'actve'", ["GW309: this is never `actve`: it is one of `active`, `canceled` (`active`?)"]),
        ("status == 'active'", []),
        ("contains(['x', 'active'], status)", ["GW309: this is never `x`: it is one of `active`, `canceled` (None?)"]),
        ("kind == 'other'", ["GW309: this is never `other`: it is one of `plan` (None?)"]),
    ],
)  # fmt: skip
def test_words_of_a_payload_schema_are_known(tmp_path: Path, condition: str, wanted: list[str]) -> None:
    folder = tmp_path / "schemas" / "payloads" / "two"
    folder.mkdir(parents=True)
    (folder / "paid.json").write_text(
        '{"properties": {"status": {"enum": ["active", "canceled"]}, "kind": {"type": "string", "const": "plan"}}}'
    )
    (tmp_path / "gateway.yaml").write_text(GATEWAY % "other.yaml")
    (tmp_path / "rules.yaml").write_text("version: 1\nrules: [{name: paid, on: invoice.paid, do: [{log: paid}]}]\n")
    (tmp_path / "other.yaml").write_text(
        "version: 1\nextract: {status: status, kind: kind}\nrules:\n"
        f'  - {{name: paid, on: paid, do: [{{log: $status $kind, when: "{condition}"}}]}}\n'
    )
    findings = Findings()
    load_project(tmp_path / "gateway.yaml", findings, {})
    found = [one for one in findings.diagnostics if one.code == "GW309"]
    said = [f"{one.code}: {one.message} ({str(one.help).removeprefix('did you mean ').rstrip('?')}?)" for one in found]
    assert said == wanted
