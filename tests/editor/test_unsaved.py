"""What an editor holds and has not saved counts for what is checked: variables too."""

from __future__ import annotations

from pathlib import Path

from gateway.editor.session import Checked, Session

GATEWAY = """\
version: 1
sources:
  partner:
    path: /hooks/partner
    verify: {scheme: token, header: X-Token, token: "${env:PARTNER_TOKEN_OF_THE_TESTS}"}
    event: {id: id, type: kind}
    unmatched: keep
"""


def check(folder: Path, **held: str) -> Checked:
    buffers = {folder / name.replace("_", "."): text for name, text in held.items()}
    return Session(buffers=buffers).job(folder / "gateway.yaml").run()


def test_variables_of_an_unsaved_env_count(tmp_path: Path) -> None:
    (tmp_path / "gateway.yaml").write_text(GATEWAY)
    assert [one.code for one in check(tmp_path).diagnostics[tmp_path / "gateway.yaml"]] == ["GW401"]
    held = "PARTNER_TOKEN_OF_THE_TESTS=a-token-0123456789\n"
    assert check(tmp_path, _env=held).diagnostics == {}
    (tmp_path / ".env").write_text(held)
    assert check(tmp_path).diagnostics == {}
    assert [one.code for one in check(tmp_path, _env="").diagnostics[tmp_path / "gateway.yaml"]] == ["GW401"]


def test_lines_of_an_unsaved_env_are_looked_at(tmp_path: Path) -> None:
    (tmp_path / "gateway.yaml").write_text(GATEWAY)
    found = check(tmp_path, _env="PARTNER_TOKEN_OF_THE_TESTS: a-token\n").diagnostics
    assert [one.code for one in found[tmp_path / ".env"]] == ["GW407"]
