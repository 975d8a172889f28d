"""Verifying a delivery by a fixed text in a header."""

from __future__ import annotations

import hmac
from collections.abc import Mapping, Sequence

from gateway.providers.headers import header_values, to_bytes
from gateway.providers.keys import Key
from gateway.providers.verification import MAX_VALUES, Refused, Verified, refused


class TokenVerifier:
    """A fixed text in a header, compared in constant time."""

    def __init__(self, tokens: Sequence[Key], *, header: str, prefix: str = "") -> None:
        """Take the tokens that are good, the header, and what stands before the token in it (`Bearer `)."""
        self._tokens = tuple(tokens)
        self._header = header
        self._prefix = prefix
        self.secret_headers = frozenset({header.lower()})

    def verify(self, body: bytes, headers: Mapping[str, str], now: float) -> Verified | Refused:
        """Compare every token with every value of the header."""
        values = header_values(headers, self._header)
        if not any(values):
            return refused("missing_signature", f"the header `{self._header}` is missing")
        if len(values) > MAX_VALUES:
            return refused("signature_mismatch", f"the header `{self._header}` stands there {len(values)} times")
        given = [token for value in values if (token := self._without_prefix(value)) is not None]
        if not given:
            return refused("signature_mismatch", f"the header `{self._header}` does not begin with `{self._prefix}`")
        fitted = self._fitting(given)
        if fitted is None:
            return refused("signature_mismatch", "the token is not the one this source expects")
        return Verified("token", fitted, None)

    def _without_prefix(self, value: str) -> bytes | None:
        if not self._prefix:
            return to_bytes(value)
        if value[: len(self._prefix)].lower() != self._prefix.lower():
            return None
        return to_bytes(value[len(self._prefix) :].strip())

    def _fitting(self, given: Sequence[bytes]) -> int | None:
        """Return the number of the token that is given; all are compared, so that time does not tell which."""
        fitting = [token.number for token in self._tokens for value in given if hmac.compare_digest(token.value, value)]
        return fitting[0] if fitting else None
