"""The JSON Schemas for editors."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from config.golden import HERE, expect
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from gateway.cli.schema import SCHEMAS, written
from gateway.config.diagnostics import Findings
from gateway.config.document import read_document
from gateway.config.gateway_schema import gateway_schema
from gateway.config.schema_walk import pruned, with_defaults

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("name", list(SCHEMAS))
def test_the_file_is_what_the_code_says(name: str) -> None:
    expect(ROOT / "schemas" / f"{name}.schema.json", written(name))


@pytest.mark.parametrize("name", list(SCHEMAS))
def test_it_is_a_schema_of_its_draft(name: str) -> None:
    schema = json.loads(written(name))
    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    Draft202012Validator.check_schema(schema)


@pytest.mark.parametrize("case", sorted((HERE / "ok").glob("*.yaml")), ids=lambda path: path.stem)
def test_an_editor_takes_references_where_the_gateway_takes_values(case: Path) -> None:
    root = read_document(str(case), case.read_text("utf-8"), Findings()).root
    assert root is not None
    kind = "rules" if "rules" in {key.text for key, _ in root.entries} else "gateway"
    assert [error.message for error in Draft202012Validator(SCHEMAS[kind]()).iter_errors(root.plain())] == []


@pytest.mark.parametrize(
    "change",
    [
        {"version": 2},
        {"server": {"port": "eighty"}},
        {"retry": {"first": 5}},
        {"retries": {}},
        {"log": {"level": "loud"}},
        {"sources": []},
    ],
)
def test_an_editor_still_sees_mistakes(change: dict[str, Any]) -> None:
    good = {"version": 1, "sources": {"a": {"path": "/a", "verify": "none"}}}
    validator = Draft202012Validator(SCHEMAS["gateway"]())
    assert validator.is_valid(good)
    assert not validator.is_valid({**good, **change})


def described(schema: dict[str, Any], path: str = "") -> list[str]:
    """Return the keys without a description."""
    missing = []
    for name, inner in schema.get("properties", {}).items():
        missing += [] if inner.get("description") else [f"{path}/{name}"]
        missing += described(inner, f"{path}/{name}")
    for inner in (schema.get("additionalProperties"), schema.get("items"), *schema.get("anyOf", ())):
        missing += described(inner, f"{path}/*") if isinstance(inner, dict) else []
    return missing


def test_every_key_of_gateway_yaml_is_described() -> None:
    assert [path for path in described(gateway_schema()) if not path.endswith("/event")] == []


def test_defaults_fit_their_own_schema() -> None:
    filled = with_defaults({"version": 1, "sources": {"a": {"path": "/a"}}, "alerts": []}, gateway_schema())
    assert [error.message for error in Draft202012Validator(gateway_schema()).iter_errors(filled)] == []


KEYS = ["version", "sources", "server", "port", "retry", "first", "alerts", "name", "verify", "path", "channels", "x y"]
DATA = st.recursive(
    st.none() | st.booleans() | st.integers() | st.sampled_from(["", "5m", "none", "/x", "x"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(KEYS), inner, max_size=4),
    max_leaves=12,
)


@given(st.dictionaries(st.sampled_from(KEYS), DATA, max_size=6))
def test_what_is_left_after_pruning_fits_but_for_missing_keys(data: dict[str, Any]) -> None:
    left = pruned(data, gateway_schema())
    errors = Draft202012Validator(gateway_schema()).iter_errors(left)
    assert {error.validator for error in errors} <= {"required"}
