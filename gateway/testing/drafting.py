"""JSON Schemas drafted from payloads: which kinds of values stand where, and nothing of the values themselves."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

DRAFT = "https://json-schema.org/draft/2020-12/schema"

MOST_NAMES = 200
"""An object that has had more names than this is taken for a map."""
DEEPEST = 40
"""What lies deeper is left open."""

_NAME = re.compile(r"[A-Za-z_$@][A-Za-z_$@.:-]*(?:[0-9]{1,3}[A-Za-z_$.:-]*){0,3}")
_ID = re.compile(r"[a-z]{2,6}_(?=[A-Za-z0-9]*[0-9])(?=[A-Za-z0-9]*[A-Z])[A-Za-z0-9]{8,}")
"""An id of the kind that Stripe and others give: `cus_NffrFeUfNV2Hib`."""


class Draft:
    """What is known of the values at one place."""

    def __init__(self) -> None:
        self._kinds: set[str] = set()
        self._objects = 0
        self._members: dict[str, Draft] = {}
        self._seen: dict[str, int] = {}
        self._items: Draft | None = None

    def add(self, value: object, depth: int = 0) -> None:
        """Take one value into account."""
        self._kinds.add(kind_of(value))
        if depth >= DEEPEST:
            return
        if isinstance(value, Mapping):
            self._add_object(value, depth + 1)
        elif isinstance(value, list):
            self._items = self._items or Draft()
            for item in value:
                self._items.add(item, depth + 1)

    def _add_object(self, value: Mapping[str, object], depth: int) -> None:
        self._objects += 1
        for name, inner in value.items():
            self._seen[name] = self._seen.get(name, 0) + 1
            self._members.setdefault(name, Draft()).add(inner, depth)

    def schema(self) -> dict[str, Any]:
        """Return the schema that all values so far fit."""
        kinds = self._kinds - {"integer"} if "number" in self._kinds else self._kinds
        names = sorted(kinds, key=lambda kind: (kind == "null", kind))
        if not names:
            return {}
        found: dict[str, Any] = {"type": names[0] if len(names) == 1 else names}
        if self._items is not None and self._items._kinds:
            found["items"] = self._items.schema()
        return {**found, **self._object()}

    def _object(self) -> dict[str, Any]:
        if not self._members:
            return {}
        if self._is_map():
            together = Draft()
            for member in self._members.values():
                together._merge(member)
            return {"additionalProperties": together.schema()}
        required = sorted(name for name, count in self._seen.items() if count == self._objects)
        properties = {name: member.schema() for name, member in sorted(self._members.items())}
        return {"properties": properties, **({"required": required} if required else {})}

    def _is_map(self) -> bool:
        """Say whether the names are data themselves: ids, addresses, whatever people write."""
        if len(self._members) > MOST_NAMES or not all(map(is_name, self._members)):
            return True
        shapes = [member.schema() for member in self._members.values()]
        alike = len(shapes) > 1 and all(shape == shapes[0] for shape in shapes[1:])
        return alike and max(self._seen.values()) * 2 <= self._objects

    def _merge(self, other: Draft) -> None:
        self._kinds |= other._kinds
        self._objects += other._objects
        for name, count in other._seen.items():
            self._seen[name] = self._seen.get(name, 0) + count
            self._members.setdefault(name, Draft())._merge(other._members[name])
        if other._items is not None:
            self._items = self._items or Draft()
            self._items._merge(other._items)


def is_name(text: str) -> bool:
    """Say whether a text looks like a name that a programmer gave, not like an id, an address or a date."""
    if len(text) > 64 or _ID.fullmatch(text):
        return False
    return _NAME.fullmatch(text) is not None and "@" not in text[1:]


def kind_of(value: object) -> str:
    """Return the JSON Schema type of a value."""
    match value:
        case None:
            return "null"
        case bool():
            return "boolean"
        case int():
            return "integer"
        case str():
            return "string"
        case list():
            return "array"
        case Mapping():
            return "object"
        case _:
            return "number"


def as_file(draft: Draft, *, source: str, event_type: str, events: int) -> dict[str, Any]:
    """Return a draft as it stands in a file."""
    counted = "1 event" if events == 1 else f"{events} events"
    return {
        "$schema": DRAFT,
        "title": f"{source} {event_type}",
        "description": f"Drafted from {counted}: look through it before it is enforced.",
        **draft.schema(),
    }
