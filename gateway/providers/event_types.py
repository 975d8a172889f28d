"""The event types that a provider's own SDK names, as `tools/` has written them down."""

from __future__ import annotations

import json
from importlib.resources import files


def read_event_types(provider: str) -> tuple[str, ...]:
    """Return the types of a provider that has a file `data/PROVIDER_event_types.json`."""
    text = (files("gateway.providers") / "data" / f"{provider}_event_types.json").read_text()
    return tuple(json.loads(text)["types"])
