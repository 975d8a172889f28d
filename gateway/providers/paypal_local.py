"""A PayPal of one's own: an authority that only a local configuration trusts, and the deliveries it signs.

It is for trying things out. Nothing that the real PayPal signs depends on it, and whoever has its key can sign
deliveries for a gateway that trusts it: a gateway that takes real money must not.
"""

from __future__ import annotations

import base64
import binascii
import os
import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gateway.errors import Conflict
from gateway.providers.paypal_certificates import NAME
from gateway.providers.paypal_signature import ALGORITHM, PATH, Transmission, signed_text

if TYPE_CHECKING:
    from cryptography import x509
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

MARK = "local authority of a webhook gateway, for tests only"
"""Whose certificate it is: its subject and its issuer, by which it is told from a real one."""

CERTIFICATES, TRUST, KEY = "certificates", "trusted.pem", "key.pem"
_CERTIFICATE = "CERT-LOCAL"
_YEARS = timedelta(days=3650)
_BLOCK = re.compile(rb"-----BEGIN CERTIFICATE-----([A-Za-z0-9+/=\s]+)-----END CERTIFICATE-----")


class SigningUnavailable(Conflict):
    """A delivery cannot be signed here, as the key is the provider's alone."""


def write_authority(folder: Path) -> None:
    """Make an authority, a certificate and its key in a folder; one that is there stays. Raises OSError."""
    if (folder / KEY).exists():
        return
    from cryptography.hazmat.primitives.asymmetric import rsa
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

    (folder / CERTIFICATES).mkdir(parents=True, exist_ok=True)
    root_key, key = (rsa.generate_private_key(public_exponent=65537, key_size=2048) for _ in range(2))
    root = _certificate(MARK, root_key, MARK, root_key, is_authority=True)
    own = _certificate(NAME, key, MARK, root_key, is_authority=False)
    (folder / TRUST).write_bytes(f"# {MARK}\n".encode() + root.public_bytes(Encoding.PEM))
    (folder / CERTIFICATES / _CERTIFICATE).write_bytes(own.public_bytes(Encoding.PEM))
    text = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    with open(os.open(folder / KEY, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(text)


def is_local(pem: bytes) -> bool:
    """Say whether a local authority is among trusted certificates, without reading more of them than their bytes."""
    return MARK.encode() in pem or any(MARK.encode() in _decoded(block) for block in _BLOCK.findall(pem))


def _decoded(block: bytes) -> bytes:
    try:
        return base64.b64decode(block)
    except binascii.Error:
        return b""


def sign_paypal(verify: Mapping[str, Any], body: bytes, *, now: float, id: str) -> dict[str, str]:
    """Return the headers of a delivery that the local authority has signed; `now` is seconds since the epoch.

    Raises SigningUnavailable where there is none.
    """
    from cryptography.hazmat.primitives.asymmetric import padding
    from cryptography.hazmat.primitives.hashes import SHA256

    key = _key(verify)
    time = datetime.fromtimestamp(now, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    sent = Transmission(id, time, b"", f"https://api.paypal.com{PATH}{_CERTIFICATE}")
    signature = key.sign(signed_text(sent, str(verify["webhook_id"]).strip(), body), padding.PKCS1v15(), SHA256())
    return {
        "PAYPAL-TRANSMISSION-ID": sent.id,
        "PAYPAL-TRANSMISSION-TIME": sent.time,
        "PAYPAL-TRANSMISSION-SIG": base64.b64encode(signature).decode(),
        "PAYPAL-CERT-URL": sent.address,
        "PAYPAL-AUTH-ALGO": ALGORITHM,
    }


def _key(verify: Mapping[str, Any]) -> RSAPrivateKey:
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    if verify.get("mode") == "api":
        raise SigningUnavailable("PayPal signs with a key of its own, and with `mode: api` it is PayPal that is asked")
    path = Path(str(verify.get("trust") or "")).parent / KEY
    if not verify.get("trust") or not verify.get("certificates") or not path.is_file():
        raise SigningUnavailable(
            "PayPal signs with a key of its own: a test event needs the local authority that `gateway init --env-only` "
            "makes, with PAYPAL_CERT_DIR and PAYPAL_TRUST_FILE set to it"
        )
    try:
        key = load_pem_private_key(path.read_bytes(), None)
    except (OSError, ValueError, TypeError) as error:
        raise SigningUnavailable(f"the key of the local authority, `{path}`, cannot be read") from error
    if not isinstance(key, RSAPrivateKey):
        raise SigningUnavailable(f"the key of the local authority, `{path}`, is no RSA key")
    return key


def _certificate(
    name: str, key: RSAPrivateKey, issuer: str, issuer_key: RSAPrivateKey, *, is_authority: bool
) -> x509.Certificate:
    from cryptography import x509
    from cryptography.hazmat.primitives.hashes import SHA256
    from cryptography.x509.oid import ExtendedKeyUsageOID

    now = datetime.now(UTC)
    by = x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer_key.public_key())
    builder = (
        x509.CertificateBuilder()
        .subject_name(_named(name))
        .issuer_name(_named(issuer))
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + _YEARS)
        .add_extension(x509.BasicConstraints(ca=is_authority, path_length=None), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(by, critical=False)
        .add_extension(_usage(is_authority), critical=True)
    )
    if not is_authority:
        builder = builder.add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        builder = builder.add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
    return builder.sign(issuer_key, SHA256())


def _named(text: str) -> x509.Name:
    from cryptography import x509
    from cryptography.x509.oid import NameOID

    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def _usage(is_authority: bool) -> x509.KeyUsage:
    from cryptography import x509

    others = dict.fromkeys(
        (
            "content_commitment",
            "key_encipherment",
            "data_encipherment",
            "key_agreement",
            "encipher_only",
            "decipher_only",
        ),
        False,
    )
    return x509.KeyUsage(
        digital_signature=not is_authority, key_cert_sign=is_authority, crl_sign=is_authority, **others
    )
