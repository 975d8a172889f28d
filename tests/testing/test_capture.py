"""`gateway events capture`: an event becomes a case, without people and secrets."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
import structlog
from cli.projects import Folder, called, refused

from gateway.config.diagnostics import Findings
from gateway.config.rule_tests import read_rule_tests
from gateway.testing.concealing import Concealer

PERSON = {
    "email": "Anna.Meier@Mail.example",
    "details": {"name": "Anna Meier", "phone": "+41 79 123 45 67", "address": {"city": "Bern", "country": "CH"}},
    "note": "call Anna Meier: anna.meier@mail.example or Anna.Meier@Mail.example, card 4242 4242 4242 4242",
    "client_secret": "pi_1_secret_2",
    "cvc": 123,
    "url": "https://pay.example/x?key=abc",
}
ODD = {
    "on": "yes",
    "no": None,
    "1": "12:30",
    "digits": "1.50",
    "lines": [
        {"n": n, "description": "a line that is long enough, " * 4, "deep": [[], {}, [1, "- a"]]} for n in (1, 2)
    ],
    "odd": 'tab\there \u2028 "quoted" \\ ünïcode 😀 # : - ~ ',
    "empty": "",
    "long": ["a text of some length"] * 9,
}


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Folder]:
    monkeypatch.chdir(tmp_path)
    folder = Folder(tmp_path)
    yield folder
    folder.bench.database.close()
    structlog.reset_defaults()


def payload_of(path: Path) -> object:
    findings = Findings()
    file = read_rule_tests(path, path.name, findings)
    assert file is not None
    assert findings.diagnostics == ()
    body = file.cases[0].events[0].body
    assert body is not None
    return json.loads(body)


def test_a_captured_event_is_a_case_that_passes(folder: Folder) -> None:
    folder.send("placed", 1, **ODD, amount=10)
    path = folder.path / "rules" / "tests" / "placed.test.yaml"
    assert "a case of event 1" in called("events", "capture", "evt_1", "--out", str(path))
    assert payload_of(path) == {"id": "evt_1", "type": "placed", "order": "o1", **ODD, "amount": 10}
    assert called("test").startswith("1 case passed in ")
    assert "status: done\n      rule: placed\n      result: stored\n      calls: []\n" in path.read_text()


def test_a_failed_event_too(folder: Folder) -> None:
    folder.send("broken", 1)
    text = called("events", "capture", "1")
    assert "      status: dead\n      rule: broken\n      error: broken as told\n" in text
    (folder.path / "rules" / "tests").mkdir(parents=True)
    (folder.path / "rules" / "tests" / "a.test.yaml").write_text(text)
    assert called("test").startswith("1 case passed in ")


def test_people_and_secrets_are_taken_out_the_same_everywhere(folder: Folder) -> None:
    folder.send("placed", 1, **PERSON)
    text = called("events", "capture", "1")
    for secret in ("Meier", "meier", "79 123", "Bern", "4242", "secret_2", "abc", "123"):
        assert secret not in text
    path = folder.path / "a.test.yaml"
    path.write_text(text)
    got = payload_of(path)
    assert isinstance(got, dict)
    assert got["email"] == "person1@example.com"
    assert got["note"] == "call Name 1: person2@example.com or person1@example.com, card 0000 0000 0000 0000"
    assert got["details"] == {"name": "Name 1", "phone": "0001", "address": {"city": "Place 1", "country": "CH"}}
    assert (got["client_secret"], got["cvc"], got["url"]) == ("concealed-1", 0, "https://pay.example/x")
    assert called("events", "capture", "1") == text


@pytest.mark.parametrize(
    ("value", "concealed"),
    [
        (
            {"id": "cus_1", "amount": 1234567890123, "status": "paid"},
            {"id": "cus_1", "amount": 1234567890123, "status": "paid"},
        ),
        ({"name": None, "last4": "4242", "active": True}, {"name": None, "last4": "concealed-1", "active": True}),
        (
            ["a@b.example", "c@d.example", "a@b.example"],
            ["person1@example.com", "person2@example.com", "person1@example.com"],
        ),
        (
            {"emails": [{"email": "a@b.example"}], "x": "sk_test_abcdef12"},
            {"emails": [{"email": "person1@example.com"}], "x": "concealed-1"},
        ),
        ({"cpfCnpj": "123.456.789-09", "nomeFantasia": "Loja"}, {"cpfCnpj": "0001", "nomeFantasia": "Name 1"}),
    ],
)
def test_what_is_concealed(value: object, concealed: object) -> None:
    assert Concealer().conceal(value) == concealed


def test_what_cannot_be_captured(folder: Folder) -> None:
    folder.bench.send(folder.bench.delivery(b"not json", id="evt_1"))
    assert "event 1 has no payload" in refused(2, "events", "capture", "evt_1")
    folder.send("placed", 2)
    (folder.path / "there.yaml").write_text("mine")
    assert "is there already" in refused(2, "events", "capture", "2", "--out", "there.yaml")
    assert (folder.path / "there.yaml").read_text() == "mine"
    assert "there is no event `9`" in refused(1, "events", "capture", "9")
