"""Payloads held against schemas: what is said of them, where, and what never is."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from gateway.config.payload_files import SHIPPED, SchemaUnusable, event_types
from gateway.config.payload_validation import LONGEST, PayloadValidator


def put(folder: Path, name: str, schema: Any) -> Path:
    path = folder / f"{name}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(schema if isinstance(schema, str) else json.dumps(schema))
    return path


ORDER = {
    "type": "object",
    "required": ["id"],
    "properties": {
        "id": {"type": "string"},
        "total": {"type": ["number", "null"]},
        "state": {"enum": ["open", "paid"]},
        "lines": {"items": {"$ref": "objects/line.json"}},
        "buyer": {"$ref": "#/$defs/person"},
    },
    "$defs": {"person": {"type": "object", "properties": {"name": {"type": "string"}}, "additionalProperties": False}},
}
LINE = {"type": "object", "properties": {"count": {"$ref": "#/$defs/n"}, "parts": {"items": {"$ref": "line.json"}}}}


@pytest.fixture
def validator(tmp_path: Path) -> PayloadValidator:
    put(tmp_path, "order.paid", ORDER)
    put(tmp_path, "objects/line", {**LINE, "$defs": {"n": {"type": "integer", "minimum": 1}}})
    return PayloadValidator([tmp_path])


@pytest.mark.parametrize(
    ("payload", "said"),
    [
        ({"id": "a", "total": Decimal("9.90"), "state": "paid", "new": 1}, None),
        ({"id": "a", "total": None, "lines": [{"count": 2}]}, None),
        ({"id": "a", "total": 10**40}, None),
        ([], "the payload is array, not object"),
        ({}, "the payload lacks `id`"),
        ({"id": 4111111111111111}, "`id` is integer, not string"),
        ({"id": "a", "total": "hunter2"}, "`total` is string, not null or number"),
        ({"id": "a", "state": "hunter2"}, "`state` is none of the values that its schema allows"),
        ({"id": "a", "lines": [{}, {"count": 0}]}, "`lines[1].count` does not fit `minimum` of its schema"),
        ({"id": "a", "lines": [{"parts": [{"count": "x"}]}]}, "`lines[0].parts[0].count` is string, not integer"),
        ({"id": "a", "buyer": {"a b": 1}}, '`buyer` has `"a b"`, which its schema does not know'),
    ],
)
def test_what_is_said(validator: PayloadValidator, payload: Any, said: str | None) -> None:
    assert validator.violation("order.paid", payload) == said


def test_a_type_without_a_schema_passes(validator: PayloadValidator) -> None:
    assert validator.types == {"order.paid"}
    assert validator.violation("order.voided", []) is None


def test_what_is_said_stays_short(validator: PayloadValidator) -> None:
    said = validator.violation("order.paid", {"id": "a", "buyer": {"x" * 10_000 + "\n": 1}})
    assert said is not None
    assert len(said) <= LONGEST
    assert "\n" not in said


def test_the_first_folder_wins(tmp_path: Path) -> None:
    put(tmp_path / "own", "a", {"type": "array"})
    put(tmp_path / "other", "a", {"type": "object"})
    put(tmp_path / "other", "b", {"type": "object"})
    validator = PayloadValidator([tmp_path / "own", tmp_path / "other", tmp_path / "none"])
    assert [validator.violation(name, []) is None for name in ("a", "b")] == [True, False]


def test_names_and_values_that_look_like_keywords(tmp_path: Path) -> None:
    named = {"$ref": {"type": "string"}, "default": {"$ref": "objects/line.json"}}
    put(tmp_path, "a", {"properties": named, "examples": [{"$ref": "nowhere.json"}]})
    put(tmp_path, "objects/line", {"type": "integer"})
    validator = PayloadValidator([tmp_path])
    assert validator.violation("a", {"$ref": 1}) == '`"$ref"` is integer, not string'
    assert validator.violation("a", {"default": "x"}) == "`default` is string, not integer"


@pytest.mark.parametrize(
    ("schema", "said", "pointer"),
    [
        ("{", "not JSON", ()),
        ({"properties": {"a": {"type": "strin"}}}, "not a JSON Schema", ("properties", "a", "type")),
        ({"pattern": "(?=a)b"}, "not a JSON Schema", ("pattern",)),
        ({"$ref": "nowhere.json"}, "`nowhere.json` refers to a file that is not there", ()),
        ({"$ref": "http://127.0.0.1:9/a.json"}, "refers to a file that is not there", ()),
        ({"$ref": "#/$defs/nowhere"}, "cannot be used", ()),
        ({"$ref": "#name"}, "does not name a place", ()),
    ],
)
def test_a_schema_that_cannot_be_used(tmp_path: Path, schema: Any, said: str, pointer: tuple[str, ...]) -> None:
    put(tmp_path, "a.good", {"type": "object"})
    path = put(tmp_path, "b.wrong", schema)
    with pytest.raises(SchemaUnusable, match=said) as raised:
        PayloadValidator([tmp_path])
    assert (raised.value.path.resolve(), raised.value.pointer) == (path.resolve(), pointer)


@pytest.mark.parametrize("provider", ["asaas", "paypal", "stripe", "workos"])
def test_the_shipped_schemas_are_sound(provider: str) -> None:
    validator = PayloadValidator([SHIPPED / provider])
    assert validator.types == set(event_types([SHIPPED / provider]))
    assert len(validator.types) > 20
