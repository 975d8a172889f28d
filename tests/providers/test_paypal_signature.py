"""PayPal's signatures: what is taken for one, and every way to be something else."""

from __future__ import annotations

import base64
import zlib
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import paypal
import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from hypothesis import given
from hypothesis import strategies as st
from multidict import CIMultiDict
from paypal import ADDRESS, FOLDER, NOW, WEBHOOK_ID, Authority

from gateway.providers import Refused, Verified
from gateway.providers.paypal_certificates import Trust, read_certificate
from gateway.providers.paypal_signature import (
    PaypalVerifier,
    Transmission,
    address_problem,
    read_transmission,
    time_refusal,
)

BODY = '{"id":"WH-1","event_type":"PAYMENT.CAPTURE.COMPLETED","summary":"€ 10"}'.encode()
ROOT = Authority()


def verify(
    body: bytes,
    headers: Mapping[str, str],
    *,
    certificate: bytes | None = None,
    trust: Trust | None = None,
    now: float = NOW.timestamp(),
    **settings: Any,
) -> Verified | Refused:
    transmission = read_transmission(headers)
    if isinstance(transmission, Refused):
        return transmission
    own = read_certificate(certificate or paypal.pem(ROOT.issue()), trust or ROOT.trust)
    return PaypalVerifier(**{"webhook_id": WEBHOOK_ID, **settings}).verify(body, transmission, own, now)


def refusal(*arguments: Any, **named: Any) -> Refused:
    found = verify(*arguments, **named)
    assert isinstance(found, Refused)
    return found


def test_a_signed_body_is_verified() -> None:
    found = verify(BODY, paypal.headers(BODY))
    assert found == Verified("paypal", 0, NOW.timestamp())


def test_headers_are_read_without_regard_to_case_and_spaces_round_them() -> None:
    signed = paypal.headers(BODY)
    lower = {name.lower(): f" {value} " for name, value in signed.items()}
    assert isinstance(verify(BODY, lower), Verified)
    assert isinstance(verify(BODY, CIMultiDict(signed)), Verified)


@pytest.mark.parametrize("name", list(paypal.headers(BODY)))
def test_every_header_must_be_there_once(name: str) -> None:
    signed = paypal.headers(BODY)
    without = {key: value for key, value in signed.items() if key != name}
    assert refusal(BODY, without).code == "missing_signature"
    assert refusal(BODY, {**signed, name: "  "}).code == "missing_signature"
    twice = CIMultiDict(signed)
    twice.add(name, signed[name])
    assert refusal(BODY, twice).code == "signature_mismatch"


@pytest.mark.parametrize(
    "changed",
    [
        pytest.param(lambda signed: (BODY + b"\n", signed), id="body"),
        pytest.param(lambda signed: (BODY, {**signed, "PAYPAL-TRANSMISSION-ID": "another"}), id="id"),
        pytest.param(lambda signed: (BODY, {**signed, "PAYPAL-TRANSMISSION-TIME": "2026-06-01T12:00:01Z"}), id="time"),
        pytest.param(lambda signed: (BODY, {**signed, "PAYPAL-TRANSMISSION-SIG": "AAAA"}), id="signature"),
    ],
)
def test_nothing_near_it_is_verified(changed: Any) -> None:
    found = refusal(*changed(paypal.headers(BODY)))
    assert found.code == "signature_mismatch"
    assert "signature does not fit" in found.message


@pytest.mark.parametrize(
    "signing",
    [
        {"webhook_id": "ANOTHER"},
        {"own": paypal.key("another")},
        {"checksum": f"{zlib.crc32(BODY):x}"},
        {"checksum": str(zlib.crc32(BODY) - 2**32)},
        {"hashed": hashes.SHA512()},
    ],
    ids=["webhook", "key", "hex checksum", "signed checksum", "hash"],
)
def test_what_is_signed_otherwise_is_refused(signing: dict[str, Any]) -> None:
    assert refusal(BODY, paypal.headers(BODY, **signing)).code == "signature_mismatch"


@pytest.mark.parametrize("algorithm", ["SHA1withRSA", "sha256withrsa", "SHA256withECDSA", "none", "SHA256withRSA,none"])
def test_there_is_one_algorithm(algorithm: str) -> None:
    found = refusal(BODY, {**paypal.headers(BODY), "PAYPAL-AUTH-ALGO": algorithm})
    assert (found.code, found.message) == ("signature_mismatch", "`paypal-auth-algo` is not SHA256withRSA")


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        ("PAYPAL-TRANSMISSION-ID", "a|b", "holds what PayPal would not write"),
        ("PAYPAL-TRANSMISSION-ID", "a b", "holds what PayPal would not write"),
        ("PAYPAL-TRANSMISSION-ID", "a" * 3000, "holds what PayPal would not write"),
        ("PAYPAL-TRANSMISSION-ID", "\udcff", "holds what PayPal would not write"),
        ("PAYPAL-TRANSMISSION-ID", "aé", "holds what PayPal would not write"),
        ("PAYPAL-TRANSMISSION-TIME", "2026-06-01T12:00:00Z|x", "holds what PayPal would not write"),
        ("PAYPAL-TRANSMISSION-SIG", "not base64!", "holds what PayPal would not write"),
        ("PAYPAL-TRANSMISSION-SIG", "AAAA-_==", "is not base64"),
        ("PAYPAL-TRANSMISSION-SIG", "AAA", "is not base64"),
    ],
)
def test_headers_that_paypal_would_not_write_are_refused(name: str, value: str, says: str) -> None:
    found = read_transmission({**paypal.headers(BODY), name: value})
    assert isinstance(found, Refused)
    assert found.code == "signature_mismatch"
    assert says in found.message


@pytest.mark.parametrize(
    "address",
    [
        f"https://{host}{port}/v1/notifications/certs/CERT-360caa42-fca2a594-b0d12406"
        for host in ("api.paypal.com", "api.sandbox.paypal.com", "api-m.paypal.com", "api-m.sandbox.paypal.com")
        for port in ("", ":443")
    ],
)
def test_paypals_own_addresses_are_good(address: str) -> None:
    assert address_problem(address) is None


@pytest.mark.parametrize(
    "address",
    [
        "http://api.paypal.com/v1/notifications/certs/CERT-1",
        "HTTPS://api.paypal.com/v1/notifications/certs/CERT-1",
        "https://evilpaypal.com/v1/notifications/certs/CERT-1",
        "https://api.evilpaypal.com/v1/notifications/certs/CERT-1",
        "https://api.paypal.com.evil.example/v1/notifications/certs/CERT-1",
        "https://paypal.com/v1/notifications/certs/CERT-1",
        "https://www.paypal.com/v1/notifications/certs/CERT-1",
        "https://API.PAYPAL.COM/v1/notifications/certs/CERT-1",
        "https://api.paypal.com./v1/notifications/certs/CERT-1",
        "https://api.paypal.com:8443/v1/notifications/certs/CERT-1",
        "https://api.paypal.com:/v1/notifications/certs/CERT-1",
        "https://api.paypal.com:0443/v1/notifications/certs/CERT-1",
        "https://user@api.paypal.com/v1/notifications/certs/CERT-1",
        "https://user:word@api.paypal.com/v1/notifications/certs/CERT-1",
        "https://@api.paypal.com/v1/notifications/certs/CERT-1",
        "https://api.paypal.com@evil.example/v1/notifications/certs/CERT-1",
        "https://evil.example#@api.paypal.com/v1/notifications/certs/CERT-1",
        "https://evil.example\\@api.paypal.com/v1/notifications/certs/CERT-1",
        "https://evil.example/?x=api.paypal.com/v1/notifications/certs/CERT-1",
        "https://127.0.0.1/v1/notifications/certs/CERT-1",
        "https://[::1]/v1/notifications/certs/CERT-1",
        "//api.paypal.com/v1/notifications/certs/CERT-1",
        "api.paypal.com/v1/notifications/certs/CERT-1",
        "https://api.paypal.com/v1/notifications/certs/",
        "https://api.paypal.com/v1/notifications/certs/CERT-1?x=1",
        "https://api.paypal.com/v1/notifications/certs/CERT-1#x",
        "https://api.paypal.com/v1/notifications/certs/CERT-1;x",
        "https://api.paypal.com/v1/notifications/certs/..",
        "https://api.paypal.com/v1/notifications/certs/../../oauth2",
        "https://api.paypal.com/v1/notifications/certs/%2e%2e",
        "https://api.paypal.com/v1/notifications/certs/a/b",
        "https://api.paypal.com/v1/notifications/certs/.hidden",
        "https://api.paypal.com/v1/notifications/certs//CERT-1",
        "https://api.paypal.com//v1/notifications/certs/CERT-1",
        "https://api.paypal.com/v1/notifications/certsCERT-1",
        "https://api.paypal.com/V1/notifications/certs/CERT-1",
        "https://api.paypal.com/redirect?to=/v1/notifications/certs/CERT-1",
        "https://api.paypal.com/v1/notifications/certs/" + "a" * 200,
        "https://аpi.paypal.com/v1/notifications/certs/CERT-1",
        "https://api.paypal.com/v1/notifications/certs/CERT-1\n",
        "https://api.pay\tpal.com/v1/notifications/certs/CERT-1",
        "file:///etc/passwd",
        "",
    ],
)
def test_no_other_address_is(address: str) -> None:
    assert address_problem(address) is not None


def test_a_forged_address_is_refused_before_anything_is_fetched() -> None:
    found = read_transmission(paypal.headers(BODY, address="https://evilpaypal.com/v1/notifications/certs/CERT-1"))
    assert found == Refused(*["signature_mismatch", *["`paypal-cert-url` is not on one of PayPal's hosts"] * 2])


@pytest.mark.parametrize(
    ("certificate", "says"),
    [
        (ROOT.issue("www.paypal.com"), "match"),
        (ROOT.issue("paypal.com", "evil.example"), "match"),
        (ROOT.issue(until=NOW - timedelta(days=1)), "not valid at validation time"),
        (ROOT.issue(from_=NOW + timedelta(days=1)), "not valid at validation time"),
        (Authority("Root of somebody else").issue(), "candidates exhausted"),
        (Authority("Between", Authority("Root of somebody else")).issue(), "candidates exhausted"),
        (Authority("Between", ROOT).issue(), "candidates exhausted"),
    ],
    ids=["name", "names", "expired", "not yet", "authority", "chain", "no intermediate"],
)
def test_a_certificate_that_is_not_paypals_is_refused_with_its_reason_apart(certificate: Any, says: str) -> None:
    found = refusal(BODY, paypal.headers(BODY), certificate=paypal.pem(certificate))
    assert (found.code, found.message) == ("signature_mismatch", "the certificate is not to be trusted")
    assert says in found.reason
    assert ADDRESS in found.reason


def test_it_is_judged_at_the_time_of_receipt() -> None:
    short = paypal.pem(ROOT.issue(until=NOW + timedelta(days=2)))
    signed = paypal.headers(BODY)
    then = (NOW + timedelta(days=1)).timestamp()
    assert isinstance(verify(BODY, signed, certificate=short, now=then), Verified)
    later = refusal(BODY, signed, certificate=short, now=then + 2 * 86400)
    assert later.message == "the certificate is not to be trusted"


def test_intermediates_are_known_beforehand_or_served_behind_the_certificate() -> None:
    between = Authority("Between", ROOT)
    leaf, signed = between.issue(), paypal.headers(BODY)
    known = Trust((ROOT.certificate,), (between.certificate,))
    assert isinstance(verify(BODY, signed, certificate=paypal.pem(leaf), trust=known), Verified)
    assert isinstance(verify(BODY, signed, certificate=paypal.pem(leaf, between.certificate)), Verified)


def test_a_served_certificate_is_never_a_root() -> None:
    stranger = Authority("Root of somebody else")
    found = refusal(BODY, paypal.headers(BODY), certificate=paypal.pem(stranger.issue(), stranger.certificate))
    assert found.message == "the certificate is not to be trusted"


def test_another_kind_of_key_signs_nothing() -> None:
    own = ec.generate_private_key(ec.SECP256R1())
    found = refusal(BODY, paypal.headers(BODY), certificate=paypal.pem(ROOT.issue(own=own)))
    assert "signature does not fit" in found.message


@pytest.mark.parametrize(("days", "seconds"), [(2.9, None), (-400, None), (2.9, 259200.0)])
def test_a_transmission_is_as_good_days_later(days: float, seconds: float | None) -> None:
    signed = paypal.headers(BODY, at=NOW - timedelta(days=days))
    assert isinstance(verify(BODY, signed, tolerance=seconds), Verified)


@pytest.mark.parametrize(
    ("seconds", "message"),
    [
        (301, "the transmission is 301 s old, 300 s are tolerated"),
        (-301, "the transmission is 301 s ahead of this machine's clock, 300 s are tolerated"),
    ],
)
def test_where_a_tolerance_is_set_it_holds_both_ways(seconds: int, message: str) -> None:
    signed = paypal.headers(BODY, at=NOW - timedelta(seconds=seconds))
    found = refusal(BODY, signed, tolerance=300.0)
    assert (found.code, found.message) == ("timestamp_outside_tolerance", message)
    assert refusal(BODY + b" ", signed, tolerance=300.0).code == "signature_mismatch"


def test_a_time_that_is_none_is_refused_where_it_counts() -> None:
    sent = Transmission("id", "yesterday", b"", ADDRESS)
    found = time_refusal(sent, 300.0, NOW.timestamp())
    assert found is not None
    assert (found.code, found.message) == ("timestamp_outside_tolerance", "`paypal-transmission-time` is no time")
    assert time_refusal(sent, None, NOW.timestamp()) is None


SIGNED = paypal.headers(BODY)


TEXTS = (
    st.text("aZ09+/=|:.-_ \t\n\0\x7fé€😀\ud800")
    | st.sampled_from(list(SIGNED.values()))
    | st.binary().map(lambda one: one.decode("utf-8", "surrogateescape"))
)


@given(st.dictionaries(st.sampled_from(list(SIGNED)), TEXTS))
def test_no_headers_raise(changed: dict[str, str]) -> None:
    found = read_transmission({**SIGNED, **changed})
    if isinstance(found, Refused):
        assert found.code in {"missing_signature", "signature_mismatch"}
    else:
        assert base64.b64encode(found.signature)
        assert found.address.startswith(FOLDER)
