"""Signed requests that others have recorded, where the folder is there."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from gateway.providers import PRESETS, Refused, Verified, build_verifier

PATH = Path(__file__).parents[2].parent / "shared" / "payloads" / "vectors" / "hmac_vectors.json"
VECTORS: list[dict[str, Any]] = json.loads(PATH.read_text()) if PATH.exists() else []
pytestmark = pytest.mark.skipif(not VECTORS, reason="the recorded vectors are not here")


@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: vector["scheme"])
def test_a_recorded_vector_is_verified_and_nothing_near_it(vector: dict[str, Any]) -> None:
    preset, body, now = PRESETS[vector["scheme"]], vector["body_utf8"].encode(), vector.get("now", 0)
    verifier = build_verifier({"secret": vector["secret"]}, preset)
    assert isinstance(verifier.verify(body, vector["headers"], now), Verified)
    late = verifier.verify(body, vector["headers"], now + 3600)
    assert isinstance(late, Verified if preset.tolerance is None else Refused)
    altered = verifier.verify(body + b"\n", vector["headers"], now)
    assert isinstance(altered, Refused)
    assert altered.code == "signature_mismatch"


def test_every_scheme_that_is_recorded_has_a_preset() -> None:
    assert {vector["scheme"] for vector in VECTORS} <= set(PRESETS)
