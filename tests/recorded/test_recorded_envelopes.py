"""Bodies that others have recorded, where the folder is there: each yields an id and a type."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from gateway.providers import PRESETS, build_envelope

FOLDER = Path(__file__).parents[2].parent / "shared" / "payloads"
BODIES = [path for provider in PRESETS for path in sorted((FOLDER / provider).rglob("*.json"))]
pytestmark = pytest.mark.skipif(not BODIES, reason="the recorded payloads are not here")


def provider_of(path: Path) -> str:
    return path.relative_to(FOLDER).parts[0]


def headers_of(path: Path) -> dict[str, str]:
    """Return the headers that an envelope reads; the type is in the file's name."""
    event_type = path.stem.partition("--")[0].partition("@")[0]
    return {"X-GitHub-Event": event_type, "X-GitHub-Delivery": "delivery", "webhook-id": "msg_1"}


@pytest.mark.parametrize("path", BODIES, ids=lambda path: f"{provider_of(path)}-{path.stem}")
def test_a_recorded_body_has_an_id_and_the_type_of_its_name(path: Path) -> None:
    preset = PRESETS[provider_of(path)]
    found = build_envelope({}, preset).read(json.loads(path.read_bytes()), headers_of(path))
    assert found.id
    assert found.type == path.stem.partition("--")[0].partition("@")[0]
    assert found.key or preset.name == "standard-webhooks" or found.type == "ping"
    assert not preset.event_types or found.type in preset.event_types
