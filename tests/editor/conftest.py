"""The made-up project on an editor's desk."""

from __future__ import annotations

from pathlib import Path

import pytest
from editor.project import Desk


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)
