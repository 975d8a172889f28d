"""Raw bytes -> payload, exactly: decimals stay decimals, and what JSON leaves open is refused by name.

Nearly every body is read by msgspec, which keeps each digit and takes a third of the time, but is silent about a key
that comes twice. So the quotes are counted: when what was read accounts for all of them, nothing was lost. Any other
body is read by `read_slowly`, which also knows why it is refused.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from decimal import Decimal, DecimalException
from typing import Any

import msgspec

DEEPEST = 100
"""How many objects and lists may stand inside one another."""


class PayloadRefused(Exception):
    """The bytes are not a JSON text that can be read in only one way."""


def read_payload(body: bytes) -> object:
    """Parse a body. Numbers with a point or exponent become Decimal. Raises PayloadRefused: see `read_slowly`."""
    payload = _read_at_once(body)
    return read_slowly(body) if payload is _UNSURE else payload


_UNSURE = object()


def _read_at_once(body: bytes) -> object:
    try:
        payload = _decode(body)
        return payload if 2 * _count_texts((payload,), DEEPEST) == body.count(b'"') else _UNSURE
    except (ValueError, RecursionError, DecimalException):
        return _UNSURE


_decode = msgspec.json.Decoder(float_hook=Decimal).decode


def _count_texts(items: Iterable[Any], levels: int) -> int:
    """Return how many texts and keys there are in values, each of which is written with two quotes.

    A body never has fewer quotes than that; it has more where a key comes twice, and where a text has a quote in it.
    Raises RecursionError for more than so many levels of objects and lists inside one another.
    """
    if levels < 0:
        raise RecursionError
    count = 0
    for item in items:
        kind = item.__class__
        if kind is str:
            count += 1
        elif kind is dict:
            count += len(item) + _count_texts(item.values(), levels - 1)
        elif kind is list:
            count += _count_texts(item, levels - 1)
    return count


def read_slowly(body: bytes) -> object:
    """Parse a body as `read_payload` does, looking at each object's keys.

    Raises PayloadRefused for broken UTF-8, halves of surrogate pairs, NaN and infinities, an object with the same key
    twice, nesting beyond DEEPEST, and text that is not JSON. Source: RFC 8259; what it leaves open is refused.
    """
    try:
        text = body.decode("utf-8")
    except UnicodeDecodeError as error:
        raise PayloadRefused(f"the body is not UTF-8: byte {error.start} is 0x{body[error.start]:02x}") from None
    if text.count("[") + text.count("{") > DEEPEST:
        _refuse_depth(text)
    try:
        payload = _DECODER.decode(text)
    except json.JSONDecodeError as error:
        raise PayloadRefused(
            f"the body is not JSON: {error.msg[:1].lower()}{error.msg[1:]} at line {error.lineno} column {error.colno}"
        ) from None
    except DecimalException:
        raise PayloadRefused("the body holds a number with an exponent that is too large") from None
    except (ValueError, RecursionError) as error:
        raise PayloadRefused(f"the body cannot be read: {error}") from None
    if "\\u" in text:
        _refuse_halves(payload)
    return payload


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        seen: set[str] = set()
        for key, _ in pairs:
            if key in seen:
                raise PayloadRefused(f"an object of the body has the key `{key}` twice")
            seen.add(key)
    return found


def _constant(name: str) -> object:
    raise PayloadRefused(f"the body holds `{name}`, which is not a JSON number")


_DECODER = json.JSONDecoder(object_pairs_hook=_object, parse_float=Decimal, parse_constant=_constant)


def _refuse_halves(value: object) -> None:
    """Refuse texts that no encoding can write, so no database and no log."""
    if isinstance(value, str):
        try:
            value.encode()
        except UnicodeEncodeError:
            raise PayloadRefused("the body holds half of a surrogate pair, which is no character") from None
    elif isinstance(value, dict):
        for key, item in value.items():
            _refuse_halves(key)
            _refuse_halves(item)
    elif isinstance(value, list):
        for item in value:
            _refuse_halves(item)


def _refuse_depth(text: str) -> None:
    depth = 0
    quoted = escaped = False
    for character in text:
        if quoted:
            if escaped:
                escaped = False
            elif character == "\\":
                escaped = True
            elif character == '"':
                quoted = False
        elif character == '"':
            quoted = True
        elif character in "[{":
            depth += 1
            if depth > DEEPEST:
                raise PayloadRefused(f"the body is nested deeper than {DEEPEST} levels")
        elif character in "]}":
            depth -= 1
