"""The files that payload schemas stand in: where they are looked for, and several put together into one schema.

A reference (`$ref`) names a file, from the folder of the file that it stands in, a place in a file (`#/$defs/money`),
or both.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import orjson

from gateway.errors import GatewayError

Schema = Mapping[str, Any]

_INSTALLED = Path(__file__).parent.parent / "payload_schemas"
_CHECKED_OUT = Path(__file__).parent.parent.parent / "schemas" / "payloads"

SHIPPED = (_INSTALLED if _INSTALLED.is_dir() else _CHECKED_OUT).resolve()
"""The schemas that come with the gateway: inside the installed package, beside it in a checkout."""

_MAPS = frozenset({"properties", "patternProperties", "$defs", "definitions", "dependentSchemas"})
"""Keywords that hold schemas by name."""
_DATA = frozenset({"const", "enum", "examples", "default"})
"""Keywords that hold values, which may look like anything."""


class SchemaUnusable(GatewayError):
    """A payload schema cannot be used."""

    def __init__(
        self, message: str, path: Path, pointer: tuple[str | int, ...] = (), line: tuple[int, int] | None = None
    ):
        super().__init__(message)
        self.path = path
        self.pointer = pointer
        """The place in the file, from its root."""
        self.line = line
        """Line and column, where the file is not JSON."""


def own_folders(base: Path, names: Iterable[str | None]) -> tuple[Path, ...]:
    """Return the operator's own folders of schemas, for a configuration in `base`; the first that has a schema wins."""
    return tuple(base / "schemas" / "payloads" / name for name in dict.fromkeys(names) if name)


def event_types(folders: Sequence[Path]) -> dict[str, Path]:
    """Return the file of each event type that there is a schema for."""
    found: dict[str, Path] = {}
    for folder in folders:
        for path in sorted(folder.glob("*.json")):
            found.setdefault(path.stem, path)
    return found


def read_schema(path: Path) -> Any:
    """Return what a file holds. Raises SchemaUnusable."""
    try:
        return _read_json(path)
    except json.JSONDecodeError as error:
        message = f"this is not JSON: {error.msg[:1].lower()}{error.msg[1:]}"
        raise SchemaUnusable(message, path, line=(error.lineno, error.colno)) from error
    except UnicodeDecodeError as error:
        raise SchemaUnusable("the file is not UTF-8", path) from error
    except OSError as error:
        raise SchemaUnusable(f"cannot be read: {(error.strerror or str(error)).lower()}", path) from error
    except RecursionError as error:
        raise SchemaUnusable("the file is nested too deeply", path) from error


def _read_json(path: Path) -> Any:
    try:
        return orjson.loads(path.read_bytes())
    except orjson.JSONDecodeError:  # json takes some more, and says of the rest where it is wrong
        return json.loads(path.read_text(encoding="utf-8"))


class Bundle:
    """Several files of schemas as one: each is a definition, and references go from one definition to another."""

    def __init__(self) -> None:
        self._names: dict[Path, str] = {}
        self.definitions: dict[str, Any] = {}
        self._open: list[Path] = []

    def add(self, path: Path) -> str:
        """Take a file and all that it refers to; return the reference to it. Raises SchemaUnusable."""
        reference = self._name(path.resolve())
        while self._open:
            file = self._open.pop()
            self.definitions[self._names[file]] = self._rewritten(read_schema(file), file)
        return reference

    def file(self, name: str) -> Path:
        """Return the file of a definition."""
        return next(path for path, own in self._names.items() if own == name)

    def _name(self, path: Path) -> str:
        if path not in self._names:
            self._names[path] = f"{len(self._names)}"
            self._open.append(path)
        return f"#/$defs/{self._names[path]}"

    def _rewritten(self, schema: Any, file: Path, *, names: bool = False) -> Any:
        if isinstance(schema, list):
            return [self._rewritten(one, file) for one in schema]
        if not isinstance(schema, dict):
            return schema
        if names:
            return {name: self._rewritten(one, file) for name, one in schema.items()}
        return {key: self._member(key, value, file) for key, value in schema.items() if key not in ("$id", "$schema")}

    def _member(self, key: str, value: Any, file: Path) -> Any:
        if key in _DATA:
            return value
        if key == "$ref" and isinstance(value, str):
            return self._reference(value, file)
        return self._rewritten(value, file, names=key in _MAPS)

    def _reference(self, reference: str, file: Path) -> str:
        name, _, place = reference.partition("#")
        target = (file.parent / unquote(name)).resolve() if name else file
        if not target.is_file():
            raise SchemaUnusable(f"`{reference}` refers to a file that is not there", file)
        if place and not place.startswith("/"):
            raise SchemaUnusable(f"`{reference}` does not name a place as `#/…` does", file)
        return self._name(target) + place
