"""Reading headers of a delivery. Nothing that a sender can put into one raises."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence


def header_values(headers: Mapping[str, str], name: str) -> Sequence[str]:
    """Return every value of a header, whatever kind of mapping holds it; its name is read without regard to case."""
    getall: Callable[[str, Sequence[str]], Sequence[str]] | None = getattr(headers, "getall", None)
    if getall is not None:
        return getall(name, ())
    lower = name.lower()
    return [value for key, value in headers.items() if key.lower() == lower]


def first_header(headers: Mapping[str, str], names: Sequence[str]) -> str:
    """Return the first value of the first of some headers that is there, trimmed; empty where none is."""
    for name in names:
        values = header_values(headers, name)
        if values:
            return values[0].strip()
    return ""


def to_bytes(text: str) -> bytes:
    """Return the bytes that a header's text was read from; a text that no bytes decode to gets some all the same."""
    try:
        return text.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
        return text.encode("utf-8", "surrogatepass")
