"""How values are written for a database: exactly, whatever way is quickest."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.store.codecs import dump_json, encode_decimal, encode_timestamp, microseconds_of, moment_of

pytestmark = pytest.mark.sqlite  # nothing of it differs between databases

_MOMENTS = st.datetimes(
    min_value=datetime(1, 1, 2),  # noqa: DTZ001  # the zone is drawn
    max_value=datetime(9999, 12, 30),  # noqa: DTZ001  # as above
    timezones=st.sampled_from([UTC, timezone(timedelta(hours=-3)), timezone(timedelta(hours=5, minutes=30))]),
)
_KEYS = st.text() | st.integers(-(2**63), 2**63 - 1) | st.booleans()
_DECIMALS = st.one_of(
    st.decimals(allow_nan=False, allow_infinity=False), st.sampled_from([Decimal("1E+3"), Decimal("-0E-9")])
)


@given(_MOMENTS)
def test_times_are_written_with_six_digits_in_utc(moment: datetime) -> None:
    assert encode_timestamp(moment) == moment.astimezone(UTC).isoformat(timespec="microseconds")[:26] + "Z"
    assert moment_of(microseconds_of(moment)) == moment


@given(_DECIMALS)
def test_decimals_are_written_plainly(number: Decimal) -> None:
    assert encode_decimal(number) == format(number, "f")


@given(st.decimals(allow_nan=False, allow_infinity=False, min_value=-(10**50), max_value=10**50))
def test_decimals_in_json_are_exact_numbers(number: Decimal) -> None:
    assert dump_json([number]) == f"[{number:f}]"


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(_KEYS, inner),
        max_leaves=10,
    )
)
def test_json_reads_back_whatever_its_keys_and_integers(value: Any) -> None:
    assert json.loads(dump_json(value)) == json.loads(json.dumps(value))
