"""Write the JSON Schemas of the payloads that a provider has no typed classes for, from what its documentation says.

`payloads/PROVIDER.yaml` holds that in short: `text`, `number`, `integer`, `boolean`, `any`, a list in brackets, an
object as a mapping, `=name` one of `objects`. The event types are those that the provider's preset names.
"""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import yaml
from typed_schemas import DRAFT, Schema, beside

from gateway.providers import PRESETS

HERE = Path(__file__).parent
TARGET = HERE.parent / "schemas" / "payloads"
TYPES = {"text": "string", "number": "number", "integer": "integer", "boolean": "boolean"}


def schema(short: Any) -> Schema:
    """Return the schema that a short form stands for."""
    if isinstance(short, list):
        return {"type": ["array", "null"], "items": schema(short[0])}
    if isinstance(short, dict):
        properties = {name: schema(inner) for name, inner in short.items()}
        return {"type": ["object", "null"], "properties": properties}
    if short.startswith("="):
        return {"$ref": f"objects/{short[1:]}.json"}
    return {"type": [TYPES[short], "null"]} if short in TYPES else {}


def payload(event_type: str, about: Schema) -> Schema:
    """Return the schema of an event's payload."""
    place = max((beginning for beginning in about["events"] if event_type.startswith(beginning)), key=len, default=None)
    resource = {} if place is None else about["events"][place]
    found = schema({**about["envelope"], **resource})
    return {
        "$schema": DRAFT,
        "title": f"{about['title']} {event_type}",
        "type": "object",
        "properties": found["properties"],
        **({"additionalProperties": True} if place is None else {}),
    }


def write(path: Path, found: Schema) -> None:
    """Write one schema."""
    path.write_text(json.dumps(found, ensure_ascii=False, indent=1) + "\n")


def main() -> None:
    """Write the schemas of every provider that has a short form here."""
    for source in sorted((HERE / "payloads").glob("*.yaml")):
        about = yaml.safe_load(source.read_text())
        folder = TARGET / source.stem
        shutil.rmtree(folder, ignore_errors=True)
        (folder / "objects").mkdir(parents=True)
        for name, short in about["objects"].items():
            write(folder / "objects" / f"{name}.json", {"title": name, **beside(schema(short))})
        types = [name for name in PRESETS[source.stem].event_types if "*" not in name]
        for event_type in types:
            write(folder / f"{event_type}.json", payload(event_type, about))
        print(f"{source.stem}: {len(types)} events")


if __name__ == "__main__":
    main()
