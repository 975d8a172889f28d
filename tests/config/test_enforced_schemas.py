"""`schema:` of a source: where schemas are found, and what is wrong with them at its place."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from config.golden import ENVIRON

from gateway.config.codes.samples import GATEWAY_FILE, RULES_FILE
from gateway.config.diagnostics import Findings
from gateway.config.reporters import report
from gateway.project import Project, load_project


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "rules.yaml").write_text(RULES_FILE)
    return tmp_path


def put(folder: Path, name: str, text: str) -> None:
    path = folder / "schemas" / "payloads" / f"{name}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def load(folder: Path, schema: str = "") -> tuple[Project, str]:
    """Return the project of a source called `invoices`, and what is said of it."""
    text = GATEWAY_FILE.replace("  stripe:\n", "  invoices:\n")
    (folder / "gateway.yaml").write_text(text + (f"    schema: {schema}\n" if schema else ""))
    findings = Findings()
    project = load_project(folder / "gateway.yaml", findings, ENVIRON)
    assert project is not None
    return project, report(findings, "full").replace(f"{folder}/", "")


def test_nobody_looks_unless_asked(folder: Path) -> None:
    project, _ = load(folder)
    assert project.enforced == {}
    assert project.settings.sources[0].schema is None


def test_the_providers_own(folder: Path) -> None:
    project, said = load(folder, "reject")
    assert said.startswith("all good")
    validator = project.enforced["invoices"]
    assert validator.violation("invoice.paid", {"id": "evt_1", "type": "invoice.paid", "data": {}}) is None
    assert validator.violation("invoice.paid", {"id": 1}) is not None


def test_the_sources_own_wins_over_its_providers(folder: Path) -> None:
    for name, required in (
        ("stripe/invoice.paid", "a"),
        ("invoices/invoice.paid", "b"),
        ("stripe/invoice.voided", "c"),
    ):
        put(folder, name, json.dumps({"type": "object", "required": [required]}))
    validator = load(folder, "warn")[0].enforced["invoices"]
    assert validator.violation("invoice.paid", {}) == "the payload lacks `b`"
    assert validator.violation("invoice.voided", {}) == "the payload lacks `c`"
    assert "customer.created" in validator.types


@pytest.mark.parametrize("schema", ["", "warn"])
def test_what_is_wrong_is_told_at_its_place(folder: Path, schema: str) -> None:
    put(folder, "invoices/invoice.paid", '{\n  "properties": {"a": {"type": "strin"}}\n}\n')
    assert load(folder, schema)[1].startswith(
        "schemas/payloads/invoices/invoice.paid.json:2:32: error[GW107]: this is not a JSON Schema: "
    )
    put(folder, "invoices/invoice.paid", '{\n  "properties": [}\n')
    said = load(folder, schema)[1]
    assert said.startswith("schemas/payloads/invoices/invoice.paid.json:2:18: error[GW107]: this is not JSON: ")
    assert "   |                  ^\n" in said
