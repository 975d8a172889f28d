"""Verification: published vectors, the senders' own libraries, and everything a sender could make up."""

from __future__ import annotations

import base64
import json
import secrets
from pathlib import Path
from typing import Any

import pytest
import standardwebhooks
import stripe
from hypothesis import given, settings
from hypothesis import strategies as st
from multidict import CIMultiDict

from gateway.providers import PRESETS, Refused, Verified, build_verifier, sign, verify_problems
from gateway.providers.schemes import SCHEMES

NOW = 1_700_000_000.0
BODY = b'{\n  "id": "evt_1",\n  "list": [\n\n  ]\n}'
STRIPE_SECRET = "whsec_of_the_tests"


def stripe_header(body: bytes = BODY, *, at: float = NOW, secret: str = STRIPE_SECRET) -> str:
    return str(stripe.WebhookSignature.generate_signature_header(body.decode(), secret, timestamp=int(at)))


def verify_stripe(
    header: str | None,
    *,
    body: bytes = BODY,
    now: float = NOW,
    secrets: tuple[str, ...] = (STRIPE_SECRET,),
    **more: Any,
) -> Verified | Refused:
    verifier = build_verifier({"secrets": list(secrets), **more}, PRESETS["stripe"])
    return verifier.verify(body, {} if header is None else {"Stripe-Signature": header}, now)


def code(found: Verified | Refused) -> str:
    return "verified" if isinstance(found, Verified) else found.code


# Published by the providers: the Standard Webhooks specification, GitHub's and Slack's documentation.
PUBLISHED = [
    (
        "standard-webhooks",
        "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
        b'{"test": 2432232314}',
        {
            "webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek",
            "webhook-timestamp": "1614265330",
            "webhook-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
        },
        1614265330,
    ),
    (
        "github",
        "It's a Secret to Everybody",
        b"Hello, World!",
        {"X-Hub-Signature-256": "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17"},
        0,
    ),
    (
        "slack",
        "8f742231b10e8888abcd99yyyzzz85a5",
        (
            b"token=xyzz0WbapA4vBCDEFasx0q6G&team_id=T1DC2JH3J&team_domain=testteamnow&channel_id=G8PSS9T3V"
            b"&channel_name=foobar&user_id=U2CERLKJA&user_name=roadrunner&command=%2Fwebhook-collect&text="
            b"&response_url=https%3A%2F%2Fhooks.slack.com%2Fcommands%2FT1DC2JH3J%2F397700885554%2F96rGlfmibIGlgcZRskXaIFfN"
            b"&trigger_id=398738663015.47445629121.803a0bc887a14d10d2c447fce8b6703c"
        ),
        {
            "X-Slack-Request-Timestamp": "1531420618",
            "X-Slack-Signature": "v0=a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b503",
        },
        1531420618,
    ),
]


@pytest.mark.parametrize(("provider", "secret", "body", "headers", "now"), PUBLISHED, ids=[p[0] for p in PUBLISHED])
def test_a_published_vector_is_verified_and_no_other_body(
    provider: str, secret: str, body: bytes, headers: dict[str, str], now: float
) -> None:
    verifier = build_verifier({"secret": secret}, PRESETS[provider])
    assert code(verifier.verify(body, headers, now)) == "verified"
    assert code(verifier.verify(body + b" ", headers, now)) == "signature_mismatch"
    assert code(verifier.verify(body, {}, now)) == "missing_signature"


def test_stripes_own_signature_is_verified() -> None:
    assert verify_stripe(stripe_header()) == Verified("stripe", 0, NOW)


def test_the_standard_webhooks_library_agrees() -> None:
    secret = "whsec_" + base64.b64encode(secrets.token_bytes(24)).decode()
    headers = sign({"secret": secret}, PRESETS["standard-webhooks"], BODY, now=NOW, id="msg_1")
    library = standardwebhooks.Webhook(secret)
    assert headers["webhook-signature"] == library.sign("msg_1", stamp(NOW), BODY.decode())


def stamp(now: float) -> Any:
    from datetime import UTC, datetime

    return datetime.fromtimestamp(now, UTC)


@pytest.mark.parametrize("provider", [name for name in PRESETS if PRESETS[name].scheme != "paypal"])
@pytest.mark.parametrize("body", [BODY, b"", b"\xff\x00", b'{"a": "\xe2\x82\xac"}'])
def test_what_is_signed_is_verified_for_every_provider(provider: str, body: bytes) -> None:
    secret = "whsec_" + base64.b64encode(b"k" * 24).decode()
    preset, verify = PRESETS[provider], {"secret": secret, "token": secret}
    headers = sign(verify, preset, body, now=NOW, id="msg_1")
    verifier = build_verifier(verify, preset)
    assert code(verifier.verify(body, headers, NOW)) == "verified"
    assert code(verifier.verify(body, CIMultiDict(headers), NOW)) == "verified"


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        (None, "missing_signature"),
        ("", "missing_signature"),
        ("nonsense", "signature_mismatch"),
        ("t=,v1=", "signature_mismatch"),
        (f"t={NOW:.0f}", "signature_mismatch"),
        (f"v1={'0' * 64}", "signature_mismatch"),
        (f"t={NOW:.0f},v1={'0' * 64}", "signature_mismatch"),
        (f"t={NOW:.0f},v1=é\udcff", "signature_mismatch"),
        ("t=1e9,v1=" + "a" * 64, "signature_mismatch"),
        (f"t={'9' * 400},v1={'0' * 64}", "signature_mismatch"),
        (stripe_header(secret="whsec_other"), "signature_mismatch"),
        (stripe_header().replace("v1=", "v0="), "signature_mismatch"),
        (stripe_header().replace("t=", f"t={NOW + 1:.0f},t="), "signature_mismatch"),
        (stripe_header().replace("t=", "t=+"), "signature_mismatch"),
        (stripe_header().replace(",", ", "), "verified"),
        (stripe_header().replace("v1=", f"v1={'0' * 64},v1="), "verified"),
        (stripe_header().replace("v1=", "v0=5b153d,v1="), "verified"),
        (stripe_header(at=NOW - 300), "verified"),
        (stripe_header(at=NOW + 300), "verified"),
        (stripe_header(at=NOW - 301), "timestamp_outside_tolerance"),
        (stripe_header(at=NOW + 301), "timestamp_outside_tolerance"),
        (stripe_header(at=NOW - 9000, secret="whsec_other"), "signature_mismatch"),
    ],
)
def test_each_kind_of_header_has_its_own_answer(header: str | None, expected: str) -> None:
    assert code(verify_stripe(header)) == expected


def test_a_clock_that_is_off_is_said_by_how_much() -> None:
    late, early = verify_stripe(stripe_header(at=NOW - 900)), verify_stripe(stripe_header(at=NOW + 4000))
    assert isinstance(late, Refused)
    assert late.message == "the signature is 900 s old, 300 s are tolerated"
    assert isinstance(early, Refused)
    assert early.message == "the signature is 4000 s ahead of this machine's clock, 300 s are tolerated"


def test_the_second_of_two_secrets_fits_while_one_replaces_the_other() -> None:
    found = verify_stripe(stripe_header(secret="whsec_new"), secrets=("whsec_old", "whsec_new"))
    assert found == Verified("stripe", 1, NOW)


def test_white_space_round_a_secret_does_not_count() -> None:
    assert code(verify_stripe(stripe_header(), secrets=(STRIPE_SECRET + "\n",))) == "verified"


def test_a_doubled_header_counts_as_one_list() -> None:
    headers = CIMultiDict([("Stripe-Signature", f"v1={'0' * 64}"), ("Stripe-Signature", stripe_header())])
    verifier = build_verifier({"secret": STRIPE_SECRET}, PRESETS["stripe"])
    assert code(verifier.verify(BODY, headers, NOW)) == "verified"


def test_workos_times_are_milliseconds() -> None:
    headers = sign({"secret": "key"}, PRESETS["workos"], BODY, now=NOW, id="")
    assert headers["WorkOS-Signature"].startswith(f"t={NOW * 1000:.0f}, v1=")
    verifier = build_verifier({"secret": "key"}, PRESETS["workos"])
    assert code(verifier.verify(BODY, headers, NOW + 180)) == "verified"
    assert code(verifier.verify(BODY, headers, NOW + 181)) == "timestamp_outside_tolerance"


def test_a_concealing_source_tells_the_log_alone() -> None:
    found = verify_stripe(stripe_header(at=NOW - 900), conceal=True)
    assert isinstance(found, Refused)
    assert (found.code, found.message) == ("signature_mismatch", "Webhook verification failed")
    assert found.reason.startswith("timestamp_outside_tolerance: the signature is 900 s old")


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ([("asaas-access-token", "right")], "verified"),
        ([("Asaas-Access-Token", "also")], "verified"),
        ([("asaas-access-token", "wrong")], "signature_mismatch"),
        ([("asaas-access-token", "right\udcff")], "signature_mismatch"),
        ([("asaas-access-token", "é")], "signature_mismatch"),
        ([("asaas-access-token", "")], "missing_signature"),
        ([], "missing_signature"),
        ([("asaas-access-token", "wrong"), ("asaas-access-token", "right")], "signature_mismatch"),
    ],
)
def test_tokens(given: list[tuple[str, str]], expected: str) -> None:
    verifier = build_verifier({"tokens": ["right", "also"]}, PRESETS["asaas"])
    assert code(verifier.verify(b"", CIMultiDict(given), NOW)) == expected
    assert verifier.secret_headers == {"asaas-access-token"}


def test_a_bearer_token() -> None:
    verifier = build_verifier({"token": "right"}, None)
    assert code(verifier.verify(b"", {"Authorization": "bearer right"}, NOW)) == "verified"
    assert code(verifier.verify(b"", {"Authorization": "right"}, NOW)) == "signature_mismatch"


GENERIC: list[dict[str, Any]] = [
    {"header": "X-Sig", "algorithm": "sha512", "encoding": "base64"},
    {"header": "X-Sig", "algorithm": "sha1", "encoding": "base64url", "prefix": "sha1="},
    {"header": "X-Sig", "secret_encoding": "hex", "prefix": "sha256="},
    {
        "header": "X-Sig",
        "signed": "{timestamp}.{body}",
        "timestamp": {"header": "X-Time", "unit": "iso"},
        "tolerance": "10m",
    },
    {
        "header": "X-Sig",
        "separator": ";",
        "pair": "sig",
        "signed": "v9:{id}:{timestamp}:{body}!",
        "id_header": "X-Id",
        "timestamp": {"pair": "time", "unit": "ms"},
    },
]


@pytest.mark.parametrize("parts", GENERIC)
def test_a_scheme_of_ones_own(parts: dict[str, Any]) -> None:
    verify = {"scheme": "hmac", "secret": "ab" * 16, **parts}
    assert verify_problems(verify, None) == []
    headers = sign(verify, None, BODY, now=NOW, id="m1")
    verifier = build_verifier(verify, None)
    assert code(verifier.verify(BODY, headers, NOW)) == "verified"
    assert code(verifier.verify(BODY + b"x", headers, NOW)) == "signature_mismatch"


@pytest.mark.parametrize(
    ("verify", "provider", "message"),
    [
        ({}, "stripe", "there is no secret to verify with"),
        ({"secrets": ["", "  "]}, "stripe", "there is no secret to verify with"),
        ({"token": ""}, "asaas", "there is no token to verify with"),
        ({"secret": "whsec_not base64!"}, "standard-webhooks", "the secret is not base64"),
        ({"secret": "xyz", "secret_encoding": "hex"}, "stripe", "the secret is not hex"),
        ({"secret": "x", "tolerance": "0s"}, "stripe", "a tolerance of 0 would refuse every delivery"),
        ({"scheme": "hmac", "secret": "x", "signed": "{timestamp}"}, None, "what is signed must hold `{body}`"),
        ({"scheme": "rot13", "secret": "x"}, None, "there is no scheme `rot13`"),
    ],
)
def test_what_cannot_verify_is_a_problem(verify: dict[str, Any], provider: str | None, message: str) -> None:
    problems = verify_problems(verify, PRESETS.get(provider or ""))
    assert message in [problem.message for problem in problems]


HEADERS = st.dictionaries(
    st.sampled_from(
        sorted({name for s in SCHEMES.values() for name in (*s.headers, *s.timestamp_headers, *s.id_headers)} | {"X-T"})
    ),
    st.text(st.characters(codec=None, exclude_characters="\r\n\0"), max_size=80) | st.just(stripe_header()),
)


@settings(max_examples=300, deadline=None)
@given(
    provider=st.sampled_from([name for name in PRESETS if PRESETS[name].scheme != "paypal"]),
    headers=HEADERS,
    body=st.binary(max_size=60),
    now=st.floats(0, 4e9),
)
def test_nothing_a_sender_can_send_raises_or_passes(
    provider: str, headers: dict[str, str], body: bytes, now: float
) -> None:
    secret = "whsec_" + base64.b64encode(b"k" * 24).decode()
    verifier = build_verifier({"secret": secret, "token": secret}, PRESETS[provider])
    assert isinstance(verifier.verify(body, headers, now), Refused)


@settings(max_examples=200, deadline=None)
@given(at=st.integers(0, len(BODY) - 1), bit=st.integers(0, 7), where=st.sampled_from(["body", "signature"]))
def test_one_changed_bit_is_refused(at: int, bit: int, where: str) -> None:
    header = stripe_header()
    if where == "body":
        changed = bytearray(BODY)
        changed[at] ^= 1 << bit
        assert code(verify_stripe(header, body=bytes(changed))) == "signature_mismatch"
    else:
        before, _, digest = header.rpartition("v1=")
        changed = bytearray(bytes.fromhex(digest))
        changed[at % 32] ^= 1 << bit
        assert code(verify_stripe(f"{before}v1={changed.hex()}")) == "signature_mismatch"


def recorded() -> list[dict[str, Any]]:
    path = Path(__file__).parents[3] / "shared" / "payloads" / "vectors" / "hmac_vectors.json"
    return json.loads(path.read_text()) if path.exists() else []


@pytest.mark.skipif(not recorded(), reason="the recorded vectors are not here")
@pytest.mark.parametrize("vector", recorded(), ids=lambda vector: vector["scheme"])
def test_a_recorded_vector_is_verified(vector: dict[str, Any]) -> None:
    verifier = build_verifier({"secret": vector["secret"]}, PRESETS[vector["scheme"]])
    body = vector["body_utf8"].encode()
    assert code(verifier.verify(body, vector["headers"], vector.get("now", 0))) == "verified"
    assert code(verifier.verify(body + b"\n", vector["headers"], vector.get("now", 0))) == "signature_mismatch"
