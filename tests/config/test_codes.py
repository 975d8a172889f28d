"""The registry of codes, and the page made from it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from config.golden import expect

from gateway.cli.errors_page import found_by, page
from gateway.config.codes import CODES, GROUPS, Code
from gateway.config.diagnostics import Severity

ROOT = Path(__file__).parents[2]
EVERY = list(CODES.values())


def emitted() -> set[str]:
    """Return the codes that stand in the package outside the registry."""
    sources = [path for path in (ROOT / "gateway").rglob("*.py") if "codes" not in path.parts]
    return {code for path in sources for code in re.findall(r'"(GW[0-9]{3})"', path.read_text("utf-8"))}


def test_every_code_that_is_used_is_explained_and_the_other_way_round() -> None:
    assert emitted() == set(CODES)


def test_codes_are_sorted_and_unique() -> None:
    codes = [code.code for group in GROUPS.values() for code in group]
    assert codes == sorted(set(codes))


@pytest.mark.parametrize("code", EVERY, ids=lambda code: code.code)
def test_the_wrong_example_has_the_finding(code: Code, tmp_path: Path) -> None:
    found = found_by(code, code.wrong, tmp_path)
    assert code.code in {one.code for one in found.diagnostics}


@pytest.mark.parametrize("code", EVERY, ids=lambda code: code.code)
def test_the_right_example_is_quiet(code: Code, tmp_path: Path) -> None:
    found = found_by(code, code.right, tmp_path)
    aloud = {"GW402"} if "verify: none" in code.right else set()
    assert {one.code for one in found.diagnostics} <= aloud
    assert not [one for one in found.diagnostics if one.severity is Severity.ERROR]


def test_titles_and_reasons_are_written_like_the_rest() -> None:
    for code in EVERY:
        assert code.title[0].islower() or code.title.startswith("`")
        assert not code.title.endswith(".")
        assert code.why.endswith(".")


def test_the_page_says_what_the_checks_say() -> None:
    expect(ROOT / "docs" / "errors.md", page())
