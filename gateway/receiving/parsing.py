"""Reading a body and its headers: what can be told without any rule.

The fast parser is enough to find an event's id, type, time and key. A body that it refuses, or one that
nobody has signed, is read again strictly, which also finds what is wrong and where.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from decimal import Decimal
from typing import Any, NoReturn

import orjson

from gateway.errors import GatewayError

REDACTED = "[redacted]"

SECRET_HEADERS = frozenset(
    {
        "authorization",
        "proxy-authorization",
        "cookie",
        "x-api-key",
        "api-key",
        "x-auth-token",
        "x-access-token",
    }
)
"""Headers whose values are never stored, whatever a source's scheme."""

MAX_STORED_HEADERS = 16_384
"""Characters of a delivery's headers that are kept, as JSON."""

_LONG_VALUE = 1_024
_LONG_NAME = 100


class Unreadable(GatewayError):
    """The body is not JSON."""


def parse(body: bytes) -> object:
    """Return the payload as plain data, for reading its envelope. Raises Unreadable.

    Numbers may be rounded to binary floats and of a doubled key the last one counts: rules read the stored
    bytes with an exact parser.
    """
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError:
        return parse_strictly(body)


def parse_strictly(body: bytes) -> object:
    """Return the payload with exact numbers, refusing what RFC 8259 leaves open. Raises Unreadable.

    Refused are doubled keys, `NaN` and `Infinity`, halves of surrogate pairs, bytes that are not UTF-8, and
    nesting deeper than the parser can follow (about a thousand levels).
    """
    if not body:
        raise Unreadable("the body is empty")
    try:
        text = body.decode()
        payload = _STRICT.decode(text)
        if "\\u" in text:
            json.dumps(payload, ensure_ascii=False, default=str).encode()
    except UnicodeDecodeError as error:
        raise Unreadable(
            f"the body is not UTF-8: byte 0x{body[error.start]:02x} at {_place(body, error.start)}"
        ) from error
    except UnicodeEncodeError as error:
        raise Unreadable("the body is not JSON: half of a surrogate pair in a string") from error
    except json.JSONDecodeError as error:
        message = error.msg[:1].lower() + error.msg[1:]
        raise Unreadable(f"the body is not JSON: {message} at line {error.lineno}, column {error.colno}") from error
    except RecursionError as error:
        raise Unreadable("the body is nested too deeply") from error
    return payload


def _place(body: bytes, offset: int) -> str:
    before = body[:offset]
    return f"line {before.count(10) + 1}, byte {offset - before.rfind(10)} of it"


def _refuse_constant(name: str) -> NoReturn:
    raise Unreadable(f"the body is not JSON: `{name}` is not a JSON number")


def _refuse_doubled_keys(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    mapping = dict(pairs)
    if len(mapping) < len(pairs):
        seen: set[str] = set()
        doubled = next(key for key, _ in pairs if key in seen or seen.add(key))  # type: ignore[func-returns-value]
        name = _writable(doubled[:_LONG_NAME])
        raise Unreadable(f"the body is not unambiguous JSON: key `{name}` occurs twice in one object")
    return mapping


_STRICT = json.JSONDecoder(parse_float=Decimal, parse_constant=_refuse_constant, object_pairs_hook=_refuse_doubled_keys)


def stored_headers(headers: Mapping[str, str], secret: frozenset[str]) -> str:
    """Return the headers as a JSON object of lower-case names and texts, to be kept with the event.

    Doubled headers are joined by a comma (RFC 9110, 5.3); bytes that are not UTF-8 are written `\\xff`;
    values of `secret` headers (lower-case names) are left out; long values are cut when all together take more
    than 16,384 characters.
    """
    values = {name.lower(): value for name, value in headers.items()}
    if len(values) < len(headers):
        values = _joined(headers)
    if not secret.isdisjoint(values):
        values = {name: REDACTED if name in secret else value for name, value in values.items()}
    try:
        text = orjson.dumps(values).decode()
    except TypeError:  # bytes that were not UTF-8 arrive as halves of surrogate pairs
        values = {_writable(name): _writable(value) for name, value in values.items()}
        text = orjson.dumps(values).decode()
    return text if len(text) <= MAX_STORED_HEADERS else _shortened(values)


def _joined(headers: Mapping[str, str]) -> dict[str, str]:
    values: dict[str, str] = {}
    for name, value in headers.items():
        lower = name.lower()
        values[lower] = f"{values[lower]}, {value}" if lower in values else value
    return values


def _writable(text: str) -> str:
    return text.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")


def _shortened(values: Mapping[str, str]) -> str:
    kept: dict[str, str] = {}
    room = MAX_STORED_HEADERS
    for name, value in values.items():
        short = value if len(value) <= _LONG_VALUE else f"{value[:_LONG_VALUE]}… ({len(value)} characters)"
        room -= len(orjson.dumps({name: short}))
        if room < 0:
            break
        kept[name] = short
    return orjson.dumps(kept).decode()
