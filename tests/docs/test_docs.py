"""What the documentation shows is true: its YAML is valid, its commands run, its functions are those there are."""

from __future__ import annotations

import re
import shlex
import textwrap
from pathlib import Path

import pytest
from docs.pages import PAGES, ROOT, Block, blocks
from running import ENVIRONMENT, Gateway

from gateway.actions import ACTIONS
from gateway.config.diagnostics import Diagnostic, Findings
from gateway.config.measures import MEASURES
from gateway.expressions import FUNCTIONS
from gateway.project import load_project
from gateway.testing.loading import load_tests
from gateway.testing.suite import Suite

# What a step of the documentation may use: the tables of the shipped rules, and names for what they hold.
STEP = """
version: 1
tables:
  tenants:
    columns:
      id: {type: text, primary_key: true}
      status: {type: text}
      asaas_customer_id: {type: text, unique: true}
      asaas_subscription_id: {type: text, unique: true}
      balance: {type: decimal}
      last_event_at: {type: timestamp}
  asaas_payments:
    columns:
      id: {type: text, primary_key: true}
      tenant_id: {type: text}
      value: {type: decimal}
      due_date: {type: date}
      status: {type: text, values: [pending, paid, overdue]}
      last_event_at: {type: timestamp}
  billing_payments:
    columns:
      stripe_payment_intent_id: {type: text, primary_key: true}
      amount: {type: decimal}
      currency: {type: text}
  payments:
    columns:
      id: {type: text, primary_key: true}
      amount: {type: decimal}
  sessions:
    columns: {id: {type: text, primary_key: true}}
extract:
  customer_id: customer
  subscription_id: subscription
  payment_id: payment
  payment_intent_id: payment_intent
  session_id: session
  user_id: user
  subscription: subscription_object
  value: {path: value, as: decimal}
  amount: value
  due_date: {path: due, as: date}
procedures:
  a_procedure: [{log: hello}]
  find_tenant: [{find: tenants, where: {id: t}, as: tenant, missing: null}]
rules:
  - name: sample
    on: "*"
    do:
      - {find: tenants, where: {id: t}, as: tenant, missing: null}
      - {run: a_procedure}
      - {run: find_tenant}
"""

EXTRACT = "version: 1\nextract:\n{}\nrules: [{{name: sample, on: sample, do: [{{log: hello}}]}}]\n"
TABLES = "version: 1\ntables:\n{}\nrules: [{{name: sample, on: sample, do: [{{log: hello}}]}}]\n"
GATEWAY = """
version: 1
channels: {admins: ["log://"]}
destinations: {app: {url: "http://127.0.0.1:9000"}, events: {url: "nats://127.0.0.1:4222"}}
sources: {sample: {path: /sample, verify: {token: '${env:T}'}, event: {type: t}, rules: [%s]}}
"""
STUB = "version: 1\nrules: [{name: sample, on: '*', do: [{log: hello}]}]\n"

YAML = list(blocks("yaml"))
RUNNABLE = [block for block in blocks("console") if block.runs]


def as_step(text: str) -> str:
    lines = textwrap.indent(text, "        ").lstrip()
    return f"{STEP}      - {lines}"


def check(folder: Path, files: dict[str, str]) -> list[Diagnostic]:
    """Lay out a project and return its errors; rules files that are named and not given are made up."""
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    for name in re.findall(r"rules/[\w-]+\.yaml", files["gateway.yaml"]):
        if not (folder / name).exists():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_text(STUB)
    if (folder / "rules" / "asaas-billing.yaml").exists():
        (folder / "rules" / "asaas-billing.yaml").write_text((ROOT / "rules" / "asaas-billing.yaml").read_text())
    environ = dict.fromkeys(re.findall(r"\$\{env:(\w+)\}", files["gateway.yaml"]), "whsec_MDEyMzQ1Njc4OWFiY2RlZg==")
    findings = Findings()
    load_project(folder / "gateway.yaml", findings, environ)
    return [one for one in findings.diagnostics if one.severity == "error"]


def as_project(block: Block) -> dict[str, str]:
    if block.title == "gateway.yaml":
        return {"gateway.yaml": block.text}
    wrapped = {
        "step": lambda: as_step(block.body),
        "extract": lambda: EXTRACT.format(textwrap.indent(block.body, "  ")),
        "tables": lambda: TABLES.format(textwrap.indent(block.body, "  ")),
    }
    if block.title in wrapped:
        return {"gateway.yaml": GATEWAY % "rules/sample.yaml", "rules/sample.yaml": wrapped[block.title]()}
    assert re.fullmatch(r"rules/[\w-]+\.yaml", block.title), f"{block}: its first line must say what it is"
    return {"gateway.yaml": GATEWAY % block.title, block.title: block.text}


@pytest.mark.parametrize("block", [block for block in YAML if ".test." not in block.title], ids=str)
def test_yaml_is_valid(block: Block, tmp_path: Path) -> None:
    assert [f"{one.span.start.line}: {one.message}" for one in check(tmp_path, as_project(block))] == []


@pytest.mark.parametrize("block", [block for block in YAML if ".test." in block.title], ids=str)
def test_tests_of_rules_pass(block: Block, tmp_path: Path) -> None:
    path = tmp_path / Path(block.title).name
    path.write_text(block.text)
    findings = Findings()
    project = load_project(ROOT / "gateway.yaml", findings, ENVIRONMENT)
    assert project is not None
    files = load_tests(project, [path], findings)
    assert not findings.has_errors, findings.diagnostics
    assert [(case.case.name, case.failures) for case in Suite(project).run(files).cases if not case.passed] == []


@pytest.mark.parametrize("action", ACTIONS, ids=lambda action: action.name)
def test_the_example_of_an_action_is_valid(action: object, tmp_path: Path) -> None:
    files = {"gateway.yaml": GATEWAY % "rules/sample.yaml", "rules/sample.yaml": as_step(action.example + "\n")}  # type: ignore[attr-defined]
    assert [one.message for one in check(tmp_path, files)] == []


@pytest.mark.parametrize("action", ACTIONS, ids=lambda action: action.name)
def test_every_action_and_every_key_of_it_is_described(action: object) -> None:
    page = (ROOT / "docs" / "rules.md").read_text()
    keys = list(action.schema)  # type: ignore[attr-defined]
    assert [key for key in keys if f"`{key}" not in page and f"\n{key}:" not in page] == []


@pytest.mark.parametrize("function", FUNCTIONS, ids=lambda function: function.name)
def test_every_function_is_described_as_it_is(function: object) -> None:
    page = (ROOT / "docs" / "rules.md").read_text()
    row = next((line for line in page.splitlines() if line.startswith(f"| `{function.signature}` |")), "")  # type: ignore[attr-defined]
    said = row.replace("\\|", "|")
    for part in (function.doc, function.example, f"gives `{function.gives}`"):  # type: ignore[attr-defined]
        assert part in said


def test_no_function_is_described_that_is_not_there() -> None:
    rows = re.findall(r"^\| `(\w+)\(", (ROOT / "docs" / "rules.md").read_text(), re.MULTILINE)
    assert sorted(rows) == sorted(function.name for function in FUNCTIONS)


@pytest.mark.parametrize("measure", MEASURES)
def test_every_measure_is_described(measure: str) -> None:
    page = (ROOT / "docs" / "configuration.md").read_text()
    assert f"| `{measure}` | {MEASURES[measure].partition(',')[0].partition(';')[0].partition(':')[0][:20]}" in page


def commands(block: Block) -> list[tuple[str, list[str]]]:
    """Return each command of a console block with the lines it prints."""
    found: list[tuple[str, list[str]]] = []
    for line in block.text.splitlines():
        if line.startswith("$ "):
            found.append((line[2:], []))
        else:
            found[-1][1].append(line)
    return found


def fits(pattern: list[str], printed: list[str]) -> bool:
    """Say whether lines are those of a pattern: `…` alone stands for any lines, in a line for any text."""
    if not pattern:
        return not any(printed)
    if pattern[0] == "…":
        return any(fits(pattern[1:], printed[start:]) for start in range(len(printed) + 1))
    line = ".*".join(map(re.escape, pattern[0].split("…")))
    return bool(printed) and re.fullmatch(line, printed[0]) is not None and fits(pattern[1:], printed[1:])


@pytest.mark.parametrize("block", RUNNABLE, ids=str)
def test_commands_run_and_print_what_is_shown(block: Block, tmp_path: Path) -> None:
    gateway = Gateway(tmp_path)
    for command, expected in commands(block):
        name, *arguments = shlex.split(command)
        assert name == "gateway"
        done = gateway.cli(*arguments)
        assert done.returncode == 0, done.stderr
        assert fits(expected, done.stdout.splitlines()), done.stdout


def test_links_lead_somewhere() -> None:
    broken = [
        f"{page.relative_to(ROOT)}: {target}"
        for page in [*PAGES, ROOT / "docs" / "errors.md"]
        for target in re.findall(r"\]\(([^)#:]+?)(?:#[^)]*)?\)", page.read_text())
        if not (page.parent / target).exists()
    ]
    assert broken == []
