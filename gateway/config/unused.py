"""What a rules file declares and nothing reads: extracted values, what steps bind, and settings."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator

from gateway.config.diagnostics import DocumentFindings, did_you_mean
from gateway.config.document import Mapping as MappingNode
from gateway.config.rules import RulesFile
from gateway.config.steps import Step

_SETTINGS = re.compile(r"\bsettings\b(?:\.([A-Za-z_]\w*))?")
_WHOLE = re.compile(r"\bsettings\b(?![.\w:])")


def check_unused(file: RulesFile, read: Collection[str], findings: DocumentFindings) -> None:
    """Advise of values extracted or bound, and settings, that nothing reads; `read` are all names that are.

    In a file with another mistake nothing is said: what is not read may be what is misspelt where it should be.
    """
    if findings.findings.has_worse_than_advice(findings.path):
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
    for step in _steps(file) if "@" not in read else ():
        name = step.node.get("as")
        if step.bind_as is not None and step.bind_as not in read and name is not None:
            near = did_you_mean(step.bind_as, read)
            findings.advice(
                "GW510",
                f"`{step.bind_as}` is bound, and nothing reads it",
                name,
                help=f"did you mean `{near}`?"
                if near
                else f"write `${step.bind_as}` where it is meant, or take it out",
            )
    _check_settings(file, findings)


def _steps(file: RulesFile) -> Iterator[Step]:
    for rule in file.rules:
        yield from rule.steps
    for procedure in file.procedures.values():
        yield from procedure.steps


def _check_settings(file: RulesFile, findings: DocumentFindings) -> None:
    declared = file.document.root.get("settings") if isinstance(file.document.root, MappingNode) else None
    if not isinstance(declared, MappingNode):
        return
    text = file.document.text
    read = {found[1] for found in _SETTINGS.finditer(text) if not found[0].endswith(":")}
    unread = [key for key, _ in declared.entries if key.text not in read]
    for key in unread if unread and not _WHOLE.search(_without_comments(text)) else ():
        findings.advice(
            "GW510",
            f"nothing reads the setting `{key.text}`",
            key,
            help=f"write `settings.{key.text}` where it is meant, or take it out",
        )


def _without_comments(text: str) -> str:
    return "\n".join("" if line.lstrip().startswith("#") else line.partition(" #")[0] for line in text.split("\n"))
