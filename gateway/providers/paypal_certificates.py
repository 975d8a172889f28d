"""Certificates that PayPal signs with: read, and traced to roots that are known. Imports `cryptography` when called."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from gateway.errors import GatewayError
from gateway.records import dataclass, field

if TYPE_CHECKING:
    from cryptography import x509

NAME = "messageverificationcerts.paypal.com"
"""Whom the certificate must be made out to."""

LONGEST = timedelta(days=1)
"""How long a certificate is kept before it is fetched again."""

_MOST = 8
"""Certificates that one address may serve: its own, and what stands between it and a root."""
_PEM = re.compile(rb"(?:\s*-----BEGIN CERTIFICATE-----[A-Za-z0-9+/=\s]+-----END CERTIFICATE-----)+\s*")


class CertificateUnreadable(GatewayError):
    """What was had in place of a certificate is none."""


@dataclass(frozen=True, slots=True)
class Trust:
    """What certificates are traced to."""

    roots: tuple[x509.Certificate, ...]
    intermediates: tuple[x509.Certificate, ...]


@dataclass(slots=True, eq=False)
class Certificate:
    """A certificate, with what it is traced to."""

    own: x509.Certificate
    trust: Trust
    _holds: tuple[datetime, datetime] | None = field(default=None, init=False, repr=False)
    """From when until when a chain that was found holds: it is not built again for every delivery."""

    @property
    def ends(self) -> float:
        """Return when it is valid no more, in seconds since the epoch."""
        return self.own.not_valid_after_utc.timestamp()

    def problem(self, at: datetime) -> str | None:
        """Return why it is not to be trusted at a time, or None."""
        from cryptography.x509 import DNSName, UnsupportedGeneralNameType
        from cryptography.x509.verification import PolicyBuilder, Store, VerificationError

        if self._holds is not None and self._holds[0] <= at <= self._holds[1]:
            return None
        verifier = PolicyBuilder().store(Store(list(self.trust.roots))).time(at).build_server_verifier(DNSName(NAME))
        try:
            chain = verifier.verify(self.own, list(self.trust.intermediates))
        except (VerificationError, UnsupportedGeneralNameType, ValueError) as error:  # parts are read only now
            return str(error)
        self._holds = (max(one.not_valid_before_utc for one in chain), min(one.not_valid_after_utc for one in chain))
        return None

    def has_signed(self, text: bytes, signature: bytes) -> bool:
        """Say whether its key has made a signature of a text (PKCS #1 v1.5, SHA-256)."""
        from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
        from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
        from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
        from cryptography.hazmat.primitives.hashes import SHA256

        try:
            key = self.own.public_key()
            if not isinstance(key, RSAPublicKey):
                return False
            key.verify(signature, text, PKCS1v15(), SHA256())
        except (InvalidSignature, UnsupportedAlgorithm, ValueError):  # a key may be none that can be read
            return False
        return True


def read_certificate(pem: bytes, trust: Trust) -> Certificate:
    """Return the first certificate of what an address serves; others behind it count as intermediates.

    It must be PEM and nothing else. Raises CertificateUnreadable.
    """
    if _PEM.fullmatch(pem) is None:
        raise CertificateUnreadable("it is no certificate in PEM form")
    own, *more = _certificates(pem)
    if len(more) >= _MOST:
        raise CertificateUnreadable(f"it is more than {_MOST} certificates")
    return Certificate(own, Trust(trust.roots, (*trust.intermediates, *more)))


def read_trust(extra: Path | None) -> Trust:
    """Return the pinned certificates, and those of a PEM file beside them, which may hold comments.

    Those that are issued by themselves are roots. Raises CertificateUnreadable, and OSError when the file cannot be
    read.
    """
    pinned = _pinned()
    if extra is None:
        return pinned
    found = _certificates(extra.read_bytes())
    roots = tuple(one for one in found if one.issuer == one.subject)
    return Trust((*pinned.roots, *roots), (*pinned.intermediates, *(one for one in found if one not in roots)))


@cache
def _pinned() -> Trust:
    folder = Path(__file__).parent / "trust"
    roots, intermediates = (
        tuple(_certificates((folder / f"paypal_{kind}.pem").read_bytes())) for kind in ("roots", "intermediates")
    )
    return Trust(roots, intermediates)


def _certificates(pem: bytes) -> Sequence[x509.Certificate]:
    from cryptography.x509 import InvalidVersion, load_pem_x509_certificates

    try:
        return load_pem_x509_certificates(pem)
    except (ValueError, InvalidVersion) as error:
        raise CertificateUnreadable("it is no certificate that can be read") from error
