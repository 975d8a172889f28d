"""A whole configuration: gateway.yaml and the rules files it names, read and checked together."""

from __future__ import annotations

import os
from collections.abc import Mapping as MappingType
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from gateway.actions import ACTIONS_BY_NAME
from gateway.config.checks import KnownTypes, check_event_types, check_rules, check_stripe_key, merge_tables
from gateway.config.diagnostics import Findings
from gateway.config.file_use import FileUse
from gateway.config.payload_checks import Payloads, check_payload_paths, scheduled_payloads
from gateway.config.payload_findings import enforced_schemas
from gateway.config.payload_schemas import payload_schemas
from gateway.config.payload_validation import PayloadValidator
from gateway.config.responses import Response, names_bound, read_response
from gateway.config.rules import RulesFile, read_rules
from gateway.config.scope import Targets
from gateway.config.source_reach import check_source_reach
from gateway.config.source_settings import check_source_settings
from gateway.config.tables import Table
from gateway.providers import PRESETS
from gateway.settings import Settings, SourceSettings, load_settings


@dataclass(frozen=True, slots=True, kw_only=True)
class Project:
    """What an operator wrote, free of errors unless `findings` says otherwise."""

    settings: Settings
    files: MappingType[Path, RulesFile]
    tables: MappingType[str, Table]
    responses: MappingType[str, Response]
    """For sources that answer with the outcome: the shape of the answer."""
    enforced: MappingType[str, PayloadValidator]
    """For sources that look at payloads as they come: their schemas."""

    def rules_of(self, source: SourceSettings) -> list[RulesFile]:
        """Return a source's rules files, in order."""
        return [self.files[path] for path in source.rules if path in self.files]


def load_project(path: Path, findings: Findings, environ: MappingType[str, str] | None = None) -> Project | None:
    """Read gateway.yaml and its rules; problems become findings. None when gateway.yaml cannot be read at all."""
    settings = load_settings(path, findings, os.environ if environ is None else environ)
    if settings is None:
        return None
    files = load_rules(sorted({rules for source in settings.sources for rules in source.rules}), path.parent, findings)
    tables = merge_tables(files.values(), findings)
    targets = Targets(
        destinations={name: one.url for name, one in settings.destinations.items()}, channels=tuple(settings.channels)
    )
    enforced = {
        source.name: enforced_schemas(source, settings, findings, lambda file: shown_path(file, path.parent))
        for source in settings.sources
    }
    payloads = {source.name: _payloads_of(source, settings, files) for source in settings.sources}
    for path_of_file, file in files.items():
        used = [source for source in settings.sources if path_of_file in source.rules]
        use = FileUse(
            sources=tuple(source.name for source in used),
            payloads=tuple(payloads[source.name] for source in used),
            overrides=tuple(source.settings for source in used),
            answers=payload_schemas("stripe", path.parent).object,
        )
        check_rules(file, tables, findings, targets, use)
        if settings.stripe.api_key is None:
            check_stripe_key(file, findings)
    project = Project(
        settings=settings,
        files=files,
        tables=tables,
        responses={
            s.name: read_response(
                s.response,
                findings.for_document(settings.document),
                bound=names_bound([files[one] for one in s.rules if one in files]),
            )
            for s in settings.sources
        },
        enforced={name: schemas for name, schemas in enforced.items() if schemas is not None},
    )
    for source in settings.sources:
        _check_source_types(project, source, findings)
        for file in project.rules_of(source):
            check_payload_paths(file, payloads[source.name], findings.for_document(file.document))
        check_source_settings(source, project.rules_of(source), settings, findings)
    check_source_reach([source.rules for source in settings.sources], files, findings)
    return project


def load_rules(paths: Sequence[Path], base: Path, findings: Findings) -> dict[Path, RulesFile]:
    """Read rules files; those that cannot be read at all are left out, with findings."""
    read = {path: read_rules(path, shown_path(path, base), findings, ACTIONS_BY_NAME) for path in paths}
    return {path: file for path, file in read.items() if file is not None}


def shown_path(path: Path, base: Path) -> str:
    """Return a path as it is shown to the operator: from the working folder where it is below it."""
    if not path.is_absolute():
        return str(path)
    for folder in (Path.cwd(), base):
        if path.is_relative_to(folder):
            return str(path.relative_to(folder))
    return str(path)


def _payloads_of(source: SourceSettings, settings: Settings, files: MappingType[Path, RulesFile]) -> Payloads:
    """Return what is known of a source's payloads."""
    scheduled = scheduled_payloads(files[path] for path in source.rules if path in files)
    preset = PRESETS.get(source.provider or "")
    schemas = payload_schemas(source.provider, settings.path.parent, source=source.name)
    if preset is None or not preset.event_types:
        return Payloads(types=(), payload=schemas.payload, scheduled=scheduled)
    types = tuple(preset.event_types)
    return Payloads(
        types=types, payload=schemas.payload, moved=preset.moved, instead=preset.instead, scheduled=scheduled
    )


def _check_source_types(project: Project, source: SourceSettings, findings: Findings) -> None:
    preset = PRESETS.get(source.provider or "")
    if preset is None or not preset.event_types:
        return
    known = KnownTypes(provider=preset.title, types=tuple(preset.event_types), instead=preset.instead)
    for file in project.rules_of(source):
        check_event_types(file.rules, known, findings.for_document(file.document))
