"""What tests of more than one area use."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from running import Gateway


@pytest.fixture
def gateway(tmp_path: Path) -> Iterator[Gateway]:
    """The shipped configuration, running."""
    running = Gateway(tmp_path).start()
    yield running
    if running.process is not None and running.process.poll() is None:
        running.stop()
