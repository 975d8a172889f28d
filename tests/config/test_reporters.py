"""Reports: full, concise, json, github."""

from __future__ import annotations

import json

import pytest

from gateway.config.diagnostics import Findings, Position, Span
from gateway.config.reporters import FORMATS, Checked, report


def span(line: int, first: int, last: int, end_line: int | None = None) -> Span:
    return Span(Position(line, first), Position(end_line or line, last))


def findings(text: str = "", *places: Span, path: str = "a.yaml") -> Findings:
    found = Findings(sources={path: text})
    for place in places:
        found.error("GW101", "the fact", (path, place), note="a note", help="a remedy")
    return found


def test_full() -> None:
    assert report(findings("one\n  two: three\n", span(2, 3, 6))) == (
        "a.yaml:2:3: error[GW101]: the fact\n"
        " 2 |   two: three\n"
        "   |   ^^^\n"
        "   = note: a note\n"
        "   = help: a remedy\n"
        "\n"
        "1 error in 1 file"
    )


def test_concise_is_the_first_line() -> None:
    assert report(findings("one\n", span(1, 1, 2)), "concise") == "a.yaml:1:1: error[GW101]: the fact"


def test_json() -> None:
    data = json.loads(report(findings("one\n", span(1, 1, 2)), "json", checked=Checked(files=2, rules=9)))
    assert data == {
        "findings": [
            {
                "code": "GW101",
                "severity": "error",
                "message": "the fact",
                "path": "a.yaml",
                "line": 1,
                "column": 1,
                "end_line": 1,
                "end_column": 2,
                "notes": ["a note"],
                "help": "a remedy",
            }
        ],
        "summary": {"errors": 1, "warnings": 0, "advice": 0, "files": 2, "rules": 9},
    }


def test_github() -> None:
    found = Findings()
    found.error("GW101", "100% wrong", ("a,b:c.yaml", span(1, 2, 3)), help="line\nbreak")
    found.warning("GW402", "w", ("z.yaml", span(1, 2, 3)))
    found.advice("GW502", "a", ("z.yaml", span(2, 2, 3)))
    assert report(found, "github").splitlines() == [
        "::error file=a%2Cb%3Ac.yaml,line=1,endLine=1,col=2,endColumn=3,title=GW101::100%25 wrong%0Ahelp: line%0Abreak",
        "::warning file=z.yaml,line=1,endLine=1,col=2,endColumn=3,title=GW402::w",
        "::notice file=z.yaml,line=2,endLine=2,col=2,endColumn=3,title=GW502::a",
    ]


@pytest.mark.parametrize(
    ("errors", "warnings", "advice", "line"),
    [
        (0, 0, 0, "all good: 2 files, 9 rules"),
        (1, 0, 0, "1 error in 1 file"),
        (2, 1, 0, "2 errors, 1 warning in 1 file"),
        (0, 0, 2, "2 advice in 1 file"),
    ],
)
def test_the_summary(errors: int, warnings: int, advice: int, line: str) -> None:
    found = Findings(sources={"a": "", "b": ""})
    for number in range(errors):
        found.error("GW101", f"{number}", ("a", span(1, 1, 1)))
    for number in range(warnings):
        found.warning("GW101", f"{number}", ("a", span(1, 1, 1)))
    for number in range(advice):
        found.advice("GW101", f"{number}", ("a", span(1, 1, 1)))
    assert report(found, checked=Checked(files=2, rules=9)).splitlines()[-1] == line


def carets(text: str, place: Span) -> tuple[str, str]:
    """Return the source line and the carets below it."""
    _, line, below, *_ = report(findings(text, place)).splitlines()
    return line.partition("| ")[2], below.partition("| ")[2]


@pytest.mark.parametrize(
    ("text", "place", "line", "below"),
    [
        ("a: b", span(1, 4, 5), "a: b", "   ^"),
        ("a: b", span(1, 5, 5), "a: b", "    ^"),
        ("a: b  ", span(1, 4, 7), "a: b", "   ^"),
        ("\ta: b", span(1, 2, 3), " a: b", " ^"),
        ("a: [\n  1]", span(1, 4, 4, 2), "a: [", "   ^"),
        ("日本: x", span(1, 5, 6), "日本: x", "      ^"),
        ("日本: x", span(1, 1, 3), "日本: x", "^^^^"),
        ("e\u0301: x", span(1, 5, 6), "e\u0301: x", "   ^"),
        ("a\rb: x", span(2, 4, 5), "b: x", "   ^"),
        ("a: \x1b[31m", span(1, 1, 2), "a: ␚[31m", "^"),
    ],
)
def test_carets_stand_under_the_place(text: str, place: Span, line: str, below: str) -> None:
    assert carets(text, place) == (line, below)


def test_of_a_long_line_the_part_round_the_place_is_shown() -> None:
    line, below = carets("x" * 500 + "HERE" + "y" * 500, span(1, 501, 505))
    assert len(line) <= 112
    assert line.startswith("…")
    assert line.endswith("…")
    assert line[below.index("^") : len(below)] == "HERE"


def test_a_place_in_a_file_that_was_not_read_has_no_source_line() -> None:
    found = Findings()
    found.error("GW001", "no file", ("a.yaml", span(1, 1, 1)))
    assert report(found).splitlines()[:2] == ["a.yaml:1:1: error[GW001]: no file", ""]


@pytest.mark.parametrize(
    ("place", "line", "below"),
    [
        (span(1, 4, 11), "a: ***, b: c", "   ^^^"),
        (span(1, 13, 14), "a: ***, b: c", "        ^"),
        (span(1, 1, 2), "a: ***, b: c", "^"),
        (span(1, 6, 8), "a: ***, b: c", "   ^^^"),
        (span(1, 1, 17), "a: ***, b: c", "^^^^^^^^^^^^"),
    ],
)
def test_a_masked_place_is_never_shown(place: Span, line: str, below: str) -> None:
    found = findings("a: hunter2, b: c", place)
    found.mask("a.yaml", span(1, 4, 11))
    _, shown, carets, *_ = report(found).splitlines()
    assert shown.partition("| ")[2] == line
    if below != "        ^":
        assert carets.partition("| ")[2] == below


def test_a_mask_over_several_lines() -> None:
    found = findings("a: |\n  one\n  two\nb: c", span(2, 3, 6), span(4, 1, 2))
    found.mask("a.yaml", span(1, 4, 6, 3))
    text = report(found)
    assert "one" not in text
    assert "two" not in text
    assert "b: c" in text


def test_messages_cannot_drive_the_terminal() -> None:
    found = Findings()
    found.error("GW101", "\x1b[31mred\n", ("a.yaml", span(1, 1, 1)), help="\x07")
    assert "\x1b" not in report(found)
    assert "\x07" not in report(found)


def test_colours_only_when_asked_for() -> None:
    assert "\x1b[" not in report(findings("a", span(1, 1, 2)))
    assert "\x1b[1;31merror[GW101]\x1b[0m" in report(findings("a", span(1, 1, 2)), colour=True)


@pytest.mark.parametrize("format", list(FORMATS))
def test_every_format_can_say_that_all_is_well(format: str) -> None:
    assert "error" not in report(Findings(), format).replace('"errors": 0', "")
