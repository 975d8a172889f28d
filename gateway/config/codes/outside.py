"""Codes of what is found with `--connect` alone: their numbers end in the nineties."""

from __future__ import annotations

from collections.abc import Mapping

from gateway.config.codes.entry import RULES, Code
from gateway.config.codes.samples import GATEWAY_FILE, STRIPE_KEY, with_source, with_steps

_STRIPE = 'stripe: {api_key: "${env:STRIPE_API_KEY}", api_base: "${env:API_BASE}"}\n'
_ASAAS = with_source(
    provider="asaas",
    verify='{token: "${env:STRIPE_WEBHOOK_SECRET}"}',
    path="/webhook/asaas",
    rules="",
    unmatched="keep",
    account='{api_key: "${env:ASAAS_API_KEY}", api_base: "%s"}',
)
_ASAAS_KEY = {"ASAAS_API_KEY": "$aact_hmlg_example"}
_ASAAS_WEBHOOKS = {
    "data": [{"name": "billing", "url": "https://example.com/webhook/asaas", "enabled": True, "interrupted": False}]
}


def _endpoint(path: str, version: str) -> Mapping[str, object]:
    url = f"https://example.com{path}"
    return {"id": "we_1", "url": url, "status": "enabled", "enabled_events": ["*"], "api_version": version}


_NEW = _endpoint("/webhook/stripe", "2026-10-28.endive")
_OLD = _endpoint("/webhook/stripe-2020", "2020-08-27")

OUTSIDE_NAMES = (
    Code(
        code="GW290",
        title="the database differs from what the rules say",
        why="With `--connect`. A table or column is not there or of another type, or rows share what the rules take "
        "for unique. Nothing is changed: the notes hold the SQL to run by hand.",
        wrong=with_steps("log: seen"),
        right=with_steps("log: seen").replace("{type: decimal}", "{type: integer}"),
        file=RULES,
        database="CREATE TABLE invoices (id TEXT PRIMARY KEY NOT NULL, status TEXT, amount INTEGER)",
    ),
    Code(
        code="GW291",
        title="a webhook that does not bring what the rules handle",
        why="With `--connect`. The provider has no webhook that leads to the source, has stopped it, or does not send "
        "an event type that rules handle.",
        wrong=with_source(path="/webhooks/stripe") + _STRIPE,
        right=GATEWAY_FILE + _STRIPE,
        environ=STRIPE_KEY,
        answers={"/v1/webhook_endpoints": {"data": [_NEW]}},
    ),
)

OUTSIDE_SECRETS = (
    Code(
        code="GW490",
        title="a key that the provider refuses",
        why="With `--connect`. The key is another kind of secret, was withdrawn, or belongs to another account.",
        wrong=GATEWAY_FILE + _STRIPE.replace("STRIPE_API_KEY", "STRIPE_WEBHOOK_SECRET"),
        right=GATEWAY_FILE + _STRIPE,
        environ=STRIPE_KEY,
        answers={"/v1/webhook_endpoints": {"data": [_NEW]}},
    ),
    Code(
        code="GW491",
        title="something outside that cannot be asked",
        why="With `--connect`. It does not answer within five seconds, or not as it should: nothing is known of it.",
        wrong=_ASAAS % "http://127.0.0.1:9",
        right=_ASAAS % "${env:API_BASE}",
        environ=_ASAAS_KEY,
        answers={"/v3/webhooks": _ASAAS_WEBHOOKS},
    ),
)

OUTSIDE_ADVICE = (
    Code(
        code="GW590",
        title="payloads of another API version",
        why="With `--connect`. Paths were held against the payload schemas of one version. Stripe makes payloads of "
        "the version that the webhook was made with, in which members may stand elsewhere.",
        wrong=with_source(path="/webhook/stripe-2020") + _STRIPE,
        right=GATEWAY_FILE + _STRIPE,
        environ=STRIPE_KEY,
        answers={"/v1/webhook_endpoints": {"data": [_NEW, _OLD]}},
    ),
)
