"""How a signature is written: as hexadecimal digits, in base64, or in base64 for addresses."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Mapping

from gateway.records import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Encoding:
    """One way to write a digest.

    A signature is compared as it is written, not decoded first: what is not the one right text does not fit, and
    there is nothing to decode that could fail.
    """

    write: Callable[[bytes], bytes]
    """Makes a digest's text, as senders write it."""
    fold: Callable[[bytes], bytes]
    """Takes away what may differ between two ways to write the same: the case of hex digits, base64's padding."""


ENCODINGS: Mapping[str, Encoding] = {
    "hex": Encoding(write=binascii.hexlify, fold=bytes.lower),
    "base64": Encoding(write=base64.b64encode, fold=lambda text: text.rstrip(b"=")),
    "base64url": Encoding(write=base64.urlsafe_b64encode, fold=lambda text: text.rstrip(b"=")),
}
"""Encodings by the name that `verify.encoding` gives."""
