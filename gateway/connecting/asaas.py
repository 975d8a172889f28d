"""ASAAS: whether a webhook's queue runs. Source: docs.asaas.com/reference/list-webhooks, …/docs/fila-pausada."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gateway.connecting.asking import Answer, Question
from gateway.connecting.webhooks import Endpoint

API = "https://api.asaas.com"


def question(key: str, base: str | None) -> Question:
    """Return what asks for the webhooks of an account."""
    return Question(url=f"{base or API}/v3/webhooks?limit=100", headers={"access_token": key})


def follow(page: Answer, found: list[Mapping[str, Any]]) -> Mapping[str, str] | None:
    """Return what asks for the next page. Source: docs.asaas.com/reference/listing-and-pagination."""
    return {"offset": str(len(found))} if page.body.get("hasMore") is True and page.items("data") else None


def endpoint(one: Mapping[str, Any]) -> Endpoint:
    """Return a webhook as it is listed."""
    name = str(one.get("name") or one.get("id"))
    stopped = remedy = None
    if one.get("interrupted") is True:
        stopped = f"the queue of `{name}` is interrupted"
        remedy = "mend what failed, then set it going in the panel; what has waited for 14 days is deleted"
    elif one.get("enabled") is False:
        stopped, remedy = f"`{name}` is not enabled", "enable it in the panel, under integrations"
    return Endpoint(
        name=name,
        url=str(one.get("url")),
        events=frozenset(map(str, one.get("events") or ())),
        stopped=stopped,
        remedy=remedy,
    )
