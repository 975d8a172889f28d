"""What the engine does must not depend on the database."""

from __future__ import annotations

import pytest


@pytest.fixture(autouse=True)
def _each(on_each_database: str) -> None:
    """Run every test of this folder on each database."""
