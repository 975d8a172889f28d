"""Runs the checks on what a command names: a configuration, single rules files, or a folder of them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from gateway.cli.opening import CannotRun
from gateway.config.checks import check_rules, merge_tables
from gateway.config.diagnostics import Findings
from gateway.config.document import Mapping, read_document
from gateway.config.reporters import Checked
from gateway.config.rule_tests import CaseFile
from gateway.config.rules import RulesFile
from gateway.project import Project, load_project, load_rules
from gateway.testing.loading import find_tests, load_tests

TESTS = (".test.yaml", ".test.yml")
"""How the names of tests of rules end."""


def check_paths(paths: Sequence[Path], config: Path, findings: Findings, *, connect: bool = False) -> Checked:
    """Check configurations and rules files, and say how much that was.

    A rules file that `config` names is checked as part of it, because it may use the tables of others; only
    what is wrong in the file itself is then reported. With `connect` configurations are compared with their
    databases and providers too.
    """
    files = [file for path in paths for file in _files(path)]
    configurations = [path for path in files if is_configuration(path)]
    if connect and not configurations:
        raise CannotRun("`--connect` needs a gateway.yaml", help="name one, or leave the paths out")
    projects = [project for path in configurations if (project := load_project(path, findings)) is not None]
    tests = [file for project in projects for file in _tests_of(project, findings)]
    read = {path.resolve(): file for project in projects for path, file in project.files.items()}
    alone = [path for path in files if path not in configurations and path.resolve() not in read]
    read.update(_check_alone(alone, config, findings))
    return Checked(
        files=len(configurations) + len(read) + len(tests),
        rules=sum(len(file.rules) for file in read.values()),
        looked_at=tuple(line for project in projects for line in _compare(project, findings)) if connect else (),
    )


def _compare(project: Project, findings: Findings) -> list[str]:
    from gateway.connecting.comparison import compare_with_outside

    return compare_with_outside(project, findings)


def _tests_of(project: Project, findings: Findings) -> list[CaseFile]:
    """Check the tests that stand beside a project's rules."""
    folder = project.settings.path.parent / "rules" / "tests"
    return load_tests(project, find_tests([folder]), findings) if folder.is_dir() else []


def is_configuration(path: Path) -> bool:
    """Say whether a file is a gateway.yaml rather than a rules file: it is called so, or has `sources`."""
    if path.name in ("gateway.yaml", "gateway.yml"):
        return True
    try:
        root = read_document(str(path), path.read_text("utf-8"), Findings()).root
    except (OSError, UnicodeDecodeError):
        return False
    return isinstance(root, Mapping) and root.get("sources") is not None


def _files(path: Path) -> Iterable[Path]:
    """Return a file, or the configuration in a directory, or else the rules files below it."""
    if not path.is_dir():
        return [path]
    if (path / "gateway.yaml").is_file():
        return [path / "gateway.yaml"]
    found = sorted(file for suffix in ("yaml", "yml") for file in path.rglob(f"*.{suffix}"))
    return [file for file in found if not file.name.endswith(TESTS)]


def _check_alone(paths: Sequence[Path], config: Path, findings: Findings) -> dict[Path, RulesFile]:
    """Check rules files that no configuration among those checked names."""
    aside = Findings()
    project = load_project(config, aside) if paths and config.is_file() else None
    named = {} if project is None else {path.resolve(): file for path, file in project.files.items()}
    shared = {path.resolve(): named[path.resolve()] for path in paths if path.resolve() in named}
    shown = {file.document.path for file in shared.values()}
    findings.take(aside.select(lambda diagnostic: diagnostic.path in shown))
    return {**shared, **_check_strangers([path for path in paths if path.resolve() not in shared], findings)}


def _check_strangers(paths: Sequence[Path], findings: Findings) -> dict[Path, RulesFile]:
    """Check rules files that no configuration names, together, by themselves."""
    read = load_rules(paths, Path.cwd(), findings)
    tables = merge_tables(read.values(), findings)
    for file in read.values():
        check_rules(file, tables, findings)
    return {path.resolve(): file for path, file in read.items()}
