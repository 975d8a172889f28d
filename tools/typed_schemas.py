"""From an SDK's typed classes to JSON Schemas: what the generators of payload schemas share."""

from __future__ import annotations

import ast
import importlib
import inspect
import json
from functools import cache
from itertools import pairwise
from typing import Any

Schema = dict[str, Any]

DRAFT = "https://json-schema.org/draft/2020-12/schema"


def either(parts: list[Schema]) -> Schema:
    """Return the schema of a value that fits any of these."""
    if any(not part for part in parts):
        return {}
    plain = [part for part in parts if set(part) <= {"type", "examples"}]
    others = [part for part in parts if part not in plain]
    types = sorted({name for part in plain for name in names(part)}, key=lambda name: (name == "null", name))
    examples = list(dict.fromkeys(example for part in plain for example in part.get("examples", ())))
    merged: Schema = {"type": types[0] if len(types) == 1 else types} if types else {}
    if examples:
        merged["examples"] = examples
    if not others:
        return merged
    if len(others) == 1 and types == ["null"] and "type" in others[0]:
        return {**others[0], "type": [others[0]["type"], "null"]}
    return {"anyOf": [*([merged] if merged else []), *others]}


def names(part: Schema) -> list[str]:
    """Return the types that a schema names."""
    named = part["type"]
    return [named] if isinstance(named, str) else list(named)


@cache
def tree_of(module: str) -> ast.Module:
    """Return the syntax tree of a module's source."""
    return ast.parse(inspect.getsource(importlib.import_module(module)))


def descriptions(cls: type) -> dict[str, str]:
    """Return the first sentence that the source says of each attribute of a class."""
    body: list[ast.stmt] = tree_of(cls.__module__).body
    for part in cls.__qualname__.split("."):
        found = next((node for node in body if isinstance(node, ast.ClassDef) and node.name == part), None)
        body = [] if found is None else found.body
    said: dict[str, str] = {}
    for before, after in pairwise(body):
        is_text = isinstance(after, ast.Expr) and isinstance(after.value, ast.Constant)
        if isinstance(before, ast.AnnAssign) and isinstance(before.target, ast.Name) and is_text:
            said[before.target.id] = first_sentence(str(after.value.value))  # type: ignore[attr-defined]
    return said


def first_sentence(text: str) -> str:
    """Return the first sentence of a text, on one line."""
    line = " ".join(text.split())
    end = line.find(". ")
    return line if end < 0 else line[: end + 1]


def beside(schema: Schema) -> Schema:
    """Return an object's schema with its references as they read from `objects/`, where it stands itself."""
    written: Schema = json.loads(json.dumps(schema).replace('"$ref": "objects/', '"$ref": "'))
    return written
