from __future__ import annotations

from pathlib import Path

import pytest
from testing.projects import GATEWAY, RULES, STRICT, Folder


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Folder:
    (tmp_path / "rules").mkdir()
    (tmp_path / "gateway.yaml").write_text(GATEWAY)
    (tmp_path / "rules" / "shop.yaml").write_text(RULES)
    (tmp_path / "rules" / "strict.yaml").write_text(STRICT)
    monkeypatch.chdir(tmp_path)
    return Folder(tmp_path)
