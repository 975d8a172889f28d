"""What sources give instead of the settings of their rules files."""

from __future__ import annotations

import re
from collections.abc import Sequence

from gateway.config.diagnostics import DocumentFindings, Findings, did_you_mean
from gateway.config.nodes import Mapping, Node, Scalar, node_at
from gateway.config.rules import RulesFile
from gateway.config.scope_types import setting_types
from gateway.config.settings_model import Settings, SourceSettings
from gateway.config.wording import listed
from gateway.expressions.types import Type, in_words, type_of, widened


def declared(settings: Settings, section: str) -> tuple[str, ...]:
    """Return the names below a key of gateway.yaml, those too whose values were refused."""
    node = node_at(settings.root, (section,))
    return node.keys() if isinstance(node, Mapping) and node is not settings.root else ()


def check_source_settings(
    source: SourceSettings, files: Sequence[RulesFile], settings: Settings, findings: Findings
) -> None:
    """Report settings that none of a source's rules files has, and values of another kind than theirs."""
    known = {name for file in files for name in file.settings}
    node = node_at(settings.root, ("sources", source.name, "settings"))
    here = findings.for_document(settings.document)
    for key, value in node.entries if isinstance(node, Mapping) and source.settings else ():
        if key.text in known:
            _check_kind(key, value, files, here)
            continue
        near = did_you_mean(key.text, known)
        here.error(
            "GW203",
            f"the rules of `{source.name}` have no setting `{key.text}`",
            key,
            help=f"did you mean `{near}`?" if near else f"settings: {listed(sorted(known))}",
        )


def _check_kind(key: Scalar, value: Node, files: Sequence[RulesFile], findings: DocumentFindings) -> None:
    for file in files:
        own = (setting_types(file.settings, ()).fields or {}).get(key.text)
        given = widened(type_of(value.plain()))
        if own is not None and _is_another(own, given) and _is_read(key.text, file):
            message = f"the setting `{key.text}` is {in_words(own)} in {file.document.path}, this is {in_words(given)}"
            findings.error("GW103", message, value, help="its rules work with values of that kind")


def _is_another(own: Type, given: Type) -> bool:
    return bool(own.certain and given.certain) and own.certain.isdisjoint(given.certain)


def _is_read(name: str, file: RulesFile) -> bool:
    """Say whether a rules file names a setting, wherever that may be."""
    return re.search(rf"\bsettings\.{re.escape(name)}\b", file.document.text) is not None
