"""Event types as rules name them: exactly, or as patterns in which `*` stands for anything."""

from __future__ import annotations

from collections.abc import Callable, Sequence


def type_matcher(patterns: Sequence[str]) -> Callable[[str], bool]:
    """Return the test for event types: exact names, or patterns in which `*` stands for anything."""
    exact = frozenset(pattern for pattern in patterns if "*" not in pattern)
    globs = [pattern.split("*") for pattern in patterns if "*" in pattern]
    if not globs:
        return exact.__contains__
    return lambda name: name in exact or any(_fits(parts, name) for parts in globs)


def _fits(parts: Sequence[str], name: str) -> bool:
    first, last = parts[0], parts[-1]
    if not name.startswith(first) or not name.endswith(last) or len(name) < len(first) + len(last):
        return False
    at, end = len(first), len(name) - len(last)
    for part in parts[1:-1]:
        found = name.find(part, at, end)
        if found < 0:
            return False
        at = found + len(part)
    return True
