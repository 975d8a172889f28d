"""Payloads held against their JSON Schemas (draft 2020-12) at run time."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gateway.config.payload_files import Bundle, SchemaUnusable, event_types

if TYPE_CHECKING:
    from jsonschema_rs import Draft202012Validator, ValidationError

LONGEST = 300
"""Characters that a violation is told in."""

_LONGEST_NAME = 64
_PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_KINDS: Mapping[type, str] = {bool: "boolean", int: "integer", str: "string", list: "array", dict: "object"}


class PayloadValidator:
    """Says where a payload breaks the schema of its event type; a type without one has nothing to break."""

    def __init__(self, folders: Sequence[Path]) -> None:
        """Read and compile the schemas in these folders; the first that has one wins. Raises SchemaUnusable."""
        self._files = event_types(folders)
        self._validator = _compile_all(self._files)

    @property
    def types(self) -> frozenset[str]:
        """The event types that there is a schema for."""
        return frozenset(self._files)

    def violation(self, event_type: str, payload: object) -> str | None:
        """Return what first breaks the schema, and where; never a value of the payload. None when all fits."""
        if event_type not in self._files:
            return None
        from jsonschema_rs import ValidationError

        try:
            self._validator.validate({event_type: payload})
        except ValidationError as error:
            return _said(error, payload)
        return None


def _compile_all(files: Mapping[str, Path]) -> Draft202012Validator:
    try:
        return _compile(files)
    except SchemaUnusable:
        for event_type, path in files.items():
            _compile({event_type: path})  # the one that is wrong says so by itself, in its own place
        raise


def _compile(files: Mapping[str, Path]) -> Draft202012Validator:
    """Compile schemas into one that takes a payload under the name of its event type.

    Together, because they share most of what they refer to. Patterns are those that take linear time.
    """
    from jsonschema_rs import Draft202012Validator, RegexOptions, ValidationError

    bundle = Bundle()
    properties = {event_type: {"$ref": bundle.add(path)} for event_type, path in files.items()}
    schema = {"properties": properties, "$defs": bundle.definitions}
    try:
        return Draft202012Validator(schema, pattern_options=RegexOptions(), offline=True)
    except ValidationError as error:
        place = error.instance_path
        if len(place) > 1 and place[0] == "$defs":
            message = f"this is not a JSON Schema: {_shortened(error.message)}"
            raise SchemaUnusable(message, bundle.file(str(place[1])), tuple(place[2:])) from error
        file = next(iter(files.values()))
        raise SchemaUnusable(f"this schema cannot be used: {_shortened(error.message)}", file) from error


def _said(error: ValidationError, payload: object) -> str:
    path = error.instance_path[1:]
    place = f"`{_place(path)}`" if path else "the payload"
    return _shortened(f"{place} {_fact(error, _at(payload, path))}")


def _fact(error: ValidationError, value: object) -> str:
    kind: Any = error.kind
    match kind.name:
        case "type":
            return f"is {_kind(value)}, not {' or '.join(kind.types)}"
        case "required":
            return f"lacks `{_shown(kind.property)}`"
        case "additionalProperties" | "unevaluatedProperties":
            return f"has `{_shown(kind.unexpected[0])}`, which its schema does not know"
        case "enum" | "const":
            return "is none of the values that its schema allows"
        case "anyOf" | "oneOf":
            return "fits none of the alternatives of its schema, or too many"
        case keyword:
            return f"does not fit `{keyword}` of its schema"


def _kind(value: object) -> str:
    return "null" if value is None else _KINDS.get(type(value), "number")


def _at(payload: object, path: Sequence[str | int]) -> object:
    value: Any = payload
    for step in path:
        value = value[step]
    return value


def _place(path: Sequence[str | int]) -> str:
    """Return a place as a rules file would write it: `data.items[0].price`."""
    steps = [f"[{step}]" if isinstance(step, int) else f".{_shown(step)}" for step in path]
    return "".join(steps).removeprefix(".")


def _shown(name: str) -> str:
    short = name if len(name) <= _LONGEST_NAME else f"{name[:_LONGEST_NAME]}…"
    return short if _PLAIN.fullmatch(name) else json.dumps(short)


def _shortened(text: str) -> str:
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 1]}…"
