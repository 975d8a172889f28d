"""SARIF 2.1.0: what the standard asks of a log, as far as this one goes."""

from __future__ import annotations

import json
from typing import Any

from jsonschema import Draft202012Validator

from gateway.config.codes import CODES
from gateway.config.diagnostics import Findings, Position, Span
from gateway.config.reporters import report

TEXT = {"type": "object", "required": ["text"], "properties": {"text": {"type": "string", "minLength": 1}}}
POSITION = {"type": "integer", "minimum": 1}
REGION = {
    "type": "object",
    "required": ["startLine", "startColumn", "endLine", "endColumn"],
    "additionalProperties": False,
    "properties": {"startLine": POSITION, "startColumn": POSITION, "endLine": POSITION, "endColumn": POSITION},
}
PHYSICAL = {
    "type": "object",
    "required": ["artifactLocation", "region"],
    "properties": {
        "artifactLocation": {"type": "object", "required": ["uri"], "properties": {"uri": {"pattern": "^[!-~]+$"}}},
        "region": REGION,
    },
}
RESULT = {
    "type": "object",
    "required": ["ruleId", "ruleIndex", "level", "message", "locations"],
    "properties": {
        "level": {"enum": ["none", "note", "warning", "error"]},
        "message": TEXT,
        "locations": {
            "minItems": 1,
            "items": {"required": ["physicalLocation"], "properties": {"physicalLocation": PHYSICAL}},
        },
    },
}
RULE = {
    "type": "object",
    "required": ["id"],
    "properties": {"id": {"pattern": "^GW[0-9]{3}$"}, "shortDescription": TEXT, "fullDescription": TEXT, "help": TEXT},
}
DRIVER = {
    "type": "object",
    "required": ["name"],
    "properties": {"version": {"type": "string"}, "rules": {"items": RULE, "uniqueItems": True}},
}
LOG = {
    "type": "object",
    "required": ["$schema", "version", "runs"],
    "properties": {
        "version": {"const": "2.1.0"},
        "runs": {
            "minItems": 1,
            "items": {
                "required": ["tool", "results"],
                "properties": {
                    "tool": {"required": ["driver"], "properties": {"driver": DRIVER}},
                    "columnKind": {"enum": ["utf16CodeUnits", "unicodeCodePoints"]},
                    "results": {"type": "array", "items": RESULT},
                },
            },
        },
    },
}
"""The essentials of the standard's own schema."""


def span(line: int, first: int, last: int) -> Span:
    return Span(Position(line, first), Position(line, last))


def log_of(findings: Findings) -> Any:
    log = json.loads(report(findings, "sarif"))
    Draft202012Validator(LOG).validate(log)
    return log["runs"][0]


def test_nothing_found() -> None:
    run = log_of(Findings())
    assert run["results"] == []
    assert run["tool"]["driver"]["rules"] == []


def test_findings_of_every_severity() -> None:
    found = Findings()
    found.error("GW101", "unknown key `x`", ("a.yaml", span(3, 5, 6)), note="a note", help="a remedy")
    found.warning("GW402", "no verification", ("a.yaml", span(1, 1, 1)))
    found.advice("GW502", "could be better", ("a.yaml", span(9, 2, 4)))
    run = log_of(found)
    assert [one["level"] for one in run["results"]] == ["warning", "error", "note"]
    rules = run["tool"]["driver"]["rules"]
    assert [one["id"] for one in rules] == ["GW101", "GW402", "GW502"]
    assert [rules[one["ruleIndex"]]["id"] for one in run["results"]] == [one["ruleId"] for one in run["results"]]
    assert rules[0]["shortDescription"]["text"] == CODES["GW101"].title
    assert run["results"][1]["message"]["text"] == "unknown key `x`\n\na note\n\nhelp: a remedy"
    assert run["results"][1]["locations"][0]["physicalLocation"] == {
        "artifactLocation": {"uri": "a.yaml", "uriBaseId": "ROOT"},
        "region": {"startLine": 3, "startColumn": 5, "endLine": 3, "endColumn": 6},
    }


def test_columns_count_characters_as_the_log_says() -> None:
    text = "🙂: x\n"
    found = Findings(sources={"a.yaml": text})
    found.error("GW101", "the fact", ("a.yaml", span(1, text.index("x") + 1, text.index("x") + 2)))
    run = log_of(found)
    assert run["columnKind"] == "unicodeCodePoints"
    assert run["results"][0]["locations"][0]["physicalLocation"]["region"]["startColumn"] == 4


def test_paths_are_uris() -> None:
    found = Findings()
    for path in ("rules/for us.yaml", "/etc/größe.yaml"):
        found.error("GW101", "the fact", (path, span(1, 1, 1)))
    places = [one["locations"][0]["physicalLocation"]["artifactLocation"] for one in log_of(found)["results"]]
    assert places == [
        {"uri": "file:///etc/gr%C3%B6%C3%9Fe.yaml"},
        {"uri": "rules/for%20us.yaml", "uriBaseId": "ROOT"},
    ]


def test_no_line_of_a_file_is_shown() -> None:
    found = Findings(sources={"a.yaml": "token: hunter2\n"})
    found.error("GW403", "a secret written in the file", ("a.yaml", span(1, 8, 15)))
    assert "hunter2" not in report(found, "sarif")
