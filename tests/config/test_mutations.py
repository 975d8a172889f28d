"""No slip in the shipped files makes the gateway crash, or changes what an event does while validate is silent.

`make fuzz` tries many more of them, others each time: `GATEWAY_FUZZ` says how many.
"""

from __future__ import annotations

import os
import random
import tempfile
from pathlib import Path

from config.judging import FILES, judge, shipped
from config.mutating import KINDS, mutations
from config.reasons import is_pointed, reason_for
from hypothesis import HealthCheck, Phase, given, note, settings
from hypothesis import strategies as st

MANY = int(os.environ.get("GATEWAY_FUZZ", "0"))


@settings(
    max_examples=MANY or 24,
    derandomize=not MANY,
    database=None,
    phases=[Phase.generate],  # a slip is as small as it gets, and each look takes half a second
    suppress_health_check=list(HealthCheck),
)
@given(st.sampled_from(FILES), st.sampled_from(sorted(KINDS)), st.randoms(use_true_random=False))
def test_a_slip_is_found_at_its_place_or_has_a_reason(file: str, kind: str, chance: random.Random) -> None:
    found = mutations(shipped(file), kind, chance.randrange(10) if MANY else 0)
    if not found:
        return
    mutation = chance.choice(found)
    note(mutation.name)
    with tempfile.TemporaryDirectory() as folder:
        verdict = judge(mutation, Path(folder) / "project")
    for one in verdict.findings[:4]:
        note(f"{one.path}:{one.span.start.line}: {one.code} {one.message}")
    note(verdict.differs)
    if verdict.findings:
        assert is_pointed(verdict)
    else:
        assert not verdict.differs or reason_for(mutation) is not None


def test_the_shipped_files_have_places_for_every_kind_of_slip() -> None:
    assert all(any(mutations(shipped(file), kind) for file in FILES) for kind in KINDS)
