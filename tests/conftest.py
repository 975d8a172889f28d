"""What tests of more than one area use."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from pathlib import Path

import pytest
import structlog
from running import Gateway


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
