from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from enum import StrEnum

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.expressions import VALUE_TYPES, CoercionError, coerce, fit, to_text

NOON = datetime(2024, 1, 15, 12, tzinfo=UTC)
DAY = date(2024, 1, 15)
UNREADABLE = {
    "text": ([1], {"a": 1}),
    "integer": ("", "1.0", "1,000", "1_000", " 1", "٣", "0x1", "1e3", Decimal("1.5"), True, DAY, [], "1\n"),
    "decimal": ("", "1,5", "1.000,00", "NaN", "Infinity", "-inf", "1.", ".5", "1_0", True, NOON, {}, "1E+999"),
    "boolean": ("yes", "True", "1", 1, 0, "", []),
    "timestamp": (
        *("", "soon", "12:00", "20240115", "1/2/2024", "31/02/2024", "2024-13-01", True, [], 10**18, -(10**17)),
        *("2024-02-30T00:00:00Z", "2024-01-15T25:00:00Z", "2024-01-15T12:00:00Z\n", "0001-01-01T00:00:00+01:00"),
        *("2024-01-15T12:00:00+25:00", "2024-01-15T12:00:00+03:99"),
    ),
    "date": (
        *("", "tomorrow", "2024-02-30", "30/02/2024", "01/13/2024", "2024-1-5", "15-01-2024", True, {}),
        "2024-01-15T25:00:00",
    ),
    "json": ({1: "a"}, {"a": float("nan")}, "\ud800", {"a": "\0"}),
}


@pytest.mark.parametrize(("type_name", "value"), [(name, value) for name in UNREADABLE for value in UNREADABLE[name]])
def test_what_cannot_be_read_exactly_is_refused(type_name, value):
    with pytest.raises(CoercionError) as caught:
        coerce(value, type_name)
    assert caught.value.message


@pytest.mark.parametrize("type_name", VALUE_TYPES)
def test_null_stays_null(type_name):
    assert coerce(None, type_name) is None
    assert fit(None, type_name) is None


@pytest.mark.parametrize(
    ("value", "type_name", "expected"),
    [
        ("abc", "text", "abc"),
        (5, "text", "5"),
        (Decimal("9.90"), "text", "9.90"),
        (Decimal("1E+3"), "text", "1000"),
        (True, "text", "true"),
        (DAY, "text", "2024-01-15"),
        (NOON, "text", "2024-01-15T12:00:00Z"),
        (5, "integer", 5),
        (Decimal("5.00"), "integer", 5),
        (5.0, "integer", 5),
        ("-42", "integer", -42),
        ("007", "integer", 7),
        (10, "decimal", Decimal(10)),
        ("9.90", "decimal", Decimal("9.90")),
        ("-1e3", "decimal", Decimal("-1E+3")),
        (0.1, "decimal", Decimal("0.1")),
        ("true", "boolean", True),
        ("false", "boolean", False),
        (False, "boolean", False),
        ({"a": [1, Decimal("2.50"), DAY]}, "json", {"a": [1, Decimal("2.50"), "2024-01-15"]}),
        ("text", "json", "text"),
    ],
)
def test_explicit_conversion(value, type_name, expected):
    found = coerce(value, type_name)
    assert found == expected
    assert type(found) is type(expected)
    assert str(found) == str(expected)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("2024-01-15T12:00:00Z", NOON),
        ("2024-01-15t12:00:00z", NOON),
        ("2024-01-15 12:00:00Z", NOON),
        ("2024-01-15T09:00:00-03:00", NOON),
        ("2024-01-15T09:00:00-0300", NOON),
        ("2024-01-15 09:00:00 -03", NOON),
        ("2024-01-15T12:00Z", NOON),
        ("2024-01-15T12:00:00.5Z", NOON + timedelta(milliseconds=500)),
        ("2024-01-15T12:00:00.123456789Z", NOON + timedelta(microseconds=123456)),
        ("2024-01-15T12:00:00.999999999Z", NOON + timedelta(microseconds=999999)),
        ("2024-01-15 12:00:00", NOON),
        ("2024-01-15", NOON - timedelta(hours=12)),
        ("15/01/2024", NOON - timedelta(hours=12)),
        (DAY, NOON - timedelta(hours=12)),
        (1705320000, NOON),
        (1705320000123, NOON + timedelta(milliseconds=123)),
        ("1705320000", NOON),
        ("1705320000123", NOON + timedelta(milliseconds=123)),
        (Decimal("1705320000.5"), NOON + timedelta(milliseconds=500)),
        (0, datetime(1970, 1, 1, tzinfo=UTC)),
        (-1, datetime(1969, 12, 31, 23, 59, 59, tzinfo=UTC)),
        (10**11 - 1, datetime(5138, 11, 16, 9, 46, 39, tzinfo=UTC)),
        (10**11, datetime(1973, 3, 3, 9, 46, 40, tzinfo=UTC)),
        (NOON.astimezone(timezone(timedelta(hours=9))), NOON),
        (NOON.replace(tzinfo=None), NOON),
    ],
)
def test_timestamps(value, expected):
    found = coerce(value, "timestamp")
    assert found == expected
    assert found.tzinfo is UTC


@pytest.mark.parametrize(
    ("value", "type_name", "expected"),
    [
        ("2024-01-15 09:00:00", "timestamp", NOON),
        ("2024-07-15", "timestamp", datetime(2024, 7, 15, 3, tzinfo=UTC)),
        ("15/01/2024", "timestamp", datetime(2024, 1, 15, 3, tzinfo=UTC)),
        ("2024-01-15T12:00:00Z", "timestamp", NOON),
        ("2024-01-15T01:00:00Z", "date", date(2024, 1, 14)),
        ("2024-01-15 01:00:00", "date", DAY),
        (datetime(2024, 1, 15, 1, tzinfo=UTC), "date", date(2024, 1, 14)),
        (1705280400, "date", date(2024, 1, 14)),
    ],
)
def test_a_zone_is_that_of_times_without_an_offset_and_of_dates(value, type_name, expected):
    assert coerce(value, type_name, zone="America/Sao_Paulo") == expected


@pytest.mark.parametrize("zone", ["America/Nowhere", "../etc/passwd", "", "America"])
def test_an_unknown_zone_is_named(zone):
    with pytest.raises(CoercionError) as caught:
        coerce("2024-01-15", "timestamp", zone=zone)
    assert caught.value.message == f"there is no time zone `{zone}`"


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("2024-01-15", DAY),
        ("15/01/2024", DAY),
        ("2024-01-15 23:59:59", DAY),
        ("2024-01-15T23:59:59Z", DAY),
        ("2024-01-15T23:59:59-03:00", date(2024, 1, 16)),
        (NOON, DAY),
        (DAY, DAY),
    ],
)
def test_dates(value, expected):
    found = coerce(value, "date")
    assert found == expected
    assert type(found) is date


TIMES = st.datetimes(datetime(1, 1, 2), datetime(9999, 12, 30), timezones=st.just(UTC))  # noqa: DTZ001  # the bounds have none
DECIMALS = st.decimals(allow_nan=False, allow_infinity=False, places=20, min_value=-(10**20), max_value=10**20)


@given(
    st.one_of(
        st.tuples(st.just("integer"), st.integers(-(10**50), 10**50)),
        st.tuples(st.just("decimal"), DECIMALS),
        st.tuples(st.just("boolean"), st.booleans()),
        st.tuples(st.just("timestamp"), TIMES),
        st.tuples(st.just("date"), st.dates()),
        st.tuples(st.just("text"), st.text()),
    )
)
def test_what_is_written_can_be_read_back(pair):
    type_name, value = pair
    assert coerce(to_text(value), type_name) == value


class Status(StrEnum):
    PAID = "paid"


FITTING = [
    ("abc", "text", "abc"),
    (Status.PAID, "text", "paid"),
    (5, "integer", 5),
    (Decimal("5.0"), "integer", 5),
    (2**63 - 1, "integer", 2**63 - 1),
    (-(2**63), "integer", -(2**63)),
    (5, "decimal", Decimal(5)),
    (Decimal("9.90"), "decimal", Decimal("9.90")),
    ("9.90", "decimal", Decimal("9.90")),
    (True, "boolean", True),
    (NOON, "timestamp", NOON),
    ("2024-01-15T09:00:00-03:00", "timestamp", NOON),
    (DAY, "date", DAY),
    ("2024-01-15", "date", DAY),
    ({"a": [1, None, True]}, "json", {"a": [1, None, True]}),
    ({"at": NOON}, "json", {"at": "2024-01-15T12:00:00Z"}),
]


@pytest.mark.parametrize(("value", "type_name", "expected"), FITTING)
def test_what_fits_a_column(value, type_name, expected):
    found = fit(value, type_name)
    assert found == expected
    assert type(found) is type(expected)
    assert fit(found, type_name) == expected


@pytest.mark.parametrize(
    ("value", "type_name"),
    [
        (5, "text"),
        (True, "text"),
        (DAY, "text"),
        ([], "text"),
        ("5", "integer"),
        (True, "integer"),
        (Decimal("5.5"), "integer"),
        (Decimal("1E+999999999"), "integer"),
        ("9,90", "decimal"),
        ("09.90", "decimal"),
        ("1e3", "decimal"),
        ("+1", "decimal"),
        (True, "decimal"),
        (Decimal("NaN"), "decimal"),
        (float("inf"), "decimal"),
        (1, "boolean"),
        ("true", "boolean"),
        ("2024-01-15", "timestamp"),
        ("2024-01-15T12:00:00", "timestamp"),
        (DAY, "timestamp"),
        (1705320000, "timestamp"),
        ("15/01/2024", "date"),
        ("2024-02-30", "date"),
        (NOON, "date"),
        ("2024-01-15T12:00:00Z", "date"),
        ({"a": float("nan")}, "json"),
        ({1: 2}, "json"),
    ],
)
def test_what_does_not_fit_a_column(value, type_name):
    with pytest.raises(CoercionError):
        fit(value, type_name)


def test_a_misfit_names_the_value_and_the_type():
    with pytest.raises(CoercionError) as caught:
        fit("abc", "integer")
    assert caught.value.message == "text `abc` does not fit a column of type integer"
    with pytest.raises(CoercionError) as caught:
        fit(2**63, "integer")
    assert caught.value.message == ("number 9223372036854775808 does not fit the 64 bits of a column of type integer")


@pytest.mark.parametrize("type_name", ["text", "json"])
@pytest.mark.parametrize(
    ("text", "what"), [("a\0b", "a NUL character"), ("a\ud800", "half a surrogate pair"), ("\udc00é", "half a")]
)
def test_text_that_databases_refuse_does_not_fit(type_name, text, what):
    with pytest.raises(CoercionError, match=f"a text with {what}"):
        fit(text, type_name)
    with pytest.raises(CoercionError, match=f"a text with {what}"):
        fit({"a": [{text: 1}]}, "json")


def test_json_too_deep_does_not_fit():
    value: list[object] = []
    for _ in range(300):
        value = [value]
    with pytest.raises(CoercionError, match="more than 100 levels"):
        fit(value, "json")


@pytest.mark.parametrize("number", [Decimal("1E+999999999"), Decimal("1E-999999999"), Decimal("1E+101")])
def test_a_number_too_long_to_store_does_not_fit(number):
    with pytest.raises(CoercionError, match="more than 100 digits"):
        fit(number, "decimal")
    with pytest.raises(CoercionError):
        coerce(number, "decimal")


def test_fitting_does_not_change_what_it_is_given():
    value = {"a": [NOON], "b": "x"}
    fit(value, "json")
    assert value == {"a": [NOON], "b": "x"}
