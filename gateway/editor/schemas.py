"""What the JSON Schemas say of a place in a file: the keys that may stand there, their values and descriptions."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from typing import Any

from gateway.actions import ACTIONS_BY_NAME
from gateway.config.editor_schema import editor_schema
from gateway.config.nodes import Mapping as MappingNode
from gateway.config.nodes import Node, Step
from gateway.config.rule_tests_schema import TESTS_SCHEMA
from gateway.config.rules_schema import rules_schema
from gateway.editor.spots import follow

Schema = Mapping[str, Any]


class Kind(StrEnum):
    """The kinds of files that an operator writes."""

    GATEWAY = "gateway"
    RULES = "rules"
    TESTS = "tests"


@cache
def schema_of(kind: Kind) -> Schema:
    """Return the schema of a kind of file, as editors get it."""
    match kind:
        case Kind.GATEWAY:
            return editor_schema()
        case Kind.RULES:
            return rules_schema(ACTIONS_BY_NAME, editor=True)
        case Kind.TESTS:
            return TESTS_SCHEMA


_OF_TYPE: Mapping[str, tuple[object, ...]] = {"boolean": (True, False), "null": (None,)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Key:
    """A key that may stand in a mapping."""

    name: str
    schema: Schema
    required: bool


def schemas_at(kind: Kind, root: Node, path: tuple[Step, ...]) -> list[Schema]:
    """Return the schemas of what a path leads to; of several kinds of mappings, those that its keys fit.

    The last step need not be there yet.
    """
    schemas = _chosen(kind, [schema_of(kind)], root)
    node: Node | None = root
    for step in path:
        below = [inner for schema in schemas for inner in _below(kind, schema, step)]
        node = follow(node, (step,))
        schemas = _chosen(kind, below, node)
    return schemas


def keys_of(schemas: list[Schema]) -> list[Key]:
    """Return the keys that schemas of a mapping name."""
    found: dict[str, Key] = {}
    for schema in schemas:
        for name, inner in schema.get("properties", {}).items():
            required = name in schema.get("required", ())
            found.setdefault(name, Key(name=name, schema=inner, required=required))
    return list(found.values())


def values_of(schemas: list[Schema]) -> list[object]:
    """Return the values that schemas list: of an enumeration, constants, `true` and `false`, null."""
    found: list[object] = []
    for schema in schemas:
        found.extend(schema.get("enum", ()))
        found.extend([schema["const"]] if "const" in schema else [])
        found.extend(_OF_TYPE.get(str(schema.get("type")), ()))
    return list(dict.fromkeys(found))


def description_of(kind: Kind, schemas: list[Schema]) -> str:
    """Return what schemas say that something is for; empty when they say nothing."""
    for schema in schemas:
        said = schema.get("description") or _resolved(kind, schema).get("description")
        if said:
            return str(said)
    return ""


def variants(kind: Kind, schema: Schema) -> Iterator[Schema]:
    """Yield a schema and everything it chooses between, references followed."""
    schema = _resolved(kind, schema)
    yield schema
    for keyword in ("anyOf", "oneOf", "allOf"):
        for inner in schema.get(keyword, ()):
            yield from variants(kind, inner)
    for keyword in ("then", "else"):
        if isinstance(schema.get(keyword), Mapping):
            yield from variants(kind, schema[keyword])


def _resolved(kind: Kind, schema: Schema) -> Schema:
    reference = schema.get("$ref")
    if not isinstance(reference, str):
        return schema
    found: Schema = schema_of(kind)["$defs"][reference.removeprefix("#/$defs/")]
    return {**found, **{name: value for name, value in schema.items() if name != "$ref"}}


def _below(kind: Kind, schema: Schema, step: Step) -> Iterator[Schema]:
    if isinstance(step, int):
        if isinstance(schema.get("items"), Mapping):
            yield schema["items"]
    elif step in schema.get("properties", {}):
        yield schema["properties"][step]
    elif isinstance(schema.get("additionalProperties"), Mapping):
        yield schema["additionalProperties"]


def _chosen(kind: Kind, schemas: list[Schema], node: Node | None) -> list[Schema]:
    """Return schemas with all that they choose between; of mappings with closed lists of keys, those that fit best."""
    found = [inner for schema in schemas for inner in variants(kind, schema)]
    if not isinstance(node, MappingNode):
        return found
    closed = [one for one in found if "properties" in one]
    known = {id(one): _fitting(one, node) for one in closed}
    best = max(known.values(), default=0)
    return [one for one in found if known.get(id(one), best) == best]


def _fitting(schema: Schema, node: MappingNode) -> int:
    """Count the keys of a mapping that a schema names and can be told by: those it must have count most."""
    names = [key.text for key, _ in node.entries if key.text in schema["properties"]]
    required = [name for name in names if name in schema.get("required", ())]
    return len(names) + 10 * len(required[:1])


def is_section(schemas: list[Schema]) -> bool:
    """Say whether a mapping with keys of its own may stand in a place."""
    return any("properties" in schema or schema.get("type") == "object" for schema in schemas)
