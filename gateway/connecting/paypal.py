"""PayPal: whether there is a webhook of a source's id, and what it sends.

Source: developer.paypal.com/docs/api/webhooks/v1, webhooks_get; /api/rest/authentication.
"""

from __future__ import annotations

import base64
from urllib.parse import quote

from gateway.connecting.asking import Answer, Asking, CouldNotAsk, KeyRefused, NotThere, Question
from gateway.connecting.places import Places
from gateway.connecting.webhooks import Endpoint, compare_endpoints
from gateway.project import Project
from gateway.settings import SourceSettings

API = "https://api-m.paypal.com"


async def look_at_paypal(project: Project, source: SourceSettings, asking: Asking, places: Places) -> list[str]:
    """Ask PayPal for the webhook of a source; return what was looked at."""
    verify = ("sources", source.name, "verify")
    missing = [key for key in ("client_id", "client_secret", "webhook_id") if not _given(source, key)]
    if missing:
        return [f"PayPal: not asked, no `{'.'.join((*verify, missing[0]))}` is set"]
    try:
        token = await _token(source, asking)
    except KeyRefused as refused:
        places.key_refused("PayPal", str(refused), *verify, "client_secret")
        return ["PayPal: the app's credentials"]
    except CouldNotAsk as trouble:
        places.cannot_ask("PayPal", str(trouble), *verify, "client_id")
        return []
    try:
        answer = await asking.ask(_question(source, token))
    except NotThere:
        places.findings.error(
            "GW291",
            f"PayPal has no webhook of this id for the app of `{source.name}`: no delivery can be verified",
            places.at(*verify, "webhook_id"),
            help="take it from the app's webhooks at PayPal; the sandbox has its own, at another `api_base`",
        )
        return [f"PayPal: the webhook of `{source.name}`"]
    except CouldNotAsk as trouble:
        places.cannot_ask("PayPal", str(trouble), *verify, "webhook_id")
        return []
    compare_endpoints(project, source, [_endpoint(answer)], "PayPal", places, "verify", "webhook_id")
    return [f"PayPal: the webhook of `{source.name}`"]


def _given(source: SourceSettings, key: str) -> str:
    return str((source.verify or {}).get(key) or "").strip()


def _base(source: SourceSettings) -> str:
    return (_given(source, "api_base") or API).rstrip("/")


async def _token(source: SourceSettings, asking: Asking) -> str:
    credentials = f"{_given(source, 'client_id')}:{_given(source, 'client_secret')}".encode()
    answer = await asking.ask(
        Question(
            url=f"{_base(source)}/v1/oauth2/token",
            headers={"Authorization": "Basic " + base64.b64encode(credentials).decode()},
            form={"grant_type": "client_credentials"},
        )
    )
    token = answer.body.get("access_token")
    if not isinstance(token, str) or not token.isprintable():
        raise CouldNotAsk("it gave no token")
    return token


def _question(source: SourceSettings, token: str) -> Question:
    name = quote(_given(source, "webhook_id"), safe="")
    url = f"{_base(source)}/v1/notifications/webhooks/{name}"
    return Question(url=url, headers={"Authorization": f"Bearer {token}"})


def _endpoint(answer: Answer) -> Endpoint:
    return Endpoint(
        name=str(answer.body.get("id")),
        url=str(answer.body.get("url")),
        events=frozenset(str(one.get("name")) for one in answer.items("event_types")),
    )
