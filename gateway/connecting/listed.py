"""Providers that list an account's webhooks for a key that stands with the source: `account: {api_key: …}`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from gateway.connecting import asaas, workos
from gateway.connecting.asking import Asking, CouldNotAsk, Follow, KeyRefused, Question
from gateway.connecting.places import Places
from gateway.connecting.webhooks import Endpoint, compare_webhooks
from gateway.project import Project
from gateway.providers import PRESETS
from gateway.settings import SourceSettings


@dataclass(frozen=True, slots=True, kw_only=True)
class Listing:
    """How a provider lists its webhooks."""

    question: Callable[[str, str | None], Question]
    """Takes the key and the address of the API, None for the provider's own."""
    follow: Follow
    """Gives what asks for the next page."""
    endpoint: Callable[[Mapping[str, Any]], Endpoint]


LISTINGS: Mapping[str, Listing] = {
    "asaas": Listing(question=asaas.question, follow=asaas.follow, endpoint=asaas.endpoint),
    "workos": Listing(question=workos.question, follow=workos.follow, endpoint=workos.endpoint),
}
"""By the name of the provider."""


async def look_at_listed(project: Project, source: SourceSettings, asking: Asking, places: Places) -> list[str]:
    """Ask a source's provider for its webhooks; return what was looked at."""
    title, listing = PRESETS[str(source.provider)].title, LISTINGS[str(source.provider)]
    where = ("sources", source.name, "account", "api_key")
    if source.api_key is None:
        return [f"{title}: not asked, no `{'.'.join(where)}` is set"]
    base = source.api_base.rstrip("/") if source.api_base else None
    try:
        listed, _ = await asking.listed(listing.question(source.api_key.reveal(), base), "data", listing.follow)
    except KeyRefused as refused:
        places.key_refused(title, str(refused), *where)
        return [f"{title}: the key"]
    except CouldNotAsk as trouble:
        places.cannot_ask(title, str(trouble), *where)
        return []
    endpoints = [listing.endpoint(one) for one in listed]
    compare_webhooks(project, [source], endpoints, title, places)
    return [f"{title}: the key of `{source.name}`, webhooks: {len(endpoints)}"]
