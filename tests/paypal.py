"""Certificates and deliveries such as PayPal's, made by an authority of the tests' own.

How PayPal signs: developer.paypal.com/api/rest/webhooks/rest.
"""

from __future__ import annotations

import uuid
import zlib
from base64 import b64encode
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from gateway.providers.paypal_certificates import Trust

NAME = "messageverificationcerts.paypal.com"
WEBHOOK_ID = "4JH86294D6297924G"
FOLDER = "https://api.paypal.com/v1/notifications/certs/"
ADDRESS = FOLDER + "CERT-360caa42-fca2a594-00000001"
NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
YEAR = timedelta(days=365)

Key = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey


@cache
def key(name: str) -> rsa.RSAPrivateKey:
    """Return the key called so: the same one throughout a run, as making one takes long."""
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


def pem(*certificates: x509.Certificate) -> bytes:
    return b"".join(one.public_bytes(Encoding.PEM) for one in certificates)


def private_pem(own: Key) -> bytes:
    return own.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


@dataclass(frozen=True)
class Authority:
    """An authority, and the certificates it issues."""

    name: str = "Root of the tests"
    issuer: Authority | None = None
    """Who has issued its own certificate; itself where nobody else has."""
    at: datetime = field(default=NOW)

    @property
    def key(self) -> rsa.RSAPrivateKey:
        return key(self.name)

    @property
    def certificate(self) -> x509.Certificate:
        issuer = self.issuer or self
        return _certificate(
            self.name, self.key, issuer, None, from_=self.at - YEAR, until=self.at + 5 * YEAR, is_authority=True
        )

    @property
    def trust(self) -> Trust:
        return Trust((self.certificate,), ())

    def issue(
        self,
        *names: str,
        own: Key | None = None,
        from_: datetime | None = None,
        until: datetime | None = None,
    ) -> x509.Certificate:
        """Return a certificate for servers of these names, PayPal's when none is said."""
        names = names or (NAME,)
        begin, end = from_ or self.at - timedelta(days=30), until or self.at + timedelta(days=300)
        return _certificate(names[0], own or key("leaf"), self, names, from_=begin, until=end, is_authority=False)


def _certificate(
    name: str,
    own: Key,
    issuer: Authority,
    names: Sequence[str] | None,
    *,
    from_: datetime,
    until: datetime,
    is_authority: bool,
) -> x509.Certificate:
    builder = (
        x509.CertificateBuilder()
        .subject_name(_named(name))
        .issuer_name(_named(issuer.name))
        .public_key(own.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(from_)
        .not_valid_after(until)
        .add_extension(x509.BasicConstraints(ca=is_authority, path_length=None), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(own.public_key()), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer.key.public_key()), critical=False)
        .add_extension(_usage(is_authority), critical=True)
    )
    if names is not None:
        alternatives = x509.SubjectAlternativeName([x509.DNSName(one) for one in names])
        builder = builder.add_extension(alternatives, critical=False)
        builder = builder.add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
    return builder.sign(issuer.key, hashes.SHA256())


def _named(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def _usage(is_authority: bool) -> x509.KeyUsage:
    never = dict.fromkeys(
        ("content_commitment", "key_encipherment", "data_encipherment", "key_agreement", "encipher_only"), False
    )
    return x509.KeyUsage(
        digital_signature=not is_authority,
        key_cert_sign=is_authority,
        crl_sign=is_authority,
        decipher_only=False,
        **never,
    )


def headers(
    body: bytes,
    *,
    own: rsa.RSAPrivateKey | None = None,
    webhook_id: str = WEBHOOK_ID,
    address: str = ADDRESS,
    at: datetime = NOW,
    checksum: str | None = None,
    hashed: hashes.HashAlgorithm | None = None,
) -> dict[str, str]:
    """Return the headers of a delivery that PayPal's own key, or another, has signed."""
    identity, moment = str(uuid.uuid4()), at.strftime("%Y-%m-%dT%H:%M:%SZ")
    message = f"{identity}|{moment}|{webhook_id}|{checksum or zlib.crc32(body)}"
    signature = (own or key("leaf")).sign(message.encode(), padding.PKCS1v15(), hashed or hashes.SHA256())
    return {
        "PAYPAL-TRANSMISSION-ID": identity,
        "PAYPAL-TRANSMISSION-TIME": moment,
        "PAYPAL-TRANSMISSION-SIG": b64encode(signature).decode(),
        "PAYPAL-CERT-URL": address,
        "PAYPAL-AUTH-ALGO": "SHA256withRSA",
    }
