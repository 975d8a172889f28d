"""Stripe: the key, the webhook endpoints, and the version of the API that these send.

Sources: docs.stripe.com/api/webhook_endpoints/list; docs.stripe.com/api/versioning (an endpoint without a version of
its own sends the account's, which an answer names in `Stripe-Version` where the request names none).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from gateway.connecting.asking import Answer, Asking, CouldNotAsk, KeyRefused, Question
from gateway.connecting.places import Places
from gateway.connecting.webhooks import Endpoint, compare_webhooks, endpoints_of
from gateway.project import Project
from gateway.providers.stripe_operations import api_version
from gateway.settings import SourceSettings

API = "https://api.stripe.com"
_KEY = ("stripe", "api_key")


async def look_at_stripe(project: Project, asking: Asking, places: Places) -> list[str]:
    """Ask Stripe for its webhook endpoints; return what was looked at."""
    sources = [source for source in project.settings.sources if source.provider == "stripe"]
    key = project.settings.stripe.api_key
    if key is None:
        return ["Stripe: not asked, no `stripe.api_key` is set"] if sources else []
    base = (project.settings.stripe.api_base or API).rstrip("/")
    question = Question(
        url=f"{base}/v1/webhook_endpoints?limit=100", headers={"Authorization": f"Bearer {key.reveal()}"}
    )
    try:
        listed, first = await asking.listed(question, "data", _follow)
    except KeyRefused as refused:
        places.key_refused("Stripe", str(refused), *_KEY)
        return ["Stripe: the key"]
    except CouldNotAsk as trouble:
        places.cannot_ask("Stripe", str(trouble), *_KEY)
        return []
    account = first.headers.get("stripe-version")
    endpoints = [_endpoint(one, account) for one in listed]
    compare_webhooks(project, sources, endpoints, "Stripe", places)
    _compare_versions(sources, endpoints, places)
    return [f"Stripe: the key, webhook endpoints: {len(endpoints)}"]


def _follow(page: Answer, found: list[Mapping[str, Any]]) -> Mapping[str, str] | None:
    """Return what asks for the next page. Source: docs.stripe.com/api/pagination."""
    last = found[-1].get("id") if found and page.items("data") else None
    return {"starting_after": last} if page.body.get("has_more") is True and isinstance(last, str) else None


def _endpoint(one: Mapping[str, Any], account: str | None) -> Endpoint:
    name = str(one.get("id"))
    disabled = one.get("status") == "disabled"
    return Endpoint(
        name=name,
        url=str(one.get("url")),
        events=frozenset(map(str, one.get("enabled_events") or ())),
        stopped=f"`{name}` is disabled" if disabled else None,
        remedy="enable it in the dashboard; Stripe tries again what it has not delivered for three days",
        version=one.get("api_version") or account,
    )


def _compare_versions(sources: Sequence[SourceSettings], endpoints: Sequence[Endpoint], places: Places) -> None:
    """Advise of payloads that have another shape than the schemas that paths were held against."""
    known = api_version()
    for source in sources:
        others = {one.version: one.name for one in endpoints_of(source, endpoints) if one.version not in (None, known)}
        for version, name in others.items():
            places.findings.advice(
                "GW590",
                f"`{name}` sends payloads of Stripe's API version `{version}`, paths were held against `{known}`",
                places.at("sources", source.name, "path"),
                help="run the rules' tests on payloads of that version, or make an endpoint of the newer one",
            )
