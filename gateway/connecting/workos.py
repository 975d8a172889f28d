"""WorkOS: webhook endpoints. Source: workos.com/docs/reference/webhooks."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gateway.connecting.asking import Answer, Question
from gateway.connecting.webhooks import Endpoint

API = "https://api.workos.com"


def question(key: str, base: str | None) -> Question:
    """Return what asks for the webhook endpoints of an environment."""
    return Question(url=f"{base or API}/webhook_endpoints?limit=100", headers={"Authorization": f"Bearer {key}"})


def follow(page: Answer, found: list[Mapping[str, Any]]) -> Mapping[str, str] | None:
    """Return what asks for the next page. Source: workos.com/docs/reference/pagination."""
    place = page.body.get("list_metadata")
    after = place.get("after") if isinstance(place, dict) else None
    return {"after": after} if isinstance(after, str) and after and page.items("data") else None


def endpoint(one: Mapping[str, Any]) -> Endpoint:
    """Return an endpoint as it is listed."""
    name = str(one.get("id"))
    return Endpoint(
        name=name,
        url=str(one.get("endpoint_url")),
        events=frozenset(map(str, one.get("events") or ())),
        stopped=f"`{name}` is disabled" if one.get("status") == "disabled" else None,
        remedy="enable it in the dashboard, under webhooks",
    )
