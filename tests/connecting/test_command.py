"""`gateway validate --connect`, as it is called."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from connecting.conftest import RULES, ApiServer
from connecting.test_providers import ENVIRON, STRIPE, endpoint

from gateway.cli import main, validate


@pytest.fixture
def project(tmp_path: Path, api: ApiServer, monkeypatch: pytest.MonkeyPatch) -> ApiServer:
    """A configuration without mistakes in the working directory, and the Stripe that it leads to."""
    (tmp_path / "gateway.yaml").write_text(STRIPE)
    (tmp_path / "rules.yaml").write_text(RULES)
    monkeypatch.chdir(tmp_path)
    for name, value in {**ENVIRON, "BASE": api.url}.items():
        monkeypatch.setenv(name, value)
    api.answers["/v1/webhook_endpoints"] = {"data": [endpoint(enabled_events=["*"])]}
    return api


def run(*arguments: str) -> Result:
    return CliRunner().invoke(validate.command, arguments)


def test_it_says_what_it_looked_at(project: ApiServer) -> None:
    result = run("--connect")
    assert (result.exit_code, result.output.splitlines()) == (
        0,
        [
            "looked at database gateway.db: it is not there yet, `gateway migrate` makes it",
            "looked at Stripe: the key, webhook endpoints: 1",
            "all good: 2 files, 1 rule",
        ],
    )


def test_without_it_nobody_is_asked(project: ApiServer) -> None:
    assert run().output == "all good: 2 files, 1 rule\n"
    assert project.asked == []


def test_what_is_found_outside_is_an_error_like_any_other(project: ApiServer) -> None:
    project.fail(500)
    result = run("--connect", "--format", "concise")
    assert (result.exit_code, result.output) == (
        1,
        "gateway.yaml:8:19: error[GW491]: could not ask Stripe: it answered 500\n",
    )


def test_warnings_count_when_they_should(project: ApiServer) -> None:
    project.answers["/v1/webhook_endpoints"] = {"data": []}
    assert run("--connect").exit_code == 0
    assert run("--connect", "--strict").exit_code == 1


def test_every_format_carries_it(project: ApiServer) -> None:
    project.answers["/v1/webhook_endpoints"] = {"data": []}
    data = json.loads(run("--connect", "--json").output)
    assert [one["code"] for one in data["findings"]] == ["GW291"]
    assert data["looked_at"][1] == "Stripe: the key, webhook endpoints: 0"
    sarif = json.loads(run("--connect", "--format", "sarif").output)
    assert [one["ruleId"] for one in sarif["runs"][0]["results"]] == ["GW291"]
    assert run("--connect", "--format", "github").output.startswith("::warning file=gateway.yaml,line=5,")


def test_mistakes_in_the_files_are_told_too(project: ApiServer) -> None:
    Path("rules.yaml").write_text(RULES.replace("log: paid", "lgo: paid"))
    project.answers["/v1/webhook_endpoints"] = {"data": []}
    lines = run("--connect", "--format", "concise").output
    assert "GW291" in lines
    assert "GW105" in lines


def test_rules_files_alone_lead_nowhere(project: ApiServer) -> None:
    result = CliRunner().invoke(main, ["validate", "--connect", "rules.yaml"])
    assert (result.exit_code, result.output.splitlines()[0]) == (2, "gateway: error: `--connect` needs a gateway.yaml")
    assert project.asked == []
