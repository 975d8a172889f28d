"""JMESPath's meaning, with the jmespath library as the oracle wherever the two agree on purpose."""

import jmespath
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.expressions import NO_CONTEXT, EvaluationError, ExpressionError, compile_expression

NAMES = st.sampled_from("abc")

# Numbers from 2: Python, and so jmespath inside lists, holds 0 and 1 equal to false and true.
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(2, 5) | st.sampled_from(["", "x", "y"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=3),
    max_leaves=12,
)
SCOPES = st.dictionaries(NAMES, VALUES, min_size=1, max_size=3)


def joined(*parts):
    return st.tuples(*(part if not isinstance(part, str) else st.just(part) for part in parts)).map("".join)


def larger(inner):
    return st.one_of(
        joined(inner, ".", NAMES),
        joined(inner, st.sampled_from(["[0]", "[-1]", "[*]", "[]", "[1:]", "[::-1]", "[:2]", ".*"])),
        joined(inner, st.sampled_from(["[*].", "[].", ".*."]), NAMES),
        joined(inner, "[?", inner, "]"),
        joined(inner, "[?", inner, "].", NAMES),
        joined(inner, " | ", inner),
        joined("(", inner, " || ", inner, ")"),
        joined("(", inner, " && ", inner, ")"),
        joined("(!(", inner, "))"),
        joined("(", inner, st.sampled_from([" == ", " != ", " < ", " >= "]), inner, ")"),
        joined("[", inner, ", ", inner, "]"),
        joined("{a: ", inner, ", b: ", inner, "}"),
        joined("not_null(", inner, ", ", inner, ")"),
        joined("to_array(", inner, ")"),
        joined("type(", inner, ")"),
    )


ATOMS = NAMES | st.sampled_from(["@", "'x'", "`2`", "`[2, 3]`", "`null`", "`true`", "*", "[*]", "[]"])
EXPRESSIONS = st.recursive(ATOMS, larger, max_leaves=6)


@settings(max_examples=1000)
@given(EXPRESSIONS, SCOPES)
def test_an_expression_means_what_jmespath_means(text, scope):
    try:
        found = compile_expression(text)(scope, NO_CONTEXT)
    except EvaluationError as error:
        incomparable = error.message.startswith("cannot compare")
    else:
        incomparable = False
    assert incomparable or found == jmespath.search(text, scope)


@pytest.mark.parametrize(
    ("text", "scope", "expected"),
    [
        ("a.b.c.d.e.f", {"a": {"b": {"c": {"d": {"e": {"f": 1}}}}}}, 1),
        ("a.b.c.d.e.f", {"a": {"b": {"c": {"d": {"e": None}}}}}, None),
        ("a.b.c.d.e.f", {"a": {"b": {"c": {"d": {}}}}}, None),
        ("a.b", {"a": "text"}, None),
        ("a.b", {"a": [{"b": 1}]}, None),
        ("a", None, None),
        ("a", [1], None),
        ("a[?b].c", {"a": [{"b": 0, "c": 1}, {"b": "", "c": 2}, {"b": False, "c": 3}, {"c": 4}]}, [1]),
        ("a || b", {"a": 0, "b": 1}, 0),
        ("a && b", {"a": 0, "b": 1}, 1),
        ("a && b || c", {"a": {}, "b": 1, "c": 2}, 2),
        ("a && b && c", {"a": 1, "b": [], "c": 2}, []),
        ("a || b || c", {"a": None, "b": "", "c": "x"}, "x"),
        ("!a", {"a": 0}, False),
        ("!a", {"a": ""}, True),
        ("paid >= total && 'paid' || 'partially_paid'", {"paid": 5, "total": 5}, "paid"),
        ("paid >= total && 'paid' || 'partially_paid'", {"paid": 4, "total": 5}, "partially_paid"),
        ("resource.links[?rel == 'up'].href | [0]", {"resource": {"links": [{"rel": "up", "href": "/x"}]}}, "/x"),
        ("resource.links[?rel == 'up'].href | [0]", {"resource": {}}, None),
        ("a[*].b[?c].d", {"a": [{"b": [{"c": 1, "d": 2}]}, {}]}, [[2]]),
        ("a[].b[]", {"a": [[{"b": [1, 2]}], {"b": 3}]}, [1, 2, 3]),
        ("a[-2:]", {"a": [1, 2, 3]}, [2, 3]),
        ("{x: a, y: b.c}", {"a": 1}, {"x": 1, "y": None}),
        ("a.{x: b}", {}, None),
        ('"a b".c', {"a b": {"c": 1}}, 1),
        ("@", {"a": 1}, {"a": 1}),
    ],
)
def test_paths_and_logic(text, scope, expected):
    found = compile_expression(text)(scope, NO_CONTEXT)
    assert found == expected
    assert type(found) is type(expected)


def test_the_scope_may_be_any_mapping():
    from types import MappingProxyType

    scope = MappingProxyType({"a": MappingProxyType({"b": 1})})
    assert compile_expression("a.b")(scope, NO_CONTEXT) == 1
    assert compile_expression("a.*")(scope, NO_CONTEXT) == [1]
    assert compile_expression("keys(a)")(scope, NO_CONTEXT) == ["b"]


def test_an_error_says_where_in_the_text_it_happened():
    text = "ok || lower(count)"
    with pytest.raises(EvaluationError) as caught:
        compile_expression(text)({"count": 5}, NO_CONTEXT)
    assert text[caught.value.start : caught.value.end] == "lower(count)"
    text = "a && b < `5`"
    with pytest.raises(EvaluationError) as caught:
        compile_expression(text)({"a": 1, "b": "x"}, NO_CONTEXT)
    assert text[caught.value.start : caught.value.end] == "b < `5`"


@pytest.mark.parametrize(
    "text",
    ["[@, @]" + " | [@, @]" * 10, "[*].[@, @]" + " | [].[@, @]" * 10, "map(&[@, @], [@, @])" + " | [@, @]" * 9],
)
def test_an_expression_that_would_multiply_its_input_is_refused(text):
    with pytest.raises(ExpressionError, match="more than 1000 times as large"):
        compile_expression(text)


def test_an_ordinary_large_object_is_no_growth():
    fields = ", ".join(f"f{n}: a.f{n}" for n in range(200))
    assert len(compile_expression(f"{{{fields}}}")({}, NO_CONTEXT)) == 200
