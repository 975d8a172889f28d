import operator
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.expressions import NO_CONTEXT, EvaluationError, compile_expression

NOON = datetime(2024, 1, 15, 12, tzinfo=UTC)
MIDNIGHT = datetime(2024, 1, 15, tzinfo=UTC)
DAY = date(2024, 1, 15)


def compared(a, symbol, b):
    return compile_expression(f"a {symbol} b")({"a": a, "b": b}, NO_CONTEXT)


@pytest.mark.parametrize(
    ("a", "b"),
    [
        (1, Decimal("1.0")),
        (Decimal("9.90"), Decimal("9.9")),
        (0.1, Decimal("0.1")),
        (NOON, NOON.astimezone(timezone(timedelta(hours=-3)))),
        (MIDNIGHT, DAY),
        ([1, {"a": Decimal("2.0")}], [Decimal(1), {"a": 2}]),
        (None, None),
        ("é", "é"),
    ],
)
def test_equal_by_value(a, b):
    assert compared(a, "==", b) is True
    assert compared(b, "==", a) is True
    assert compared(a, "!=", b) is False


@pytest.mark.parametrize(
    ("a", "b"),
    [
        (1, 2),
        ("a", "A"),
        (True, False),
        (NOON, DAY),
        ([1], [True]),
        ([1], ["1"]),
        ([1, 2], [1]),
        ({"a": 1}, {"b": 1}),
        ({"a": 1}, {"a": None}),
        (0, None),
        ("", None),
        ([], None),
    ],
)
def test_unequal(a, b):
    assert compared(a, "==", b) is False
    assert compared(b, "!=", a) is True


@pytest.mark.parametrize("symbol", ["==", "!=", "<", "<=", ">", ">="])
@pytest.mark.parametrize(
    ("a", "b", "message"),
    [
        ("abc", 5, "cannot compare text `abc` with number 5"),
        (Decimal("9.90"), "9.90", "cannot compare number 9.90 with text `9.90`"),
        (True, 1, "cannot compare boolean true with number 1"),
        (DAY, "2024-01-15", "cannot compare date 2024-01-15 with text `2024-01-15`"),
        (NOON, 1705320000, "cannot compare timestamp 2024-01-15T12:00:00Z with number 1705320000"),
        ([1, 2], "x", "cannot compare list [1,2] with text `x`"),
        ({"a": None}, True, 'cannot compare object {"a":null} with boolean true'),
        ("x" * 100, 5, f"cannot compare text `{'x' * 60}…` with number 5"),
    ],
)
def test_kinds_that_cannot_be_compared(a, b, message, symbol):
    with pytest.raises(EvaluationError) as caught:
        compared(a, symbol, b)
    assert caught.value.message == message


@pytest.mark.parametrize(
    ("a", "b", "message"),
    [
        (True, False, "cannot compare boolean true with boolean false by `<`"),
        ([1], [2], "cannot compare list [1] with list [2] by `<`"),
        ({}, {}, "cannot compare object {} with object {} by `<`"),
    ],
)
def test_kinds_without_an_order(a, b, message):
    with pytest.raises(EvaluationError) as caught:
        compared(a, "<", b)
    assert caught.value.message == message


@pytest.mark.parametrize("symbol", ["<", "<=", ">", ">="])
@pytest.mark.parametrize("value", [None, 1, "x", DAY, NOON, [], {}, True])
def test_an_order_with_null_is_null(symbol, value):
    assert compared(value, symbol, None) is None
    assert compared(None, symbol, value) is None


def test_a_date_is_its_midnight_in_utc_beside_a_timestamp():
    assert compared(DAY, "<", NOON) is True
    assert compared(MIDNIGHT, "<=", DAY) is True
    assert compared(DAY, "<", date(2024, 1, 16)) is True


def test_texts_are_ordered_by_code_point():
    assert compared("Z", "<", "a") is True
    assert compared("a", "<", "é") is True


@given(
    st.integers() | st.decimals(allow_nan=False, allow_infinity=False),
    st.integers() | st.decimals(allow_nan=False, allow_infinity=False),
    st.sampled_from(["==", "!=", "<", "<=", ">", ">="]),
)
def test_numbers_compare_exactly(a, b, symbol):
    python = {"==": "eq", "!=": "ne", "<": "lt", "<=": "le", ">": "gt", ">=": "ge"}[symbol]
    assert compared(a, symbol, b) is getattr(operator, python)(a, b)


def test_values_may_be_nested_as_deep_as_they_are():
    def deep(innermost):
        value = [innermost]
        for _ in range(5000):
            value = [value]
        return value

    assert compared(deep(1), "==", deep(Decimal(1))) is True
    assert compared(deep(1), "==", deep(2)) is False


def test_not_a_number_is_no_number():
    with pytest.raises(EvaluationError, match="is not a number to work with"):
        compared(float("nan"), "<", 1)
