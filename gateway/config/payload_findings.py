"""Payload schemas as they are loaded: what is wrong with them, at its place in their files."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from gateway.config.diagnostics import FILE_START, Findings, Position, Span, one_character
from gateway.config.document import load_document, node_at
from gateway.config.payload_files import SHIPPED, SchemaUnusable, own_folders
from gateway.config.payload_validation import PayloadValidator
from gateway.config.settings_model import Settings, SourceSettings

Shown = Callable[[Path], str]
"""Gives a path as it is shown to the operator."""


def enforced_schemas(
    source: SourceSettings, settings: Settings, findings: Findings, shown: Shown
) -> PayloadValidator | None:
    """Return a source's payload schemas where it asks for them. The operator's own are looked at in any case."""
    shipped = (SHIPPED / source.provider,) if source.provider else ()
    own = [one for one in own_folders(settings.path.parent, (source.name, source.provider)) if one.is_dir()]
    own = [one for one in own if one.resolve() not in shipped]
    if source.schema is None:
        if own:
            _load(own, findings, shown)
        return None
    validator = _load([*own, *shipped], findings, shown)
    if validator is not None and not validator.types:
        _report_none(source, settings, findings, shown)
    return validator


def _load(folders: Sequence[Path], findings: Findings, shown: Shown) -> PayloadValidator | None:
    try:
        return PayloadValidator(folders)
    except SchemaUnusable as error:
        _report(error, findings, shown(error.path))
        return None


def _report_none(source: SourceSettings, settings: Settings, findings: Findings, shown: Shown) -> None:
    (folder,) = own_folders(settings.path.parent, (source.name,))
    findings.for_document(settings.document).warning(
        "GW108",
        f"there is no schema of any payload of `{source.name}`: nothing is looked at",
        node_at(settings.root, ("sources", source.name, "schema")),
        help=f"put them into `{shown(folder)}`; `gateway schema infer {source.name}` drafts them from stored events",
    )


def _report(error: SchemaUnusable, findings: Findings, shown: str) -> None:
    help = "schemas of payloads are JSON Schemas (draft 2020-12) in files of JSON"
    where = one_character(Position(*error.line)) if error.line else _span(error)
    if where != FILE_START:
        findings.sources[shown] = error.path.read_text(encoding="utf-8")
    findings.error("GW107", error.message, (shown, where), help=help)


def _span(error: SchemaUnusable) -> Span:
    """Return the place that is meant; JSON is read as the YAML it also is, for the sake of positions."""
    document = load_document(error.path, Findings()) if error.pointer else None
    return FILE_START if document is None or document.root is None else node_at(document.root, error.pointer).span
