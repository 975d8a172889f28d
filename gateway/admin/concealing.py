"""What was sent and what came back, for people to see: without what only the two sides may know."""

from __future__ import annotations

import re

from gateway.telemetry import REDACTED

_SECRET = re.compile(r"secret|token|passw|authorization|cookie|credential|signature|api[_-]?key", re.IGNORECASE)


def without_secrets(value: object) -> object:
    """Return a JSON value with everything hidden whose name is that of a secret, such as Stripe's `client_secret`."""
    if isinstance(value, dict):
        return {
            name: REDACTED if isinstance(item, str) and _SECRET.search(name) else without_secrets(item)
            for name, item in value.items()
        }
    return [without_secrets(item) for item in value] if isinstance(value, list) else value
