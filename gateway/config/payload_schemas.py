"""What is known of payloads: JSON Schemas, a file for each event type of a provider, read when they are needed.


An operator's own stand in `schemas/payloads/SOURCE/EVENT.json` or `schemas/payloads/PROVIDER/EVENT.json` beside
gateway.yaml and take the place of the ones that come with the gateway. The properties that such a schema names are
taken for all that there are, unless it says `additionalProperties`; every one of them may be absent.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import cache, partial
from pathlib import Path
from typing import Any

from gateway.config.payload_files import SHIPPED, SchemaUnusable, own_folders, read_schema
from gateway.expressions.types import (
    ANY,
    BOOLEAN,
    INTEGER,
    LIST,
    NULL,
    NUMBER,
    TEXT,
    LazyFields,
    Type,
    list_of,
    text_of,
    union,
)
from gateway.providers.stripe_currencies import CURRENCIES

__all__ = ["SHIPPED", "PayloadSchemas", "payload_schemas"]

_KINDS: Mapping[str, Type] = {
    "string": TEXT,
    "integer": INTEGER,
    "number": NUMBER,
    "boolean": BOOLEAN,
    "null": NULL,
}


class PayloadSchemas:
    """The payload schemas of one provider."""

    def __init__(self, provider: str, folders: Sequence[Path], *, first: Sequence[Path] = ()) -> None:
        """Take the provider and the folders to look in, the first that has a schema wins.

        `first` are folders of the schemas themselves, looked in before the others.
        """
        self._folders = [*first, *(folder / provider for folder in folders)]
        self._files: dict[tuple[str, str], Path | None] = {}

    def payload(self, event_type: str) -> Type | None:
        """Return the type of an event's payload, or None when no schema says anything of it."""
        return self._find(event_type, "")

    def object(self, name: str) -> Type:
        """Return the type of an object that the provider's API answers with; ANY when no schema says anything of it."""
        return self._find(name, "objects") or ANY

    def _find(self, name: str, below: str) -> Type | None:
        key = name, below
        if key not in self._files:
            self._files[key] = self._file(name, below)
        path = self._files[key]
        return None if path is None else _read(path)

    def _file(self, name: str, below: str) -> Path | None:
        if "/" in name or name.startswith("."):
            return None
        paths = (folder / below / f"{name}.json" for folder in self._folders)
        return next((path for path in paths if path.is_file()), None)


def payload_schemas(provider: str | None, base: Path | None = None, *, source: str | None = None) -> PayloadSchemas:
    """Return the schemas of a provider's payloads for a configuration in a folder, or those that come along alone.

    Those of the source itself win over its provider's.
    """
    first = () if base is None else own_folders(base, (source, provider))
    return PayloadSchemas(provider or "", (SHIPPED,) if provider else (), first=first)


def _read(path: Path) -> Type:
    return _read_once(path, path.stat().st_mtime_ns)


@cache
def _read_once(path: Path, _changed: int) -> Type:
    try:
        return _type(read_schema(path), path.parent)
    except SchemaUnusable:
        return ANY  # `gateway.config.payload_findings` reports it


def _type(schema: Any, folder: Path) -> Type:
    if not isinstance(schema, dict):
        return ANY
    if "$ref" in schema:
        return _referred(schema["$ref"], folder)
    for key in ("anyOf", "oneOf"):
        if key in schema:
            return union(_type(part, folder) for part in schema[key])
    named = schema.get("type")
    kinds = [named] if isinstance(named, str) else named or _kinds_listed(schema)
    return union(_of_kind(kind, schema, folder) for kind in kinds) if kinds else ANY


def _kinds_listed(schema: Mapping[str, Any]) -> Sequence[str]:
    """Return the kinds that a schema means without naming a type: of properties, or of texts that it lists."""
    if "properties" in schema:
        return ("object",)
    words = _words(schema)
    whole = [schema["const"]] if "const" in schema else schema.get("enum") or ()
    return ("string",) if words and len(words) == len(whole) else ()


def _referred(reference: str, folder: Path) -> Type:
    path = _target(folder, reference)
    return _read(path) if path.is_file() else ANY


@cache
def _target(folder: Path, reference: str) -> Path:
    return (folder / reference).resolve()


def _of_kind(kind: str, schema: Mapping[str, Any], folder: Path) -> Type:
    if kind == "array":
        return list_of(_type(schema["items"], folder)) if "items" in schema else LIST
    if kind == "object":
        return _object(schema, folder)
    words = _words(schema) if kind == "string" else None
    if words is not None:
        return replace(text_of(words), documented=True)
    known = schema.get("examples") if kind == "string" else None
    if isinstance(known, list) and len(known) > 1 and all(isinstance(word, str) for word in known):
        return replace(TEXT, listed=frozenset(known))
    return _KINDS.get(kind, ANY)


def _words(schema: Mapping[str, Any]) -> list[str] | None:
    """Return the texts that a schema allows, None where it allows any."""
    listed = [schema["const"]] if "const" in schema else schema.get("enum")
    return [word for word in listed if isinstance(word, str)] if isinstance(listed, list) else None


def _object(schema: Mapping[str, Any], folder: Path) -> Type:
    properties = schema.get("properties")
    # What a schema leaves open may hold anything; one that names properties is taken at its word.
    is_open = schema.get("additionalProperties", properties is None) is not False
    makers: dict[str, Callable[[], Type]] = {
        name: partial(_member, name, inner, folder) for name, inner in (properties or {}).items()
    }
    fields = LazyFields(makers) if properties is not None else None
    return Type(kinds=frozenset({"object"}), fields=fields, open=is_open, name=schema.get("title"), documented=True)


def _member(name: str, schema: Any, folder: Path) -> Type:
    found = _type(schema, folder).nullable
    if (
        name == "currency"
        and found.certain == {"text"}
        and found.values is None
        and SHIPPED / "stripe" in folder.parents
    ):
        return replace(found, values=CURRENCIES, documented=True)
    counts = found.certain == {"integer"} and _is_amount(name, schema, folder)
    return replace(found, minor=True) if counts else found


def _is_amount(name: str, schema: Any, folder: Path) -> bool:
    """Say whether a whole number counts minor units of money: its schema says so, or all amounts of a provider are."""
    described = schema.get("description", "") if isinstance(schema, dict) else ""
    return _MINOR.search(described) is not None or (
        SHIPPED / "stripe" in folder.parents and _AMOUNT.search(name) is not None
    )


_MINOR = re.compile(r"(?i)\b(?:smallest currency unit|minor units?|in cents|cents)\b")
_AMOUNT = re.compile(r"(?:^|_)(?:amount|subtotal|total)(?:$|_(?:due|paid|remaining|received|captured|refunded))|^fee$")
