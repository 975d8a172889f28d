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


def test_a_payload_that_is_not_saved_is_what_a_test_delivers(tmp_path: Path) -> None:
    rules = "version: 1\nrules: [{name: paid, on: paid, do: [{log: paid}]}]\n"
    test = (
        "source: partner\ncases:\n  - {name: it, event: {file: paid.json, set: {kind: paid}}, expect: {rule: paid}}\n"
    )
    (tmp_path / "rules" / "tests").mkdir(parents=True)
    (tmp_path / "gateway.yaml").write_text(GATEWAY.replace("unmatched: keep", "rules: [rules/p.yaml]"))
    (tmp_path / "rules" / "p.yaml").write_text(rules)
    (tmp_path / "rules" / "tests" / "p.test.yaml").write_text(test)
    payload = tmp_path / "rules" / "tests" / "paid.json"
    env = tmp_path / ".env"
    env.write_text("PARTNER_TOKEN_OF_THE_TESTS=a-token-0123456789\n")
    session = Session()
    assert codes(session, tmp_path) == ["GW001"]
    session.buffers[payload] = '{"id": 1'
    assert codes(session, tmp_path) == ["GW104"]
    session.buffers[payload] = '{"id": 1}'
    assert codes(session, tmp_path) == []


def codes(session: Session, folder: Path) -> list[str]:
    found = session.job(folder / "gateway.yaml").run().diagnostics
    return [one.code for listed in found.values() for one in listed]
