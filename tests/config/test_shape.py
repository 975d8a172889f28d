"""JSON Schema errors become findings: one a cause, at its place, in plain words."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.config.diagnostics import Findings
from gateway.config.document import Scalar, read_document
from gateway.config.shape import check_shape
from gateway.config.units import DURATION, PERCENT, RATE, SIZE


def found(text: str, schema: dict[str, Any]) -> list[tuple[str, str, tuple[int, int], str | None]]:
    findings = Findings()
    document = read_document("f.yaml", text, findings)
    assert document.root is not None
    fitted = check_shape(document, document.root, schema, findings.for_document(document))
    assert fitted == (findings.diagnostics == ())
    return [(one.code, one.message, tuple(one.span.start), one.help) for one in findings.diagnostics]


def closed(required: tuple[str, ...] = (), **properties: Any) -> dict[str, Any]:
    return {
        "type": "object",
        "additionalProperties": False,
        "required": list(required),
        "properties": properties,
    }


TEXT = {"type": "string"}


def test_what_fits_is_quiet() -> None:
    assert found("a: x\n", closed(("a",), a=TEXT)) == []


def test_an_unknown_key() -> None:
    assert found("nmae: x\n", closed(name=TEXT)) == [("GW101", "unknown key `nmae`", (1, 1), "did you mean `name`?")]
    assert found("zzz: x\n", closed(name=TEXT, age=TEXT)) == [
        ("GW101", "unknown key `zzz`", (1, 1), "known keys: `age`, `name`")
    ]


def test_each_unknown_key_is_a_finding() -> None:
    assert [place for _, _, place, _ in found("x: 1\ny: 2\n", closed(name=TEXT))] == [(1, 1), (2, 1)]


def test_a_key_that_fits_a_pattern_is_known() -> None:
    schema = {**closed(), "patternProperties": {"^x-": {}}}
    assert [message for _, message, _, _ in found("x-a: 1\ny: 2\n", schema)] == ["unknown key `y`"]


def test_a_key_of_the_wrong_level() -> None:
    schema = closed(verify={"anyOf": [{"const": "none"}, closed(tolerance=TEXT)]})
    assert found("tolerance: 5m\n", schema)[0][3] == "`tolerance` belongs under `verify`"


def test_missing_keys_are_one_finding_at_the_key_of_the_mapping() -> None:
    schema = closed(a=closed(("b", "c"), b={**TEXT, "examples": ["x"]}, c=TEXT, d=TEXT))
    assert found("a:\n  d: x\n", schema) == [("GW102", "missing keys `b` and `c` in `a`", (1, 1), "for example `b: x`")]


def test_a_misspelt_required_key_is_one_finding() -> None:
    assert found("pth: x\n", closed(("path",), path=TEXT)) == [
        ("GW101", "unknown key `pth`", (1, 1), "did you mean `path`?")
    ]


def test_what_is_missing_from_a_part_is_reported_at_its_key() -> None:
    findings = Findings()
    document = read_document("f.yaml", "a: {b: 1}\n", findings)
    assert document.root is not None
    key = document.root.entries[0][0]  # type: ignore[union-attr]  # a mapping
    node = document.root.entries[0][1]  # type: ignore[union-attr]  # a mapping
    check_shape(document, node, closed(("c",), b={}, c={}), findings.for_document(document), key=key)
    assert findings.diagnostics[0].span == key.span


@pytest.mark.parametrize(
    ("text", "schema", "message", "help"),
    [
        ("a: [x]\n", TEXT, "`a`: expected text, found a list", "one text is written without brackets: `x`"),
        ("a: [x, y]\n", TEXT, "`a`: expected text, found a list", "text that begins with `[` or `{` needs quotes"),
        ("a: 5\n", TEXT, "`a`: expected text, found the whole number `5`", 'quotes make it text: `"5"`'),
        ("a: yes\n", {"type": "boolean"}, "`a`: expected `true` or `false`, found the text `yes`",
         "write `true`, without quotes"),
        ("a: 'false'\n", {"type": "boolean"}, "`a`: expected `true` or `false`, found the text `false`",
         "write `false`, without quotes"),
        ("a: '5'\n", {"type": "integer"}, "`a`: expected a whole number, found the text `5`", "leave the quotes out"),
        ("a: 1.5\n", {"type": "integer"}, "`a`: expected a whole number, found the number `1.5`", None),
        ("a: true\n", {"type": "integer"}, "`a`: expected a whole number, found `true`", None),
        ("a:\n", {"type": "object"}, "`a`: expected a mapping, found nothing", None),
        ("a: ~\n", TEXT, "`a`: expected text, found null", None),
        ("a: ''\n", {"type": "array"}, "`a`: expected a list, found an empty text", None),
        ("a: x\n", {"type": "array"}, "`a`: expected a list, found the text `x`", "a list of one is written `[x]`"),
        ("a: {b: 1}\n", {"type": ["array", "null"]}, "`a`: expected a list or null, found a mapping", None),
        ("a: [1]\n", {"type": "array", "items": TEXT}, "an entry of `a`: expected text, found the whole number `1`",
         'quotes make it text: `"1"`'),
    ],
)  # fmt: skip
def test_a_value_of_another_kind(text: str, schema: dict[str, Any], message: str, help: str | None) -> None:
    ((code, said, _, helped),) = found(text, closed(a=schema))
    assert (code, said, helped) == ("GW103", message, help)


def test_numbers_are_exact_decimals() -> None:
    schema = closed(a={"type": "number", "minimum": 1, "multipleOf": 1})
    assert found("a: 2\n", schema) == []
    assert found("a: 0.5\n", closed(a={"type": "number", "minimum": 1}))[0][1] == "`a`: `0.5` is less than 1"


@pytest.mark.parametrize(
    ("text", "schema", "message", "help"),
    [
        ("a: wran\n", {"enum": ["warn", "info"]}, "`a`: `wran` is not one of the values allowed",
         "did you mean `warn`?"),
        ("a: xxxx\n", {"enum": ["warn", "info"]}, "`a`: `xxxx` is not one of the values allowed",
         "allowed: `warn`, `info`"),
        ("a: 2\n", {"const": 1}, "`a`: `2` is not one of the values allowed", "allowed: `1`"),
        ("a: 5\n", {"type": "integer", "maximum": 4}, "`a`: `5` is more than 4", None),
        ("a: 5\n", {"type": "integer", "exclusiveMinimum": 5}, "`a`: `5` is not more than 5", None),
        ("a: ''\n", {"type": "string", "minLength": 1}, "`a`: the text is empty", None),
        ("a: x\n", {"type": "string", "minLength": 3}, "`a`: the text is shorter than 3 characters", None),
        ("a: xxx\n", {"type": "string", "maxLength": 2}, "`a`: the text is longer than 2 characters", None),
        ("a: []\n", {"type": "array", "minItems": 1}, "`a`: a list needs at least one entry", None),
        ("a: [1]\n", {"type": "array", "minItems": 2}, "`a`: a list needs at least 2 entries", None),
        ("a: [1, 2]\n", {"type": "array", "maxItems": 1}, "`a`: a list may have 1 entries at most", None),
        ("a: {}\n", {"type": "object", "minProperties": 1}, "`a`: a mapping needs at least one entry", None),
        ("a: [x, x]\n", {"type": "array", "uniqueItems": True}, "`a`: `x` is written twice", "take one of them out"),
        ("a: x\n", {"title": "a path that begins with `/`", "type": "string", "pattern": "^/"},
         "`a`: expected a path that begins with `/`, found `x`", None),
        ("a: x\n", {"title": "Path", "type": "string", "pattern": "^/"}, "`a`: `x` does not fit", None),
        ("a: {b: 1}\n", {"type": "object", "dependentRequired": {"b": ["c"]}}, "`a`: `c` must stand beside it", None),
        ("a: {x y: 1}\n", {"type": "object", "propertyNames": {"title": "a name", "pattern": r"^\w+$"}},
         "a key of `a`: expected a name, found `x y`", None),
        ("a: 1\n", {"not": {}}, "`a`: `1` does not fit", None),
    ],
)  # fmt: skip
def test_a_value_outside_its_limits(text: str, schema: Any, message: str, help: str | None) -> None:
    ((code, said, _, helped),) = found(text, closed(a=schema))
    assert (code, said, helped) == ("GW104", message, help)


@pytest.mark.parametrize(
    ("written", "unit", "help"),
    [
        ("5", DURATION, "write the unit: `5s`, `5d`"),
        ("5", SIZE, "write the unit: `5B`"),
        ("5", RATE, "write the unit: `5/s`"),
        ("5", PERCENT, "write the unit: `5%`"),
        ("5min", DURATION, "write `5m`"),
        ("soon", DURATION, "for example `500ms`, `5s`, `5m`"),
    ],
)
def test_units(written: str, unit: dict[str, Any], help: str) -> None:
    ((code, message, place, helped),) = found(f"a: {written}\n", closed(a=dict(unit)))
    assert (code, place, helped) == ("GW106", (1, 4), help)
    assert unit["title"] in message


def test_a_list_where_a_duration_belongs_is_a_value_of_another_kind() -> None:
    ((code, message, _, _),) = found("a: [5m]\n", closed(a=dict(DURATION)))
    assert (code, message) == ("GW103", "`a`: expected a duration such as `5m`, found a list")


EITHER = {"anyOf": [TEXT, {"type": "array", "items": TEXT}]}


def test_of_alternatives_the_one_of_the_same_kind_counts() -> None:
    assert found("a: [x, 1]\n", closed(a=EITHER))[0][1] == "an entry of `a`: expected text, found the whole number `1`"
    assert found("a: {}\n", closed(a=EITHER))[0][1] == "`a`: expected text or a list, found a mapping"


def test_of_alternatives_the_one_with_the_constant_written_counts() -> None:
    hmac = closed(scheme={"const": "hmac"}, header=TEXT, prefix=TEXT)
    token = closed(scheme={"const": "token"}, token=TEXT)
    schema = closed(a={"oneOf": [hmac, token]})
    ((code, message, _, _),) = found("a: {scheme: hmac, haeder: x, prefix: 1}\n", schema)[:1]
    assert (code, message) == ("GW101", "unknown key `haeder` in `a`")


def test_a_constant_or_a_mapping() -> None:
    schema = closed(a={"anyOf": [{"const": "none"}, closed(b=TEXT)]})
    assert found("a: nonne\n", schema)[0][1:] == (
        "`a`: `nonne` is not one of the values allowed", (1, 4), "did you mean `none`?",
    )  # fmt: skip
    assert found("a: [1]\n", schema)[0][1] == "`a`: expected `none` or a mapping, found a list"
    assert found("a: {c: 1}\n", schema)[0][0] == "GW101"


def test_one_of_several_keys_must_be_there() -> None:
    schema = closed(a={**closed(b={}, c={}, d={}), "anyOf": [{"required": ["b"]}, {"required": ["c"]}]})
    assert found("a: {d: 1}\n", schema)[0][:2] == ("GW102", "missing key `b` or `c` in `a`")


def test_keys_that_exclude_each_other() -> None:
    schema = closed(a={**closed(b={}, c={}), "oneOf": [{"required": ["b"]}, {"required": ["c"]}]})
    assert found("a: {b: 1, c: 2}\n", schema) == [("GW105", "`b` and `c` exclude each other", (1, 11), None)]


def test_references_into_the_schema_are_followed() -> None:
    schema = {**closed(a={"anyOf": [{"$ref": "#/$defs/wait"}, {"type": "null"}]}), "$defs": {"wait": dict(DURATION)}}
    assert found("a: []\n", schema)[0][1] == "`a`: expected a duration such as `5m` or null, found a list"


def test_a_secret_is_never_quoted() -> None:
    secret = {"type": "string", "writeOnly": True, "pattern": "^whsec_", "enum": ["whsec_x"]}
    assert not [
        message for _, message, _, help in found("a: hunter2\n", closed(a=secret)) if "hunter2" in f"{message}{help}"
    ]


def test_a_value_that_is_unknown_is_passed_over() -> None:
    findings = Findings()
    document = read_document("f.yaml", "a: *lost\n", findings)
    assert document.root is not None
    check_shape(document, document.root, closed(a=TEXT), findings.for_document(document))
    assert [one.code for one in findings.diagnostics] == ["GW008"]


def test_a_value_from_elsewhere_is_not_quoted_but_its_origin_is() -> None:
    findings = Findings()
    document = read_document("f.yaml", "${env:X}\n", findings)
    node = document.root
    assert isinstance(node, Scalar)
    taken = Scalar(value="hunter2", raw=node.raw, text="hunter2", style="", span=node.span, origin="the variable `X`")
    check_shape(document, taken, {"enum": ["a", "b"]}, findings.for_document(document))
    (one,) = findings.diagnostics
    assert (one.message, one.notes) == (
        "the value is not one of the values allowed", ("the value comes from the variable `X`",),
    )  # fmt: skip


PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers() | st.sampled_from(["", "a", "none", "5m", "/x"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["a", "b", "scheme"]), inner),
    max_leaves=6,
)
SCHEMA = closed(
    ("a",),
    a={"anyOf": [{"const": "none"}, closed(("scheme",), scheme={"enum": ["hmac", "token"]}, b=EITHER)]},
    b={"oneOf": [dict(DURATION), {"type": "integer"}, {"type": "array", "minItems": 1, "items": TEXT}]},
)


@given(PLAIN)
def test_whatever_does_not_fit_is_said_without_the_librarys_words(value: object) -> None:
    for _, message, _, help in found(json.dumps(value) + "\n", SCHEMA):
        for jargon in ("schema", "is not valid", "is not of type", "was expected", "None", "True", "'"):
            assert jargon not in f"{message} {help or ''}"
