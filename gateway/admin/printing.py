"""Text from outside, made fit for a terminal."""

from __future__ import annotations

import re

# Control characters, and those that turn the direction of a line: a sender could forge what an operator reads.
_UNFIT = re.compile("[\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")


def printable(text: str) -> str:
    """Return one line of text with everything escaped that would move the cursor, colour or break the line."""
    return _UNFIT.sub(_escaped, text)


def _escaped(match: re.Match[str]) -> str:
    return match[0].encode("unicode_escape", "backslashreplace").decode()
