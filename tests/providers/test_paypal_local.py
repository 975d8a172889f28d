"""A PayPal of one's own: what it signs is verified where it is trusted, and nowhere else."""

from __future__ import annotations

import stat
import time
from pathlib import Path
from typing import Any

import paypal
import pytest

from gateway.providers import PRESETS, Refused, Verified, sign
from gateway.providers.paypal_certificates import read_certificate, read_trust
from gateway.providers.paypal_local import MARK, SigningUnavailable, is_local, write_authority
from gateway.providers.paypal_signature import PaypalVerifier, Transmission, read_transmission

PAYPAL = PRESETS["paypal"]
BODY = b'{"id":"WH-1"}'


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("project") / "var" / "paypal"
    write_authority(made)
    return made


def settings(folder: Path, **changes: Any) -> dict[str, Any]:
    files = {"certificates": str(folder / "certificates"), "trust": str(folder / "trusted.pem")}
    return {"webhook_id": " 4JH86294D6297924G\n", **files, **changes}


def test_what_it_signs_is_verified_where_it_is_trusted(folder: Path) -> None:
    now = time.time()
    sent = read_transmission(sign(settings(folder), PAYPAL, BODY, now=now, id="msg_1"))
    assert isinstance(sent, Transmission)
    served = (folder / "certificates" / sent.address.rpartition("/")[2]).read_bytes()
    verifier = PaypalVerifier(webhook_id="4JH86294D6297924G", tolerance=5.0)
    trusted = read_certificate(served, read_trust(folder / "trusted.pem"))
    assert isinstance(verifier.verify(BODY, sent, trusted, now), Verified)
    assert isinstance(verifier.verify(BODY, sent, read_certificate(served, read_trust(None)), now), Refused)


def test_its_key_is_for_its_owner_alone_and_is_made_once(folder: Path) -> None:
    key = folder / "key.pem"
    assert stat.S_IMODE(key.stat().st_mode) == 0o600
    before = key.read_bytes()
    write_authority(folder)
    assert key.read_bytes() == before


def test_what_a_crash_left_half_made_is_made_anew(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "certificates").mkdir()
    (tmp_path / "trusted.pem").write_text("half")
    write_authority(tmp_path)
    assert len(read_trust(tmp_path / "trusted.pem").roots) == len(read_trust(None).roots) + 1
    assert (tmp_path / "key.pem").read_bytes() != (folder / "key.pem").read_bytes()


def test_it_is_known_by_its_subject(folder: Path) -> None:
    whole = (folder / "trusted.pem").read_bytes()
    assert is_local(whole)
    bare = whole.replace(f"# {MARK}\n".encode(), b"")
    assert bare != whole
    assert is_local(paypal.pem(paypal.Authority().certificate) + bare)
    assert not is_local(paypal.pem(paypal.Authority().certificate))
    assert not is_local(b"-----BEGIN CERTIFICATE-----\nA\n-----END CERTIFICATE-----")


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"trust": ""}, "`gateway init --env-only`"),
        ({"certificates": ""}, "`gateway init --env-only`"),
        ({"trust": "elsewhere/trusted.pem"}, "`gateway init --env-only`"),
        ({"mode": "api"}, "it is PayPal that is asked"),
    ],
)
def test_elsewhere_nothing_can_be_signed(folder: Path, changes: dict[str, Any], says: str) -> None:
    with pytest.raises(SigningUnavailable) as refused:
        sign(settings(folder, **changes), PAYPAL, BODY, now=0, id="msg_1")
    assert "PayPal signs with a key of its own" in refused.value.message
    assert says in refused.value.message


def test_a_key_that_cannot_be_read_is_said(folder: Path, tmp_path: Path) -> None:
    for name in ("trusted.pem", "key.pem"):
        (tmp_path / name).write_text("broken")
    with pytest.raises(SigningUnavailable, match="cannot be read"):
        sign(settings(tmp_path), PAYPAL, BODY, now=0, id="msg_1")
