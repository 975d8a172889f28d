"""A whole configuration: gateway.yaml and the rules files it names, read and checked together."""

from __future__ import annotations

import os
from collections.abc import Mapping as MappingType
from collections.abc import Sequence
from pathlib import Path

from gateway.actions import ACTIONS_BY_NAME
from gateway.config.checks import (
    FileNames,
    KnownTypes,
    check_event_types,
    check_rules,
    check_stripe_key,
    merge_tables,
)
from gateway.config.declarations import Targets
from gateway.config.definitions import gather_at_definitions
from gateway.config.diagnostics import Findings
from gateway.config.file_use import FileUse
from gateway.config.nodes import node_at
from gateway.config.payload_checks import Payloads, check_event_paths, check_payload_paths, scheduled_payloads
from gateway.config.payload_findings import enforced_schemas
from gateway.config.payload_schemas import payload_schemas
from gateway.config.payload_validation import PayloadValidator
from gateway.config.responses import Response, read_response, response_scope
from gateway.config.rules import RulesFile, read_rules
from gateway.config.source_reach import check_source_reach
from gateway.config.source_settings import check_source_settings, declared
from gateway.config.tables import Table
from gateway.config.unused import check_unused
from gateway.providers import PRESETS
from gateway.records import dataclass
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
    enforced = {
        source.name: enforced_schemas(source, settings, findings, lambda file: shown_path(file, path.parent))
        for source in settings.sources
    }
    payloads = {source.name: _payloads_of(source, settings, files) for source in settings.sources}
    names = _check_files(settings, files, payloads, tables, findings)
    for file in files.values() if settings.stripe.api_key is None else ():
        check_stripe_key(file, findings)
    project = Project(
        settings=settings,
        files=files,
        tables=tables,
        responses={
            source.name: read_response(
                source.response,
                findings.for_document(settings.document),
                response_scope(source, files, names),
            )
            for source in settings.sources
        },
        enforced={name: schemas for name, schemas in enforced.items() if schemas is not None},
    )
    for source in settings.sources:
        _check_source_types(project, source, findings)
        for file in project.rules_of(source):
            check_payload_paths(file, payloads[source.name], findings.for_document(file.document))
        check_source_settings(source, project.rules_of(source), settings, findings)
        event = node_at(settings.root, ("sources", source.name, "event"))
        if source.event:
            check_event_paths(event, payloads[source.name], findings.for_document(settings.document))
    check_source_reach([source.rules for source in settings.sources], files, findings)
    for path_of_file, file in files.items():
        answers = [project.responses[source.name] for source in settings.sources if path_of_file in source.rules]
        read = names[path_of_file].read.union(*(answer.names for answer in answers))
        check_unused(file, read, findings.for_document(file.document))
    gather_at_definitions([settings.document, *(file.document for file in files.values())], findings)
    return project


def check_with_tables(project: Project, tables: MappingType[str, Table], findings: Findings) -> None:
    """Check a project's rules again with tables of which more is known; what was found before is found once."""
    sources = project.settings.sources
    payloads = {source.name: _payloads_of(source, project.settings, project.files) for source in sources}
    _check_files(project.settings, project.files, payloads, tables, findings)


def _check_files(
    settings: Settings,
    files: MappingType[Path, RulesFile],
    payloads: MappingType[str, Payloads],
    tables: MappingType[str, Table],
    findings: Findings,
) -> dict[Path, FileNames]:
    targets = Targets(
        destinations={name: one.url for name, one in settings.destinations.items()},
        channels=declared(settings, "channels"),
    )
    answers = payload_schemas("stripe", settings.path.parent).object
    names: dict[Path, FileNames] = {}
    for path, file in files.items():
        used = [source for source in settings.sources if path in source.rules]
        use = FileUse(
            sources=tuple(source.name for source in used),
            payloads=tuple(payloads[source.name] for source in used),
            overrides=tuple(source.settings for source in used),
            answers=answers,
        )
        names[path] = check_rules(file, tables, findings, targets, use)
    return names


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
