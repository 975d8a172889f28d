"""`gateway test` from the outside."""

from __future__ import annotations

import json
from xml.etree import ElementTree

import pytest
from testing.projects import Folder

PASSING = "  - {name: a passing case, event: {id: e1, type: nothing}, expect: {status: ignored}}\n"
FAILING = (
    "  - {name: a failing case, event: {id: e1, type: order, customer: x, amount: 20}, expect: {result: booked}}\n"
)


def test_all_is_well(folder: Folder) -> None:
    folder.write(PASSING)
    result = folder.command()
    assert result.exit_code == 0
    assert result.output.startswith("1 case passed in ")


def test_a_failure_shows_what_was_expected_and_the_story(folder: Folder) -> None:
    folder.write(PASSING + FAILING)
    result = folder.command()
    assert result.exit_code == 1
    lines = result.output.splitlines()
    assert lines[:5] == [
        "FAILED rules/tests/shop.test.yaml: a failing case",
        "  rules/tests/shop.test.yaml:4:100: result",
        "    - expected booked",
        "    + got      nobody",
        "  event 1 of shop: order, e1",
    ]
    assert any(line.strip() == "amount = 20, from `amount`" for line in lines)
    assert any(line.endswith("find customers: no row fits, `missing: finish` (rules/shop.yaml:18)") for line in lines)
    assert lines[-1].startswith("1 failed, 1 case passed in ")


def test_the_environment_need_not_be_complete(folder: Folder) -> None:
    assert "SHOP_TOKEN_OF_NOBODY" in (folder.path / "gateway.yaml").read_text()
    folder.write(PASSING)
    assert folder.command().exit_code == 0


@pytest.mark.parametrize("wrong", ["  - {name: b, event: {type: a}}\n", "  - {nme: b}\n", "  - [\n"])
def test_a_wrong_file_fails_and_the_others_are_run_all_the_same(folder: Folder, wrong: str) -> None:
    folder.write(PASSING)
    folder.write(wrong, "wrong.test.yaml")
    result = folder.command()
    assert result.exit_code == 1
    assert "rules/tests/wrong.test.yaml:" in result.stderr
    assert result.stdout.startswith("1 tests file not run, 1 case passed")


def test_paths_and_words_choose_the_cases(folder: Folder) -> None:
    passing = folder.write(PASSING)
    folder.write(FAILING, "other.test.yaml")
    assert folder.command(str(passing)).exit_code == 0
    assert folder.command(str(passing.parent)).exit_code == 1
    assert folder.command("-k", "PASSING").exit_code == 0
    assert folder.command("-k", "no such case").exit_code == 2


@pytest.mark.parametrize("arguments", [[], ["rules/tests"], ["nothing.yaml"]])
def test_no_tests_are_no_success(folder: Folder, arguments: list[str]) -> None:
    (folder.path / "rules" / "tests").mkdir()
    result = folder.command(*arguments)
    assert result.exit_code == 2
    assert result.stderr.startswith("gateway: error: ")


def test_rules_that_are_wrong_cannot_be_tested(folder: Folder) -> None:
    folder.write(PASSING)
    rules = folder.path / "rules" / "shop.yaml"
    rules.write_text(rules.read_text().replace("update: customers", "update: custmers"))
    result = folder.command()
    assert result.exit_code == 2
    assert "unknown table `custmers`" in result.stderr


def test_a_table_whose_columns_nobody_knows_cannot_be_tested(folder: Folder) -> None:
    (folder.path / "rules" / "strict.yaml").write_text(
        "version: 1\ntables: {orders: {existing: true}}\nrules: [{name: any, on: known, do: [{log: hello}]}]\n"
    )
    folder.write("  - {name: a, event: {type: known}, expect: {status: done}}\n", source="strict")
    result = folder.command()
    assert result.exit_code == 2
    assert "declare the columns" in result.stderr


def test_coverage_is_listed_and_can_be_demanded(folder: Folder) -> None:
    folder.write(FAILING.replace("booked", "nobody"))
    listed = folder.command("--coverage")
    assert listed.exit_code == 0
    assert "  rules/shop.yaml:35:11: rule `small order` handled no event\n" in listed.output
    assert "rules/strict.yaml: 0 of 2 points reached" in listed.output
    assert folder.command("--min-coverage", "5").exit_code == 0
    demanded = folder.command("--min-coverage", "99.5")
    assert demanded.exit_code == 1
    assert "less than 99.5 %" in demanded.stderr


def test_coverage_of_named_files_is_that_of_their_sources(folder: Folder) -> None:
    path = folder.write("  - {name: a, event: {type: known}, expect: {status: done}}\n", "s.test.yaml", "strict")
    assert folder.command(str(path), "--min-coverage", "100").exit_code == 0


def test_json(folder: Folder) -> None:
    folder.write(PASSING + FAILING)
    result = folder.command("--json")
    assert result.exit_code == 1
    report = json.loads(result.stdout)
    assert report["summary"] == {"passed": 1, "failed": 1, "files_not_run": 0}
    assert [case["passed"] for case in report["cases"]] == [True, False]
    assert report["cases"][1]["failures"] == [
        {"line": 4, "column": 100, "expectation": "result", "expected": "booked", "got": "nobody"}
    ]
    assert report["coverage"]["reached"] < report["coverage"]["points"]


def test_junit(folder: Folder) -> None:
    folder.write(PASSING + FAILING.replace("customer: x", r'customer: "<\u0001>"'))
    path = folder.path / "out" / "report.xml"
    assert folder.command("--junit", str(path)).exit_code == 1
    [suite] = ElementTree.fromstring(path.read_text()).iter("testsuite")  # noqa: S314 - our own file
    assert (suite.get("tests"), suite.get("failures")) == ("2", "1")
    [failure] = suite.iter("failure")
    assert failure.get("message") == "result: expected booked, got nobody"
