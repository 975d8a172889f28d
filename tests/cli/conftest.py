"""A project's folder as the working directory."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from cli.projects import Folder


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Folder]:
    """A project with a database."""
    monkeypatch.chdir(tmp_path)
    folder = Folder(tmp_path)
    yield folder
    folder.bench.database.close()
