"""Each scenario once, briefly; `make chaos` plays them longer, and makes the table of docs/reliability.md."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from chaos.postgresql import POSTGRESQL, on_server
from chaos.scenarios import ANY_DATABASE, SQLITE, Played, Scenario, on_file, play
from servers import PostgresServer, in_memory

SECONDS, SEED = 2.0, 20261121


@pytest.mark.parametrize("scenario", [*ANY_DATABASE, *SQLITE], ids=lambda one: one.breaks.__name__)
async def test_what_was_promised_holds(scenario: Scenario, tmp_path: Path) -> None:
    with on_file(scenario, tmp_path, SEED) as ground:
        if ground is None:
            pytest.skip("a file system cannot be mounted here")
        played = await play(scenario, ground, SECONDS)
    _require_kept(played)


@pytest.fixture(scope="module")
def breakable() -> Iterator[PostgresServer]:
    """A server that no other tests use."""
    server = PostgresServer(safe=True, at=in_memory()).start()
    yield server
    server.remove()


@pytest.mark.parametrize("scenario", POSTGRESQL, ids=lambda one: one.breaks.__name__)
async def test_what_was_promised_holds_on_a_server(
    scenario: Scenario, tmp_path: Path, breakable: PostgresServer
) -> None:
    with on_server(scenario, tmp_path, SEED, breakable) as ground:
        if ground is None:
            pytest.skip("a file system cannot be mounted here")
        played = await play(scenario, ground, SECONDS)
    _require_kept(played)


def _require_kept(played: Played) -> None:
    assert played.verdict.faults[:20] == ()
    assert played.breaks > 0
    assert played.verdict.acknowledged > 0
    assert played.verdict.calls > 0
    if not played.scenario.refuses:
        assert played.verdict.retried == 0, "nothing but a refusal costs an event more than one try"
