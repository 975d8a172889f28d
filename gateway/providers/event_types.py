"""The event types that a provider's own SDK names, as `tools/` has written them down."""

from __future__ import annotations

import json
from pathlib import Path


def read_event_types(provider: str) -> tuple[str, ...]:
    """Return the types of a provider that has a file `data/PROVIDER_event_types.json`."""
    text = (Path(__file__).parent / "data" / f"{provider}_event_types.json").read_text()
    return tuple(json.loads(text)["types"])
