"""Goes on reading behind a misspelt key: what stands under it is what was meant, and is no second mistake."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gateway.config.diagnostics import did_you_mean
from gateway.config.misfits import Schema
from gateway.config.nodes import Mapping as MappingNode
from gateway.config.nodes import Node, Scalar, Sequence
from gateway.config.schema_walk import alternatives, item_schemas, value_schemas
from gateway.config.synonyms import key_meant


def mended(node: Node, schema: Schema) -> Node:
    """Return the tree with misspelt keys called as the schema calls them; each has been reported as unknown.

    A key is taken for another where that one is near and not there, in a mapping that has a closed list of keys.
    """
    return _mended(node, [schema], schema)


def meant_key(name: str, missing: list[str], known: Mapping[str, object]) -> str | None:
    """Return the key that an unknown one is a misspelling of: one that is missing, else any."""
    return (
        did_you_mean(name, missing) or did_you_mean(name, known) or key_meant(name, missing) or key_meant(name, known)
    )


def renamed(key: Scalar, name: str) -> Scalar:
    """Return a key as it was meant, at its place."""
    return Scalar(value=name, raw=key.raw, text=name, style=key.style, span=key.span)


def _mended(node: Node, schemas: list[Schema], root: Schema) -> Node:
    schemas = [_resolved(schema, root) for schema in schemas]
    match node:
        case Sequence():
            inner = item_schemas(schemas)
            return Sequence(items=tuple(_mended(item, inner, root) for item in node.items), span=node.span)
        case MappingNode():
            keys = _meant_keys(node, schemas, root)
            entries = (
                (key if keys[key.text] == key.text else renamed(key, keys[key.text]), keys[key.text], item)
                for key, item in node.entries
            )
            return MappingNode(
                entries=tuple((key, _mended(item, value_schemas(schemas, name), root)) for key, name, item in entries),
                span=node.span,
            )
        case _:
            return node


def _meant_keys(node: MappingNode, schemas: list[Schema], root: Schema) -> dict[str, str]:
    """Return each key with the one that was meant: itself, unless it is unknown and another is near."""
    written = node.keys()
    meant = {name: name for name in written}
    choices = [_resolved(schema, root) for schema in alternatives(schemas)]
    closed = [schema for schema in choices if schema.get("additionalProperties") is False]
    open_ = [schema for schema in choices if isinstance(schema.get("additionalProperties"), Mapping)]
    known: dict[str, Any] = {name: True for schema in closed for name in schema.get("properties", {})}
    if not known or open_ or any("patternProperties" in schema or "if" in schema for schema in choices):
        return meant  # a key that is none of these may be right
    missing = [name for schema in closed for name in schema.get("required", ()) if name not in written]
    for name in written:
        near = None if name in known else meant_key(name, missing, known)
        if near is not None and near not in written and near not in meant.values():
            meant[name] = near
    return meant


def _resolved(schema: Schema, root: Schema) -> Schema:
    reference = schema.get("$ref")
    if not isinstance(reference, str):
        return schema
    found: Schema = root["$defs"][reference.removeprefix("#/$defs/")]
    return found
