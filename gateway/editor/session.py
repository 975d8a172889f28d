"""What an editor has open: its unsaved texts, the configurations these belong to, and what is wrong in them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from gateway.config.checks import check_rules, merge_tables
from gateway.config.diagnostics import Diagnostic, Findings
from gateway.config.document import load_document
from gateway.config.nodes import Mapping as MappingNode
from gateway.config.nodes import Node
from gateway.editor.view import Readings, View
from gateway.project import Project, load_project, load_rules, shown_path
from gateway.testing.loading import SUFFIXES, find_tests, load_tests

NAMES = ("gateway.yaml", "gateway.yml")
"""What a configuration is called."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """What was found in a configuration."""

    config: Path
    diagnostics: Mapping[Path, tuple[Diagnostic, ...]]
    texts: Mapping[Path, str]
    """The texts that were checked, of every file that something was found in."""


@dataclass(slots=True)
class Session:
    """The open files of one editor."""

    config: Path | None = None
    """The configuration to take for every file, where it was named."""
    buffers: dict[Path, str] = field(default_factory=dict)
    """Resolved path -> text of each open file."""
    readings: Readings = field(default_factory=Readings)

    def read(self, path: Path) -> str | None:
        """Return a file's text: what the editor holds, else what is on disk; None where there is none."""
        if path in self.buffers:
            return self.buffers[path]
        try:
            return path.read_text("utf-8").removeprefix("\ufeff")
        except (OSError, UnicodeDecodeError):
            return None

    def config_of(self, path: Path) -> Path:
        """Return the configuration that a file belongs to: the nearest one above it, which need not be there."""
        if self.config is not None:
            return self.config
        candidates = [folder / name for folder in path.parents for name in NAMES]
        near = [path] if path.name in NAMES else [one for one in candidates if one in self.buffers or one.is_file()]
        return near[0] if near else path.parent / NAMES[0]

    def view(self, path: Path) -> View:
        """Return the configuration that a file belongs to, as it stands in the editor."""
        return View(self.config_of(path), self.read, self.readings)

    def configs(self) -> list[Path]:
        """Return the configurations that the open files belong to."""
        return list(dict.fromkeys(self.config_of(path) for path in self.buffers))

    def job(self, config: Path) -> Job:
        """Return what is needed to check a configuration, apart from whatever changes in the meantime."""
        own = tuple(path for path in self.buffers if self.config_of(path) == config)
        return Job(config=config, opened=own, unsaved=dict(self.buffers))


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """One check of a configuration, with the texts as they were when it was asked for."""

    config: Path
    opened: tuple[Path, ...]
    unsaved: Mapping[Path, str]

    def run(self) -> Checked:
        """Check the configuration as `gateway validate` does, and open files that it does not name."""
        findings = Findings(unsaved=self.unsaved)
        there = self.config in self.unsaved or self.config.is_file()
        project = load_project(self.config, findings) if there else None
        tests = _tests(project, self.opened, findings) if project is not None else []
        named = {path.resolve(): path for path in (*(project.files if project is not None else ()), *tests)}
        strangers = [path for path in self.opened if path != self.config and path not in named]
        self._check_strangers([path for path in strangers if self._is_rules(path)], findings)
        known = {shown_path(path, self.config.parent): path for path in (*named.values(), *strangers)}
        return self._sorted(findings, {**known, str(self.config): self.config})

    def _is_rules(self, path: Path) -> bool:
        """Say whether an open file that nothing names looks like a rules file."""
        document = load_document(path, Findings(unsaved=self.unsaved))
        root: Node | None = document.root if document is not None else None
        return isinstance(root, MappingNode) and root.get("rules") is not None and not path.name.endswith(SUFFIXES)

    def _check_strangers(self, paths: Iterable[Path], findings: Findings) -> None:
        read = load_rules(list(paths), self.config.parent, findings)
        tables = merge_tables(read.values(), findings)
        for file in read.values():
            check_rules(file, tables, findings)

    def _sorted(self, findings: Findings, known: Mapping[str, Path]) -> Checked:
        found: dict[Path, list[Diagnostic]] = {}
        texts: dict[Path, str] = {}
        for one in findings.diagnostics:
            path = (known.get(one.path) or self._path(one.path)).resolve()
            found.setdefault(path, []).append(one)
            texts[path] = findings.sources.get(one.path, "")
        diagnostics = {path: tuple(listed) for path, listed in found.items()}
        return Checked(config=self.config, diagnostics=diagnostics, texts=texts)

    def _path(self, shown: str) -> Path:
        """Return the path of a file that is shown from the working folder, or from the configuration's."""
        path = Path(shown)
        below = Path.cwd() / path
        return below if path.is_absolute() or below.exists() else self.config.parent / path


def _tests(project: Project, opened: Iterable[Path], findings: Findings) -> list[Path]:
    """Check the tests beside the rules, and those that are open; return their paths."""
    folder = project.settings.path.parent / "rules" / "tests"
    beside = find_tests([folder]) if folder.is_dir() else []
    known = {path.resolve() for path in beside}
    paths = [*beside, *(path for path in opened if path.name.endswith(SUFFIXES) and path not in known)]
    load_tests(project, paths, findings)
    return paths
