"""Names for requests."""

from __future__ import annotations

import itertools
import re
import secrets
import string

_SANE_REQUEST_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:/+=-]{0,127}", re.ASCII).fullmatch


class RequestIds:
    """Names requests: the caller's own id where it is sane, else one that no other request of any process has."""

    def __init__(self) -> None:
        # Letters only: with digits in front of the counter's an id could look like a card number to the redactor.
        self._prefix = "".join([secrets.choice(string.ascii_lowercase) for _ in range(10)])
        self._counter = itertools.count(1)

    def take(self, given: str | None) -> str:
        """Return `given` if it has at most 128 letters, digits and `._:/+=-`; else a new id."""
        if given is not None and _SANE_REQUEST_ID(given):
            return given
        return f"{self._prefix}-{next(self._counter):08x}"
