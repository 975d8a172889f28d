"""Walks nodes and their JSON Schema side by side."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any

from gateway.config.misfits import Misfit, Schema, misfits
from gateway.config.nodes import Mapping as MappingNode
from gateway.config.nodes import Node, Plain, Scalar, ScalarValue, Sequence, Step

_INTEGER = re.compile(r"[-+]?[0-9]{1,18}")
_NUMBER = re.compile(r"[-+]?[0-9]{1,18}(\.[0-9]{1,18})?")
_ROUNDS = 8


def converted(node: Node, schema: Schema) -> Node:
    """Return the tree with values from elsewhere, which are text, made numbers or booleans where the schema
    wants those; where text would do as well, text they stay."""
    return _converted(node, [schema])


def secrets_in(node: Node, schema: Schema) -> Iterator[Scalar]:
    """Yield the scalars that the schema marks as secret."""
    yield from _secrets_in(node, [schema])


def with_defaults(value: Plain, schema: Schema) -> Plain:
    """Return plain data with the schema's defaults put in where a key is left out."""
    items = schema.get("items")
    if isinstance(value, list) and isinstance(items, Mapping):
        return [with_defaults(item, items) for item in value]
    if not isinstance(value, dict):
        return value
    properties: Mapping[str, Schema] = schema.get("properties", {})
    others = schema.get("additionalProperties")
    filled = {
        name: with_defaults(item, properties.get(name, others if isinstance(others, Mapping) else {}))
        for name, item in value.items()
    }
    for name, inner in properties.items():
        if name not in filled and "default" in inner:
            filled[name] = with_defaults(inner["default"], inner)
    return filled


def pruned(value: Plain, schema: Schema) -> Plain:
    """Return plain data without what does not fit the schema; what is missing is still missing."""
    for _ in range(_ROUNDS):
        wrong = [misfit for misfit in misfits(value, schema) if misfit.keyword != "required"]
        if not wrong:
            break
        for misfit in sorted(wrong, key=lambda one: [str(step).zfill(9) for step in one.path], reverse=True):
            value = _without(value, misfit)
    return value


def _converted(node: Node, schemas: list[Schema]) -> Node:
    match node:
        case Scalar():
            return _converted_scalar(node, schemas) if node.origin is not None and node.known else node
        case Sequence():
            inner = item_schemas(schemas)
            return Sequence(items=tuple(_converted(item, inner) for item in node.items), span=node.span)
        case MappingNode():
            entries = ((key, _converted(item, value_schemas(schemas, key.text))) for key, item in node.entries)
            return MappingNode(entries=tuple(entries), span=node.span)


def _converted_scalar(node: Scalar, schemas: list[Schema]) -> Scalar:
    types = {name for schema in alternatives(schemas) for name in _types(schema)}
    if "string" in types or not types:
        return node
    return Scalar(
        value=_value(node.text, types),
        raw=node.raw,
        text=node.text,
        style=node.style,
        span=node.span,
        origin=node.origin,
    )


def _value(text: str, types: set[str]) -> ScalarValue:
    text = text.strip()
    if "boolean" in types and text in ("true", "false"):
        return text == "true"
    if types & {"integer", "number"} and _INTEGER.fullmatch(text):
        return int(text)
    if "number" in types and _NUMBER.fullmatch(text):
        return Decimal(text)
    return text or None


def _secrets_in(node: Node, schemas: list[Schema]) -> Iterator[Scalar]:
    match node:
        case Scalar():
            if any(schema.get("writeOnly") for schema in alternatives(schemas)):
                yield node
        case Sequence():
            for item in node.items:
                yield from _secrets_in(item, item_schemas(schemas))
        case MappingNode():
            for key, item in node.entries:
                yield from _secrets_in(item, value_schemas(schemas, key.text))


def alternatives(schemas: list[Schema]) -> list[Schema]:
    """Return schemas, with everything they choose between."""
    found = list(schemas)
    for schema in found:
        for keyword in ("anyOf", "oneOf", "allOf"):
            found.extend(schema.get(keyword, ()))
        found.extend(schema[keyword] for keyword in ("then", "else") if isinstance(schema.get(keyword), Mapping))
    return found


def value_schemas(schemas: list[Schema], key: str) -> list[Schema]:
    """Return the schemas of what stands under a key."""
    found: list[Schema] = []
    for schema in alternatives(schemas):
        patterns: Mapping[str, Schema] = schema.get("patternProperties", {})
        fitting = [inner for pattern, inner in patterns.items() if re.search(pattern, key)]
        others: Any = schema.get("additionalProperties")
        if key in schema.get("properties", {}):
            found.append(schema["properties"][key])
        elif not fitting and isinstance(others, Mapping):
            found.append(others)
        found.extend(fitting)
    return found


def item_schemas(schemas: list[Schema]) -> list[Schema]:
    """Return the schemas of the items of a list."""
    return [schema["items"] for schema in alternatives(schemas) if isinstance(schema.get("items"), Mapping)]


def _types(schema: Schema) -> list[str]:
    """Return the JSON types a schema names, also through the constants it allows."""
    types = schema.get("type", [])
    constants = [*schema.get("enum", ()), *([schema["const"]] if "const" in schema else ())]
    written = [types] if isinstance(types, str) else list(types)
    return [*written, *("string" for constant in constants if isinstance(constant, str))]


def _without(value: Plain, misfit: Misfit) -> Plain:
    if misfit.keyword == "additionalProperties" and isinstance(misfit.value, dict):
        known = misfit.schema.get("properties", {})
        for name in [name for name in misfit.value if name not in known]:
            _remove(value, (*misfit.path, name))
        return value
    if not misfit.path:
        return {}
    # an error of `propertyNames` has the mapping's path and the key as its value
    is_name = misfit.keyword != "type" and isinstance(misfit.value, str)
    holder = _at(value, misfit.path)
    _remove(value, (*misfit.path, misfit.value) if is_name and isinstance(holder, dict) else misfit.path)
    return value


def _at(value: Any, path: tuple[Step, ...]) -> Any:
    for step in path:
        if isinstance(value, dict):
            value = value.get(str(step))
        else:
            inside = isinstance(value, list) and isinstance(step, int) and step < len(value)
            value = value[step] if inside else None
    return value


def _remove(value: Plain, path: tuple[Step, ...]) -> None:
    holder, last = _at(value, path[:-1]), path[-1]
    if isinstance(holder, dict):
        holder.pop(str(last), None)
    elif isinstance(holder, list) and isinstance(last, int) and last < len(holder):
        del holder[last]
