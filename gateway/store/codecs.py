"""How a value of each type is kept in a database, and read back exactly.

SQLite has no decimal, date or time of its own, so these are text: decimals as written (`99.90`), dates as
`2024-01-15`, times in UTC as `2024-01-15T12:00:00.000000Z`, whose fixed width keeps text order and time order
the same. Rows written by other programs are read leniently: any ISO 8601 time, numbers in decimal columns.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from functools import lru_cache

import orjson

from gateway.expressions import coerce

Codec = Callable[[object], object]

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


def microseconds_of(moment: datetime) -> int:
    """Return an aware time as microseconds since the epoch."""
    return (moment - EPOCH) // _MICROSECOND


def moment_of(microseconds: int) -> datetime:
    """Return microseconds since the epoch as an aware time, UTC."""
    return EPOCH + timedelta(0, 0, microseconds)


def encode_decimal(value: object) -> object:
    """Write a decimal plainly, never with an exponent."""
    text = str(value)
    return format(value, "f") if "E" in text else text


_TIME_LENGTH = len("2024-01-15T12:00:00.000000Z")


# A pass writes its event's own time into several rows.
@lru_cache(maxsize=64)
def encode_timestamp(value: object) -> object:
    """Write an aware time in UTC, always with six digits of a second."""
    assert isinstance(value, datetime)
    moment = value if value.tzinfo is UTC else value.astimezone(UTC)
    # Four times as fast as `isoformat`; it leaves out a fraction of nothing.
    text = orjson.dumps(moment, option=orjson.OPT_UTC_Z)[1:-1].decode()
    return text if len(text) == _TIME_LENGTH else f"{text[:-1]}.000000Z"


@lru_cache(maxsize=1024)
def encode_date(value: object) -> object:
    """Write a date as ISO 8601."""
    assert isinstance(value, date)
    return value.isoformat()


def encode_json(value: object) -> object:
    """Write any JSON value; decimals stay exact numbers."""
    return dump_json(value)


def dump_json(value: object) -> str:
    """Return compact JSON text: decimals as numbers with all their digits, times and dates as ISO 8601."""
    try:
        return orjson.dumps(value, default=_json_default, option=_USUAL).decode()
    except orjson.JSONEncodeError:
        # Keys that are no text, which cost every other key time; integers over 64 bits, which orjson does not write.
        return orjson.dumps(_with_long_integers(value), default=_json_default, option=_UNUSUAL).decode()


_USUAL = orjson.OPT_UTC_Z
_UNUSUAL = _USUAL | orjson.OPT_NON_STR_KEYS


_MOST_DIGITS = 400


def _json_default(value: object) -> object:
    if isinstance(value, Decimal):
        text = str(value)
        # A payload may hold `1e999999999`: written out, that would be a gigabyte of zeros.
        if "E" in text and -_MOST_DIGITS < value.adjusted() < _MOST_DIGITS:
            text = format(value, "f")
        return orjson.Fragment(text)
    raise TypeError(f"{type(value).__name__} has no JSON form")


def _with_long_integers(value: object) -> object:
    if isinstance(value, dict):
        return {key: _with_long_integers(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_with_long_integers(item) for item in value]
    if isinstance(value, int) and value.bit_length() > 63:
        return orjson.Fragment(str(value))
    return value


def _decode_decimal(raw: object) -> object:
    if isinstance(raw, Decimal):
        return raw
    return Decimal(raw if isinstance(raw, str | int) else repr(raw))


def _decode_timestamp(raw: object) -> object:
    if isinstance(raw, str) and len(raw) == 27 and raw[26] == "Z":
        return datetime.fromisoformat(raw)
    return coerce(raw, "timestamp")


def _decode_json(raw: object) -> object:
    import json

    return json.loads(raw, parse_float=Decimal) if isinstance(raw, str | bytes) else raw


def _decode_date(raw: object) -> object:
    return date.fromisoformat(raw) if isinstance(raw, str) and len(raw) == 10 else coerce(raw, "date")


_SQLITE_ENCODERS: dict[str, Codec | None] = {
    "text": None,
    "integer": None,
    "decimal": encode_decimal,
    "boolean": int,  # type: ignore[dict-item]  # a bool is all that reaches it
    "timestamp": encode_timestamp,
    "date": encode_date,
    "json": encode_json,
}
_SQLITE_DECODERS: dict[str, Codec | None] = {
    "text": None,
    "integer": None,
    "decimal": _decode_decimal,
    "boolean": bool,
    "timestamp": _decode_timestamp,
    "date": _decode_date,
    "json": _decode_json,
}


def _text_of(raw: object) -> object:
    return raw if isinstance(raw, str) else str(raw)


def _utc_of(raw: object) -> object:
    if not isinstance(raw, datetime):
        return coerce(raw, "timestamp")
    # A column without a time zone holds UTC, as all of the gateway's times do.
    return raw.replace(tzinfo=UTC) if raw.tzinfo is None else raw.astimezone(UTC)


def _date_of(raw: object) -> object:
    return raw if isinstance(raw, date) else coerce(raw, "date")


# PostgreSQL has types of its own for all of these; a table that was there before may use others.
_POSTGRESQL_ENCODERS: dict[str, Codec | None] = {
    "text": None,
    "integer": None,
    "decimal": None,
    "boolean": None,
    "timestamp": None,
    "date": None,
    "json": encode_json,
}
_POSTGRESQL_DECODERS: dict[str, Codec | None] = {
    "text": _text_of,
    "integer": None,
    "decimal": _decode_decimal,
    "boolean": None,
    "timestamp": _utc_of,
    "date": _date_of,
    "json": _decode_json,
}
_ENCODERS = {"sqlite": _SQLITE_ENCODERS, "postgresql": _POSTGRESQL_ENCODERS}
_DECODERS = {"sqlite": _SQLITE_DECODERS, "postgresql": _POSTGRESQL_DECODERS}


def encoder(type_name: str, dialect: str) -> Codec | None:
    """Return the function that gives the driver a fitted, non-null value, or None when it takes it as it is."""
    return _ENCODERS[dialect][type_name]


def decoder(type_name: str, dialect: str) -> Codec | None:
    """Return the function that reads a non-null value of a column type, or None when the driver's own will do."""
    return _DECODERS[dialect][type_name]
