"""`gateway validate`, `gateway explain`, `gateway schema`, as they are called."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from config.golden import ENVIRON

from gateway.cli import explain, schema, validate
from gateway.config.codes import CODES
from gateway.config.codes.samples import GATEWAY_FILE, RULES_FILE, TABLES


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A small configuration without mistakes, in the working directory."""
    (tmp_path / "gateway.yaml").write_text(GATEWAY_FILE)
    (tmp_path / "rules.yaml").write_text(RULES_FILE)
    monkeypatch.chdir(tmp_path)
    for name, value in ENVIRON.items():
        monkeypatch.setenv(name, value)
    return tmp_path


def run(*arguments: str) -> Result:
    return CliRunner().invoke(validate.command, arguments)


class TestValidate:
    def test_all_good(self, project: Path) -> None:
        result = run()
        assert (result.exit_code, result.output) == (0, "all good: 2 files, 1 rule\n")

    def test_findings(self, project: Path) -> None:
        (project / "rules.yaml").write_text(RULES_FILE.replace("result:", "reslt:"))
        result = run()
        assert result.exit_code == 1
        assert result.output.startswith("rules.yaml:7:5: error[GW101]: unknown key `reslt`")
        assert result.output.endswith("1 error in 1 file\n")

    def test_mistakes_in_both_files_are_found_at_once(self, project: Path) -> None:
        (project / "gateway.yaml").write_text(GATEWAY_FILE + "lgo: {}\n")
        (project / "rules.yaml").write_text(RULES_FILE.replace("result:", "reslt:"))
        lines = run("--format", "concise").output.splitlines()
        assert [line.partition(": ")[0] for line in lines] == ["gateway.yaml:8:1", "rules.yaml:7:5"]

    def test_an_unset_variable_hides_no_mistake_in_rules(self, project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.delenv("STRIPE_WEBHOOK_SECRET")
        (project / "rules.yaml").write_text(RULES_FILE.replace("result:", "reslt:"))
        data = json.loads(run("--json").output)
        assert [one["code"] for one in data["findings"]] == ["GW401", "GW101"]

    def test_warnings_count_when_they_should(self, project: Path) -> None:
        (project / "gateway.yaml").write_text(
            GATEWAY_FILE.replace('{secrets: ["${env:STRIPE_WEBHOOK_SECRET}"]}', "none")
        )
        assert run().exit_code == 0
        assert run("--strict").exit_code == 1

    def test_nothing_to_check(self, project: Path) -> None:
        for arguments in (["none.yaml"], ["--config", "none.yaml"]):
            result = run(*arguments)
            assert result.exit_code == 2
            assert "none.yaml" in result.stderr
            assert result.stdout == ""

    @pytest.mark.parametrize("format", ["full", "concise", "json", "sarif", "github"])
    def test_formats(self, project: Path, format: str) -> None:
        (project / "rules.yaml").write_text(RULES_FILE.replace("result:", "reslt:"))
        result = run("--format", format)
        assert result.exit_code == 1
        assert "GW101" in result.output

    def test_an_unknown_format(self, project: Path) -> None:
        assert run("--format", "xml").exit_code == 2

    def test_json(self, project: Path) -> None:
        assert json.loads(run("--json").output) == {
            "findings": [],
            "summary": {"errors": 0, "warnings": 0, "advice": 0, "files": 2, "rules": 1},
        }

    def test_another_configuration(self, project: Path) -> None:
        (project / "deep").mkdir()
        (project / "deep" / "other.yaml").write_text(GATEWAY_FILE)
        (project / "deep" / "rules.yaml").write_text(RULES_FILE.replace("result:", "reslt:"))
        for arguments in (["--config", "deep/other.yaml"], ["deep/other.yaml"]):
            assert run(*arguments).output.startswith("deep/rules.yaml:7:5: error[GW101]")

    def test_a_directory_with_a_configuration(self, project: Path) -> None:
        assert run(".").output == "all good: 2 files, 1 rule\n"

    def test_a_directory_of_rules(self, project: Path) -> None:
        (project / "more").mkdir()
        for name in ("a.yaml", "b.yml", "c.test.yaml"):
            (project / "more" / name).write_text(RULES_FILE)
        assert run("more").output == "all good: 2 files, 2 rules\n"

    def test_a_rules_file_of_the_configuration_is_checked_with_it(self, project: Path) -> None:
        (project / "gateway.yaml").write_text(
            GATEWAY_FILE.replace("[rules.yaml]", "[rules.yaml, tables.yaml]") + "lgo: {}\n"
        )
        (project / "tables.yaml").write_text(TABLES + "rules:\n  - {name: b, on: invoice.voided, do: [{log: b}]}\n")
        step = "update: invoices\n        where: {id: $event.id}\n        set: {status: paid}"
        (project / "rules.yaml").write_text(RULES_FILE.replace("log: an invoice was paid", step))
        assert run("rules.yaml").output == "all good: 1 file, 1 rule\n"
        (project / "rules.yaml").write_text((project / "rules.yaml").read_text().replace("status:", "state:"))
        result = run("rules.yaml")
        assert (result.exit_code, result.output.count("error[")) == (1, 1)
        assert result.output.startswith("rules.yaml:8:15: error[GW202]")

    def test_a_rules_file_nobody_names_is_checked_by_itself(self, project: Path) -> None:
        (project / "other.yaml").write_text(RULES_FILE.replace("invoice.paid", "whatever"))
        assert run("other.yaml").output == "all good: 1 file, 1 rule\n"

    def test_no_colours_into_a_pipe(self, project: Path) -> None:
        (project / "rules.yaml").write_text(RULES_FILE.replace("result:", "reslt:"))
        command = [sys.executable, "-m", "gateway", "validate"]
        process = subprocess.run(command, capture_output=True, text=True, encoding="utf-8")
        assert process.returncode == 1
        assert "error[GW101]" in process.stdout
        assert "\x1b" not in process.stdout
        assert process.stderr == ""


class TestExplain:
    def run(self, *arguments: str) -> Result:
        return CliRunner().invoke(explain.command, arguments)

    @pytest.mark.parametrize("code", list(CODES))
    def test_every_code(self, code: str) -> None:
        result = self.run(code)
        assert result.exit_code == 0
        assert result.output.startswith(f"{code}: {CODES[code].title}\n\n{CODES[code].why}\n")

    def test_case_does_not_count(self) -> None:
        assert self.run("gw101").output == self.run("GW101").output

    def test_an_unknown_code(self) -> None:
        result = self.run("GW1O1")
        assert result.exit_code == 2
        assert "did you mean `GW101`?" in result.stderr

    def test_without_a_code_all_are_listed(self) -> None:
        output = self.run().output
        assert all(f"{code}  {entry.title}" in output for code, entry in CODES.items())

    def test_json(self) -> None:
        assert json.loads(self.run("GW101", "--json").output)["title"] == CODES["GW101"].title
        assert len(json.loads(self.run("--json").output)["codes"]) == len(CODES)


class TestSchema:
    def run(self, *arguments: str) -> Result:
        return CliRunner().invoke(schema.command, arguments)

    def test_one_is_printed(self) -> None:
        assert json.loads(self.run("gateway").output)["title"] == "gateway.yaml"

    def test_they_are_listed(self) -> None:
        assert self.run().output.split() == list(schema.SCHEMAS)

    def test_they_are_written(self, tmp_path: Path) -> None:
        result = self.run("--write", "--directory", str(tmp_path / "schemas"))
        assert result.exit_code == 0
        written = {path.name for path in (tmp_path / "schemas").iterdir()}
        assert written == {f"{name}.schema.json" for name in schema.SCHEMAS}

    def test_an_unknown_one(self) -> None:
        result = self.run("gatewy")
        assert result.exit_code == 2
        assert "did you mean `gateway`?" in result.stderr
