"""A PayPal of the tests' own: an authority that only they trust, its certificate, and the deliveries it signs.

How it signs: developer.paypal.com/api/rest/webhooks/rest.
"""

from __future__ import annotations

import uuid
import zlib
from base64 import b64encode
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

NAME = "messageverificationcerts.paypal.com"
WEBHOOK_ID = "4JH86294D6297924G"
_CERTIFICATE = "CERT-360caa42-fca2a594-00000000"


class PaypalCertificates:
    """A folder of certificates by the last part of their address, and a file of what is trusted beside the pinned."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True)
        self.directory = folder / "certificates"
        self.directory.mkdir()
        self.trust_file = folder / "trusted.pem"
        authority, leaf = _new_key(), _new_key()
        root = _certificate("Root of the tests", authority, "Root of the tests", authority, is_authority=True)
        self.trust_file.write_bytes(_pem(root))
        self._leaf = leaf
        own = _certificate(NAME, leaf, "Root of the tests", authority, is_authority=False)
        (self.directory / _CERTIFICATE).write_bytes(_pem(own))

    @property
    def environment(self) -> dict[str, str]:
        return {
            "PAYPAL_CERT_DIR": str(self.directory),
            "PAYPAL_TRUST_FILE": str(self.trust_file),
            "PAYPAL_WEBHOOK_ID": WEBHOOK_ID,
        }

    def headers(self, body: bytes, *, certificate: str = _CERTIFICATE) -> dict[str, str]:
        """Return the headers of a delivery of some bytes."""
        identity, moment = str(uuid.uuid4()), datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        message = f"{identity}|{moment}|{WEBHOOK_ID}|{zlib.crc32(body)}"
        signature = self._leaf.sign(message.encode(), padding.PKCS1v15(), hashes.SHA256())
        return {
            "PAYPAL-TRANSMISSION-ID": identity,
            "PAYPAL-TRANSMISSION-TIME": moment,
            "PAYPAL-TRANSMISSION-SIG": b64encode(signature).decode(),
            "PAYPAL-CERT-URL": f"https://api.paypal.com/v1/notifications/certs/{certificate}",
            "PAYPAL-AUTH-ALGO": "SHA256withRSA",
        }


def _new_key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def _pem(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(serialization.Encoding.PEM)


def _certificate(
    name: str, key: rsa.RSAPrivateKey, issuer: str, issuer_key: rsa.RSAPrivateKey, *, is_authority: bool
) -> x509.Certificate:
    now = datetime.now(UTC)
    issuer_id = x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer_key.public_key())
    builder = (
        x509.CertificateBuilder()
        .subject_name(_name(name))
        .issuer_name(_name(issuer))
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=30))
        .add_extension(x509.BasicConstraints(ca=is_authority, path_length=None), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(issuer_id, critical=False)
        .add_extension(_usage(is_authority), critical=True)
    )
    if not is_authority:
        builder = builder.add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        builder = builder.add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
    return builder.sign(issuer_key, hashes.SHA256())


def _usage(is_authority: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not is_authority,
        key_cert_sign=is_authority,
        crl_sign=is_authority,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )
