"""Each scenario once, briefly; `make chaos` plays them longer, and makes the table of docs/reliability.md."""

from __future__ import annotations

from pathlib import Path

import pytest
from chaos.ground import Ground
from chaos.scenarios import ANY_DATABASE, SQLITE, Scenario, play, small_disk

SECONDS, SEED = 2.0, 20261121


@pytest.mark.parametrize("scenario", [*ANY_DATABASE, *SQLITE], ids=lambda one: one.breaks.__name__)
async def test_what_was_promised_holds(scenario: Scenario, tmp_path: Path) -> None:
    with small_disk(tmp_path / "disk") as disk:
        if scenario.small_disk and disk is None:
            pytest.skip("a file system cannot be mounted here")
        url = f"sqlite:///{disk}/chaos.db" if scenario.small_disk else None
        ground = Ground(tmp_path, SEED, url=url)
        played = await play(scenario, ground, SECONDS)
    assert played.verdict.faults[:20] == ()
    assert played.breaks > 0
    assert played.verdict.acknowledged > 0
    assert played.verdict.calls > 0
    if not scenario.refuses:
        assert played.verdict.retried == 0, "nothing but a refusal costs an event more than one try"
