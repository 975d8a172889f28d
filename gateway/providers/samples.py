"""Sample events for tests of a running gateway: `gateway trigger`."""

from __future__ import annotations

import copy
import json
import secrets
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

Payload = dict[str, Any]


@cache
def _samples(provider: str) -> dict[str, Payload]:
    folder = Path(__file__).parent / "samples" / provider
    if not folder.is_dir():
        return {}
    return {
        item.name.removesuffix(".json"): json.loads(item.read_text())
        for item in folder.iterdir()
        if item.name.endswith(".json")
    }


def sample_types(provider: str) -> tuple[str, ...]:
    """Return the event types that a provider has samples of."""
    return tuple(sorted(_samples(provider)))


def sample(provider: str, event_type: str) -> Payload | None:
    """Return a sample payload, or None."""
    found = _samples(provider).get(event_type)
    return None if found is None else copy.deepcopy(found)


def freshen(payload: Payload, provider: str, now: float) -> Payload:
    """Return a payload as a new event of this moment: with an id of its own and the present time (`now`, seconds)."""
    moment, token = datetime.fromtimestamp(now, UTC), secrets.token_hex(12)
    match provider:
        case "stripe":
            return {**payload, "id": f"evt_{token}", "created": int(now)}
        case "asaas":
            from zoneinfo import ZoneInfo  # with what it brings it takes as long as all providers together

            local = moment.astimezone(ZoneInfo("America/Sao_Paulo"))
            number = int(token[:8], 16)
            return {
                **payload,
                "id": f"evt_{token}{token[:8]}&{number}",
                "dateCreated": local.strftime("%Y-%m-%d %H:%M:%S"),
            }
        case "workos":
            return {**payload, "id": f"event_{token}", "created_at": _iso(moment)}
        case "paypal":
            return {**payload, "id": f"WH-{token[:17].upper()}-{token[7:].upper()}", "create_time": _iso(moment)}
    return payload


def _iso(moment: datetime) -> str:
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
