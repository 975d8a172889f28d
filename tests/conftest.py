"""What tests of more than one area use."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from pathlib import Path

import engines
import hypothesis
import pytest
import structlog
from running import Gateway
from servers import PostgresServer, in_memory

# A busy machine is no failure.
hypothesis.settings.register_profile("untimed", deadline=None)
hypothesis.settings.load_profile("untimed")


@pytest.fixture(autouse=True)
def _logging_as_it_was() -> Iterator[None]:
    """Undo what a test does to logging, which belongs to the whole process."""
    handlers, level = logging.root.handlers[:], logging.root.level
    yield
    structlog.reset_defaults()
    logging.root.handlers[:] = handlers
    logging.root.setLevel(level)


@pytest.fixture
def gateway(tmp_path: Path) -> Iterator[Gateway]:
    """The shipped configuration, running."""
    running = Gateway(tmp_path).start()
    yield running
    if running.process is not None and running.process.poll() is None:
        running.stop()


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    """A PostgreSQL server, started when the first test wants it."""
    server = PostgresServer(at=in_memory()).start()
    yield server
    server.remove()


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run what holds on each database there, but what is marked as one's own on that alone."""
    if "on_each_database" in metafunc.fixturenames:
        kinds = ["sqlite", "postgresql"]
        own = [kind for kind in kinds if metafunc.definition.get_closest_marker(kind) is not None]
        metafunc.parametrize("on_each_database", own or kinds, indirect=True)


@pytest.fixture
def on_each_database(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Run a test on a database of each kind; return the kind. `Bench` opens one of it."""
    kind: str = request.param
    if kind == "postgresql":
        server: PostgresServer = request.getfixturevalue("postgres")
        monkeypatch.setattr(engines, "new_database", server.make_room)
    return kind


@pytest.fixture(autouse=True)
def _closed_databases() -> Iterator[None]:
    """Close what a test has opened."""
    yield
    while engines.opened:
        engines.opened.pop().close()
