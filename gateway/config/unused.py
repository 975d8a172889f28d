"""What a rules file declares and nothing reads: extracted values and settings."""

from __future__ import annotations

import re
from collections.abc import Collection

from gateway.config.diagnostics import DocumentFindings, Severity
from gateway.config.document import Mapping as MappingNode
from gateway.config.rules import RulesFile

_SETTINGS = re.compile(r"\bsettings\b(?:\.([A-Za-z_]\w*))?")


def check_unused(file: RulesFile, read: Collection[str], findings: DocumentFindings) -> None:
    """Advise of values that are extracted, and settings, that nothing reads; `read` are all names that are.

    In a file with another mistake nothing is said: what is not read may be what is misspelt where it should be.
    """
    if any(one.path == findings.path and one.severity != Severity.ADVICE for one in findings.findings.diagnostics):
        return
    extractions = [*file.extract, *(one for rule in file.rules for one in rule.extract)]
    for one in extractions if "@" not in read else ():
        if one.name not in read and not one.required:
            findings.advice(
                "GW510",
                f"`{one.name}` is extracted, and nothing reads it",
                one.key,
                help=f"write `${one.name}` where it is meant, or take it out",
            )
    _check_settings(file, findings)


def _check_settings(file: RulesFile, findings: DocumentFindings) -> None:
    declared = file.document.root.get("settings") if isinstance(file.document.root, MappingNode) else None
    read = {found[1] for found in _SETTINGS.finditer(file.document.text) if not found[0].endswith(":")}
    whole = re.search(r"\bsettings\b(?![.\w:])", _without_comments(file.document.text)) is not None
    for key, _ in declared.entries if isinstance(declared, MappingNode) and not whole else ():
        if key.text not in read:
            findings.advice(
                "GW510",
                f"nothing reads the setting `{key.text}`",
                key,
                help=f"write `settings.{key.text}` where it is meant, or take it out",
            )


def _without_comments(text: str) -> str:
    return "\n".join("" if line.lstrip().startswith("#") else line.partition(" #")[0] for line in text.split("\n"))
