"""What editors show of types: in words, with the members and values that there are."""

from __future__ import annotations

from gateway.expressions.types import KINDS, Type

_ORDER = ("text", "integer", "decimal", "boolean", "date", "timestamp", "list", "object")
_MOST_VALUES = 12
_MOST_MEMBERS = 40


def type_in_words(found: Type) -> str:
    """Return what a value may be: `text, one of "a", "b"`, `a list of objects, or null`."""
    if found.kinds == KINDS and found.fields is None:
        return "any value"
    if not found.certain:
        return "null"
    words = " or ".join(_kind(kind, found) for kind in _ORDER if kind in found.certain)
    words = words.replace("integer or decimal", "number")
    values = sorted(str(value) for value in found.values or () if value != "")
    if values and found.certain == {"text"}:
        more = ", …" if len(values) > _MOST_VALUES else ""
        words += f", one of {', '.join(f'`{value}`' for value in values[:_MOST_VALUES])}{more}"
    return f"{words}, or null" if "null" in found.kinds else words


def members_in_words(found: Type) -> str:
    """Return an object's members as a list in Markdown; nothing for other values."""
    fields = found.fields
    if fields is None or "object" not in found.kinds:
        return ""
    names = list(fields)
    lines = [f"- `{name}`: {_short(fields[name])}" for name in names[:_MOST_MEMBERS]]
    return "\n".join(lines + ([f"- … and {len(names) - _MOST_MEMBERS} more"] if len(names) > _MOST_MEMBERS else []))


def _kind(kind: str, found: Type) -> str:
    if kind == "list" and found.element is not None and found.element.certain and found.element.certain != KINDS:
        return f"list of {_short(found.element)}"
    return found.name or "object" if kind == "object" else kind


def _short(found: Type) -> str:
    """Return the kinds alone."""
    kinds = found.certain
    if kinds == KINDS - {"null"}:
        return "any value"
    words = " or ".join(kind for kind in _ORDER if kind in kinds)
    return words.replace("integer or decimal", "number") or "null"
