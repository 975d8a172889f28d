"""`stripe`: calls of Stripe's API through its SDK, each with an idempotency key of the event's own."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Mapping
from decimal import Decimal
from operator import attrgetter
from typing import Any

import aiohttp

from gateway.sending.transport import Passing, Refused, retry_after
from gateway.settings import StripeSettings
from gateway.store.leases import Leased
from gateway.store.outbox import decode

LONGEST = 23 * 3600.0
"""Seconds for which a call is tried at most. Stripe forgets a key after 24 hours: then a try could be a second effect.

Source: docs.stripe.com/api/idempotent_requests.
"""


class StripeTransport:
    """Calls Stripe's API. The SDK is imported with the first call."""

    def __init__(self, settings: StripeSettings) -> None:
        """Take the key, and where the API is."""
        self._settings = settings
        self._client: Any = None
        self._http: Any = None

    async def deliver(self, item: Leased) -> object:
        """Call an operation; return the object that it gives. Raises Passing or Refused."""
        if self._settings.api_key is None:
            raise Refused("no `stripe.api_key` is set")
        import stripe

        request: Any = decode(item.request)
        options = {**request.get("options", {}), "idempotency_key": item.message_id}
        call = self._operation(request["operation"])
        given = {"params": sendable(request["params"])} if request["params"] else {}
        try:
            found = await call(*request["path"], **given, options=options)
        except stripe.APIConnectionError as error:
            raise Passing("Stripe could not be reached") from error
        except stripe.StripeError as error:
            raise judged(error.http_status, error.headers or {}, error.code, _said(error)) from error
        return _plain(found)

    def _operation(self, name: str) -> Callable[..., Awaitable[Any]]:
        client = self._connected()
        words = name.split(".")
        if len(words) < 2 or not all(word.isidentifier() and not word.startswith("_") for word in words):
            raise Refused(f"`{name}` is no operation of Stripe's")
        try:
            operation: Callable[..., Awaitable[Any]] = attrgetter(name + "_async")(getattr(client, "v1", client))
        except AttributeError:
            raise Refused(f"the installed SDK has no operation `{name}`") from None
        return operation

    def _connected(self) -> Any:
        if self._client is None:
            import stripe

            assert self._settings.api_key is not None
            base = self._settings.api_base
            addresses: Any = {"api": base.rstrip("/")} if base else {}
            seconds: Any = aiohttp.ClientTimeout(total=self._settings.timeout.total_seconds())
            self._http = stripe.AIOHTTPClient(timeout=seconds)
            self._client = stripe.StripeClient(
                self._settings.api_key.reveal(),
                http_client=self._http,
                # Trying again is the courier's: it knows of waits, of other calls, and of restarts.
                max_network_retries=0,
                base_addresses=addresses,
            )
        return self._client

    async def close(self) -> None:
        """Close the SDK's connections."""
        if self._http is not None:
            await self._http.close_async()
            self._client = self._http = None


def judged(status: int | None, headers: Mapping[str, str], code: str | None, said: str) -> Passing | Refused:
    """Return what an answer of Stripe's that is an error means.

    Stripe remembers an error of its own with the idempotency key and gives it again at every try: then nobody knows
    whether the call took effect, and asking under another key could make a second one. So that is for people to decide.
    Sources: docs.stripe.com/api/errors, docs.stripe.com/api/idempotent_requests; `Stripe-Should-Retry` as the SDK
    reads it.
    """
    known = {name.lower(): value.lower() for name, value in headers.items()}
    should_retry = known.get("stripe-should-retry")
    message = f"Stripe answered {status}" + (f" {code}" if code else "")
    if status is None or status in {409, 429}:
        return Passing(message, said=said, retry_after=retry_after(known.get("retry-after")))
    if status >= 500 and (should_retry == "false" or known.get("idempotent-replayed") == "true"):
        return Refused(f"{message} for good: nobody knows whether the call took effect", said=said)
    if status >= 500 or should_retry == "true":
        return Passing(message, said=said, retry_after=retry_after(known.get("retry-after")))
    return Refused(message, said=said, code="not_found" if status == 404 else "refused")


def sendable(value: object) -> object:
    """Return parameters as Stripe's forms take them: decimals as text, with all their digits."""
    if isinstance(value, dict):
        return {name: sendable(item) for name, item in value.items()}
    if isinstance(value, list):
        return [sendable(item) for item in value]
    return format(value, "f") if isinstance(value, Decimal) else value


def _said(error: Any) -> str:
    # The message about a wrong key quotes the key.
    return "" if error.http_status == 401 else str(error.user_message or error)


def _plain(found: Any) -> object:
    response = getattr(found, "last_response", None)
    text = response.body if response is not None and response.body else str(found)
    return json.loads(text, parse_float=Decimal)
