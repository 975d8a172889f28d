"""What can be wrong with a `verify` or an `event` of the right shape is a value, never an exception."""

from __future__ import annotations

import base64
from datetime import timedelta
from typing import Any

import pytest

from gateway.providers import PRESETS, Problem, event_problems, verify_problems

TIMED = {"scheme": "hmac", "secret": "x", "signed": "{timestamp}.{body}"}


ASKED = {"webhook_id": "4JH", "mode": "api", "client_id": "x", "client_secret": "y"}


@pytest.mark.parametrize(
    ("verify", "provider", "key", "message"),
    [
        ({}, "stripe", "", "there is no secret to verify with"),
        ({"secrets": ["", "  "]}, "stripe", "secrets", "there is no secret to verify with"),
        ({"token": ""}, "asaas", "token", "there is no token to verify with"),
        ({"secret": "whsec_not base64!"}, "standard-webhooks", "secret", "the secret is not base64"),
        ({"secret": "whsec_"}, "standard-webhooks", "secret", "nothing stands behind `whsec_` in the secret"),
        ({"secret": "whsec_"}, "stripe", "secret", "nothing stands behind `whsec_` in the secret"),
        (
            {"secret": "whpk_c2VjcmV0"},
            "standard-webhooks",
            "secret",
            "the secret is half of a key pair (`v1a`), which is not available",
        ),
        ({"secret": "xyz", "secret_encoding": "hex"}, "stripe", "secret", "the secret is not hex"),
        ({"secret": "é", "secret_encoding": "base64"}, "stripe", "secret", "the secret is not base64"),
        ({"token": "x"}, "stripe", "token", "`stripe` deliveries are signed, they hold no token"),
        ({"secret": "x", "tolerance": "0s"}, "stripe", "tolerance", "a tolerance of 0 would refuse every delivery"),
        (
            {"secret": "x", "tolerance": timedelta()},
            "stripe",
            "tolerance",
            "a tolerance of 0 would refuse every delivery",
        ),
        ({"secret": "x", "tolerance": "5m"}, "github", "tolerance", "a tolerance has no effect: no time is signed"),
        ({"scheme": "hmac", "secret": "x", "signed": "{id}"}, None, "signed", "what is signed must hold `{body}`"),
        (
            {"scheme": "hmac", "secret": "x", "signed": "{body}{body}"},
            None,
            "signed",
            "what is signed must hold `{body}` once",
        ),
        ({"scheme": "hmac", "secret": "x", "signed": "{ts}.{body}"}, None, "signed", "there is no `{ts}`"),
        (
            {"scheme": "hmac", "secret": "x", "signed": "{id}.{body}"},
            None,
            "signed",
            "`{id}` is signed, but nothing says where the id stands",
        ),
        (TIMED, None, "signed", "`{timestamp}` is signed, but nothing says where the time stands"),
        ({**TIMED, "timestamp": {"unit": "ms"}}, None, "timestamp", "nothing says where the time stands"),
        (
            {**TIMED, "timestamp": {"pair": "t"}},
            None,
            "timestamp",
            "the time is in a pair, but nothing says which pair holds the signature",
        ),
        (
            {"scheme": "hmac", "secret": "x", "timestamp": {"header": "X-Time"}},
            None,
            "timestamp",
            "the time is not signed, so anyone can change it",
        ),
        ({"scheme": "rot13", "secret": "x"}, None, "scheme", "there is no scheme `rot13`"),
        ({}, "paypal", "", "there is no `webhook_id`, which is part of what PayPal signs"),
        ({"webhook_id": " "}, "paypal", "webhook_id", "there is no `webhook_id`, which is part of what PayPal signs"),
        (
            {"webhook_id": "4JH", "secret": "x"},
            "paypal",
            "secret",
            "`secret` has no meaning for PayPal, which signs with a certificate of its own",
        ),
        (
            {"webhook_id": "4JH", "tolerance": "0s"},
            "paypal",
            "tolerance",
            "a tolerance of 0 would refuse every delivery",
        ),
        ({"webhook_id": "4JH", "mode": "api"}, "paypal", "mode", "`mode: api` needs `client_id`"),
        (
            {"webhook_id": "4JH", "mode": "api", "client_id": "x", "client_secret": ""},
            "paypal",
            "client_secret",
            "`mode: api` needs `client_secret`",
        ),
        ({**ASKED, "api_base": "http://api-m.paypal.com"}, "paypal", "api_base", "`api_base` is no https address"),
        (
            {**ASKED, "api_base": "http://127.0.0.1.evil.example"},
            "paypal",
            "api_base",
            "`api_base` is no https address",
        ),
        ({**ASKED, "api_base": "https://["}, "paypal", "api_base", "`api_base` is no https address"),
        (
            {"secret": "x", "webhook_id": "4JH"},
            "stripe",
            "webhook_id",
            "`webhook_id` belongs to PayPal's scheme, not to `stripe`",
        ),
    ],
)
def test_what_cannot_verify_is_a_problem(verify: dict[str, Any], provider: str | None, key: str, message: str) -> None:
    problems = verify_problems(verify, PRESETS.get(provider or ""))
    assert (key, message) in [(problem.key, problem.message) for problem in problems]
    assert all(problem.help for problem in problems)


def test_a_bad_secret_is_named_by_its_place_and_never_shown() -> None:
    good = "whsec_" + base64.b64encode(b"k" * 24).decode()
    verify = {"secrets": [good, "", "whsec_?hidden?"]}
    (problem,) = verify_problems(verify, PRESETS["standard-webhooks"])
    assert (problem.key, problem.index) == ("secrets", 2)
    assert "hidden" not in f"{problem}"


@pytest.mark.parametrize(
    ("verify", "provider"),
    [
        ({"secrets": ["whsec_x", ""], "tolerance": "5m"}, "stripe"),
        ({"secret": "whsec_x", "tolerance": "1h30m"}, "stripe"),
        ({"webhook_id": "4JH", "certificates": "", "trust": "", "client_id": "", "tolerance": "3d"}, "paypal"),
        ({**ASKED, "api_base": "http://127.0.0.1:8080"}, "paypal"),
        ({**ASKED, "api_base": "http://[::1]:8080"}, "paypal"),
        ({**ASKED, "api_base": "https://api-m.sandbox.paypal.com"}, "paypal"),
        ({"scheme": "paypal", "webhook_id": "4JH"}, None),
        ({"token": "x"}, "asaas"),
        ({"tokens": ["x", ""]}, "asaas"),
        ({"token": "x"}, None),
        ({"scheme": "token", "header": "X-Token", "token": "x"}, "stripe"),
        ({"secret": "x", "conceal": True, "message": "no"}, "workos"),
        ({"scheme": "hmac", "secret": "x", "prefix": "sha256="}, None),
        ({"secret": "x", "timestamp": {"unit": "ms"}}, "stripe"),
    ],
)
def test_what_verifies_is_none(verify: dict[str, Any], provider: str | None) -> None:
    assert verify_problems(verify, PRESETS.get(provider or "")) == []


@pytest.mark.parametrize(
    ("event", "messages"),
    [
        ({"id": "id", "type": {"header": "X-Type"}, "occurred_at": {"path": "at", "zone": "Europe/Berlin"}}, []),
        ({"occurred_at": {"header": "X-At", "zone": "Mars/Olympus"}}, ["there is no time zone `Mars/Olympus`"]),
        ({"occurred_at": {"zone": "UTC"}}, ["nothing says where `occurred_at` is"]),
    ],
)
def test_what_is_wrong_with_an_event(event: dict[str, Any], messages: list[str]) -> None:
    assert [problem.message for problem in event_problems(event)] == messages


def test_a_path_that_is_none_is_a_problem_of_its_key() -> None:
    problems = event_problems({"id": "a..b", "occurred_at": {"path": "["}})
    assert [problem.key for problem in problems] == ["id", "occurred_at"]
    assert all(isinstance(problem, Problem) and problem.message for problem in problems)
