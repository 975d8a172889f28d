"""Verification: published vectors, the senders' own libraries, and everything a sender could make up."""

from __future__ import annotations

import base64
import hmac
import secrets
from datetime import UTC, datetime
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
    assert headers["webhook-signature"] == library.sign("msg_1", datetime.fromtimestamp(NOW, UTC), BODY.decode())


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


def test_a_secret_is_named_by_its_place_as_written() -> None:
    assert verify_stripe(stripe_header(), secrets=("", " ", STRIPE_SECRET)) == Verified("stripe", 2, NOW)


def test_white_space_round_a_secret_does_not_count() -> None:
    assert code(verify_stripe(stripe_header(), secrets=(STRIPE_SECRET + "\n",))) == "verified"


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([f"v1={'0' * 64}", stripe_header()], "verified"),
        ([stripe_header(), ""], "verified"),
        ([stripe_header(at=NOW - 9000), stripe_header()], "verified"),
        ([stripe_header(), stripe_header(at=NOW - 9000)], "verified"),
        ([f"t={NOW:.0f},v1={'0' * 64}", stripe_header(secret="whsec_other")], "signature_mismatch"),
        (["", ""], "missing_signature"),
        (["x"] * 4 + [stripe_header()], "signature_mismatch"),
    ],
)
def test_of_a_doubled_header_one_that_holds_is_enough(values: list[str], expected: str) -> None:
    headers = CIMultiDict([("Stripe-Signature", value) for value in values])
    verifier = build_verifier({"secret": STRIPE_SECRET}, PRESETS["stripe"])
    assert code(verifier.verify(BODY, headers, NOW)) == expected


def test_a_doubled_signature_without_a_list_counts_too() -> None:
    good = sign({"secret": "key"}, PRESETS["github"], BODY, now=NOW, id="")["X-Hub-Signature-256"]
    headers = CIMultiDict([("X-Hub-Signature-256", f"sha256={'0' * 64}"), ("X-Hub-Signature-256", good)])
    assert code(build_verifier({"secret": "key"}, PRESETS["github"]).verify(BODY, headers, NOW)) == "verified"


@pytest.mark.parametrize(
    ("header", "message"),
    [
        (None, "the header `Stripe-Signature` is missing"),
        (f"t={NOW:.0f},v0=1", "the header `Stripe-Signature` holds no signature that begins with `v1=`"),
        (f"v1={'0' * 64}", "the header `Stripe-Signature` names no time of signing"),
        (f"t=1,t=2,v1={'0' * 64}", "the header `Stripe-Signature` names several times of signing"),
        (f"t=1,v1={'0' * 44},v1=é", "2 signatures, none of them sha256 in hex"),
        (
            f"t=1,v1={'0' * 64},v1={'1' * 64}",
            "2 signatures fit none of 1 secret: another secret, or the body was altered on the way",
        ),
    ],
)
def test_a_refusal_tells_the_reasons_apart(header: str | None, message: str) -> None:
    found = verify_stripe(header)
    assert isinstance(found, Refused)
    assert (found.message, found.reason) == (message, message)


REFUSED_HEADERS = (
    None,
    "",
    "x",
    f"t=1,v1={'0' * 64}",
    stripe_header(at=NOW - 900),
    stripe_header(secret="whsec_other"),
)


def test_a_refusal_never_holds_a_secret_or_a_signature() -> None:
    wanted = stripe_header().rpartition("v1=")[2]
    for header in REFUSED_HEADERS:
        found = verify_stripe(header)
        assert isinstance(found, Refused)
        assert not {part for part in (STRIPE_SECRET, wanted) if part in found.message + found.reason}


def test_a_missing_header_beside_the_signature_is_named() -> None:
    verify = {"secret": "whsec_" + base64.b64encode(b"k" * 24).decode()}
    headers = sign(verify, PRESETS["svix"], BODY, now=NOW, id="msg_1")
    for name in ("webhook-id", "webhook-timestamp", "webhook-signature"):
        left = {key: value for key, value in headers.items() if key != name}
        found = build_verifier(verify, PRESETS["svix"]).verify(BODY, left, NOW)
        assert isinstance(found, Refused)
        assert (found.code, found.message) == ("missing_signature", f"the header `{name}` is missing")


def test_the_headers_of_svix_are_those_of_standard_webhooks() -> None:
    verify = {"secret": "whsec_" + base64.b64encode(b"k" * 24).decode()}
    headers = sign(verify, PRESETS["standard-webhooks"], BODY, now=NOW, id="msg_1")
    svix = {name.replace("webhook-", "svix-"): value for name, value in headers.items()}
    several = {**svix, "svix-signature": f"v1a,abc v1,wrong {svix['svix-signature']}"}
    verifier = build_verifier(verify, PRESETS["standard-webhooks"])
    assert code(verifier.verify(BODY, several, NOW)) == "verified"
    assert code(verifier.verify(BODY, {**svix, "svix-id": "msg_2"}, NOW)) == "signature_mismatch"


@pytest.mark.parametrize("encoding", ["hex", "base64", "base64url"])
def test_a_signature_fits_as_it_is_written(encoding: str) -> None:
    verify = {"scheme": "hmac", "secret": "key", "header": "X-Sig", "encoding": encoding}
    verifier = build_verifier(verify, None)
    good = sign(verify, None, BODY, now=NOW, id="")["X-Sig"]
    others = {good.swapcase(), good + "A", good[:-2], " ".join(good), good.replace("=", "")} - {good}
    fitting = {text for text in others if code(verifier.verify(BODY, {"X-Sig": text}, NOW)) == "verified"}
    assert fitting == ({good.upper()} if encoding == "hex" else {good.replace("=", "")})
    for at in range(len(good.rstrip("="))):
        for other in {"A", "b", "-", "0"} - {good[at], good[at].lower(), good[at].upper()}:
            changed = good[:at] + other + good[at + 1 :]
            assert code(verifier.verify(BODY, {"X-Sig": changed}, NOW)) == "signature_mismatch"


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
        ([("asaas-access-token", "\ud800right")], "signature_mismatch"),
        ([("asaas-access-token", "wrong"), ("asaas-access-token", "right")], "verified"),
        ([("asaas-access-token", "wrong"), ("asaas-access-token", "")], "signature_mismatch"),
        ([("asaas-access-token", "wrong")] * 4 + [("asaas-access-token", "right")], "signature_mismatch"),
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
    {"header": "X-Sig", "pair": ["new", "old"], "pair_separator": ":", "prefix": "sha256:"},
    {"scheme": "stripe", "timestamp": {"unit": "ms"}, "header": "X-Sig"},
]


@pytest.mark.parametrize("parts", GENERIC)
def test_a_scheme_of_ones_own(parts: dict[str, Any]) -> None:
    verify = {"scheme": "hmac", "secret": "ab" * 16, **parts}
    assert verify_problems(verify, None) == []
    headers = sign(verify, None, BODY, now=NOW, id="m1")
    verifier = build_verifier(verify, None)
    assert code(verifier.verify(BODY, headers, NOW)) == "verified"
    assert code(verifier.verify(BODY + b"x", headers, NOW)) == "signature_mismatch"


def test_every_named_pair_holds_signatures() -> None:
    verify = {"scheme": "hmac", "secret": "key", "header": "X-Sig", "pair": ["new", "old"]}
    header = sign(verify, None, BODY, now=NOW, id="")["X-Sig"]
    assert header.startswith("new=")
    verifier = build_verifier(verify, None)
    assert code(verifier.verify(BODY, {"X-Sig": f"new=00,{header.replace('new', 'old')}"}, NOW)) == "verified"
    assert code(verifier.verify(BODY, {"X-Sig": header.replace("new", "older")}, NOW)) == "signature_mismatch"


@pytest.mark.parametrize(("tolerance", "seconds"), [("90s", 90), ("1m30s", 90), ("1h", 3600), ("500ms", 0)])
def test_a_tolerance_of_ones_own(tolerance: str, seconds: int) -> None:
    assert code(verify_stripe(stripe_header(at=NOW - seconds), tolerance=tolerance)) == "verified"
    found = verify_stripe(stripe_header(at=NOW - seconds - 1), tolerance=tolerance)
    assert code(found) == "timestamp_outside_tolerance"


@pytest.mark.parametrize(
    "time", ["", "soon", "2023-11-14T22:13:20", "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00", "\ud800"]
)
def test_a_time_that_is_signed_may_still_be_none(time: str) -> None:
    verify = {
        "scheme": "hmac",
        "secret": "key",
        "header": "X-Sig",
        "signed": "{timestamp}{body}",
        "timestamp": {"header": "X-Time", "unit": "iso"},
    }
    signature = hmac.digest(b"key", time.encode(errors="surrogatepass") + BODY, "sha256").hex()
    found = build_verifier(verify, None).verify(BODY, {"X-Sig": signature, "X-Time": time}, NOW)
    expected = "timestamp_outside_tolerance" if time[-6:-2] in {"+14:", "-14:"} else "signature_mismatch"
    assert code(found) == ("missing_signature" if not time else expected)


NAMES = {
    name for scheme in SCHEMES.values() for name in (*scheme.headers, *scheme.timestamp_headers, *scheme.id_headers)
}
HEADERS = st.dictionaries(
    st.sampled_from(sorted(NAMES | {"asaas-access-token"})),
    st.text(st.characters(exclude_categories=()), max_size=80)
    | st.text("tv0123456789=,. ", max_size=80)
    | st.just(stripe_header()),
)


@settings(max_examples=300)
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


@settings(max_examples=200)
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
