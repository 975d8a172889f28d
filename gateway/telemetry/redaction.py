"""What may not stand in a log, and how it is hidden."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

import orjson

REDACTED = "[redacted]"
"""Stands where a value was."""

Fields = dict[str, Any]
_SECRET_KEY = re.compile(
    r"secret|token|passw|authorization|cookie|credential|signature|cvc|cvv|iban"
    r"|(?:api|access|private|card)[_-]?(?:key|number)",
    re.IGNORECASE,
)
_OUTSIDE_EMAIL = r"\s@<>\"',;:()\[\]{}=&?/#"
_EMAIL = re.compile(
    rf"[^{_OUTSIDE_EMAIL}]{{1,64}}(?:@|%40)[^{_OUTSIDE_EMAIL}.]{{1,63}}(?:\.[^{_OUTSIDE_EMAIL}.]{{1,63}})+"
)
_DIGITS = re.compile(r"(?<![0-9A-Za-z])[0-9](?:[ -]?[0-9]){12,}(?![0-9A-Za-z])")
_DIGITS_WRITTEN = re.compile(_DIGITS.pattern.encode())
_TOKEN = re.compile(r"\b((?:whsec|whsk|sk|rk)_|Bearer\s+|Basic\s+)[A-Za-z0-9_+/=.~-]{6,}", re.IGNORECASE)
_URL_PASSWORD = re.compile(r"(://[^/\s:@]*:)[^/\s@]+(?=@)")
_ALIKE_DIGITS = bytes.maketrans(b"123456789", b"0" * 9)
# What every text that one of the patterns fits has in it, and what nested values have in JSON; before each the byte
# of it that is rarest in a log, because looking for one byte is ten times as fast.
_MARKS = (
    (b"@", b"@"),
    (b"%", b"%40"),
    (b"[", b":["),
    (b":", b":{"),
    (b"_", b"k_"),
    (b"_", b"whsec_"),
    (b" ", b"earer "),
    (b" ", b"asic "),
)

_HARMLESS = frozenset({bool, float, type(None)})
_SHORTEST_CARD = 10**12

# A shorter secret is hidden only where it stands as a word of its own: `test` must not black out `latest`.
_SHORT_SECRET = 8


class Redactor:
    """Hides what must not be logged: registered secrets, token-like keys and texts, e-mail addresses, card numbers."""

    def __init__(self) -> None:
        self._secrets: dict[str, re.Pattern[str]] = {}
        self._marks: tuple[tuple[bytes, bytes], ...] = _MARKS

    def register(self, secret: str) -> None:
        """Hide a secret wherever it occurs from now on. An empty one is no secret."""
        text = secret.strip()
        if not text or text in self._secrets:
            return
        pattern = re.escape(text)
        whole = pattern if len(text) >= _SHORT_SECRET else rf"(?<!\w){pattern}(?!\w)"
        self._secrets = {**self._secrets, text: re.compile(whole)}
        forms = {text.encode(), orjson.dumps(text)[1:-1]}
        self._marks = (*self._marks, *((form[:1], form) for form in forms))

    def harmless(self, text: bytes) -> bool:
        """Say that a text, or flat JSON, has nothing to hide: a few plain searches instead of all the patterns."""
        return self.unmarked(text) and has_no_card(text)

    def unmarked(self, text: bytes) -> bool:
        """Say that a text, or any number of flat JSON texts, has nothing to hide unless it is a card number."""
        return not any(byte in text and mark in text for byte, mark in self._marks)

    def fields(self, fields: Mapping[str, Any]) -> Fields:
        """Return a line's fields with everything hidden that must be."""
        return {name: REDACTED if _SECRET_KEY.search(name) else self.value(value) for name, value in fields.items()}

    def value(self, value: Any) -> Any:
        """Return a value of any shape with everything hidden that must be."""
        kind = type(value)
        if kind in _HARMLESS or (kind is int and value < _SHORTEST_CARD):
            return value
        if isinstance(value, Mapping):
            return self.fields({str(name): item for name, item in value.items()})
        if isinstance(value, list | tuple | set | frozenset):
            return [self.value(item) for item in value]
        text = str(value)
        hidden = self.text(text)
        return value if kind is int and hidden == text else hidden

    def text(self, text: str) -> str:
        """Return a text with everything hidden that must be."""
        if self.harmless(text.encode("utf-8", "surrogatepass")):
            return text
        for pattern in self._secrets.values():
            text = pattern.sub(REDACTED, text)
        text = _TOKEN.sub(rf"\g<1>{REDACTED}", _URL_PASSWORD.sub(rf"\g<1>{REDACTED}", text))
        return _DIGITS.sub(_hide_cards, _EMAIL.sub("[e-mail]", text))


def has_no_card(text: bytes) -> bool:
    """Say that a text, or flat JSON, has no card number in it."""
    if b"0" * 13 not in text.translate(_ALIKE_DIGITS, b" -"):
        return True
    # Ids in hexadecimal often have as many digits, between letters. JSON writes some characters with a letter, though.
    return b"\\" not in text and _DIGITS_WRITTEN.search(text) is None


@lru_cache(maxsize=1024)
def are_plain_names(names: tuple[str, ...]) -> bool:
    """Say whether none of a line's names is that of a secret."""
    return not any(map(_SECRET_KEY.search, names))


def _hide_cards(match: re.Match[str]) -> str:
    """Return a run of digits in groups without the groups that make a card number."""
    parts = re.split(r"([ -])", match[0])
    for first in range(0, len(parts), 2):
        for last in range(len(parts), first, -2):
            if _is_card("".join(parts[first:last:2])):
                rest = _DIGITS.sub(_hide_cards, "".join(parts[last:]))
                return f"{''.join(parts[:first])}[card]{rest}"
    return match[0]


def _is_card(digits: str) -> bool:
    """Check length and first digit of a card number, and its last digit by Luhn's sum (ISO/IEC 7812-1)."""
    if not 13 <= len(digits) <= 19 or digits[0] not in "23456":
        return False
    values = [int(digit) for digit in reversed(digits)]
    doubled = (value * 2 - 9 if value > 4 else value * 2 for value in values[1::2])
    return (sum(values[0::2]) + sum(doubled)) % 10 == 0


REDACTOR = Redactor()
"""Hides what this process has to hide."""

register_secret = REDACTOR.register
redact = REDACTOR.value
