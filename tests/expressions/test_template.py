from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.expressions import NO_CONTEXT, EvaluationError, Expression, ExpressionError, compile_template

SCOPE = {
    "tenant": {"id": "t1", "tags": ["a", "b"], "since": date(2024, 1, 2)},
    "amount": Decimal("9.90"),
    "active": True,
    "now": datetime(2024, 1, 15, 12, tzinfo=UTC),
    "_x1": 7,
}


def filled(text):
    return compile_template(text)(SCOPE, NO_CONTEXT)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("$tenant", SCOPE["tenant"]),
        ("$amount", Decimal("9.90")),
        ("$active", True),
        ("$now", SCOPE["now"]),
        ("$tenant.since", date(2024, 1, 2)),
        ("$missing", None),
        ("$tenant.missing.deeper", None),
        ("${amount > `5`}", True),
        ("${ tenant.tags }", ["a", "b"]),
        ("${ {a: '}', b: `\"{\"`} }", {"a": "}", "b": "{"}),
        ("${ \"}\" || 'it\\'s }' }", "it's }"),
        ("$_x1", 7),
    ],
)
def test_a_text_that_is_one_placeholder_keeps_its_type(text, value):
    found = filled(text)
    assert found == value
    assert type(found) is type(value)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("suspend-$tenant.id", "suspend-t1"),
        ("see $tenant.id.", "see t1."),
        ("$tenant.id, $amount", "t1, 9.90"),
        ("$tenant.id$amount", "t19.90"),
        ("$tenant.id-x", "t1-x"),
        ("$_x1.5", "7.5"),
        ("at $now: $active", "at 2024-01-15T12:00:00Z: true"),
        ("since $tenant.since", "since 2024-01-02"),
        ("[$missing]", "[]"),
        ("tags ${tenant.tags}", 'tags ["a","b"]'),
        (" $amount", " 9.90"),
        ("costs $$5", "costs $5"),
        ("$$amount is $amount", "$amount is 9.90"),
        ("$$", "$"),
        ("$$$amount", "$9.90"),
        ("a ${amount} } b", "a 9.90 } b"),
        ("", ""),
        ("plain {text} 100%", "plain {text} 100%"),
    ],
)
def test_inside_longer_text_values_are_written_out(text, value):
    assert filled(text) == value


@pytest.mark.parametrize("text", ["", "plain", "$$5", "a $$ b"])
def test_a_text_without_placeholders_is_literal(text):
    template = compile_template(text)
    assert template.is_literal
    assert template.names == ()
    assert template(None, NO_CONTEXT) == text.replace("$$", "$")


def test_positions_count_from_the_start_of_the_text():
    text = "é $tenant.id and ${lower(name) || items[?x].y}, $$ $now"
    template = compile_template(text)
    assert not template.is_literal
    assert [(name.path, text[name.start : name.end]) for name in template.names] == [
        (("tenant", "id"), "tenant.id"),
        (("name",), "name"),
        (("items",), "items"),
        (("now",), "now"),
    ]
    assert [text[call.start : call.end] for call in template.calls] == ["lower(name)"]
    assert [part if isinstance(part, str) else type(part) for part in template.parts] == [
        "é ",
        Expression,
        " and ",
        Expression,
        ", $ ",
        Expression,
    ]


@pytest.mark.parametrize(
    ("text", "caret", "message", "help_text"),
    [
        ("costs $5", "$", "`$` stands before a name or `{`", "a dollar sign is written `$$`"),
        ("100$", "$", "`$` stands before a name or `{`", "a dollar sign is written `$$`"),
        ("$ x", "$", "`$` stands before a name or `{`", "a dollar sign is written `$$`"),
        ("a ${b", "${", "`${` is never closed", "add `}`; a dollar sign is written `$$`"),
        ("a ${b == 'x}", "'x}", "the quote ' is never closed", None),
        (
            "paid: ${total > 100}",
            "100",
            "numbers in an expression are written in backticks: `100`",
            "write total > `100`",
        ),
        ("${}", "", "the expression is empty", None),
        ("x ${ lowr(a) }", "lowr", "there is no function `lowr`", "did you mean `lower`?"),
    ],
)
def test_a_mistake_is_explained_where_it_stands(text, caret, message, help_text):
    with pytest.raises(ExpressionError) as caught:
        compile_template(text)
    error = caught.value
    assert (text[error.start : error.end], error.message, error.help) == (caret, message, help_text)


def test_an_error_while_filling_in_says_where():
    text = "total: ${add(amount, active)}"
    with pytest.raises(EvaluationError) as caught:
        filled(text)
    assert text[caught.value.start : caught.value.end] == "add(amount, active)"


@given(st.text(max_size=40))
def test_any_text_can_be_written_by_doubling_its_dollars(text):
    assert compile_template(text.replace("$", "$$"))(None, NO_CONTEXT) == text


@given(st.text(alphabet="ab.$ {}'`\"\\|1", max_size=25))
def test_any_text_is_compiled_or_refused_with_a_place(text):
    try:
        places = [(name.start, name.end) for name in compile_template(text).names]
    except ExpressionError as error:
        places = [(error.start, error.end)]
    assert all(0 <= start <= end <= len(text) for start, end in places)


def test_a_text_is_compiled_once_and_refused_each_time() -> None:
    assert compile_template("$tenant.id") is compile_template("$tenant.id")
    for _ in range(2):
        with pytest.raises(ExpressionError):
            compile_template("${ tenant.")


def test_what_a_template_is_made_of() -> None:
    both = compile_template("$tenant.id of ${ length(rows) } at $now")
    assert [expression.text for expression in both.expressions] == ["tenant.id", " length(rows) ", "now"]
    assert [".".join(name.path) for name in both.plain_names] == ["tenant.id", "now"]
    assert both.only is None
    assert compile_template("$tenant").only is not None
    assert compile_template("none").only is None
