"""Conversions linked once: a function for a type does exactly what `coerce` does."""

from __future__ import annotations

from datetime import UTC, date
from decimal import Decimal
from enum import StrEnum

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from gateway.expressions import VALUE_TYPES, CoercionError, coerce, coercion
from gateway.expressions.times import read_date


class Plan(StrEnum):
    FREE = "free"


_VALUES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.decimals(),
    st.sampled_from(
        [Decimal("1." + "1" * 99), Decimal("1." + "1" * 101), Decimal("1e99"), Decimal("1e100"), Plan.FREE]
    ),
    st.text(),
    st.dates().map(date.isoformat),
    st.from_regex(r"[0-9]{4}-[0-9]{2}-[0-9]{2}([T ][0-9]{2}:[0-9]{2}(:[0-9]{2})?Z?)?", fullmatch=True),
    st.sampled_from(["true", "5", "9.90", "15/01/2024", "1763700000", "2024-W01-1", "２０２４-01-15"]),
    st.dates(),
    st.datetimes(timezones=st.just(UTC)),
    st.lists(st.integers(), max_size=2),
)


def _said(convert: object, *given: object, **named: object) -> tuple[object, object]:
    assert callable(convert)
    try:
        value = convert(*given, **named)
    except CoercionError as error:
        return "refused", str(error)
    return type(value), str(value)


@pytest.mark.parametrize("type_name", VALUE_TYPES)
@pytest.mark.parametrize("zone", [None, "America/Sao_Paulo"])
@given(value=_VALUES)
def test_a_linked_conversion_does_what_coerce_does(type_name: str, zone: str | None, value: object) -> None:
    assert _said(coercion(type_name, zone=zone), value) == _said(coerce, value, type_name, zone=zone)


@given(st.dates())
@example(date(1, 1, 1))
def test_a_date_reads_back(day: date) -> None:
    assert read_date(day.isoformat(), "America/Sao_Paulo") == day


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("2024-02-30", "text `2024-02-30` names a day that does not exist"),
        ("2024-1a-01", "cannot read text `2024-1a-01` as a date"),
        ("2024-W01-1", "cannot read text `2024-W01-1` as a date"),
        ("２０２４-01-15", "cannot read text `２０２４-01-15` as a date"),
    ],
)
def test_what_only_looks_like_a_date_is_refused_by_name(text: str, message: str) -> None:
    with pytest.raises(CoercionError) as refused:
        read_date(text, None)
    assert str(refused.value) == message
