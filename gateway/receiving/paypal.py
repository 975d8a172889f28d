"""Verifying PayPal's deliveries: offline, by the certificate that each names; or by asking PayPal."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import aiohttp

from gateway.providers import Refused, Verified
from gateway.providers.building import CONCEALED, seconds_of
from gateway.providers.paypal_certificates import read_trust
from gateway.providers.paypal_signature import ALGORITHM, PaypalVerifier, Transmission, read_transmission
from gateway.providers.verification import AwaitedVerifier, VerificationUnavailable, conceal, refused
from gateway.receiving.certificates import Certificates, fetch_by_http, fetch_from_folder

API = "https://api-m.paypal.com"
"""PayPal's API, where the settings name no other."""
_API_SECONDS = 8.0
_RETRY_AFTER = 15
_SPARE = 60.0
"""Seconds before its end at which a token is renewed."""


class OfflineVerifier:
    """Verifies with the certificate that a delivery names, fetched once and kept."""

    def __init__(self, verifier: PaypalVerifier, certificates: Certificates) -> None:
        """Take what verifies, and what has the certificates."""
        self._verifier = verifier
        self._certificates = certificates

    async def verify(self, body: bytes, headers: Mapping[str, str], now: float) -> Verified | Refused:
        """Verify the raw bytes. Raises VerificationUnavailable when the certificate cannot be had."""
        transmission = read_transmission(headers)
        if isinstance(transmission, Refused):
            return transmission
        certificate = await self._certificates.get(transmission.address)
        return self._verifier.verify(body, transmission, certificate, now)


class ApiVerifier:
    """Verifies by asking PayPal, once for each delivery."""

    def __init__(
        self, webhook_id: str, client_id: str, client_secret: str, base: str, session: aiohttp.ClientSession
    ) -> None:
        """Take the webhook's id, the credentials of the app that it belongs to, and where the API is."""
        self._webhook_id = webhook_id
        self._credentials = aiohttp.BasicAuth(client_id, client_secret)
        self._base = base.rstrip("/")
        self._session = session
        self._token, self._token_ends = "", 0.0
        self._renewing = asyncio.Lock()

    async def verify(self, body: bytes, headers: Mapping[str, str], now: float) -> Verified | Refused:
        """Ask whether the raw bytes are PayPal's. Raises VerificationUnavailable when it cannot be asked."""
        transmission = read_transmission(headers)
        if isinstance(transmission, Refused):
            return transmission
        if not _is_json(body):
            return refused("signature_mismatch", "the body is not JSON, so PayPal has not sent it")
        try:
            async with asyncio.timeout(_API_SECONDS):
                status = await self._ask(transmission, headers, body)
        except (aiohttp.ClientError, OSError, TimeoutError, ValueError) as error:
            raise VerificationUnavailable(
                f"PayPal could not be asked: {type(error).__name__}", retry_after=_RETRY_AFTER
            ) from error
        if status == "SUCCESS":
            return Verified("paypal-api", 0, None)
        return refused("signature_mismatch", "PayPal says that it is not its own")

    async def _ask(self, transmission: Transmission, headers: Mapping[str, str], body: bytes) -> str:
        request = question(transmission, headers, self._webhook_id, body)
        for is_last in (False, True):
            token = await self._bearer()
            async with self._session.post(
                self._base + "/v1/notifications/verify-webhook-signature",
                data=request,
                headers={"Authorization": f"Bearer {token}", "Content-Type": "application/json"},
                allow_redirects=False,
            ) as response:
                if response.status == 401 and not is_last:
                    self._token_ends = 0.0
                    continue
                if response.status == 400:
                    return "FAILURE"
                response.raise_for_status()
                return str((await response.json(content_type=None))["verification_status"])
        raise ValueError("the credentials are refused")

    async def _bearer(self) -> str:
        async with self._renewing:
            if time.monotonic() < self._token_ends:
                return self._token
            async with self._session.post(
                self._base + "/v1/oauth2/token",
                data={"grant_type": "client_credentials"},
                auth=self._credentials,
                allow_redirects=False,
            ) as response:
                response.raise_for_status()
                said = await response.json(content_type=None)
            self._token = str(said["access_token"])
            self._token_ends = time.monotonic() + max(0.0, float(said.get("expires_in", 0)) - _SPARE)
            return self._token


def _is_json(body: bytes) -> bool:
    try:
        json.loads(body)
    except (ValueError, RecursionError):
        return False
    return True


def question(transmission: Transmission, headers: Mapping[str, str], webhook_id: str, body: bytes) -> bytes:
    """Return what PayPal is asked, with the body's own bytes in it: written anew it would not fit its signature.

    Source: developer.paypal.com/docs/api/webhooks/v1, verify-webhook-signature.
    """
    asked = {
        "auth_algo": ALGORITHM,
        "cert_url": transmission.address,
        "transmission_id": transmission.id,
        "transmission_sig": headers["paypal-transmission-sig"].strip(),
        "transmission_time": transmission.time,
        "webhook_id": webhook_id,
    }
    return json.dumps(asked)[:-1].encode() + b', "webhook_event": ' + body + b"}"


class Concealing:
    """Another verifier, whose every refusal tells the sender the same."""

    def __init__(self, inner: AwaitedVerifier, message: str) -> None:
        """Take the verifier, and what the sender is told."""
        self._inner = inner
        self._message = message

    async def verify(self, body: bytes, headers: Mapping[str, str], now: float) -> Verified | Refused:
        """Verify; a refusal keeps its true reason for the log alone."""
        return conceal(await self._inner.verify(body, headers, now), self._message)


def build_paypal(verify: Mapping[str, Any], session: aiohttp.ClientSession) -> AwaitedVerifier:
    """Return the verifier of a source whose `verify` has no problems.

    Raises CertificateUnreadable, and OSError when the file of trusted certificates cannot be read.
    """
    webhook_id = str(verify["webhook_id"])
    verifier: AwaitedVerifier
    if verify.get("mode") == "api":
        base = str(verify.get("api_base") or API)
        verifier = ApiVerifier(webhook_id, str(verify["client_id"]), str(verify["client_secret"]), base, session)
    else:
        folder, trust = verify.get("certificates"), verify.get("trust")
        fetch = fetch_from_folder(Path(str(folder))) if folder else fetch_by_http(session)
        tolerance = seconds_of(verify["tolerance"]) if verify.get("tolerance") else None
        certificates = Certificates(fetch, read_trust(Path(str(trust)) if trust else None))
        verifier = OfflineVerifier(PaypalVerifier(webhook_id=webhook_id, tolerance=tolerance), certificates)
    if verify.get("conceal") is True:
        verifier = Concealing(verifier, str(verify.get("message") or CONCEALED))
    return verifier
