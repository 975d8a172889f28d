"""Takes people and secrets out of a payload, so that it may stand in a repository.

What is taken out is replaced by something of the same kind, the same everywhere in the case: a rule that looks a
person up by e-mail address still finds the one of the same address.
"""

from __future__ import annotations

import re
from collections.abc import Callable

_SECRET = re.compile(
    r"secret|token|passw|authorization|cookie|credential|signature|cvc|cvv|iban|fingerprint|last_?4"
    r"|(?:api|access|private|card)[_-]?(?:key|number)",
    re.IGNORECASE,
)
_NAME = re.compile(
    r"(?:(?:first|last|full|given|family|middle|sur|user|display|holder|customer|payer|legal)[_-]?)?name"
    r"|(?:razao|nome)[_-]?\w*",
    re.IGNORECASE,
)
_PLACE = re.compile(
    r"(?:address_?)?line_?[1-3]|street|address|address_?(?:number|line_?[1-3])|city|province|complement|postal_?code|zip"
    r"|zip_?code|admin_area_[12]",
    re.IGNORECASE,
)
_NUMBER = re.compile(
    r"\w*phone\w*|mobile|fax|cpf\w*|cnpj\w*|tax_?id|vat_?id|ssn|\w*birth\w*|dob|ip|ip_?address|remote_?ip|user_?agent",
    re.IGNORECASE,
)
_EMAIL = re.compile(r"[^\s@<>\"',;:()\[\]{}=&?/#]{1,64}(?:@|%40)[^\s@<>\"',;:()\[\]{}=&?/#]{1,190}")
_TOKEN = re.compile(r"\b(?:whsec|whsk|sk|rk|pk|ek)_[A-Za-z0-9_+/=.~-]{6,}|\b(?:Bearer|Basic)\s+\S+", re.IGNORECASE)
_CARD = re.compile(r"(?<![0-9A-Za-z])[0-9](?:[ -]?[0-9]){12,18}(?![0-9A-Za-z])")
_QUERY = re.compile(r"(https?://[^\s?#]+)[?#]\S+")
_SHORTEST_NAME = 4
"""A shorter name is not looked for in other texts: it may be a part of any word."""


class Concealer:
    """Replaces what must not be told, each value by one and the same stand-in."""

    def __init__(self) -> None:
        self._stand_ins: dict[tuple[str, str], str] = {}
        self._names: dict[str, str] = {}

    def conceal(self, value: object) -> object:
        """Return a value of any shape without people and secrets."""
        return self._without_names(self._value(value, None))

    def _value(self, value: object, key: str | None) -> object:
        if isinstance(value, dict):
            return {name: self._value(item, name) for name, item in value.items()}
        if isinstance(value, list):
            return [self._value(item, key) for item in value]
        if isinstance(value, bool) or value is None or value == "":
            return value
        if key is not None and (replace := _by_key(key)) is not None:
            kind, sample = replace
            return self._stand_in(kind, sample, str(value)) if isinstance(value, str) else 0
        return self._text(value) if isinstance(value, str) else value

    def _text(self, text: str) -> str:
        text = _EMAIL.sub(lambda found: self._stand_in("email", "person{}@example.com", found[0]), text)
        text = _TOKEN.sub(lambda found: self._stand_in("secret", "concealed-{}", found[0]), text)
        text = _CARD.sub(lambda found: re.sub("[0-9]", "0", found[0]), text)
        return _QUERY.sub(r"\1", text)

    def _stand_in(self, kind: str, sample: str, value: str) -> str:
        known = self._stand_ins.get((kind, value))
        if known is not None:
            return known
        number = 1 + sum(own == kind for own, _ in self._stand_ins)
        made = self._stand_ins[kind, value] = sample.format(number)
        if kind == "name" and len(value) >= _SHORTEST_NAME:
            self._names[value] = made
        return made

    def _without_names(self, value: object) -> object:
        """Return a value in whose texts no name stands that was replaced elsewhere."""
        if isinstance(value, dict):
            return {key: self._without_names(item) for key, item in value.items()}
        if isinstance(value, list):
            return [self._without_names(item) for item in value]
        if isinstance(value, str):
            for name, made in self._names.items():
                value = value.replace(name, made)
        return value


_BY_KEY: tuple[tuple[Callable[[str], object], str, str], ...] = (
    (_SECRET.search, "secret", "concealed-{}"),
    (_NAME.fullmatch, "name", "Name {}"),
    (_PLACE.fullmatch, "place", "Place {}"),
    (_NUMBER.fullmatch, "number", "000{}"),
)


def _by_key(key: str) -> tuple[str, str] | None:
    return next(((kind, sample) for fits, kind, sample in _BY_KEY if fits(key)), None)
