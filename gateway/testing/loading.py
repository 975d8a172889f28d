"""Finding, reading and checking tests files: light enough for `gateway validate`."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import cache
from pathlib import Path

from gateway.config.definitions import gather_at_definitions
from gateway.config.diagnostics import Findings, Severity
from gateway.config.document import Mapping, Node, Scalar, node_at
from gateway.config.procedure_needs import needs_of
from gateway.config.rule_scopes import open_scope
from gateway.config.rule_tests import CaseFile, read_rule_tests
from gateway.config.rule_tests_checks import check_rule_tests
from gateway.config.rule_tests_effects_checks import doings_of
from gateway.config.rule_tests_source import SourceUnderTest
from gateway.config.rules import RulesFile
from gateway.project import Project, shown_path

SUFFIXES = (".test.yaml", ".test.yml")
"""How the names of tests files end."""


def find_tests(paths: Iterable[Path]) -> list[Path]:
    """Return the tests files at some paths, of a folder all below it."""
    found: list[Path] = []
    for path in paths:
        if path.is_dir():
            found.extend(sorted(file for suffix in SUFFIXES for file in path.rglob(f"*{suffix}")))
        else:
            found.append(path)
    return list(dict.fromkeys(found))


def load_tests(project: Project, paths: Iterable[Path], findings: Findings) -> list[CaseFile]:
    """Read and check tests files; problems become findings. Files that cannot be read are left out.

    What cases name is looked up in rules that are free of errors alone: else one mistake there would show in every
    case again. `findings` holds what was found in the project.
    """
    unclear = _unclear(project, findings)
    read = [read_rule_tests(path, shown_path(path, project.settings.path.parent), findings) for path in paths]
    files = [file for file in read if file is not None]
    sources = {source.name: _under_test(project, source.name) for source in project.settings.sources}
    for file in files:
        if not unclear(file.source_name):
            check_rule_tests(file, sources, project.tables, findings)
    gather_at_definitions([project.settings.document, *(file.document for file in project.files.values())], findings)
    return files


def _unclear(project: Project, findings: Findings) -> Callable[[str], bool]:
    """Return the function that says whether a mistake in the project is about the source of a name."""
    wrong = [one for one in findings.diagnostics if one.severity is Severity.ERROR and not one.code.startswith("GW4")]
    settings = project.settings
    sources = node_at(settings.root, ("sources",))

    def within(place: Node, key: Scalar | None) -> bool:
        first, last = (key or place).span.start.line, place.span.end.line
        return any(one.path == settings.document.path and first <= one.span.start.line <= last for one in wrong)

    def unclear(name: str) -> bool:
        source = settings.source(name)
        if source is None or not isinstance(sources, Mapping):
            return within(sources, None)
        shown = {shown_path(path, settings.path.parent) for path in source.rules}
        return any(one.path in shown for one in wrong) or within(node_at(sources, (name,)), sources.key(name))

    return unclear


def _under_test(project: Project, name: str) -> SourceUnderTest:
    files = rules_of(project, name)
    source = project.settings.source(name)
    assert source is not None
    return SourceUnderTest(
        name=name,
        rules=tuple(rule.name for file in files for rule in file.rules),
        settings=tuple(dict.fromkeys(key for file in files for key in file.settings)),
        answers=source.respond == "result",
        doings=doings_of(files),
        procedures=tuple(dict.fromkeys(name for file in files for name in file.procedures)),
        checks={check.name: check.repair is not None for file in files for check in file.checks.values()},
        needs=cache(lambda procedure: _needs(project, files, procedure)),
    )


def _needs(project: Project, files: Sequence[RulesFile], procedure: str) -> tuple[str, ...]:
    """Return the names that a procedure of some files must be given; of several of one name the last is run."""
    file = [one for one in files if procedure in one.procedures][-1]
    scope = open_scope(file, project.tables, Findings().for_document(file.document))
    return needs_of(procedure, scope)


def rules_of(project: Project, name: str) -> list[RulesFile]:
    """Return the rules files of a source, in order; none when there is no such source."""
    source = project.settings.source(name)
    return [] if source is None else project.rules_of(source)
