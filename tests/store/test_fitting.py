"""Values on their way into columns: what is seen at a glance is what `fit` decides."""

from __future__ import annotations

from datetime import UTC, date, timedelta, timezone
from decimal import Decimal
from enum import StrEnum
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.config.tables import Column
from gateway.expressions import VALUE_TYPES, CoercionError, fit
from gateway.store.fitting import fitter
from gateway.store.shapes import ValueDoesNotFit

pytestmark = pytest.mark.sqlite  # nothing of it differs between databases


class Plan(StrEnum):
    FREE = "free"


_VALUES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.integers(2**63 - 2, 2**63 + 2),
    st.integers(-(2**63) - 2, -(2**63) + 2),
    st.decimals(allow_nan=False, allow_infinity=False, min_value=-(10**40), max_value=10**40, places=20),
    st.sampled_from([Decimal("1e200"), Decimal("1e-200"), Decimal("NaN"), Decimal("-0.00"), Plan.FREE]),
    st.text(),
    st.sampled_from(["free", "paid", "\0", "\ud800", "é", "9.99", "5", "2024-01-15", "2024-01-15T12:00:00Z"]),
    st.dates(),
    st.datetimes(timezones=st.sampled_from([UTC, timezone(timedelta(hours=-3))])),
    st.lists(st.integers()),
    st.dictionaries(st.text(max_size=2), st.integers()),
)


@pytest.mark.parametrize("type_name", VALUE_TYPES)
@given(value=_VALUES)
def test_a_glance_says_what_fit_says(type_name: str, value: object) -> None:
    column = Column(name="c", type=type_name)
    assert _said(fitter("t", column), value) == _said(lambda value: fit(value, type_name), value)


def _said(take: Any, value: object) -> tuple[object, str]:
    try:
        taken = take(value)
    except CoercionError as error:
        return "refused", str(ValueDoesNotFit("t", "c", str(error)))
    except ValueDoesNotFit as error:
        return "refused", str(error)
    return type(taken), str(taken)


@given(value=_VALUES)
def test_a_column_with_values_takes_these_alone(value: object) -> None:
    take = fitter("t", Column(name="plan", type="text", values=("free", "paid")))
    if value is None or (isinstance(value, str) and value in {"free", "paid"}):
        assert take(value) == value
    else:
        with pytest.raises(ValueDoesNotFit):
            take(value)


def test_what_a_column_takes_is_listed() -> None:
    with pytest.raises(ValueDoesNotFit, match="`gold` is not one of `free`, `paid`"):
        fitter("t", Column(name="plan", type="text", values=("free", "paid")))("gold")


def test_a_date_is_no_timestamp_and_a_timestamp_no_date() -> None:
    with pytest.raises(ValueDoesNotFit):
        fitter("t", Column(name="at", type="timestamp"))(date(2024, 1, 15))
