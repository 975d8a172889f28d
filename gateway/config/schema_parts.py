"""Pieces that the JSON Schemas of configuration files are made of."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gateway.config.units import DURATION, SIZE

Schema = dict[str, Any]

TEXT: Schema = {"type": "string", "minLength": 1}
WAIT: Schema = {
    **DURATION,
    "title": "a duration above zero, such as `5m`",
    "pattern": "^(?=.*[1-9])([0-9]{1,9}(ms|[smhdw]))+$",
}
ABOVE_ZERO: Schema = {**SIZE, "pattern": "^(?=0*[1-9])[0-9]{1,12} ?([kKMG]?B|[KMG]iB)$"}
SECRET: Schema = {
    "title": "a secret from the environment or a file, such as `${env:NAME}`",
    "type": "string",
    "writeOnly": True,
    "examples": ["${env:NAME}", "${file:secrets/name}"],
}
NAME: Schema = {
    "title": "a name of letters, digits, `-` and `_`",
    "pattern": "^[A-Za-z][A-Za-z0-9_-]{0,63}$",
}
PATH: Schema = {
    "title": "a path that begins with `/`",
    "type": "string",
    "pattern": "^/[^\\s?#]*$",
}
NETWORKS: Schema = {"type": "array", "items": {**TEXT, "examples": ["10.0.0.0/8"]}}


def described(schema: Mapping[str, Any], description: str, **more: object) -> Schema:
    """Return a schema with words for people, and further keywords."""
    return {**schema, "description": description, **more}


def section(description: str, properties: Mapping[str, Schema], **more: object) -> Schema:
    """Return the schema of a mapping that has these keys and no others."""
    return {
        "type": "object",
        "description": description,
        "additionalProperties": False,
        "properties": dict(properties),
        **more,
    }


def named(entry: Schema, description: str, **more: object) -> Schema:
    """Return the schema of a mapping from names to entries."""
    return {
        "type": "object",
        "description": description,
        "propertyNames": NAME,
        "additionalProperties": entry,
        **more,
    }
