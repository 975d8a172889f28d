import json
import string
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.expressions import ExpressionError, compile_expression, tree
from gateway.expressions.syntax import parse


def refusal(text: str) -> ExpressionError:
    with pytest.raises(ExpressionError) as caught:
        compile_expression(text)
    return caught.value


@pytest.mark.parametrize(
    ("text", "caret", "message", "help_text"),
    [
        (
            "total > 100",
            "100",
            "numbers in an expression are written in backticks: `100`",
            "write total > `100`",
        ),
        (
            "9.99 < total && paid",
            "9.99",
            "numbers in an expression are written in backticks: `9.99`",
            "write `9.99` < total && paid",
        ),
        (
            "x == -5",
            "-5",
            "numbers in an expression are written in backticks: `-5`",
            "write x == `-5`",
        ),
        (
            "round(x, 2)",
            "2",
            "numbers in an expression are written in backticks: `2`",
            "write round(x, `2`)",
        ),
        ("[1, 2]", "1", "numbers in an expression are written in backticks: `1`", "write [`1`, 2]"),
        ("a = b", "=", "`=` is not part of the expression language", "to compare, write `==`"),
        ("a and b", "and", "unexpected `and`", "`and` is written `&&`"),
        ("(a or b)", "or", "unexpected `or`, expected `)`", "`or` is written `||`"),
        ("not a", "not", "unexpected `not`", "`not` is written `!`"),
        ("a & b", "&", "unexpected `&`", "`and` is written `&&`"),
        ("a <> b", ">", "unexpected `>`, expected a value", "unequal is written `!=`"),
        (
            "a == true",
            "true",
            "`true` is a field name here; the value is written in backticks: `true`",
            "write a == `true`",
        ),
        (
            "f == null",
            "null",
            "`null` is a field name here; the value is written in backticks: `null`",
            "write f == `null`",
        ),
        (
            "content-type",
            "-",
            "`-` is not part of the expression language",
            'a name with a hyphen stands in double quotes: "content-type"; to subtract, write sub(a, b)',
        ),
        ("a * b", "*", "unexpected `*`", "to multiply, write mul(a, b)"),
        (
            "$tenant.id",
            "$",
            "`$` is not part of the expression language",
            "inside an expression a name is written without `$`",
        ),
        (
            "a in b",
            "in",
            "unexpected `in`",
            "to look for an element of a list, write contains(list, element)",
        ),
        (
            "items.0",
            "0",
            "unexpected `0`, expected a name, `[`, `{` or `*`",
            "an element of a list is written [0]; a name like this stands in double quotes",
        ),
        (
            "a['b']",
            "'b'",
            "unexpected `'b'`, expected an index, `*` or a condition `[?…]`",
            'a field is written after a dot: ."b"',
        ),
        (
            "a == `True`",
            "`True`",
            "`True` in backticks is not JSON",
            "text is written in single quotes: 'paid'; numbers as `100` or `9.99`; `true`, `false`, `null`",
        ),
        ("'paid", "'paid", "this single quote is never closed", None),
        ("a[?b == `1]", "`1]", "this backtick is never closed", None),
        ("lower(a b)", "b", "unexpected `b`, expected `,` or `)`", None),
        ("{a: b c: d}", "c", "unexpected `c`, expected `,` or `}`", None),
        ("a[::0]", "[::0]", "a slice cannot step by 0", None),
        ("(lower)(a)", "(", "unexpected `(`", None),
        ('"lower"(a)', '"lower"', "the name of a function stands without quotes", None),
        (
            "lowr(a)",
            "lowr",
            "there is no function `lowr`",
            "did you mean `lower`?",
        ),
        ("lower(a, b)", "lower(a, b)", "`lower` takes 1 argument, got 2", "write lower(text)"),
        (
            "x || split(a)",
            "split(a)",
            "`split` takes 2 arguments, got 1",
            "write split(text, separator)",
        ),
        ("not_null()", "not_null()", "`not_null` takes at least 1 argument, got 0", "write not_null(value, …)"),
        (
            "map(a, b)",
            "a",
            "`map` takes an expression as argument 1, written with `&`",
            "write map(expression, list) with &field",
        ),
        ("lower(&a)", "&a", "`lower` takes a value as argument 1 (`text`)", "leave out the `&`"),
    ],
)
def test_a_mistake_is_explained_where_it_stands(text, caret, message, help_text):
    error = refusal(text)
    assert (text[error.start : error.end], error.message, error.help) == (caret, message, help_text)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "the expression is empty"),
        ("  ", "the expression is empty"),
        ("a ==", "the expression ends too early, expected a value"),
        ("a.", "the expression ends too early, expected a name, `[`, `{` or `*`"),
        ("(a", "the expression ends too early, expected `)`"),
        ("a[1", "the expression ends too early, expected `]`"),
    ],
)
def test_an_unfinished_expression_is_refused_at_its_end(text, message):
    error = refusal(text)
    assert (error.message, error.end) == (message, len(text))


@pytest.mark.parametrize(
    "text",
    ["(" * 150 + "a" + ")" * 150, "!" * 150 + "a", "a" + "[]" * 150, "lower(" * 101 + "a" + ")" * 101],
)
def test_more_than_a_hundred_levels_are_refused(text):
    assert refusal(text).message == "the expression has more than 100 levels inside each other"


def test_a_long_chain_of_alternatives_is_one_level():
    names = [f"a{n}" for n in range(500)]
    assert compile_expression(" || ".join(names))({"a499": "x"}, None) == "x"


@pytest.mark.parametrize("text", ["`1E+999999999`", "`1E-999999999`", f"`{'9' * 101}`", f"a[{'9' * 101}]"])
def test_a_number_too_long_to_hold_is_refused(text):
    assert "more than 100 digits" in refusal(text).message


def test_numbers_are_read_exactly():
    value = compile_expression('`{"a": 0.1, "b": 10, "c": 1.50}`')(None, None)
    assert value == {"a": Decimal("0.1"), "b": 10, "c": Decimal("1.50")}
    assert [type(item) for item in value.values()] == [Decimal, int, Decimal]


def test_a_bare_word_in_backticks_is_text_and_marked():
    literal = parse("`paid`")
    assert literal == tree.Literal(value="paid", style="bare", start=0, end=6)


def test_a_name_in_double_quotes_is_marked():
    compared = parse("status == \"paid\" || status == 'paid'")
    assert isinstance(compared, tree.Or)
    quoted, text = (side.right for side in compared.operands)
    assert quoted == tree.Field(name="paid", quoted=True, start=10, end=16)
    assert text == tree.Literal(value="paid", style="quoted", start=30, end=36)


def test_not_applies_to_the_whole_path():
    assert compile_expression("!a.b")({"a": {"b": True}}, None) is False
    assert compile_expression("!a.b")({"a": {"b": False}}, None) is True
    assert compile_expression("!a == b")({"a": 1, "b": False}, None) is True


def test_places_count_from_where_the_expression_begins():
    node = parse("a.b", 10)
    assert isinstance(node, tree.Path)
    assert [(part.start, part.end) for part in (node, *node.parts)] == [(10, 13), (10, 11), (12, 13)]
    with pytest.raises(ExpressionError) as caught:
        parse("a > 1", 10)
    assert (caught.value.start, caught.value.end) == (14, 15)


SAMPLES = (
    "a.b[0].c || 'x'",
    "items[?price > `5` && name == 'a b'].{id: id, tags: tags[]} | [0]",
    'days_between(due, now) >= settings."days until"',
    "values(a.*.b[::2])[]",
    "sort_by(a[*], &b.c)[-1:]",
    '!(a || b).c != `{"a": [1]}`',
    "[a, @, *.b, [*]]",
)


@pytest.mark.parametrize("text", SAMPLES)
def test_every_node_stands_inside_its_parent(text):
    def check(node: tree.Node) -> None:
        assert 0 <= node.start <= node.end <= len(text)
        for child in tree.children(node):
            assert node.start <= child.start <= child.end <= node.end
            check(child)

    check(parse(text))


@pytest.mark.parametrize("text", SAMPLES)
def test_names_literals_and_calls_stand_where_they_were_written(text):
    for node in tree.walk(parse(text)):
        written = text[node.start : node.end]
        match node:
            case tree.Field(quoted=False):
                assert written == node.name
            case tree.Field():
                assert written == json.dumps(node.name)
            case tree.Literal(style="quoted"):
                assert written == f"'{node.value}'"
            case tree.FunctionCall():
                assert written.startswith(f"{node.name}(")
                assert written.endswith(")")
            case _:
                pass


PIECES = st.sampled_from(
    (
        *("a", "b.c", "lower(", "map(&", ")", "[", "]", "[?", "[]", "*", ".", ",", ":", "{", "}", "@", "\\"),
        *("!", "|", "||", "&&", "&", "==", "=", "<", ">=", "'x'", "`1`", "`x", "'", '"', "1", "-", " ", "true"),
    )
)


@given(st.one_of(st.text(alphabet=string.printable, max_size=30), st.lists(PIECES, max_size=12).map("".join)))
def test_any_text_is_compiled_or_refused_with_a_place(text):
    try:
        node = compile_expression(text).tree
        start, end = node.start, node.end
    except ExpressionError as error:
        start, end = error.start, error.end
    assert 0 <= start <= end <= len(text)
