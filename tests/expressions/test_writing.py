import json
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.expressions import EvaluationError, to_json, to_text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, ""),
        ("é\n", "é\n"),
        (True, "true"),
        (False, "false"),
        (5, "5"),
        (Decimal("9.90"), "9.90"),
        (Decimal("1E+3"), "1000"),
        (Decimal("1E-7"), "0.0000001"),
        (Decimal("0E+9"), "0"),
        (Decimal("1E+999999999"), "1E+999999999"),
        (0.1, "0.1"),
        (1e22, "10000000000000000000000"),
        (date(2024, 1, 2), "2024-01-02"),
        (datetime(2024, 1, 2, 3, 4, 5, tzinfo=UTC), "2024-01-02T03:04:05Z"),
        (datetime(2024, 1, 2, 3, 4, 5, 60, tzinfo=UTC), "2024-01-02T03:04:05.000060Z"),
        (datetime(2024, 1, 2, 3, tzinfo=timezone(timedelta(hours=3))), "2024-01-02T00:00:00Z"),
        ([], "[]"),
        ({}, "{}"),
        ([1, None, [True]], "[1,null,[true]]"),
        ({"a": Decimal("1.50"), "b": date(2024, 1, 2)}, '{"a":1.50,"b":"2024-01-02"}'),
        (['é"\\\n'], '["é\\"\\\\\\n"]'),
    ],
)
def test_how_a_value_is_written(value, text):
    assert to_text(value) == text


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text() | st.decimals(allow_nan=False, allow_infinity=False),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=20,
)


@given(JSON)
def test_json_is_read_back_as_it_was(value):
    assert json.loads(to_json(value), parse_float=Decimal) == value


def test_json_too_deep_or_too_long_is_an_error():
    value: list[object] = []
    for _ in range(5000):
        value = [value]
    with pytest.raises(EvaluationError, match="more than 100 levels"):
        to_json(value)
    shared: list[object] = ["x" * 100]
    for _ in range(40):
        shared = [shared, shared]
    with pytest.raises(EvaluationError, match="too large to be written"):
        to_json(shared)


def test_not_a_number_is_not_json():
    with pytest.raises(EvaluationError, match="is not a number"):
        to_json([float("nan")])
