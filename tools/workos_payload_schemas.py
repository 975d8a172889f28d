"""Write a JSON Schema for every event that WorkOS's SDK names, from the SDK's own typed classes.

The SDK is no dependency: install `workos` into an environment of its own and run this there.
"""

from __future__ import annotations

import ast
import dataclasses
import datetime
import enum
import inspect
import json
import shutil
import textwrap
import types
import typing
from importlib.metadata import version
from pathlib import Path
from typing import Any

from typed_schemas import DRAFT, Schema, descriptions, either, first_sentence
from workos.events.models import EventSchema

TARGET = Path(__file__).parent.parent / "schemas" / "payloads" / "workos"
SCALARS: dict[Any, str] = {
    str: "string", int: "integer", float: "number", bool: "boolean", type(None): "null", datetime.datetime: "string",
}  # fmt: skip


def object_schema(cls: type) -> Schema:
    """Return the schema of a class: its fields."""
    hints, docs, keys = typing.get_type_hints(cls), descriptions(cls), keys_of(cls)
    properties = {
        keys.get(field.name, field.name): described(schema(hints[field.name]), docs.get(field.name))
        for field in fields_of(cls)
    }
    return {"type": "object", "properties": properties}


def keys_of(cls: type) -> dict[str, str]:
    """Return the JSON key that each field is read from: some fields have names of their own."""
    read = ast.parse(textwrap.dedent(inspect.getsource(cls.from_dict)))  # type: ignore[attr-defined]
    arguments = [keyword for node in ast.walk(read) if isinstance(node, ast.Call) for keyword in node.keywords]
    found = {argument.arg: first_key(argument.value) for argument in arguments if argument.arg is not None}
    return {name: key for name, key in found.items() if key is not None}


def first_key(node: ast.AST) -> str | None:
    """Return the first text that stands in `data[…]` or `data.get(…)`."""
    for part in ast.walk(node):
        if isinstance(part, ast.Subscript) and isinstance(part.slice, ast.Constant):
            return str(part.slice.value)
        if isinstance(part, ast.Call) and isinstance(part.func, ast.Attribute) and part.func.attr == "get":
            return str(part.args[0].value) if isinstance(part.args[0], ast.Constant) else None
    return None


def fields_of(cls: Any) -> tuple[dataclasses.Field[Any], ...]:
    """Return the fields of one of the SDK's classes."""
    return dataclasses.fields(cls)


def described(found: Schema, said: str | None) -> Schema:
    """Return a schema with what is said of it."""
    return {**found, "description": said} if said and found else found


def schema(annotation: Any) -> Schema:
    """Return the schema of an annotation; an empty one for what it does not know."""
    origin, inner = typing.get_origin(annotation), typing.get_args(annotation)
    if annotation in SCALARS:
        return {"type": SCALARS[annotation]}
    if origin in {typing.Union, types.UnionType}:
        return either([schema(part) for part in inner])
    if origin is list:
        return {"type": "array", "items": schema(inner[0])}
    if origin is dict or annotation is dict:
        return {"type": "object", "additionalProperties": True}
    if origin is typing.Literal:
        return {"type": "string", "examples": list(inner)}
    if isinstance(annotation, type) and issubclass(annotation, enum.Enum):
        return {"type": "string", "examples": [member.value for member in annotation]}
    return object_schema(annotation) if dataclasses.is_dataclass(annotation) else {}


def main() -> None:
    """Write all schemas anew."""
    shutil.rmtree(TARGET, ignore_errors=True)
    TARGET.mkdir(parents=True)
    for event_type, cls in sorted(EventSchema._DISPATCH.items()):
        found = {
            "$schema": DRAFT,
            "title": f"WorkOS {event_type}",
            "description": first_sentence(inspect.getdoc(cls) or ""),
            **object_schema(cls),
        }
        (TARGET / f"{event_type}.json").write_text(json.dumps(found, ensure_ascii=False, indent=1) + "\n")
    print(f"{len(EventSchema._DISPATCH)} events of SDK {version('workos')}")


if __name__ == "__main__":
    main()
