"""Findings: collected, sorted, each once; near spellings."""

from __future__ import annotations

import pytest

from gateway.config.diagnostics import Findings, Position, Severity, Span, did_you_mean
from gateway.config.document import read_document


def span(line: int, column: int) -> Span:
    return Span(Position(line, column), Position(line, column + 1))


def test_findings_are_sorted_by_path_line_and_column() -> None:
    findings = Findings()
    findings.error("GW101", "d", ("b.yaml", span(1, 1)))
    findings.warning("GW101", "c", ("a.yaml", span(10, 2)))
    findings.advice("GW101", "b", ("a.yaml", span(2, 9)))
    findings.error("GW101", "a", ("a.yaml", span(2, 1)))
    assert [one.message for one in findings.diagnostics] == ["a", "b", "c", "d"]


def test_the_same_finding_counts_once() -> None:
    findings = Findings()
    for _ in range(2):
        findings.error("GW101", "m", ("a.yaml", span(1, 1)), help="h")
    assert len(findings.diagnostics) == 1


def test_only_errors_are_errors() -> None:
    findings = Findings()
    findings.warning("GW402", "m", ("a.yaml", span(1, 1)))
    findings.advice("GW502", "m", ("a.yaml", span(1, 1)))
    assert not findings.has_errors
    findings.error("GW101", "m", ("a.yaml", span(1, 1)))
    assert findings.has_errors
    assert [findings.count(severity) for severity in Severity] == [1, 1, 1]


def test_a_document_collects_by_node() -> None:
    findings = Findings()
    document = read_document("a.yaml", "key: value\n", findings)
    assert document.root is not None
    findings.for_document(document).error("GW101", "m", document.root, note="n", help="h")
    (found,) = findings.diagnostics
    assert (found.path, found.span.start, found.notes, found.help) == ("a.yaml", Position(1, 1), ("n",), "h")


def test_selecting_leaves_the_rest_out() -> None:
    findings = Findings(sources={"a": "text"})
    findings.error("GW101", "x", ("a", span(1, 1)))
    findings.error("GW102", "y", ("a", span(1, 1)))
    chosen = findings.select(lambda one: one.code == "GW102")
    assert [one.message for one in chosen.diagnostics] == ["y"]
    assert chosen.sources == {"a": "text"}


def test_taking_over_another_collection() -> None:
    one, other = Findings(), Findings(sources={"b": "text"})
    other.mask("b", span(1, 1))
    other.error("GW101", "x", ("b", span(1, 1)))
    one.take(other)
    assert (one.diagnostics, one.sources, one.masked) == (other.diagnostics, other.sources, other.masked)


@pytest.mark.parametrize(
    ("word", "candidates", "near"),
    [
        ("pth", ["path", "provider"], "path"),
        ("rate-limit", ["rate_limit"], "rate_limit"),
        ("rateLimit", ["rate_limit", "rules"], "rate_limit"),
        ("Verify", ["verify"], "verify"),
        ("recieved", ["received", "retry"], "received"),
        ("on", ["no", "do", "in"], None),
        ("ON", ["on"], "on"),
        ("ot", ["to"], None),
        ("wen", ["when", "where"], "when"),
        ("hwen", ["when"], "when"),
        ("xyz", ["abc"], None),
        ("path", ["path"], None),
        ("warn", ["debug", "warning"], "warning"),
        ("customer", ["customer_id", "customer_name"], None),
        ("subscriptoin_id", ["subscription_id", "subscription"], "subscription_id"),
        ("", ["a"], None),
        ("a", [], None),
    ],
)
def test_near_spellings_only(word: str, candidates: list[str], near: str | None) -> None:
    assert did_you_mean(word, candidates) == near
