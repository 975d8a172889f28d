"""`gateway init`: a project that works, and a `.env` that nobody else can read."""

from __future__ import annotations

import json
import os
import re
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest
from cli.projects import as_json, call, called, refused
from running import ROOT, Gateway

from gateway.cli.env_file import write_env_file
from gateway.config.diagnostics import Findings
from gateway.config.dotenv import read_dotenv
from gateway.project import load_project


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def variables(path: Path) -> dict[str, str]:
    findings = Findings()
    read = read_dotenv(path, findings, shown=".env")
    assert not findings.diagnostics
    return read


def test_a_new_project_is_without_findings_and_passes_its_tests(tmp_path: Path) -> None:
    printed = called("init", "billing")
    folder = tmp_path / "billing"
    assert "wrote billing/gateway.yaml\n" in printed
    assert "cd billing && gateway test" in printed
    assert call("validate", str(folder), "--strict").exit_code == 0
    os.chdir(folder)
    assert "4 cases passed" in called("test", "--coverage", "--min-coverage", "100")


def test_without_a_folder_it_is_made_here(tmp_path: Path) -> None:
    made = as_json("init")
    assert made["files"] == [
        "gateway.yaml",
        "rules/payments.yaml",
        "rules/tests/payments.test.yaml",
        ".gitignore",
        "schemas/gateway.schema.json",
        "schemas/rules.schema.json",
        "schemas/tests.schema.json",
        ".env",
    ]
    assert made["secrets"] == ["GATEWAY_ADMIN_TOKEN", "STRIPE_WEBHOOK_SECRET"]
    assert (tmp_path / "gateway.yaml").is_file()


def test_the_files_name_their_schemas() -> None:
    for name in as_json("init")["files"]:
        first = Path(name).read_text("utf-8").partition("\n")[0]
        if name.endswith(".yaml"):
            schema = Path(name).parent / first.removeprefix("# yaml-language-server: $schema=")
            assert json.loads(schema.read_text("utf-8"))["$schema"].startswith("https://json-schema.org/")


def test_what_is_there_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "rules").mkdir()
    (tmp_path / "rules" / "payments.yaml").write_text("mine")
    assert "`rules/payments.yaml` is there already, nothing was written" in refused(2, "init")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["rules"]


def test_the_env_file_is_written_once_for_its_owner_alone(tmp_path: Path) -> None:
    (tmp_path / "gateway.yaml").write_text('admin: {token: "${env:GATEWAY_ADMIN_TOKEN:-}"}\n')
    old = os.umask(0)
    try:
        printed = called("init", "--env-only")
    finally:
        os.umask(old)
    path = tmp_path / ".env"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    text = path.read_text()
    value = variables(path)["GATEWAY_ADMIN_TOKEN"]
    assert len(value) >= 32
    assert printed == "wrote .env\nrandom values for: GATEWAY_ADMIN_TOKEN\n"
    assert called("init", "--env-only") == ""
    assert path.read_text() == text


def test_a_link_in_the_place_of_the_env_file_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "gateway.yaml").write_text('admin: {token: "${env:GATEWAY_ADMIN_TOKEN:-}"}\n')
    (tmp_path / ".env").symlink_to(tmp_path / "elsewhere")
    assert called("init", "--env-only") == ""
    assert not (tmp_path / "elsewhere").exists()


def test_what_must_be_set_gets_a_value_and_the_rest_its_default_as_a_comment(tmp_path: Path) -> None:
    (tmp_path / "gateway.yaml").write_text(
        "# ${env:IN_A_COMMENT}\n"
        "a: ${env:PORT:-8080}\n"
        "b: ['${env:SOME_SECRET}', '${env:STRIPE_API_KEY:-}']\n"
        "c: $${env:ESCAPED}\n"
        "d: ${env:STRIPE_WEBHOOK_SECRET}${env:PAYPAL_WEBHOOK_ID:-}${env:SOME_SECRET:-x}\n"
    )
    written = write_env_file(tmp_path / "gateway.yaml")
    assert written is not None
    path, names, authority = written
    assert authority is None
    assert names == ["SOME_SECRET", "STRIPE_WEBHOOK_SECRET", "PAYPAL_WEBHOOK_ID"]
    read = variables(path)
    assert list(read) == names
    assert re.fullmatch("whsec_[0-9a-f]{48}", read["STRIPE_WEBHOOK_SECRET"])
    assert re.fullmatch("[0-9A-Z]{17}", read["PAYPAL_WEBHOOK_ID"])
    comments = [line for line in path.read_text().splitlines() if re.match("# [A-Z_]+=", line)]
    assert comments == ["# PORT=8080", "# STRIPE_API_KEY="]


def test_secrets_are_not_the_same_twice(tmp_path: Path) -> None:
    values = set()
    for name in ("a", "b"):
        as_json("init", name)
        values |= set(variables(tmp_path / name / ".env").values())
    assert len(values) == 4


def test_the_shipped_configuration_runs_with_the_env_file_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in [
        name for name in os.environ if name.startswith(("GATEWAY_", "STRIPE_", "ASAAS_", "WORKOS_", "PAYPAL_"))
    ]:
        monkeypatch.delenv(name)
    (tmp_path / "gateway.yaml").write_text((ROOT / "gateway.yaml").read_text())
    (tmp_path / "rules").symlink_to(ROOT / "rules")
    called("init", "--env-only")
    findings = Findings()
    project = load_project(tmp_path / "gateway.yaml", findings)
    assert project is not None
    assert not findings.has_errors, findings.diagnostics
    assert project.settings.admin_token


WITH_PAYPAL = """\
version: 1
sources:
  paypal:
    provider: paypal
    path: /hooks/paypal
    verify:
      webhook_id: ${env:PAYPAL_WEBHOOK_ID}
      certificates: ${env:PAYPAL_CERT_DIR:-}
      trust: ${env:PAYPAL_TRUST_FILE:-}
    unmatched: keep
"""


def test_a_configuration_that_can_trust_its_own_paypal_gets_one(tmp_path: Path) -> None:
    (tmp_path / "gateway.yaml").write_text(WITH_PAYPAL)
    made = as_json("init", "--env-only")
    assert made == {"files": [".env", "var/paypal"], "secrets": ["PAYPAL_WEBHOOK_ID"]}
    read = variables(tmp_path / ".env")
    assert (tmp_path / read["PAYPAL_CERT_DIR"]).is_dir()
    assert (tmp_path / read["PAYPAL_TRUST_FILE"]).is_file()
    assert "Take both lines out before real events come" in (tmp_path / ".env").read_text()
    assert stat.S_IMODE((tmp_path / "var" / "paypal" / "key.pem").stat().st_mode) == 0o600
    validated = call("validate")
    assert (validated.exit_code, call("validate", "--strict").exit_code) == (0, 0)
    assert "advice[GW507]" in validated.output


def test_a_paypal_of_ones_own_is_made_once(tmp_path: Path) -> None:
    (tmp_path / "gateway.yaml").write_text(WITH_PAYPAL)
    called("init", "--env-only")
    files = {path: path.read_bytes() for path in (tmp_path / "var").rglob("*") if path.is_file()}
    (tmp_path / ".env").unlink()
    called("init", "--env-only")
    assert {path: path.read_bytes() for path in (tmp_path / "var").rglob("*") if path.is_file()} == files
    (tmp_path / "var" / "paypal" / "key.pem").unlink()
    assert called("init", "--env-only") == ""
    assert not (tmp_path / "var" / "paypal" / "key.pem").exists()


def test_env_only_and_a_folder_do_not_go_together() -> None:
    assert "--config" in refused(2, "init", "somewhere", "--env-only")


@pytest.fixture
def fresh(tmp_path: Path) -> Iterator[Gateway]:
    """A new project, served as it was made."""
    called("init", "billing")
    gateway = Gateway(tmp_path / "billing").start()
    yield gateway
    gateway.stop()


def test_a_new_project_takes_its_first_event(fresh: Gateway) -> None:
    sent = fresh.cli("trigger", "stripe", "payment_intent.succeeded", "--set", "data.object.amount=1999")
    assert sent.returncode == 0, sent.stderr
    assert "done, payment_stored" in sent.stdout
    rows = fresh.cli("tables", "list", "payments")
    assert "19.99" in rows.stdout
