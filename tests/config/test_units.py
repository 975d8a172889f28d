"""Durations, sizes, rates, percentages."""

from __future__ import annotations

import re
from datetime import timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.config.units import (
    DURATION,
    PERCENT,
    RATE,
    SIZE,
    parse_duration,
    parse_percent,
    parse_rate,
    parse_size,
)


@pytest.mark.parametrize(
    ("text", "duration"),
    [
        ("500ms", timedelta(milliseconds=500)),
        ("5s", timedelta(seconds=5)),
        ("5m", timedelta(minutes=5)),
        ("1h", timedelta(hours=1)),
        ("3d", timedelta(days=3)),
        ("2w", timedelta(weeks=2)),
        ("1h30m", timedelta(minutes=90)),
        ("1m500ms", timedelta(seconds=60.5)),
        ("0s", timedelta()),
    ],
)
def test_durations(text: str, duration: timedelta) -> None:
    assert parse_duration(text) == duration
    assert re.search(DURATION["pattern"], text)


@pytest.mark.parametrize("text", ["", "5", "5 m", "-5s", "1.5h", "5M", "m", "5min", "999999999w999999999w"])
def test_what_is_no_duration(text: str) -> None:
    with pytest.raises(ValueError, match="`"):
        parse_duration(text)


@pytest.mark.parametrize(
    ("text", "size"),
    [("512B", 512), ("64KiB", 65536), ("64KB", 64000), ("64kB", 64000), ("1 MiB", 1048576), ("2GB", 2 * 10**9)],
)
def test_sizes(text: str, size: int) -> None:
    assert parse_size(text) == size
    assert re.search(SIZE["pattern"], text)


@pytest.mark.parametrize("text", ["", "5", "5mb", "1.5MB", "-1B", "MiB", "1TB"])
def test_what_is_no_size(text: str) -> None:
    with pytest.raises(ValueError, match="`"):
        parse_size(text)


@pytest.mark.parametrize(
    ("text", "count", "seconds"), [("100/s", 100, 1), ("30/m", 30, 60), ("1800/h", 1800, 3600), ("10/5m", 10, 300)]
)
def test_rates(text: str, count: int, seconds: int) -> None:
    rate = parse_rate(text)
    assert (rate.count, rate.period.total_seconds()) == (count, seconds)
    assert re.search(RATE["pattern"], text)


@pytest.mark.parametrize("text", ["", "5", "/s", "0/s", "5/0s", "5/", "5/x", "5 / s", "1.5/s"])
def test_what_is_no_rate(text: str) -> None:
    with pytest.raises(ValueError, match="`"):
        parse_rate(text)
    assert not re.search(RATE["pattern"], text)


@pytest.mark.parametrize(("text", "share"), [("20%", "0.2"), ("0%", "0"), ("100%", "1"), ("12.5 %", "0.125")])
def test_percentages(text: str, share: str) -> None:
    assert parse_percent(text) == Decimal(share)
    assert re.search(PERCENT["pattern"], text)


@pytest.mark.parametrize("text", ["", "20", "%", "-5%", "1000%"])
def test_what_is_no_percentage(text: str) -> None:
    with pytest.raises(ValueError, match="`"):
        parse_percent(text)


@given(st.text(alphabet="0123456789msdhwKMGiB/% .", max_size=8))
def test_what_the_schema_lets_through_can_be_read(text: str) -> None:
    for schema, parse in ((DURATION, parse_duration), (SIZE, parse_size), (RATE, parse_rate), (PERCENT, parse_percent)):
        if re.search(schema["pattern"], text):
            parse(text)
