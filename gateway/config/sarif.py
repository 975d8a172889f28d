"""Findings as SARIF 2.1.0, the format of code scanning (OASIS, "Static Analysis Results Interchange Format")."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import quote

from gateway import __version__
from gateway.config.codes import CODES
from gateway.config.diagnostics import Diagnostic, Findings, Severity, Span

SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
LEVELS: Mapping[Severity, str] = {
    Severity.ERROR: "error",
    Severity.WARNING: "warning",
    Severity.ADVICE: "note",
}


def sarif(findings: Findings) -> str:
    """Return all findings as one run; columns count characters (`unicodeCodePoints`), source lines are left out."""
    codes = sorted({diagnostic.code for diagnostic in findings.diagnostics})
    run = {
        "tool": {
            "driver": {
                "name": "gateway validate",
                "version": __version__,
                "semanticVersion": __version__,
                "rules": [_rule(code) for code in codes],
            }
        },
        "columnKind": "unicodeCodePoints",
        "originalUriBaseIds": {"ROOT": {"description": {"text": "the folder that the gateway was run in"}}},
        "results": [_result(diagnostic, codes) for diagnostic in findings.diagnostics],
    }
    return json.dumps({"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}, indent=2, ensure_ascii=False)


def _rule(name: str) -> dict[str, object]:
    code = CODES[name]
    return {
        "id": name,
        "shortDescription": {"text": code.title},
        "fullDescription": {"text": code.why},
        "help": {"text": f"gateway explain {name}"},
    }


def _result(diagnostic: Diagnostic, codes: list[str]) -> dict[str, object]:
    artifact = {"artifactLocation": _artifact(diagnostic.path), "region": _region(diagnostic.span)}
    return {
        "ruleId": diagnostic.code,
        "ruleIndex": codes.index(diagnostic.code),
        "level": LEVELS[diagnostic.severity],
        "message": {"text": _told(diagnostic)},
        "locations": [{"physicalLocation": artifact}],
    }


def _told(diagnostic: Diagnostic) -> str:
    """Return message, notes and help, a paragraph each."""
    help = [f"help: {diagnostic.help}"] if diagnostic.help else []
    return "\n\n".join([diagnostic.message, *diagnostic.notes, *help])


def _artifact(path: str) -> dict[str, str]:
    if Path(path).is_absolute():
        return {"uri": Path(path).as_uri()}
    uri = path.replace("\\", "/") if sys.platform == "win32" else path
    return {"uri": quote(uri), "uriBaseId": "ROOT"}


def _region(span: Span) -> dict[str, int]:
    start, end = span
    return {
        "startLine": start.line,
        "startColumn": start.column,
        "endLine": end.line,
        "endColumn": end.column,
    }
