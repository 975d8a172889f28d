"""Durations, sizes, rates and percentages, as operators write them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import timedelta
from decimal import Decimal
from typing import Any

from gateway.records import dataclass

_SECONDS = {
    "ms": timedelta(milliseconds=1),
    "s": timedelta(seconds=1),
    "m": timedelta(minutes=1),
    "h": timedelta(hours=1),
    "d": timedelta(days=1),
    "w": timedelta(weeks=1),
}
_BYTES = {
    "B": 1,
    "kB": 1000,
    "KB": 1000,
    "MB": 1000**2,
    "GB": 1000**3,
    "KiB": 1024,
    "MiB": 1024**2,
    "GiB": 1024**3,
}
_PART = re.compile(r"([0-9]{1,9})(ms|[smhdw])")
_SIZE = re.compile(r"([0-9]{1,12}) ?([kKMG]?B|[KMG]iB)")
_RATE = re.compile(r"([0-9]{1,9})/(?:([0-9]{1,6})?(ms|[smhdw]))")
_PERCENT = re.compile(r"([0-9]{1,3}(?:\.[0-9]{1,6})?) ?%")

DURATION: Mapping[str, Any] = {
    "title": "a duration such as `5m`",
    "type": "string",
    "pattern": "^([0-9]{1,9}(ms|[smhdw]))+$",
    "examples": ["500ms", "5s", "5m", "1h", "3d", "1h30m"],
}
"""The shape of a duration: numbers with `ms`, `s`, `m`, `h`, `d` or `w`."""

SIZE: Mapping[str, Any] = {
    "title": "a size such as `1MiB`",
    "type": "string",
    "pattern": "^[0-9]{1,12} ?([kKMG]?B|[KMG]iB)$",
    "examples": ["64KiB", "1MiB", "10MB"],
}
"""The shape of a size in bytes: a number with `B`, `KB`, `MB`, `GB` (powers of 1000) or `KiB` … (of 1024)."""

RATE: Mapping[str, Any] = {
    "title": "a rate such as `100/s`",
    "type": "string",
    "pattern": "^(?=0*[1-9])[0-9]{1,9}/([1-9][0-9]{0,5})?(ms|[smhdw])$",
    "examples": ["100/s", "20/m", "1000/h"],
}
"""The shape of a rate: so many in a stretch of time."""

PERCENT: Mapping[str, Any] = {
    "title": "a percentage such as `20%`",
    "type": "string",
    "pattern": r"^[0-9]{1,3}(\.[0-9]{1,6})? ?%$",
    "examples": ["20%"],
}
"""The shape of a percentage."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rate:
    """So many in so much time."""

    count: int
    period: timedelta


def parse_duration(text: str) -> timedelta:
    """Return a duration written like `500ms`, `5s`, `5m`, `1h`, `3d` or `1h30m`.

    Raises:
        ValueError: with the sentence for the operator.
    """
    if not re.fullmatch(r"(?:[0-9]{1,9}(?:ms|[smhdw]))+", text.strip()):
        raise ValueError(f"`{text}` is not a duration such as `5m`")
    try:
        return sum((int(number) * _SECONDS[unit] for number, unit in _PART.findall(text)), timedelta())
    except OverflowError:
        raise ValueError(f"`{text}` is longer than time itself") from None


_UNIT_WORDS = (
    ("ms", r"ms|msec|millis|milliseconds?"),
    ("s", r"s|secs?|seconds?"),
    ("m", r"m|mins?|minutes?"),
    ("h", r"h|hrs?|hours?"),
    ("d", r"d|days?"),
    ("w", r"w|weeks?|wks?"),
)


def meant_duration(text: str) -> str | None:
    """Return a duration as it is to be written, of one in other words: `5 min`, `1 month`; None for what is none."""
    found = re.fullmatch(r"(\d{1,9})\s*([A-Za-z]+)", text.strip())
    if found is None or not int(found[1]):
        return None
    for unit, words in _UNIT_WORDS:
        if re.fullmatch(words, found[2].lower()):
            return f"{found[1]}{unit}"
    days = {"mo": 30, "month": 30, "months": 30, "y": 365, "year": 365, "years": 365}.get(found[2].lower())
    return None if days is None else f"{int(found[1]) * days}d"


def parse_size(text: str) -> int:
    """Return a number of bytes written like `64KiB`, `1MiB` or `10MB`.

    Raises:
        ValueError: with the sentence for the operator.
    """
    match = _SIZE.fullmatch(text.strip())
    if match is None:
        raise ValueError(f"`{text}` is not a size such as `1MiB`")
    return int(match[1]) * _BYTES[match[2]]


def parse_rate(text: str) -> Rate:
    """Return a rate written like `100/s`, `20/m`, `1000/h` or `10/5m`.

    Raises:
        ValueError: with the sentence for the operator.
    """
    match = _RATE.fullmatch(text.strip())
    period = int(match[2] or 1) * _SECONDS[match[3]] if match else timedelta()
    if match is None or not period or not int(match[1]):
        raise ValueError(f"`{text}` is not a rate such as `100/s`")
    return Rate(count=int(match[1]), period=period)


def parse_percent(text: str) -> Decimal:
    """Return a percentage as a fraction: `20%` is 0.2.

    Raises:
        ValueError: with the sentence for the operator.
    """
    match = _PERCENT.fullmatch(text.strip())
    if match is None:
        raise ValueError(f"`{text}` is not a percentage such as `20%`")
    return Decimal(match[1]) / 100
