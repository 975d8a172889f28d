"""No path of a recorded payload is unknown to the schemas: what `validate` says of paths is then no false alarm."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway.config.payload_schemas import SHIPPED, PayloadSchemas
from gateway.expressions.types import Type

PAYLOADS = Path(__file__).parent.parent.parent.parent / "shared" / "payloads"
TYPE_KEYS = {"asaas": "event", "paypal": "event_type", "stripe": "type", "workos": "event"}

BASIL = "2025-03-31"


def recorded() -> Iterator[object]:
    for provider, key in TYPE_KEYS.items():
        for path in sorted((PAYLOADS / provider).rglob("*.json")):
            body = json.loads(path.read_text())
            older = provider == "stripe" and str(body.get("api_version") or "") < BASIL
            if older or "derived" in path.parts:
                continue
            if isinstance(body, dict) and isinstance(body.get(key), str):
                yield pytest.param(provider, body[key], body, id=f"{provider}/{path.stem}")


def unknown(value: object, known: Type, path: str) -> Iterator[str]:
    if isinstance(value, list):
        for item in value:
            if known.element is not None:
                yield from unknown(item, known.element, f"{path}[]")
    elif isinstance(value, dict) and known.fields is not None:
        for name, inner in value.items():
            if name in known.fields:
                yield from unknown(inner, known.fields[name], f"{path}.{name}")
            elif not known.open:
                yield f"{path}.{name}"


@pytest.mark.skipif(not PAYLOADS.is_dir(), reason="the folder of recorded payloads is not there")
@pytest.mark.parametrize(("provider", "event_type", "body"), list(recorded()))
def test_every_path_of_a_recorded_payload_is_known(provider: str, event_type: str, body: dict[str, object]) -> None:
    known = PayloadSchemas(provider, (SHIPPED,)).payload(event_type)
    if known is None:
        pytest.skip(f"no schema of {event_type}")
    assert list(unknown(body, known, "")) == []
