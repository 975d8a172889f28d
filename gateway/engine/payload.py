"""Raw bytes -> payload, exactly: decimals stay decimals, and what JSON leaves open is refused by name."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

DEEPEST = 100
"""How many objects and lists may stand inside one another."""


class PayloadRefused(Exception):
    """The bytes are not a JSON text that can be read in only one way."""


def read_payload(body: bytes) -> object:
    """Parse a body. Numbers with a point or exponent become Decimal.

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
