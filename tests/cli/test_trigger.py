"""`gateway trigger` at a running gateway: the whole way over HTTP, and what became of it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from cli.projects import refused
from running import ENVIRONMENT, Gateway, free_port

CONFIGURATION = """
version: 1
server: {host: 127.0.0.1, port: "${env:GATEWAY_PORT}"}
database: sqlite:///var/gateway.db
admin: {token: "${env:GATEWAY_ADMIN_TOKEN}"}
sources:
  stripe:
    provider: stripe
    path: /hooks/stripe
    verify: {secrets: ["${env:STRIPE_WEBHOOK_SECRET}"]}
    rules: [stripe.yaml, rules.yaml]
  asaas:
    provider: asaas
    path: /hooks/asaas
    verify: {token: "${env:ASAAS_WEBHOOK_TOKEN}"}
    respond: result
    rules: [rules.yaml]
  partner:
    path: /hooks/partner
    verify: {scheme: hmac, secret: "${env:STRIPE_WEBHOOK_SECRET}", header: X-Signature, algorithm: sha256}
    event: {type: kind}
    rules: [rules.yaml]
"""

STRIPE_RULES = """
version: 1
rules:
  - {name: large, on: payment_intent.succeeded, do: [{fail: "amount ${event.payload.data.object.amount} is too large"}]}
"""

RULES = """
version: 1
rules:
  - {name: other, on: "*", do: [{finish: "${event.type}"}]}
"""


def lay_out(folder: Path) -> None:
    (folder / "gateway.yaml").write_text(CONFIGURATION)
    (folder / "stripe.yaml").write_text(STRIPE_RULES)
    (folder / "rules.yaml").write_text(RULES)


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    folder = tmp_path_factory.mktemp("trigger")
    lay_out(folder)
    gateway = Gateway(folder).start()
    yield gateway
    gateway.stop()


def trigger(gateway: Gateway, *words: str, code: int = 0) -> str:
    ran = gateway.cli("trigger", *words)
    assert ran.returncode == code, ran.stdout + ran.stderr
    assert "Traceback" not in ran.stderr
    return ran.stdout if code < 2 else ran.stderr


def triggered(gateway: Gateway, *words: str, code: int = 0) -> Any:
    return json.loads(trigger(gateway, *words, "--json", code=code))


def test_a_sample_is_signed_sent_and_followed(served: Gateway) -> None:
    text = trigger(served, "stripe", "payment_intent.payment_failed")
    assert 'stripe answered 200: {"status":"accepted"' in text
    assert ": done, payment_intent.payment_failed\n" in text
    assert "its story: gateway events why " in text


def test_each_sample_is_a_new_event(served: Gateway) -> None:
    first = triggered(served, "stripe", "payment_intent.payment_failed")
    second = triggered(served, "stripe", "payment_intent.payment_failed")
    assert first["event"]["event_id"] != second["event"]["event_id"]
    assert json.loads(second["answer"]["body"])["status"] == "accepted"


def test_an_event_is_found_where_the_answer_does_not_name_it(served: Gateway) -> None:
    done = triggered(served, "asaas", "PAYMENT_CONFIRMED")
    assert "id" not in json.loads(done["answer"]["body"])
    assert (done["event"]["source"], done["event"]["result"]) == ("asaas", "PAYMENT_CONFIRMED")


def test_the_payload_is_changed_by_paths(served: Gateway) -> None:
    words = [
        "stripe",
        "payment_intent.payment_failed",
        "--set",
        "id=evt_chosen",
        "--set",
        "data.object.metadata.n=1.50",
    ]
    done = triggered(served, *words)
    assert done["event"]["event_id"] == "evt_chosen"
    shown = json.loads(served.cli("events", "show", "evt_chosen", "--json").stdout)
    assert shown["payload"]["data"]["object"]["metadata"]["n"] == 1.50
    assert '"n":1.50' in served.cli("events", "show", "evt_chosen", "--json").stdout


def test_a_dead_letter_is_a_failure(served: Gateway) -> None:
    done = triggered(served, "stripe", "payment_intent.succeeded", code=1)
    assert (done["event"]["status"], done["event"]["error"]) == ("dead", "amount 10000 is too large")


def test_a_file_is_sent_as_it_stands(served: Gateway) -> None:
    (served.folder / "mine.json").write_text('{ "kind": "thing",\n "n": 1.0 }')
    done = triggered(served, "partner", "thing", "--file", "mine.json")
    assert done["event"]["event_id"].startswith("sha256:")
    assert served.sql("SELECT body FROM gateway_bodies ORDER BY event DESC LIMIT 1") == [
        (b'{ "kind": "thing",\n "n": 1.0 }',)
    ]
    again = triggered(served, "partner", "thing", "--file", "mine.json")
    assert json.loads(again["answer"]["body"])["status"] == "duplicate"
    assert again["event"]["id"] == done["event"]["id"]
    changed = triggered(served, "partner", "thing", "--file", "mine.json", "--set", "n=2")
    assert changed["event"]["status"] == "done"


def test_another_secret_than_the_gateways_is_refused(served: Gateway) -> None:
    served.environment["STRIPE_WEBHOOK_SECRET"] = "whsec_another"
    try:
        done = triggered(served, "stripe", "payment_intent.payment_failed", code=1)
    finally:
        del served.environment["STRIPE_WEBHOOK_SECRET"]
    assert (done["answer"]["status"], done["event"]) == (401, None)


def test_another_token_than_the_gateways_is_told(served: Gateway) -> None:
    served.environment["GATEWAY_ADMIN_TOKEN"] = "another"
    try:
        text = trigger(served, "stripe", "payment_intent.payment_failed", code=2)
    finally:
        del served.environment["GATEWAY_ADMIN_TOKEN"]
    assert "answers 401: the admin token is missing or wrong" in text


def test_nobody_listening_is_told_with_the_address(served: Gateway) -> None:
    url = f"http://127.0.0.1:{free_port()}"
    text = trigger(served, "stripe", "payment_intent.payment_failed", "--url", url, code=2)
    assert f"nothing answers at {url}: connection refused" in text
    assert "gateway serve" in text


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["stripes", "x"], "did you mean `stripe`?"),
        (["stripe", "payment_intent.suceeded"], "payment_intent.succeeded"),
        (["partner", "thing"], "names no provider"),
        (["stripe", "payment_intent.succeeded", "--set", "x"], "`x` is not PATH=VALUE"),
        (["stripe", "payment_intent.succeeded", "--set", "data.objekt.id=1"], "did you mean `object`?"),
        (["stripe", "payment_intent.succeeded", "--set", "type=other"], "is an event of type `other`"),
        (["stripe", "x", "--file", "none.json"], "`none.json` cannot be read: no such file"),
        (["stripe", "payment_intent.succeeded", "--url", "ftp://x"], "is not an address"),
    ],
)
def test_what_cannot_be_sent_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: list[str], message: str
) -> None:
    lay_out(tmp_path)
    monkeypatch.chdir(tmp_path)
    for name, value in {**ENVIRONMENT, "GATEWAY_PORT": "9"}.items():
        monkeypatch.setenv(name, value)
    assert message in refused(2, "trigger", *words)


def test_secrets_are_never_printed(served: Gateway) -> None:
    ran = served.cli("trigger", "asaas", "PAYMENT_CREATED", "--json")
    for secret in ("asaas-token-of-the-tests", "admin-token-of-the-tests"):
        assert secret not in ran.stdout + ran.stderr
        assert secret not in served.log


def test_commands_look_at_the_database_beside_the_running_gateway(served: Gateway, tmp_path: Path) -> None:
    trigger(served, "stripe", "payment_intent.succeeded", code=1)
    retried = served.cli("events", "retry", "--status", "dead", "--type", "payment_intent.*", "--json")
    count = json.loads(retried.stdout)["retried"]
    assert count >= 1
    served.wait_until_done()
    dead = json.loads(served.cli("events", "list", "--status", "dead", "--json").stdout)["events"]
    assert len(dead) == count
    assert all(event["attempts"] >= 2 for event in dead)
