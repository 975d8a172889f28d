"""Asking PayPal whether a delivery is its own, once for each.

Source: developer.paypal.com/docs/api/webhooks/v1, verify-webhook-signature; /api/rest/authentication.
"""

from __future__ import annotations

import asyncio
import base64
import json
import math
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import aiohttp

from gateway.providers import Refused, Verified
from gateway.providers.paypal_signature import ALGORITHM, Transmission, read_transmission, time_refusal
from gateway.providers.verification import VerificationUnavailable, refused
from gateway.receiving.certificates import read_short

API = "https://api-m.paypal.com"
"""PayPal's API, where the settings name no other."""
SCHEME = "paypal-api"
API_SECONDS = 8.0
"""In which PayPal must have answered, the wait for a turn included."""
MOST_AT_ONCE = 8
"""Questions under way at once."""
_RETRY_AFTER = 15
_SPARE = 60.0
"""Seconds before its end at which a token is renewed."""
_LONGEST = 86_400
"""Seconds for which a token is kept at most."""
_REFUSED_SECONDS = 5.0
"""For so long no token is asked for after one was refused: not once for each delivery, forged ones among them."""
_NOT_ITS_OWN = frozenset({400, 422})
"""Answers that say that what was asked about cannot be a delivery of PayPal's."""


@dataclass(frozen=True, slots=True, kw_only=True)
class App:
    """The app at PayPal that a webhook belongs to."""

    webhook_id: str
    client_id: str
    client_secret: str = field(repr=False)
    base: str
    """Where the API is, without a slash at its end."""

    @property
    def credentials(self) -> str:
        """Return what asks for a token, as a header's value."""
        return "Basic " + base64.b64encode(f"{self.client_id}:{self.client_secret}".encode()).decode()


class _Trouble(Exception):
    """PayPal cannot be asked; the text says why."""


class ApiVerifier:
    """Verifies by asking PayPal."""

    def __init__(
        self,
        app: App,
        session: aiohttp.ClientSession,
        *,
        tolerance: float | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Take the app, what sends requests, by how many seconds a transmission may be off, and a clock for tokens."""
        self._app = app
        self._session = session
        self._tolerance = tolerance
        self._clock = clock
        self._token, self._token_ends = "", -math.inf
        self._refusal, self._refused_until = "", -math.inf
        self._renewing = asyncio.Lock()
        self._turns = asyncio.Semaphore(MOST_AT_ONCE)

    async def verify(self, body: bytes, headers: Mapping[str, str], now: float) -> Verified | Refused:
        """Ask whether the raw bytes are PayPal's. Raises VerificationUnavailable when it cannot be asked."""
        transmission = read_transmission(headers)
        if isinstance(transmission, Refused):
            return transmission
        if not _is_object(body):
            return refused("signature_mismatch", "the body is no JSON object, so PayPal has not sent it")
        try:
            async with asyncio.timeout(API_SECONDS), self._turns:
                said = await self._ask(question(transmission, self._app.webhook_id, body))
        except TimeoutError as error:
            raise _unavailable(f"no answer within {API_SECONDS:g} s") from error
        except _Trouble as trouble:
            raise _unavailable(str(trouble)) from trouble
        except (aiohttp.ClientError, OSError) as error:
            raise _unavailable(f"it cannot be reached: {type(error).__name__}") from error
        if said != "SUCCESS":
            return Refused("signature_mismatch", "PayPal says that this is not its own", f"PayPal answered {said}")
        late = time_refusal(transmission, self._tolerance, now)
        return Verified(SCHEME, 0, transmission.at) if late is None else late

    async def _ask(self, asked: bytes) -> str:
        """Return what PayPal says: `SUCCESS`, or anything else. Raises _Trouble."""
        token = await self._bearer()
        status, said = await self._post_asked(asked, token)
        if status == 401:
            # The token may have been withdrawn before its time; of all who learn that, one renews it.
            status, said = await self._post_asked(asked, await self._bearer(instead_of=token))
        if status in _NOT_ITS_OWN:
            return str(status)
        verdict = said.get("verification_status")
        if status != 200 or verdict not in {"SUCCESS", "FAILURE"}:
            raise _Trouble(f"it answered {status}")
        return str(verdict)

    async def _post_asked(self, asked: bytes, token: str) -> tuple[int, Mapping[str, Any]]:
        headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
        return await self._post("/v1/notifications/verify-webhook-signature", asked, headers)

    async def _bearer(self, *, instead_of: str = "") -> str:
        """Return a token that is another one than `instead_of`. Raises _Trouble."""
        async with self._renewing:
            if self._token != instead_of and self._clock() < self._token_ends:
                return self._token
            if self._clock() < self._refused_until:
                raise _Trouble(self._refusal)
            headers = {"Authorization": self._app.credentials, "Content-Type": "application/x-www-form-urlencoded"}
            status, said = await self._post("/v1/oauth2/token", b"grant_type=client_credentials", headers)
            match said:
                case {"access_token": str(token), "expires_in": int(seconds)} if status == 200 and token.isprintable():
                    self._token, self._token_ends = token, self._clock() + min(seconds, _LONGEST) - _SPARE
                    return token
            self._refusal = f"it answered {status} when asked for a token"
            self._refused_until = self._clock() + _REFUSED_SECONDS
            raise _Trouble(self._refusal)

    async def _post(self, path: str, body: bytes, headers: Mapping[str, str]) -> tuple[int, Mapping[str, Any]]:
        """Return the status and the JSON object of an answer, empty when it is none."""
        url = self._app.base + path
        async with self._session.post(url, data=body, headers=headers, allow_redirects=False) as response:
            found = await read_short(response)
        try:
            said = json.loads(found or b"{}")
        except (ValueError, RecursionError):
            said = None
        return response.status, said if isinstance(said, dict) else {}


def _unavailable(reason: str) -> VerificationUnavailable:
    return VerificationUnavailable(f"PayPal could not be asked: {reason}", retry_after=_RETRY_AFTER)


def _is_object(body: bytes) -> bool:
    """Say whether some bytes are one JSON object in UTF-8, which can stand within another as it is."""
    try:
        return isinstance(json.loads(body.decode("utf-8"), parse_int=str, parse_float=str), dict)
    except (ValueError, RecursionError):
        return False


def question(transmission: Transmission, webhook_id: str, body: bytes) -> bytes:
    """Return what PayPal is asked, with the body's own bytes in it: written anew it would not fit its signature."""
    asked = {
        "auth_algo": ALGORITHM,
        "cert_url": transmission.address,
        "transmission_id": transmission.id,
        "transmission_sig": base64.b64encode(transmission.signature).decode(),
        "transmission_time": transmission.time,
        "webhook_id": webhook_id,
    }
    return json.dumps(asked)[:-1].encode() + b', "webhook_event": ' + body + b"}"
