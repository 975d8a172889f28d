"""What is taken for a certificate, and what certificates are traced to."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import paypal
import pytest
from cryptography import x509
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import verification
from cryptography.x509.oid import NameOID
from paypal import NOW, YEAR, Authority

from gateway.providers.paypal_certificates import CertificateUnreadable, read_certificate, read_trust

ROOT = Authority()
LEAF = ROOT.issue()
FOLDER = Path(__file__).parents[2] / "gateway" / "providers" / "trust"


def test_a_certificate_is_read() -> None:
    read = read_certificate(paypal.pem(LEAF), ROOT.trust)
    assert read.own == LEAF
    assert read.ends == LEAF.not_valid_after_utc.timestamp()
    assert read.problem(NOW) is None


@pytest.mark.parametrize(
    "served",
    [
        b"",
        b"\n",
        b"<html><body>not here</body></html>",
        b"<!-- -->\n" + paypal.pem(LEAF),
        paypal.pem(LEAF) + b"<p>",
        paypal.pem(LEAF)[:-40],
        paypal.private_pem(paypal.key("leaf")),
        paypal.pem(LEAF) + paypal.private_pem(paypal.key("leaf")),
        b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
        b"-----BEGIN CERTIFICATE-----\nA=A=\n-----END CERTIFICATE-----\n",
        b"-----BEGIN CERTIFICATE-----\n\n-----END CERTIFICATE-----\n",
        b"\xff\xfe\x00",
        paypal.pem(*[LEAF] * 9),
    ],
    ids=lambda served: served[:20],
)
def test_anything_else_is_not(served: bytes) -> None:
    with pytest.raises(CertificateUnreadable):
        read_certificate(served, ROOT.trust)


def test_spaces_round_it_do_no_harm() -> None:
    windows = paypal.pem(LEAF).replace(b"\n", b"\r\n")
    assert read_certificate(b"\r\n" + windows + b"\r\n", ROOT.trust).own == LEAF


def changed(certificate: x509.Certificate, at: bytes, to: bytes) -> bytes:
    """Return a certificate with some of its bytes changed, in PEM form."""
    whole = certificate.public_bytes(Encoding.DER)
    assert at in whole
    return paypal.pem(x509.load_der_x509_certificate(whole.replace(at, to, 1)))


def test_a_name_that_cannot_be_read_is_a_reason_to_refuse_it() -> None:
    broken = changed(ROOT.issue("evil.example"), b"evil.example", b"\xffvil.example")
    assert "subject" in (read_certificate(broken, ROOT.trust).problem(NOW) or "")


@pytest.mark.parametrize(
    ("at", "to"),
    [
        (bytes.fromhex("2a864886f70d01010105000382"), bytes.fromhex("2a864886f70d01017f05000382")),
        (bytes.fromhex("0203010001"), bytes.fromhex("0203010000")),
    ],
    ids=["kind", "exponent"],
)
def test_a_key_that_cannot_be_read_has_signed_nothing(at: bytes, to: bytes) -> None:
    read = read_certificate(changed(LEAF, at, to), ROOT.trust)
    assert not read.has_signed(b"text", b"signature")


def test_a_chain_is_built_once_and_holds_while_all_of_it_does(monkeypatch: pytest.MonkeyPatch) -> None:
    built: list[int] = []
    builder = verification.PolicyBuilder

    class Counting:
        def store(self, store: verification.Store) -> verification.PolicyBuilder:
            built.append(1)
            return builder().store(store)

    monkeypatch.setattr(verification, "PolicyBuilder", Counting)
    between = Authority("Between", ROOT, at=NOW - 5 * YEAR + timedelta(days=20))
    leaf = between.issue(from_=NOW - timedelta(days=1), until=NOW + timedelta(days=300))
    read = read_certificate(paypal.pem(leaf, between.certificate), ROOT.trust)
    assert [read.problem(NOW + timedelta(days=day)) for day in (0, 1, 19, -1)] == [None] * 4
    assert len(built) == 1
    assert read.problem(NOW + timedelta(days=21)) is not None
    assert read.problem(NOW - timedelta(days=2)) is not None
    assert read.problem(NOW) is None
    assert len(built) == 3


def test_every_pinned_certificate_is_what_the_page_beside_it_says() -> None:
    trust = read_trust(None)
    rows = re.findall(r"^\| `(\S+)` \| (.+?) \| (\S+) \| `([0-9a-f]{64})` \|", (FOLDER / "README.md").read_text(), re.M)
    pinned = [("paypal_roots.pem", one) for one in trust.roots]
    pinned += [("paypal_intermediates.pem", one) for one in trust.intermediates]
    assert rows == [
        (
            file,
            one.subject.get_attributes_for_oid(NameOID.COMMON_NAME)[0].value,
            one.not_valid_after_utc.date().isoformat(),
            one.fingerprint(SHA256()).hex(),
        )
        for file, one in pinned
    ]


def test_pinned_roots_are_their_own_issuers_and_intermediates_theirs() -> None:
    trust = read_trust(None)
    assert all(root.issuer == root.subject for root in trust.roots)
    by_name = {root.subject: root for root in trust.roots}
    for one in trust.intermediates:
        one.verify_directly_issued_by(by_name[one.issuer])
    assert all(one.not_valid_after_utc > datetime.now(UTC) for one in (*trust.roots, *trust.intermediates))


def test_others_are_trusted_beside_the_pinned(tmp_path: Path) -> None:
    between = Authority("Between", ROOT)
    file = tmp_path / "trusted.pem"
    file.write_bytes(b"# ours\n" + paypal.pem(between.certificate, ROOT.certificate) + b"# that is all\n")
    pinned, trust = read_trust(None), read_trust(file)
    assert (len(trust.roots), len(trust.intermediates)) == (len(pinned.roots) + 1, len(pinned.intermediates) + 1)
    assert read_certificate(paypal.pem(between.issue()), trust).problem(NOW) is None
    assert read_certificate(paypal.pem(between.issue()), pinned).problem(NOW) is not None


def test_a_file_without_a_certificate_is_said(tmp_path: Path) -> None:
    (tmp_path / "trusted.pem").write_text("nothing")
    with pytest.raises(CertificateUnreadable):
        read_trust(tmp_path / "trusted.pem")
    with pytest.raises(FileNotFoundError):
        read_trust(tmp_path / "nowhere.pem")
