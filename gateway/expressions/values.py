"""Values and their types: explicit conversion, the strict fit of a column, and text."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from gateway.expressions.arithmetic import MAX_DIGITS, is_integral
from gateway.expressions.errors import CoercionError, EvaluationError
from gateway.expressions.kinds import exact, kind_of
from gateway.expressions.times import at_midnight, date_in, from_epoch, has_offset, read_date, read_timestamp
from gateway.expressions.writing import MAX_NESTING, shown, to_text

VALUE_TYPES = ("text", "integer", "decimal", "boolean", "timestamp", "date", "json")
"""The types of columns and of `as:` in an extraction."""

_INTEGER_TEXT = re.compile(r"[+-]?[0-9]{1,100}")
_DECIMAL_TEXT = re.compile(r"[+-]?[0-9]{1,100}(\.[0-9]{1,100})?([eE][+-]?[0-9]{1,3})?")
_CANONICAL_DECIMAL = re.compile(r"-?(0|[1-9][0-9]{0,99})(\.[0-9]{1,100})?")
_ISO_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_INTEGER_RANGE = range(-(2**63), 2**63)
_ARTICLES = {"integer": "an integer"}


def coerce(value: object, type_name: str, *, zone: str | None = None) -> Any:
    """Return a value converted to a type of VALUE_TYPES, exactly or not at all; null stays null.

    `zone` is the IANA zone of times written without an offset and of the dates of times; UTC when None.
    Raises CoercionError.
    """
    if value is None:
        return None
    return _COERCIONS[type_name](value, zone)


def coercion(type_name: str, *, zone: str | None = None) -> Callable[[Any], object]:
    """Return what `coerce` does for one type and zone as a function, which sees at a glance what needs no change."""
    convert, as_it_is = _COERCIONS[type_name], _UNCHANGED.get(type_name)
    return lambda value: value if value is None or value.__class__ is as_it_is else convert(value, zone)


def fit(value: object, type_name: str) -> Any:
    """Return a value as a column of a type of VALUE_TYPES takes it, without converting it; null fits.

    The same value in another spelling fits (`5` and `5.0` as integer, `"9.99"` as decimal, ISO text as a
    time); anything that would have to be guessed, rounded or cut does not. Raises CoercionError.
    """
    if value is None:
        return None
    return _FITS[type_name](value)


def _unreadable(value: object, type_name: str) -> CoercionError:
    return CoercionError(f"cannot read {shown(value)} as {_ARTICLES.get(type_name, f'a {type_name}')}")


def _number(value: Any) -> int | Decimal:
    try:
        return exact(value)
    except EvaluationError as error:
        raise CoercionError(error.message) from None


def _coerce_text(value: object, _zone: str | None) -> str:
    if kind_of(value) in ("list", "object"):
        raise CoercionError(f"cannot read {shown(value)} as text")
    return to_text(value)


def _coerce_integer(value: Any, _zone: str | None) -> int:
    kind = kind_of(value)
    if kind == "number" and is_integral(_number(value)):
        return int(_number(value))
    if kind == "text" and _INTEGER_TEXT.fullmatch(value):
        return int(value)
    raise _unreadable(value, "integer")


def _coerce_decimal(value: Any, _zone: str | None) -> Decimal:
    if value.__class__ is Decimal and value.is_finite():
        return _in_bounds(value)
    kind = kind_of(value)
    if kind == "number":
        number = Decimal(_number(value))
    elif kind == "text" and _DECIMAL_TEXT.fullmatch(value):
        number = Decimal(value)
    else:
        raise _unreadable(value, "decimal")
    return _in_bounds(number)


def _in_bounds(number: Decimal) -> Decimal:
    text = str(number)
    if len(text) < MAX_DIGITS and "E" not in text:
        return number
    exponent = number.as_tuple().exponent
    if number.adjusted() >= MAX_DIGITS or not isinstance(exponent, int) or exponent < -MAX_DIGITS:
        raise CoercionError(f"{shown(number)} has more than {MAX_DIGITS} digits before or after the point")
    return number


def _coerce_boolean(value: object, _zone: str | None) -> bool:
    if isinstance(value, bool):
        return value
    if value in ("true", "false"):
        return value == "true"
    raise _unreadable(value, "boolean")


def _coerce_timestamp(value: Any, zone: str | None) -> datetime:
    match kind_of(value):
        case "text":
            return read_timestamp(value, zone)
        case "timestamp":
            return _in_utc(value)
        case "date":
            return at_midnight(value, zone)
        case "number":
            return from_epoch(_number(value))
        case _:
            raise _unreadable(value, "timestamp")


def _in_utc(moment: datetime) -> datetime:
    return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)


def _coerce_date(value: Any, zone: str | None) -> date:
    match kind_of(value):
        case "text":
            return read_date(value, zone)
        case "timestamp":
            return date_in(_in_utc(value), zone)
        case "date":
            return date(value.year, value.month, value.day)
        case "number":
            return date_in(from_epoch(_number(value)), zone)
        case _:
            raise _unreadable(value, "date")


def _misfit(value: object, type_name: str) -> CoercionError:
    return CoercionError(f"{shown(value)} does not fit a column of type {type_name}")


def _fit_text(value: object) -> str:
    if not isinstance(value, str):
        raise _misfit(value, "text")
    return storable(str(value))


def storable(text: str) -> str:
    """Return a text that databases take; raises CoercionError for NUL characters and lone surrogates."""
    if "\0" in text:
        raise CoercionError("a text with a NUL character cannot be stored")
    if not text.isascii():
        try:
            text.encode()
        except UnicodeEncodeError:
            raise CoercionError("a text with half a surrogate pair cannot be stored") from None
    return text


def _fit_integer(value: Any) -> int:
    if value.__class__ is int and value in _INTEGER_RANGE:
        return int(value)
    if kind_of(value) != "number" or not is_integral(_number(value)):
        raise _misfit(value, "integer")
    number = int(_number(value))
    if number not in _INTEGER_RANGE:
        raise CoercionError(f"{shown(value)} does not fit the 64 bits of a column of type integer")
    return number


def _fit_decimal(value: Any) -> Decimal:
    if kind_of(value) == "text" and not _CANONICAL_DECIMAL.fullmatch(value):
        raise _misfit(value, "decimal")
    if kind_of(value) not in ("number", "text"):
        raise _misfit(value, "decimal")
    return _coerce_decimal(value, None)


def _fit_boolean(value: object) -> bool:
    if not isinstance(value, bool):
        raise _misfit(value, "boolean")
    return value


def _fit_timestamp(value: Any) -> datetime:
    kind = kind_of(value)
    if kind == "timestamp" or (kind == "text" and has_offset(value)):
        return _coerce_timestamp(value, None)
    raise _misfit(value, "timestamp")


def _fit_date(value: Any) -> date:
    kind = kind_of(value)
    if kind == "date" or (kind == "text" and _ISO_DATE.fullmatch(value)):
        return _coerce_date(value, None)
    raise _misfit(value, "date")


def _json(value: Any, depth: int = 0) -> object:
    if depth > MAX_NESTING:
        raise CoercionError(f"a JSON value has more than {MAX_NESTING} levels inside each other")
    match kind_of(value):
        case "text":
            return storable(str(value))
        case "object":
            return {_json_key(key): _json(item, depth + 1) for key, item in value.items()}
        case "list":
            return [_json(item, depth + 1) for item in value]
        case "date" | "timestamp":
            return to_text(value)
        case "number":
            return _number(value)
        case _:
            return value


def _json_key(key: object) -> str:
    if not isinstance(key, str):
        raise CoercionError(f"{shown(key)} cannot be the key of a JSON object: it is not text")
    return storable(key)


_UNCHANGED: dict[str, type] = {"text": str, "integer": int, "boolean": bool}
"""The one Python type of each type's values whose every value is converted to itself."""
_COERCIONS: dict[str, Callable[[Any, str | None], object]] = {
    "text": _coerce_text,
    "integer": _coerce_integer,
    "decimal": _coerce_decimal,
    "boolean": _coerce_boolean,
    "timestamp": _coerce_timestamp,
    "date": _coerce_date,
    "json": lambda value, _zone: _json(value),
}
_FITS: dict[str, Callable[[Any], object]] = {
    "text": _fit_text,
    "integer": _fit_integer,
    "decimal": _fit_decimal,
    "boolean": _fit_boolean,
    "timestamp": _fit_timestamp,
    "date": _fit_date,
    "json": _json,
}
