"""Gateways behind pgbouncer in transaction mode, where the machine has it: nothing is lost, nothing done twice."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from chaos.ground import Ground
from chaos.postgresql import cut_sessions, kill_any
from chaos.scenarios import Break, Scenario, play
from running import Gateway
from servers import Pooler, PostgresServer
from servers.pooler import PREPARED_SINCE, version

VERSION = version()
SECONDS, SEED = 2.0, 7
CONNECTIONS = 5
"""To the server, for two gateways that would have a dozen without the pooler."""

pytestmark = pytest.mark.skipif(VERSION is None, reason="there is no pgbouncer on the path")


@pytest.fixture
def pooler(postgres: PostgresServer) -> Iterator[Pooler]:
    # A test's own folder is closed to the user that pgbouncer runs as.
    with tempfile.TemporaryDirectory(prefix="gateway-pooler-") as name:
        Path(name).chmod(0o755)
        with Pooler(Path(name), postgres, size=CONNECTIONS) as pooler:
            yield pooler


@pytest.mark.skipif((VERSION or (0, 0)) < PREPARED_SINCE, reason="this pgbouncer does not know prepared statements")
@pytest.mark.parametrize("breaks", [kill_any, cut_sessions])
async def test_what_was_promised_holds_behind_a_pooler(
    breaks: Break, tmp_path: Path, postgres: PostgresServer, pooler: Pooler
) -> None:
    ground = Ground(tmp_path, SEED, url=postgres.create(), gateways=2, server=postgres, pooler=pooler)
    played = await play(Scenario(name="behind a pooler", breaks=breaks), ground, SECONDS)
    assert played.verdict.faults[:20] == ()
    assert played.verdict.acknowledged > 0
    assert played.verdict.calls > 0
    assert played.verdict.retried == 0


@pytest.mark.skipif((VERSION or (0, 0)) >= PREPARED_SINCE, reason="this pgbouncer knows prepared statements")
def test_one_that_does_not_know_prepared_statements_is_named_at_the_start(
    tmp_path: Path, postgres: PostgresServer, pooler: Pooler
) -> None:
    gateway = Gateway(tmp_path, environment={"GATEWAY_DATABASE": pooler.url(postgres.create())})
    gateway.cli("migrate")
    ended = gateway.cli("migrate")
    assert ended.returncode == 2
    assert "a pooler in between shares sessions and knows nothing of prepared statements" in ended.stderr
