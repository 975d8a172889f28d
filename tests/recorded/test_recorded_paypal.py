"""Deliveries of the real PayPal that others have recorded, where the folder is there."""

from __future__ import annotations

import asyncio
import json
from base64 import b64decode
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_pem_public_key

from gateway.providers import Refused, Verified
from gateway.providers.paypal_certificates import Trust, read_certificate, read_trust
from gateway.providers.paypal_signature import PaypalVerifier, Transmission, read_transmission, signed_text
from gateway.receiving.certificates import Certificates, fetch_from_folder

FOLDER = Path(__file__).parents[2].parent / "shared" / "payloads" / "vectors"
pytestmark = pytest.mark.skipif(not FOLDER.exists(), reason="the recorded vectors are not here")


def recorded(name: str) -> Any:
    path = FOLDER / name
    return json.loads(path.read_text()) if path.exists() else {}


LIVE = recorded("paypal_live_sale_pending.json")
SANDBOX = recorded("paypal_sandbox_sdk_vectors.json")
WHEN = datetime(2025, 4, 5, 20, 32, 46, tzinfo=UTC).timestamp()


def verify(
    *,
    body: bytes | None = None,
    headers: dict[str, str] | None = None,
    webhook_id: str | None = None,
    trust: Trust | None = None,
    now: float = WHEN,
) -> Verified | Refused:
    sent = read_transmission({**LIVE["headers"], **(headers or {})})
    if isinstance(sent, Refused):
        return sent
    certificate = read_certificate(LIVE["leaf_cert_pem"].encode(), trust or read_trust(None))
    verifier = PaypalVerifier(webhook_id=webhook_id or LIVE["webhook_id"])
    return verifier.verify(LIVE["body_utf8"].encode() if body is None else body, sent, certificate, now)


def test_a_live_delivery_is_verified_at_its_own_time_through_pinned_roots() -> None:
    found = verify()
    assert isinstance(found, Verified)
    assert found.timestamp == pytest.approx(WHEN, abs=5)


def written_anew(body: bytes) -> bytes:
    return json.dumps(json.loads(body), ensure_ascii=False).encode()


def escaped(body: bytes) -> bytes:
    return json.dumps(json.loads(body), separators=(",", ":")).encode()


@pytest.mark.parametrize(
    "change",
    [
        lambda body: body + b"\n",
        lambda body: body.replace(b"10.00", b"10.01"),
        lambda body: body[:-1],
        written_anew,
        escaped,
    ],
    ids=["longer", "amount", "shorter", "written anew", "escaped"],
)
def test_no_other_body_is(change: Callable[[bytes], bytes]) -> None:
    body = LIVE["body_utf8"].encode()
    assert change(body) != body
    found = verify(body=change(body))
    assert isinstance(found, Refused)
    assert "signature does not fit" in found.message


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("PAYPAL-TRANSMISSION-ID", "212a639d-125d-11f0-8798-c5d6de2737a1"),
        ("PAYPAL-TRANSMISSION-TIME", "2025-04-05T20:32:45Z"),
        ("PAYPAL-AUTH-ALGO", "SHA1withRSA"),
        ("PAYPAL-CERT-URL", "https://api.evilpaypal.com/v1/notifications/certs/CERT-360caa42-fca2a594-b0d12406"),
    ],
)
def test_no_other_headers_are(name: str, value: str) -> None:
    assert isinstance(verify(headers={name: value}), Refused)


def test_no_other_signature_or_webhook_is() -> None:
    signature = LIVE["headers"]["PAYPAL-TRANSMISSION-SIG"]
    other = ("E" if signature[0] == "D" else "D") + signature[1:]
    assert isinstance(verify(headers={"PAYPAL-TRANSMISSION-SIG": other}), Refused)
    assert isinstance(verify(webhook_id="40L71081MK3756723"), Refused)


@pytest.mark.parametrize("now", [datetime(2025, 1, 30, tzinfo=UTC), datetime(2026, 3, 5, tzinfo=UTC)])
def test_before_and_after_its_certificate_it_is_not(now: datetime) -> None:
    found = verify(now=now.timestamp())
    assert isinstance(found, Refused)
    assert "not valid at validation time" in found.reason


def test_the_intermediate_and_its_root_are_both_needed() -> None:
    pinned = read_trust(None)
    for trust in (Trust(pinned.roots, ()), Trust(pinned.roots[1:], pinned.intermediates)):
        found = verify(trust=trust)
        assert isinstance(found, Refused)
        assert found.message == "the certificate is not to be trusted"


def test_it_is_verified_from_a_folder_of_certificates(tmp_path: Path) -> None:
    sent = read_transmission(LIVE["headers"])
    assert isinstance(sent, Transmission)
    (tmp_path / sent.address.rpartition("/")[2]).write_text(LIVE["leaf_cert_pem"])
    certificates = Certificates(fetch_from_folder(tmp_path), read_trust(None), clock=lambda: WHEN)
    certificate = asyncio.run(certificates.get(sent.address))
    verifier = PaypalVerifier(webhook_id=LIVE["webhook_id"])
    assert isinstance(verifier.verify(LIVE["body_utf8"].encode(), sent, certificate, WHEN), Verified)


@pytest.mark.parametrize("vector", SANDBOX.get("vectors", []), ids=lambda vector: vector["source"].split()[0])
def test_what_the_sandbox_signed_is_what_is_verified(vector: dict[str, Any]) -> None:
    """Its certificates are gone; the key was recovered from the signatures themselves."""
    key = load_pem_public_key(SANDBOX["public_key_pem"].encode())
    assert isinstance(key, RSAPublicKey)
    sent = Transmission(
        vector["transmission_id"],
        vector["transmission_time"],
        b64decode(vector["transmission_sig"]),
        SANDBOX["cert_url"],
    )
    body = vector["body_utf8"].encode()
    key.verify(sent.signature, signed_text(sent, vector["webhook_id"], body), padding.PKCS1v15(), SHA256())
    with pytest.raises(InvalidSignature):
        key.verify(sent.signature, signed_text(sent, vector["webhook_id"], body + b" "), padding.PKCS1v15(), SHA256())
