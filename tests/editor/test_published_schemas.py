"""The JSON Schemas of the repository, as somebody meets them who hovers over a key."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

ROOT = Path(__file__).parents[2]
NAMES = ("gateway", "rules", "tests")
SCHEMAS: dict[str, dict[str, Any]] = {
    name: json.loads((ROOT / "schemas" / f"{name}.schema.json").read_text("utf-8")) for name in NAMES
}
CHOICES = ("anyOf", "oneOf", "allOf")


def resolved(root: dict[str, Any], schema: dict[str, Any]) -> dict[str, Any]:
    name = schema.get("$ref", "").removeprefix("#/$defs/")
    return {**root["$defs"][name], **schema} if name else schema


def keys(root: dict[str, Any], schema: dict[str, Any], path: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield every key that a schema names, with its path."""
    for name, inner in schema.get("properties", {}).items():
        yield f"{path}/{name}", resolved(root, inner)
        yield from keys(root, inner, f"{path}/{name}")
    others = (schema.get(keyword) for keyword in ("additionalProperties", "items", "then"))
    choices = (inner for keyword in CHOICES for inner in schema.get(keyword, ()))
    for inner in (*others, *choices):
        if isinstance(inner, dict):
            yield from keys(root, inner, f"{path}/*")
    for name, inner in schema.get("$defs", {}).items():
        yield from keys(root, inner, f"{path}#{name}")


def variants(root: dict[str, Any], schema: dict[str, Any]) -> Iterator[dict[str, Any]]:
    schema = resolved(root, schema)
    yield schema
    for inner in (inner for keyword in CHOICES for inner in schema.get(keyword, ())):
        yield from variants(root, inner)


ALL = [(name, path, key) for name, schema in SCHEMAS.items() for path, key in keys(schema, schema, name)]


def test_every_key_is_looked_at() -> None:
    counts = {name: sum(own == name for own, _, _ in ALL) for name in NAMES}
    assert counts["gateway"] > 100
    assert counts["rules"] > 150
    assert counts["tests"] > 80


def test_every_key_has_a_sentence() -> None:
    assert [path for _, path, key in ALL if not key.get("description")] == []
    wrong = [
        (path, said)
        for _, path, key in ALL
        for said in [key["description"]]
        if not said.endswith((".", ".)")) or not (said[0].isupper() or said[0] == "`") or "  " in said
    ]
    assert wrong == []


def says_itself(root: dict[str, Any], key: dict[str, Any]) -> bool:
    """Say whether its values are listed, its keys have examples of their own, or a default shows how it is written."""
    return any(
        {"enum", "const", "properties", "default"} & set(one) or one.get("type") == "boolean"
        for one in variants(root, key)
    )


def test_what_is_not_listed_has_an_example() -> None:
    without = [
        path
        for name, path, key in ALL
        if not says_itself(SCHEMAS[name], key) and not any(one.get("examples") for one in variants(SCHEMAS[name], key))
    ]
    assert without == []


@pytest.mark.parametrize("name", NAMES)
def test_examples_and_defaults_fit(name: str) -> None:
    root = SCHEMAS[name]
    wrong = []
    for path, key in keys(root, root, name):
        judge = Draft202012Validator({**key, "$defs": root.get("$defs", {})})
        shown = [*key.get("examples", ()), *([key["default"]] if "default" in key else ())]
        wrong += [(path, one, error.message) for one in shown for error in judge.iter_errors(one)]
    assert wrong == []


LISTED = {
    "gateway": """provider respond unmatched schema ordering scheme algorithm encoding secret_encoding mode unit level
        format process""",
    "rules": "type as level method refused expect cache on_conflict missing",
    "tests": "status level method code cache",
}
"""Keys whose values are some words."""


@pytest.mark.parametrize("name", NAMES)
def test_words_that_can_be_listed_are_listed(name: str) -> None:
    for word in LISTED[name].split():
        choices = [key for own, path, key in ALL if own == name and path.endswith(f"/{word}")]
        assert any({"enum", "const"} & set(one) for key in choices for one in variants(SCHEMAS[name], key)), word


MODELINES = [ROOT / "gateway.yaml", *sorted((ROOT / "rules").rglob("*.yaml"))]


@pytest.mark.parametrize("path", MODELINES, ids=lambda path: str(path.relative_to(ROOT)))
def test_shipped_files_name_their_schema(path: Path) -> None:
    first = path.read_text("utf-8").partition("\n")[0]
    named = first.removeprefix("# yaml-language-server: $schema=")
    kind = "gateway" if path.name == "gateway.yaml" else "tests" if path.name.endswith(".test.yaml") else "rules"
    assert (path.parent / named).resolve() == ROOT / "schemas" / f"{kind}.schema.json"


@pytest.mark.parametrize(
    ("where", "fits"),
    [
        ({"status": "open", "amount": {"gte": 1, "lt": "$limit"}, "paid_at": {"is": None}, "late": False}, True),
        ([{"id": "$id"}, {"due": {"within": "24h", "of": "$now"}, "status": {"in": ["open", "paid"]}}], True),
        ({"amount": {"greater": 1}}, False),
        ({"paid_at": {"is": "absent"}}, False),
        ({"paid_at": {"of": "$now"}}, False),
        ([{"amount": {}}], False),
    ],
)
def test_where_is_spelt_out(where: object, fits: bool) -> None:
    rule = {"name": "paid", "on": "invoice.paid", "do": [{"find": "invoices", "where": where, "as": "row"}]}
    assert Draft202012Validator(SCHEMAS["rules"]).is_valid({"version": 1, "rules": [rule]}) is fits
