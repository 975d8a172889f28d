"""A project held against what its providers' APIs answer."""

from __future__ import annotations

import time
from typing import Any

import pytest
from connecting.conftest import ApiServer, Compare
from servers.stripe import API_KEY, StripeServer

from gateway.connecting import asking
from gateway.providers.stripe_operations import api_version

SOURCE = """\
version: 1
sources:
  s:
    provider: {provider}
    path: /hooks/s
    verify: {verify}
    rules: [rules.yaml]
"""
STRIPE = (
    SOURCE.format(provider="stripe", verify='{secrets: ["${env:SECRET}"]}')
    + 'stripe: {api_key: "${env:KEY}", api_base: "${env:BASE}"}\n'
)
ASAAS = (
    SOURCE.format(provider="asaas", verify='{token: "${env:SECRET}"}')
    + "    account: {api_key: '${env:KEY}', api_base: '${env:BASE}'}\n"
)
WORKOS = SOURCE.format(provider="workos", verify='{secret: "${env:SECRET}"}') + ASAAS.splitlines()[-1] + "\n"
PAYPAL = SOURCE.format(
    provider="paypal",
    verify="{webhook_id: '${env:HOOK}', client_id: app, client_secret: '${env:KEY}', api_base: '${env:BASE}'}",
)
RULES = "version: 1\nrules:\n  - {name: paid, on: [%s], do: [{log: paid}]}\n"
ENVIRON = {"SECRET": "whsec_c2VjcmV0IG9mIHRoZSB0ZXN0cw", "KEY": "sk_test_of_the_tests_0123456789", "HOOK": "40L71081MK"}


def endpoint(**changes: Any) -> dict[str, Any]:
    """Return a webhook endpoint as Stripe lists it."""
    usual = {
        "id": "we_1",
        "object": "webhook_endpoint",
        "url": "https://example.com/proxied/hooks/s",
        "status": "enabled",
        "enabled_events": ["invoice.paid"],
        "api_version": api_version(),
    }
    return {**usual, **changes}


class TestStripe:
    def test_all_as_it_should_be(self, compare: Compare, api: ApiServer) -> None:
        api.answers["/v1/webhook_endpoints"] = {"object": "list", "data": [endpoint()]}
        found = compare(STRIPE, RULES % "invoice.paid", BASE=api.url, **ENVIRON)
        assert found.lines == []
        assert found.looked_at[1:] == ["Stripe: the key, webhook endpoints: 1"]
        ((method, path, headers),) = api.asked
        assert (method, path, headers["authorization"]) == ("GET", "/v1/webhook_endpoints", f"Bearer {ENVIRON['KEY']}")

    def test_event_types_that_are_not_sent(self, compare: Compare, api: ApiServer) -> None:
        api.answers["/v1/webhook_endpoints"] = {"data": [endpoint()]}
        rules = RULES % 'invoice.paid, invoice.voided, "customer.*", schedule.remind'
        found = compare(STRIPE, rules, BASE=api.url, **ENVIRON)
        assert found.lines == [
            "GW291 gateway.yaml:5:11 Stripe does not send what rules of `s` handle: `customer.*`, `invoice.voided`"
        ]
        assert found.findings[0].help == "add them to the events of `we_1` at Stripe"

    def test_all_events_of_two_endpoints_count(self, compare: Compare, api: ApiServer) -> None:
        other = endpoint(id="we_2", enabled_events=["customer.created"])
        api.answers["/v1/webhook_endpoints"] = {"data": [endpoint(), other]}
        assert compare(STRIPE, RULES % 'invoice.paid, "customer.*"', BASE=api.url, **ENVIRON).lines == []
        api.answers["/v1/webhook_endpoints"] = {"data": [endpoint(enabled_events=["*"])]}
        assert compare(STRIPE, RULES % 'invoice.paid, "customer.*"', BASE=api.url, **ENVIRON).lines == []

    def test_follow_up_pages_are_asked_for(self, compare: Compare, api: ApiServer) -> None:
        others = [endpoint(id=f"we_{at}", url="https://example.com/other") for at in range(4)]
        first = "/v1/webhook_endpoints?limit=100"
        api.answers[first] = {"has_more": True, "data": others[:2]}
        api.answers[f"{first}&starting_after=we_1"] = {"has_more": True, "data": others[2:]}
        api.answers[f"{first}&starting_after=we_3"] = {"has_more": False, "data": [endpoint(id="we_4")]}
        found = compare(STRIPE, RULES % "invoice.paid", BASE=api.url, **ENVIRON)
        assert found.lines == []
        assert found.looked_at[1:] == ["Stripe: the key, webhook endpoints: 5"]
        assert [headers["authorization"] for _, _, headers in api.asked] == [f"Bearer {ENVIRON['KEY']}"] * 3

    def test_a_list_without_an_end_is_given_up(self, compare: Compare, api: ApiServer) -> None:
        api.answers["/v1/webhook_endpoints"] = {"has_more": True, "data": [endpoint()]}
        found = compare(STRIPE, RULES % "invoice.paid", BASE=api.url, **ENVIRON)
        assert found.lines == ["GW491 gateway.yaml:8:19 could not ask Stripe: its list goes on behind 21 entries"]
        api.answers["/v1/webhook_endpoints"] = {"has_more": True, "data": []}
        found = compare(STRIPE, RULES % "invoice.paid", BASE=api.url, **ENVIRON)
        assert [one.code for one in found.findings] == ["GW291"]

    def test_a_page_that_does_not_come(self, compare: Compare, api: ApiServer) -> None:
        first = "/v1/webhook_endpoints?limit=100"
        api.answers[first] = {"has_more": True, "data": [endpoint(url="https://example.com/other")]}
        found = compare(STRIPE, RULES % "invoice.paid", BASE=api.url, **ENVIRON)
        assert found.lines == ["GW491 gateway.yaml:8:19 could not ask Stripe: it answered 404"]

    def test_no_endpoint_leads_here(self, compare: Compare, api: ApiServer) -> None:
        api.answers["/v1/webhook_endpoints"] = {"data": [endpoint(url="https://example.com/other")]}
        found = compare(STRIPE, RULES % "invoice.paid", BASE=api.url, **ENVIRON)
        said = "Stripe has no webhook for the source `s`: none of its 1 has an address that ends in this path"
        assert found.lines == [f"GW291 gateway.yaml:5:11 {said}"]

    def test_a_disabled_endpoint(self, compare: Compare, api: ApiServer) -> None:
        api.answers["/v1/webhook_endpoints"] = {"data": [endpoint(status="disabled")]}
        found = compare(STRIPE, RULES % "invoice.paid", BASE=api.url, **ENVIRON)
        assert found.lines == ["GW291 gateway.yaml:5:11 Stripe sends nothing to this source: `we_1` is disabled"]

    def test_the_version_is_the_endpoints_or_else_the_accounts(self, compare: Compare, api: ApiServer) -> None:
        api.answers["/v1/webhook_endpoints"] = {"data": [endpoint(api_version="2020-08-27")]}
        said = f"sends payloads of Stripe's API version `2020-08-27`, paths were held against `{api_version()}`"
        found = compare(STRIPE, RULES % "invoice.paid", BASE=api.url, **ENVIRON)
        assert found.lines == [f"GW590 gateway.yaml:5:11 `we_1` {said}"]
        api.answers["/v1/webhook_endpoints"] = {"data": [endpoint(api_version=None)]}
        assert compare(STRIPE, RULES % "invoice.paid", BASE=api.url, **ENVIRON).lines == []
        api.headers["Stripe-Version"] = "2020-08-27"
        assert compare(STRIPE, RULES % "invoice.paid", BASE=api.url, **ENVIRON).lines == found.lines

    def test_a_key_that_is_refused_is_not_quoted(self, compare: Compare, api: ApiServer) -> None:
        api.fail(401, body=f'{{"error": {{"message": "Invalid API Key provided: {ENVIRON["KEY"]}"}}}}')
        found = compare(STRIPE, RULES % "invoice.paid", BASE=api.url, **ENVIRON)
        assert found.lines == ["GW490 gateway.yaml:8:19 Stripe does not take this key: it answered 401"]
        assert ENVIRON["KEY"] not in repr(found.findings)

    def test_without_a_key_nobody_is_asked(self, compare: Compare, api: ApiServer) -> None:
        found = compare(STRIPE, RULES % "invoice.paid", BASE=api.url, **{**ENVIRON, "KEY": ""})
        assert found.looked_at[1:] == ["Stripe: not asked, no `stripe.api_key` is set"]
        assert (found.lines, api.asked) == ([], [])

    @pytest.mark.parametrize(
        ("status", "body", "reason"),
        [
            (500, "{}", "it answered 500"),
            (302, "{}", "it answered 302"),
            (404, "{}", "it answered 404"),
            (200, "<html>", "its answer is no JSON object"),
            (200, "[]", "its answer is no JSON object"),
            (200, "[" * 100_000, "its answer is no JSON object"),
        ],
    )
    def test_answers_that_say_nothing(
        self, compare: Compare, api: ApiServer, status: int, body: str, reason: str
    ) -> None:
        api.fail(status, body=body, headers={"Location": api.url} if status == 302 else None)
        found = compare(STRIPE, RULES % "invoice.paid", BASE=api.url, **ENVIRON)
        assert found.lines == [f"GW491 gateway.yaml:8:19 could not ask Stripe: {reason}"]
        assert len(api.asked) == 1

    def test_entries_that_are_no_endpoints_are_passed_over(self, compare: Compare, api: ApiServer) -> None:
        api.answers["/v1/webhook_endpoints"] = {
            "data": [None, 7, {"id": 3, "url": None}, {"url": "http://[", "id": ""}]
        }
        found = compare(STRIPE, RULES % "invoice.paid", BASE=api.url, **ENVIRON)
        assert [one.code for one in found.findings] == ["GW291"]

    def test_nobody_listens(self, compare: Compare, api: ApiServer) -> None:
        api.stop()
        found = compare(STRIPE, RULES % "invoice.paid", BASE=api.url, **ENVIRON)
        assert found.lines == ["GW491 gateway.yaml:8:19 could not ask Stripe: connection refused"]

    def test_the_connection_breaks(self, compare: Compare, api: ApiServer) -> None:
        api.reset()
        found = compare(STRIPE, RULES % "invoice.paid", BASE=api.url, **ENVIRON)
        assert [one.code for one in found.findings] == ["GW491"]

    def test_a_stripe_that_knows_no_webhook_endpoints(
        self, compare: Compare, tmp_path_factory: pytest.TempPathFactory
    ) -> None:
        with StripeServer(tmp_path_factory.mktemp("stripe")) as stripe:
            found = compare(STRIPE, RULES % "invoice.paid", BASE=stripe.url, **{**ENVIRON, "KEY": API_KEY})
        assert found.lines == ["GW491 gateway.yaml:8:19 could not ask Stripe: it answered 404"]


def test_who_does_not_answer_is_waited_for_once(
    compare: Compare, api: ApiServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(asking, "SECONDS", 0.3)
    api.hold()
    api.hold()
    second = "  t:" + ASAAS.partition("  s:")[2].replace("/hooks/s", "/hooks/t")
    started = time.monotonic()
    found = compare(ASAAS + second, RULES % "PAYMENT_RECEIVED", BASE=api.url, **ENVIRON)
    assert [one.message for one in found.findings] == ["could not ask ASAAS: no answer within 0.3 s"] * 2
    assert time.monotonic() - started < 5


class TestAsaas:
    def webhook(self, **changes: Any) -> dict[str, Any]:
        usual = {
            "id": "1",
            "name": "billing",
            "url": "https://example.com/hooks/s",
            "enabled": True,
            "interrupted": False,
            "events": ["PAYMENT_RECEIVED"],
        }
        return {"object": "list", "hasMore": False, "data": [{**usual, **changes}]}

    def test_all_as_it_should_be(self, compare: Compare, api: ApiServer) -> None:
        api.answers["/v3/webhooks"] = self.webhook()
        found = compare(ASAAS, RULES % "PAYMENT_RECEIVED", BASE=f"{api.url}/", **ENVIRON)
        assert found.lines == []
        assert found.looked_at[1:] == ["ASAAS: the key of `s`, webhooks: 1"]
        assert api.asked[0][2]["access_token"] == ENVIRON["KEY"]

    def test_follow_up_pages_are_asked_for(self, compare: Compare, api: ApiServer) -> None:
        other = self.webhook(url="https://example.com/other")["data"]
        api.answers["/v3/webhooks?limit=100"] = {"hasMore": True, "data": other * 2}
        api.answers["/v3/webhooks?limit=100&offset=2"] = self.webhook()
        found = compare(ASAAS, RULES % "PAYMENT_RECEIVED", BASE=api.url, **ENVIRON)
        assert found.lines == []
        assert found.looked_at[1:] == ["ASAAS: the key of `s`, webhooks: 3"]

    @pytest.mark.parametrize(
        ("changes", "said"),
        [
            ({"interrupted": True}, "ASAAS sends nothing to this source: the queue of `billing` is interrupted"),
            ({"enabled": False}, "ASAAS sends nothing to this source: `billing` is not enabled"),
            ({"events": []}, "ASAAS does not send what rules of `s` handle: `PAYMENT_RECEIVED`"),
        ],
    )
    def test_what_keeps_events_away(self, compare: Compare, api: ApiServer, changes: dict[str, Any], said: str) -> None:
        api.answers["/v3/webhooks"] = self.webhook(**changes)
        found = compare(ASAAS, RULES % "PAYMENT_RECEIVED", BASE=api.url, **ENVIRON)
        assert found.lines == [f"GW291 gateway.yaml:5:11 {said}"]

    def test_a_type_of_older_senders_need_not_be_sent(self, compare: Compare, api: ApiServer) -> None:
        api.answers["/v3/webhooks"] = self.webhook()
        rules = RULES % "PAYMENT_RECEIVED, SUBSCRIPTION_CANCELED"
        assert compare(ASAAS, rules, BASE=api.url, **ENVIRON).lines == []

    def test_without_a_key_nobody_is_asked(self, compare: Compare) -> None:
        gateway = ASAAS.rpartition("    account")[0]
        found = compare(gateway, RULES % "PAYMENT_RECEIVED", **ENVIRON)
        assert found.looked_at[1:] == ["ASAAS: not asked, no `sources.s.account.api_key` is set"]


class TestWorkos:
    @pytest.mark.parametrize(
        ("changes", "said"),
        [
            ({}, []),
            ({"status": "disabled"}, ["WorkOS sends nothing to this source: `we_1` is disabled"]),
            ({"events": []}, ["WorkOS does not send what rules of `s` handle: `user.created`"]),
        ],
    )
    def test_endpoints(self, compare: Compare, api: ApiServer, changes: dict[str, Any], said: list[str]) -> None:
        usual = {
            "id": "we_1",
            "endpoint_url": "https://x.test/hooks/s",
            "status": "enabled",
            "events": ["user.created"],
        }
        api.answers["/webhook_endpoints"] = {"object": "list", "data": [{**usual, **changes}]}
        found = compare(WORKOS, RULES % "user.created", BASE=api.url, **ENVIRON)
        assert [one.message for one in found.findings] == said
        assert api.asked[0][2]["authorization"] == f"Bearer {ENVIRON['KEY']}"

    def test_follow_up_pages_are_asked_for(self, compare: Compare, api: ApiServer) -> None:
        own = {"id": "we_2", "endpoint_url": "https://x.test/hooks/s", "status": "enabled", "events": ["user.created"]}
        other = {**own, "id": "we_1", "endpoint_url": "https://x.test/other"}
        first = "/webhook_endpoints?limit=100"
        api.answers[first] = {"data": [other], "list_metadata": {"before": None, "after": "we_1"}}
        api.answers[f"{first}&after=we_1"] = {"data": [own], "list_metadata": {"before": "we_2", "after": None}}
        found = compare(WORKOS, RULES % "user.created", BASE=api.url, **ENVIRON)
        assert found.lines == []
        assert found.looked_at[1:] == ["WorkOS: the key of `s`, webhooks: 2"]


class TestPaypal:
    PATH = "/v1/notifications/webhooks/40L71081MK"

    @pytest.fixture(autouse=True)
    def token(self, api: ApiServer) -> None:
        api.answers["/v1/oauth2/token"] = {"access_token": "A21", "expires_in": 32400}

    def test_all_as_it_should_be(self, compare: Compare, api: ApiServer) -> None:
        api.answers[self.PATH] = {"id": "40L71081MK", "event_types": [{"name": "PAYMENT.CAPTURE.COMPLETED"}]}
        found = compare(PAYPAL, RULES % "PAYMENT.CAPTURE.COMPLETED", BASE=api.url, **ENVIRON)
        assert found.lines == []
        assert found.looked_at[1:] == ["PayPal: the webhook of `s`"]
        assert [(method, path) for method, path, _ in api.asked] == [("POST", "/v1/oauth2/token"), ("GET", self.PATH)]
        assert api.asked[0][2]["authorization"].startswith("Basic ")
        assert api.asked[1][2]["authorization"] == "Bearer A21"

    def test_no_such_webhook(self, compare: Compare, api: ApiServer) -> None:
        found = compare(PAYPAL, RULES % "PAYMENT.CAPTURE.COMPLETED", BASE=api.url, **ENVIRON)
        assert found.lines == [
            "GW291 gateway.yaml:6:26 PayPal has no webhook of this id for the app of `s`: no delivery can be verified"
        ]

    def test_event_types_that_are_not_sent(self, compare: Compare, api: ApiServer) -> None:
        api.answers[self.PATH] = {"id": "40L71081MK", "event_types": [{"name": "CHECKOUT.ORDER.APPROVED"}]}
        found = compare(PAYPAL, RULES % "PAYMENT.CAPTURE.COMPLETED", BASE=api.url, **ENVIRON)
        assert found.lines == [
            "GW291 gateway.yaml:6:26 PayPal does not send what rules of `s` handle: `PAYMENT.CAPTURE.COMPLETED`"
        ]
        api.answers[self.PATH]["event_types"] = [{"name": "*"}]
        assert compare(PAYPAL, RULES % "PAYMENT.CAPTURE.COMPLETED", BASE=api.url, **ENVIRON).lines == []

    def test_credentials_that_are_refused(self, compare: Compare, api: ApiServer) -> None:
        api.fail(401)
        found = compare(PAYPAL, RULES % "PAYMENT.CAPTURE.COMPLETED", BASE=api.url, **ENVIRON)
        assert found.lines == ["GW490 gateway.yaml:6:72 PayPal does not take this key: it answered 401"]

    @pytest.mark.parametrize("answer", [{}, {"access_token": 7}, {"access_token": "a\nb"}])
    def test_no_token(self, compare: Compare, api: ApiServer, answer: dict[str, Any]) -> None:
        api.answers["/v1/oauth2/token"] = answer
        found = compare(PAYPAL, RULES % "PAYMENT.CAPTURE.COMPLETED", BASE=api.url, **ENVIRON)
        assert [one.message for one in found.findings] == ["could not ask PayPal: it gave no token"]

    def test_without_credentials_nobody_is_asked(self, compare: Compare, api: ApiServer) -> None:
        found = compare(PAYPAL, RULES % "PAYMENT.CAPTURE.COMPLETED", BASE=api.url, **{**ENVIRON, "KEY": ""})
        assert found.looked_at[1:] == ["PayPal: not asked, no `sources.s.verify.client_secret` is set"]
        assert api.asked == []
