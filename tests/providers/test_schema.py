"""The schema of `verify` and `event`: what operators write fits it, and every part says what it is for."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from gateway.providers import EVENT_SCHEMA, VERIFY_SCHEMA

VERIFY = Draft202012Validator(VERIFY_SCHEMA)
EVENT = Draft202012Validator(EVENT_SCHEMA)


@pytest.mark.parametrize("schema", [VERIFY_SCHEMA, EVENT_SCHEMA], ids=["verify", "event"])
def test_it_is_a_schema_and_describes_every_key(schema: dict[str, Any]) -> None:
    Draft202012Validator.check_schema(schema)
    undescribed = [name for name, inner in properties(schema) if not inner.get("description")]
    assert undescribed == []


def properties(schema: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    for name, inner in schema.get("properties", {}).items():
        yield name, inner
        yield from properties(inner)
    for inner in schema.get("oneOf", []):
        yield from properties(inner)


@pytest.mark.parametrize(
    "verify",
    [
        {"token": "x"},
        {"secrets": ["x", ""], "tolerance": "5m"},
        {"scheme": "hmac", "header": "X-Signature", "algorithm": "sha256", "encoding": "hex", "prefix": "sha256="},
        {"secret": "x", "conceal": True, "message": "Webhook verification failed"},
        {"scheme": "hmac", "secret": "x", "separator": ";", "pair": ["a", "b"], "pair_separator": ":"},
        {"scheme": "hmac", "secret": "x", "signed": "{timestamp}.{body}", "timestamp": {"pair": "t", "unit": "ms"}},
    ],
)
def test_what_operators_write_fits(verify: dict[str, Any]) -> None:
    assert [error.message for error in VERIFY.iter_errors(verify)] == []


@pytest.mark.parametrize(
    "verify",
    [
        {"tokn": "x"},
        {"secret": 7},
        {"secrets": []},
        {"scheme": "rot13"},
        {"algorithm": "md5"},
        {"encoding": "binary"},
        {"tolerance": 300},
        {"pair": []},
        {"timestamp": {"unit": "days"}},
    ],
)
def test_what_is_no_verification_does_not(verify: dict[str, Any]) -> None:
    assert not VERIFY.is_valid(verify)


def test_events() -> None:
    fitting = {"id": "delivery.id", "type": {"header": "X-Type"}, "occurred_at": {"path": "sent_at", "zone": "UTC"}}
    assert EVENT.is_valid(fitting)
    assert EVENT.is_valid({"key": "account.id"})
    assert not EVENT.is_valid({"id": {"zone": "UTC"}})
    assert not EVENT.is_valid({"name": "x"})
