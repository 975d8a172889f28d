"""`stripe`: calls of Stripe's API through its SDK, each with an idempotency key of the event's own."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from decimal import Decimal
from operator import attrgetter
from typing import Any

import orjson

from gateway.sending.transport import Passing, Refused, retry_after
from gateway.settings import StripeSettings
from gateway.store.leases import Leased


class StripeTransport:
    """Calls Stripe's API. The SDK is imported with the first call."""

    def __init__(self, settings: StripeSettings) -> None:
        """Take the key, and where the API is."""
        self._settings = settings
        self._client: Any = None

    async def deliver(self, item: Leased) -> object:
        """Call an operation; return the object that it gives. Raises Passing or Refused."""
        if self._settings.api_key is None:
            raise Passing("no `stripe.api_key` is set")
        import stripe

        request = orjson.loads(item.request)
        options = {**request.get("options", {}), "idempotency_key": item.message_id}
        call = self._operation(request["operation"])
        given = {"params": request["params"]} if request["params"] else {}
        try:
            found = await call(*request["path"], **given, options=options)
        except stripe.APIConnectionError as error:
            raise Passing("Stripe could not be reached") from error
        except stripe.StripeError as error:
            raise judged(error) from error
        return _plain(found)

    def _operation(self, name: str) -> Callable[..., Awaitable[Any]]:
        client = self._connected()
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
            self._client = stripe.StripeClient(
                self._settings.api_key.reveal(),
                http_client=stripe.AIOHTTPClient(timeout=self._settings.timeout.total_seconds()),
                # Trying again is the courier's: it knows of waits, of other calls, and of restarts.
                max_network_retries=0,
                base_addresses=addresses,
            )
        return self._client

    async def close(self) -> None:
        """Close the SDK's connections."""
        if self._client is not None:
            await self._client._requestor._client.close_async()
            self._client = None


def judged(error: Any) -> Passing | Refused:
    """Return what an answer of Stripe's that is an error means.

    Source: docs.stripe.com/error-low-level; an error of the server is remembered with its idempotency key, so that
    trying again may give the same answer, but never a second effect.
    """
    status, headers = error.http_status or 0, error.headers or {}
    said = _said(error)
    should_retry = {name.lower(): value for name, value in headers.items()}.get("stripe-should-retry")
    may_pass = status in {409, 429} or status >= 500 or status == 0
    if should_retry in {"true", "false"}:
        may_pass = should_retry == "true"
    if may_pass:
        lower = {name.lower(): value for name, value in headers.items()}
        return Passing(said, retry_after=retry_after(lower.get("retry-after")))
    return Refused(said, code="not_found" if status == 404 else "refused")


def _said(error: Any) -> str:
    code = f" {error.code}" if error.code else ""
    # The message of a wrong key quotes the key.
    message = "" if error.http_status == 401 else f": {error.user_message or error}"
    return f"Stripe answered {error.http_status}{code}{message}"


def _plain(found: Any) -> object:
    response = getattr(found, "last_response", None)
    if response is None or not response.body:
        return json.loads(str(found), parse_float=Decimal)
    return json.loads(response.body, parse_float=Decimal)
