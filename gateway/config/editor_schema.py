"""The schema of gateway.yaml for editors, which see `${env:NAME}` where the gateway sees a value."""

from __future__ import annotations

from typing import Any

from gateway.config.gateway_schema import gateway_schema
from gateway.config.misfits import Schema
from gateway.providers import PRESETS

_ABOUT = ("description", "default", "examples", "title", "writeOnly")
_REFERENCE = {
    "title": "a value from the environment or a file, such as `${env:NAME}`",
    "type": "string",
    "pattern": r"\$\{(env|file):[^}]+\}",
}
_SCALARS = ("string", "integer", "number", "boolean")


def editor_schema() -> dict[str, Any]:
    """Return the schema of gateway.yaml as it is written, references and all."""
    schema = _open(gateway_schema())
    source = schema["properties"]["sources"]["additionalProperties"]["properties"]
    source["provider"] = _listed(source["provider"])
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "gateway.yaml",
        **schema,
        "$defs": {"reference": _REFERENCE},
    }


def _listed(provider: Schema) -> dict[str, Any]:
    """Return the schema of `provider` with a list of the presets: one that is unknown has a finding of its own."""
    about = {name: provider[name] for name in _ABOUT if name in provider}
    return {**about, "anyOf": [{"enum": sorted(PRESETS)}, {"$ref": "#/$defs/reference"}]}


def _open(schema: Schema) -> dict[str, Any]:
    """Return a schema in which every scalar that is not just any text may also be a reference."""
    opened = dict(schema)
    for keyword in ("properties", "patternProperties"):
        if keyword in schema:
            opened[keyword] = {name: _open(inner) for name, inner in schema[keyword].items()}
    for keyword in ("additionalProperties", "items"):
        if isinstance(schema.get(keyword), dict):
            opened[keyword] = _open(schema[keyword])
    for keyword in ("anyOf", "oneOf"):
        if keyword in schema:
            opened[keyword] = [_open(inner) for inner in schema[keyword]]
    if not _is_closed(schema):
        return opened
    about = {name: opened.pop(name) for name in _ABOUT if name in opened}
    return {**about, "anyOf": [opened, {"$ref": "#/$defs/reference"}]}


def _is_closed(schema: Schema) -> bool:
    """Say whether a scalar's schema has no room for a reference."""
    if "enum" in schema:
        return True
    narrow = "pattern" in schema or schema.get("type") != "string"
    return schema.get("type") in _SCALARS and narrow
