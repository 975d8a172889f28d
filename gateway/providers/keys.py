"""The secrets of a source: as they are written in its `verify`, and the keys that they stand for."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from gateway.providers.headers import to_bytes
from gateway.records import dataclass

WHSEC = "whsec_"
"""What stands before a secret of Standard Webhooks, and of Stripe, where it belongs to the key."""


class Key(NamedTuple):
    """What deliveries are verified with."""

    number: int
    """Its place in the list of secrets as it is written, from 0."""
    value: bytes


@dataclass(frozen=True, slots=True)
class Written:
    """A secret as a `verify` has it."""

    key: str
    """The key of `verify` that holds it."""
    index: int | None
    """Its place, where that key holds a list."""
    text: str
    """Without the white space round it, which a file or a variable easily has; empty where it is not set."""


def written_secrets(verify: Mapping[str, Any]) -> Iterable[Written]:
    """Return the secrets and tokens of a `verify`, those that are not set too."""
    for key in ("secret", "token"):
        if verify.get(key) is not None:
            yield Written(key, None, str(verify[key]).strip())
    for key in ("secrets", "tokens"):
        listed = verify.get(key)
        for index, item in enumerate(listed if isinstance(listed, list | tuple) else ()):
            yield Written(key, index, "" if item is None else str(item).strip())


def read_keys(verify: Mapping[str, Any], decoding: str) -> tuple[Key, ...]:
    """Return the keys of a `verify`: of the secrets that are set, and can be decoded."""
    texts = [written.text for written in written_secrets(verify)]
    keys = [(number, decode_key(text, decoding)) for number, text in enumerate(texts)]
    return tuple(Key(number, key) for number, key in keys if key)


def decode_key(text: str, decoding: str) -> bytes | None:
    """Return the key that a secret stands for: `text`, `hex`, `base64`, or `whsec` (base64 behind that prefix).

    None where it is not written so; empty where nothing is left to be a key.
    """
    try:
        match decoding:
            case "hex":
                return bytes.fromhex(text)
            case "base64":
                return base64.b64decode(text, validate=True)
            case "whsec":
                return base64.b64decode(text.removeprefix(WHSEC), validate=True)
    except (binascii.Error, ValueError):
        return None
    return b"" if text == WHSEC else to_bytes(text)
