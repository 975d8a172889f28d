"""Verifying a delivery by a keyed hash of its body: one engine for every scheme that is declared in `schemes`."""

from __future__ import annotations

import hashlib
import hmac
import math
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime

from gateway.providers.encodings import ENCODINGS
from gateway.providers.headers import first_header, header_values, to_bytes
from gateway.providers.keys import Key
from gateway.providers.schemes import Scheme
from gateway.providers.verification import MAX_VALUES, Refused, Verified, refused

MAX_SIGNATURES = 32
"""More signatures than this in one header are not looked at."""

_LONGEST_TIME = 17
"""Digits; milliseconds have 13 until the year 2286, and a number of any length would cost what its sender likes."""

_Split = Callable[[str], tuple[str | None, list[str]]]
"""From a header to the time that stands in it (empty: none, None: several) and the signatures."""
_Frame = Callable[[bytes, str, str], bytes]
"""From a body, a time and an id to what is signed."""


class HmacVerifier:
    """A keyed hash over the body, and over the time and id where the scheme says so."""

    def __init__(self, scheme: Scheme, keys: Sequence[Key], *, tolerance: float) -> None:
        """Take the scheme, the keys that are good, and by how many seconds a signature's time may be off."""
        self._scheme = scheme
        self._name, self._unit, self._algorithm = scheme.name, scheme.unit, scheme.algorithm
        self._time_headers, self._id_headers = scheme.timestamp_headers, scheme.id_headers
        self._keys = tuple(keys)
        self._tolerance = tolerance
        self._encoding = ENCODINGS[scheme.encoding]
        self._split = _splitter(scheme)
        self._frame = _framer(scheme)
        self.secret_headers: frozenset[str] = frozenset()

    def verify(self, body: bytes, headers: Mapping[str, str], now: float) -> Verified | Refused:
        """Compute the hash with every key and compare it with every signature; then look at the time."""
        values = self._values(headers)
        if len(values) == 1 and values[0]:
            return self._judge(values[0], body, headers, now)
        return self._judge_all(values, body, headers, now)

    def _values(self, headers: Mapping[str, str]) -> Sequence[str]:
        for name in self._scheme.headers:
            if values := header_values(headers, name):
                return values
        return ()

    def _judge_all(
        self, values: Sequence[str], body: bytes, headers: Mapping[str, str], now: float
    ) -> Verified | Refused:
        """Judge a header that is missing, or stands there several times: one that holds is enough."""
        header = self._scheme.headers[0]
        if len(values) > MAX_VALUES:
            return refused("signature_mismatch", f"the header `{header}` stands there {len(values)} times")
        found: Verified | Refused = refused("missing_signature", f"the header `{header}` is missing")
        for value in filter(None, values):
            found = self._judge(value, body, headers, now)
            if isinstance(found, Verified):
                break
        return found

    def _judge(self, value: str, body: bytes, headers: Mapping[str, str], now: float) -> Verified | Refused:
        stamp, signatures = self._split(value)
        if self._time_headers:
            stamp = first_header(headers, self._time_headers)
        identity = first_header(headers, self._id_headers) if self._id_headers else ""
        if not signatures or (self._unit and not stamp) or (self._id_headers and not identity):
            return self._incomplete(signatures, stamp)
        number = self._fitting(signatures, self._frame(body, stamp or "", identity))
        if number is None:
            return self._mismatch(signatures)
        if self._unit is None:
            return Verified(self._name, number, None)
        return self._timely(stamp or "", number, now)

    def _fitting(self, signatures: Sequence[str], message: bytes) -> int | None:
        """Return the number of the key that made one of the signatures."""
        fold, write, algorithm = self._encoding.fold, self._encoding.write, self._algorithm
        given = [fold(to_bytes(text)) for text in signatures[:MAX_SIGNATURES]]
        for number, key in self._keys:
            wanted = fold(write(hmac.digest(key, message, algorithm)))
            for signature in given:
                if hmac.compare_digest(wanted, signature):
                    return number
        return None

    def _timely(self, stamp: str, number: int, now: float) -> Verified | Refused:
        timestamp = _read_time(stamp, self._unit)
        if timestamp is None:
            return refused("signature_mismatch", "the signature's time is not a time")
        late = now - timestamp
        if abs(late) > self._tolerance:
            way = "old" if late > 0 else "ahead of this machine's clock"
            return refused(
                "timestamp_outside_tolerance",
                f"the signature is {math.ceil(abs(late))} s {way}, {self._tolerance:g} s are tolerated",
            )
        return Verified(self._name, number, timestamp)

    def _incomplete(self, signatures: Sequence[str], stamp: str | None) -> Refused:
        """Say what is not there that the scheme needs."""
        scheme = self._scheme
        if not signatures:
            return refused("signature_mismatch", f"the header `{scheme.headers[0]}` holds no {_signature(scheme)}")
        if scheme.unit is None or stamp:
            return refused("missing_signature", f"the header `{scheme.id_headers[0]}` is missing")
        if scheme.timestamp_headers:
            return refused("missing_signature", f"the header `{scheme.timestamp_headers[0]}` is missing")
        what = "several times" if stamp is None else "no time"
        return refused("signature_mismatch", f"the header `{scheme.headers[0]}` names {what} of signing")

    def _mismatch(self, signatures: Sequence[str]) -> Refused:
        """Say why no signature fits: none has the right form, or none is made with a secret of this source."""
        scheme, tried = self._scheme, _count(len(signatures), "signature")
        if not any(self._is_formed(text) for text in signatures):
            return refused("signature_mismatch", f"{tried}, none of them {scheme.algorithm} in {scheme.encoding}")
        return refused(
            "signature_mismatch",
            f"{tried} fit{'s' if len(signatures) == 1 else ''} none of {_count(len(self._keys), 'secret')}: "
            "another secret, or the body was altered on the way",
        )

    def _is_formed(self, text: str) -> bool:
        """Say whether a signature has the length that the scheme's have."""
        digest = self._encoding.write(bytes(hashlib.new(self._scheme.algorithm).digest_size))
        return len(self._encoding.fold(to_bytes(text))) == len(self._encoding.fold(digest))


def _signature(scheme: Scheme) -> str:
    begins = [f"{name}{scheme.pair_separator}{scheme.prefix}" for name in scheme.pairs] or [scheme.prefix]
    wanted = " or ".join(f"`{text}`" for text in begins if text)
    return f"signature that begins with {wanted}" if wanted else "signature"


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def _splitter(scheme: Scheme) -> _Split:
    """Return what takes the header apart."""
    prefix, separator = scheme.prefix, scheme.list_separator
    if separator is None:
        return lambda text: ("", _after_prefix([text], prefix))
    if not scheme.pairs:
        return lambda text: ("", _after_prefix(text.split(separator), prefix))
    names, time_name, equals = frozenset(scheme.pairs), scheme.timestamp_pair, scheme.pair_separator

    start = len(prefix)

    def split(text: str) -> tuple[str | None, list[str]]:
        stamp: str | None = ""
        signatures: list[str] = []
        for item in text.split(separator):
            name, _, value = item.partition(equals)
            name, value = name.strip(), value.strip()
            if name in names:
                if len(value) > start and value.startswith(prefix):
                    signatures.append(value[start:])
            elif name == time_name:
                # A time that is given twice is signed once; whichever was, the other is somebody's addition.
                stamp = value if stamp in {"", value} else None
        return stamp, signatures

    return split


def _after_prefix(items: Sequence[str], prefix: str) -> list[str]:
    start = len(prefix)
    trimmed = [item.strip() for item in items]
    return [item[start:] for item in trimmed if len(item) > start and item.startswith(prefix)]


def _framer(scheme: Scheme) -> _Frame:
    """Return what puts the body between the other parts of what is signed."""
    before, after = scheme.template
    if not before and not after:
        return lambda body, stamp, identity: body
    head, tail = _formatter(before), _formatter(after)
    if not after:
        return lambda body, stamp, identity: to_bytes(head(stamp, identity)) + body
    return lambda body, stamp, identity: to_bytes(head(stamp, identity)) + body + to_bytes(tail(stamp, identity))


def _formatter(pieces: Sequence[str]) -> Callable[[str, str], str]:
    places = {"{timestamp}": "{0}", "{id}": "{1}"}
    return "".join(places.get(piece) or piece.replace("{", "{{").replace("}", "}}") for piece in pieces).format


def _read_time(text: str, unit: str | None) -> float | None:
    if unit == "iso":
        try:
            moment = datetime.fromisoformat(text)
        except ValueError:
            return None
        return moment.timestamp() if moment.tzinfo else None
    if len(text) > _LONGEST_TIME or not (text.isascii() and text.isdigit()):
        return None
    return int(text) / 1000 if unit == "ms" else float(text)
