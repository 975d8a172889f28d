"""Verifying PayPal's deliveries: offline, by the certificate that each names; or by asking PayPal."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import aiohttp

from gateway.providers import Refused, Verified
from gateway.providers.building import CONCEALED, seconds_of
from gateway.providers.paypal_certificates import read_trust
from gateway.providers.paypal_signature import PaypalVerifier, read_transmission
from gateway.providers.verification import AwaitedVerifier, conceal
from gateway.receiving.certificates import Certificates, fetch_by_http, fetch_from_folder
from gateway.receiving.paypal_api import API, ApiVerifier, App


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


class Concealing:
    """Another verifier, whose every refusal tells the sender the same."""

    def __init__(self, inner: AwaitedVerifier, message: str) -> None:
        """Take the verifier, and what the sender is told."""
        self._inner = inner
        self._message = message

    async def verify(self, body: bytes, headers: Mapping[str, str], now: float) -> Verified | Refused:
        """Verify; a refusal keeps its true reason for the log alone."""
        return conceal(await self._inner.verify(body, headers, now), self._message)


class PaypalVerifiers:
    """Verifiers by source: one whose settings have not changed is kept, with its certificates and tokens."""

    def __init__(self, session: aiohttp.ClientSession) -> None:
        """Take what fetches certificates and asks PayPal."""
        self._session = session
        self._kept: dict[str, tuple[object, AwaitedVerifier]] = {}

    def get(self, source: str, verify: Mapping[str, Any]) -> AwaitedVerifier:
        """Return the verifier of a source whose `verify` has no problems.

        Raises CertificateUnreadable, and OSError when the file of trusted certificates cannot be read.
        """
        trust = _text(verify, "trust")
        built_from = (dict(verify), Path(trust).read_bytes() if trust else None)
        kept = self._kept.get(source)
        # Reading files of a folder again costs nothing, and somebody may have put others there.
        if kept is None or kept[0] != built_from or _text(verify, "certificates"):
            kept = self._kept[source] = built_from, build_paypal(verify, self._session)
        return kept[1]


def build_paypal(verify: Mapping[str, Any], session: aiohttp.ClientSession) -> AwaitedVerifier:
    """Return the verifier of a source whose `verify` has no problems.

    Raises CertificateUnreadable, and OSError when the file of trusted certificates cannot be read.
    """
    verifier = _by_api(verify, session) if verify.get("mode") == "api" else _offline(verify, session)
    if verify.get("conceal") is True:
        return Concealing(verifier, str(verify.get("message") or CONCEALED))
    return verifier


def _offline(verify: Mapping[str, Any], session: aiohttp.ClientSession) -> AwaitedVerifier:
    folder, trust = _text(verify, "certificates"), _text(verify, "trust")
    trusted = read_trust(Path(trust) if trust else None)
    fetch = fetch_from_folder(Path(folder)) if folder else fetch_by_http(session)
    verifier = PaypalVerifier(webhook_id=_text(verify, "webhook_id"), tolerance=_tolerance(verify))
    return OfflineVerifier(verifier, Certificates(fetch, trusted, is_costly=not folder))


def _by_api(verify: Mapping[str, Any], session: aiohttp.ClientSession) -> AwaitedVerifier:
    app = App(
        webhook_id=_text(verify, "webhook_id"),
        client_id=_text(verify, "client_id"),
        client_secret=_text(verify, "client_secret"),
        base=(_text(verify, "api_base") or API).rstrip("/"),
    )
    return ApiVerifier(app, session, tolerance=_tolerance(verify))


def _tolerance(verify: Mapping[str, Any]) -> float | None:
    return seconds_of(verify["tolerance"]) if verify.get("tolerance") else None


def _text(verify: Mapping[str, Any], key: str) -> str:
    return str(verify.get(key) or "").strip()
