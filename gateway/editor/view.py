"""A configuration as it stands in an editor: gateway.yaml, its rules files and their tests, whatever state they are in.

Unlike `gateway.project`, nothing has to be right: what cannot be read is left out, and what is wrong is not told.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from gateway.actions import ACTIONS_BY_NAME
from gateway.config.checks import merge_tables
from gateway.config.diagnostics import Findings
from gateway.config.document import Document
from gateway.config.file_use import FileUse
from gateway.config.nodes import Mapping as MappingNode
from gateway.config.nodes import Node, Plain, Scalar, Sequence
from gateway.config.payload_checks import Payloads, scheduled_payloads
from gateway.config.payload_schemas import payload_schemas
from gateway.config.rules import RulesFile, read_rules_document
from gateway.config.tables import Table
from gateway.editor.outline import outline
from gateway.editor.schemas import Kind
from gateway.editor.spots import follow, text_at
from gateway.providers import PRESETS
from gateway.providers.preset import Preset
from gateway.testing.loading import SUFFIXES, find_tests

Read = Callable[[Path], str | None]
"""Gives the text of a file as it stands in the editor, else on disk; None where there is none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceView:
    """A source, as far as it is written."""

    name: str
    key: Scalar
    provider: str
    rules: tuple[Path, ...]
    settings: Mapping[str, Plain]

    @property
    def preset(self) -> Preset | None:
        """Return what is known of the provider."""
        return PRESETS.get(self.provider)


@dataclass(slots=True)
class Readings:
    """What was read of files, kept for as long as their texts are the same."""

    roots: dict[Path, tuple[str, Node]] = field(default_factory=dict)
    rules: dict[Path, tuple[str, RulesFile | None]] = field(default_factory=dict)

    def root(self, path: Path, text: str) -> Node:
        """Return the tree of a file."""
        known = self.roots.get(path)
        if known is None or known[0] != text:
            known = self.roots[path] = (text, outline(text))
        return known[1]

    def file(self, path: Path, text: str) -> RulesFile | None:
        """Return a rules file, None where nothing of it can be read."""
        known = self.rules.get(path)
        if known is None or known[0] != text:
            document = Document(path=str(path), text=text, root=self.root(path, text))
            known = self.rules[path] = (text, read_rules_document(path, document, Findings(), ACTIONS_BY_NAME))
        return known[1]


class View:
    """A configuration in an editor."""

    def __init__(self, config: Path, read: Read, readings: Readings) -> None:
        """Take the path of gateway.yaml, which need not be there, and what reads files."""
        self.config = config
        self._read = read
        self._readings = readings

    def text(self, path: Path) -> str | None:
        """Return a file's text."""
        return self._read(path)

    def kind(self, path: Path) -> Kind:
        """Return what kind of file stands at a path."""
        if path == self.config:
            return Kind.GATEWAY
        return Kind.TESTS if path.name.endswith(SUFFIXES) else Kind.RULES

    def root(self, path: Path) -> Node:
        """Return a file's tree; an empty one where there is no file."""
        return self._readings.root(path, self._read(path) or "")

    def knows(self, path: Path) -> bool:
        """Say whether a file is one of the gateway's: it is named, stands among the rules, or has `rules` itself."""
        named = path == self.config or path in self._named() or self.kind(path) is Kind.TESTS
        return named or path.is_relative_to(self.config.parent / "rules") or _has_rules(self.root(path))

    @cached_property
    def sources(self) -> tuple[SourceView, ...]:
        """Return the sources in the order written."""
        entries = follow(self.root(self.config), ("sources",))
        listed = entries.entries if isinstance(entries, MappingNode) else ()
        return tuple(self._source(key, node) for key, node in listed)

    def _source(self, key: Scalar, node: Node) -> SourceView:
        settings = follow(node, ("settings",))
        plain = settings.plain() if isinstance(settings, MappingNode) else {}
        return SourceView(
            name=key.text,
            key=key,
            provider=text_at(node, "provider"),
            rules=tuple((self.config.parent / name).resolve() for name in _texts(follow(node, ("rules",)))),
            settings=plain if isinstance(plain, dict) else {},
        )

    @cached_property
    def files(self) -> Mapping[Path, RulesFile]:
        """Return the rules files that sources name."""
        return {path: file for path in self._named() if (file := self.file(path)) is not None}

    def file(self, path: Path) -> RulesFile | None:
        """Return a rules file, also one that no source names."""
        text = self._read(path)
        return None if text is None else self._readings.file(path, text)

    def _named(self) -> Iterable[Path]:
        return dict.fromkeys(path for source in self.sources for path in source.rules)

    @cached_property
    def tests(self) -> tuple[Path, ...]:
        """Return the tests files beside the rules."""
        folder = self.config.parent / "rules" / "tests"
        return tuple(path.resolve() for path in find_tests([folder])) if folder.is_dir() else ()

    @cached_property
    def paths(self) -> tuple[Path, ...]:
        """Return the paths of all files of the configuration."""
        return tuple(dict.fromkeys([self.config, *self.files, *self.tests]))

    def sources_of(self, path: Path) -> list[SourceView]:
        """Return the sources that use a rules file; of a tests file, the one whose rules it tests."""
        tested = text_at(self.root(path), "source") if self.kind(path) is Kind.TESTS else None
        return [source for source in self.sources if path in source.rules or source.name == tested]

    def files_of(self, path: Path) -> list[RulesFile]:
        """Return the rules files that a file may use names of: those of its sources, or itself alone."""
        own = self.file(path)
        used = [self.files[one] for source in self.sources_of(path) for one in source.rules if one in self.files]
        found = {file.path: file for file in used}
        return [*found.values()] if found else [own] if own is not None else []

    def tables(self, path: Path) -> Mapping[str, Table]:
        """Return the tables that a file may use: those of all rules files, and its own."""
        own = self.file(path) if self.kind(path) is Kind.RULES else None
        return merge_tables({**self.files, **({path: own} if own is not None else {})}.values(), Findings())

    def use_of(self, path: Path) -> FileUse:
        """Return how sources use a rules file."""
        used = self.sources_of(path)
        return FileUse(
            sources=tuple(source.name for source in used),
            payloads=tuple(self.payloads(source) for source in used),
            overrides=tuple(source.settings for source in used),
            answers=payload_schemas("stripe", self.config.parent).object,
        )

    def payloads(self, source: SourceView) -> Payloads:
        """Return what is known of a source's payloads."""
        schemas = payload_schemas(source.provider or None, self.config.parent, source=source.name)
        files = [self.files[path] for path in source.rules if path in self.files]
        return Payloads(
            types=source.preset.event_types if source.preset else (),
            payload=schemas.payload,
            scheduled=scheduled_payloads(files),
        )


def _has_rules(root: Node) -> bool:
    return isinstance(follow(root, ("rules",)), Sequence)


def _texts(node: Node | None) -> list[str]:
    items = node.items if isinstance(node, Sequence) else (node,) if isinstance(node, Scalar) else ()
    return [item.text for item in items if isinstance(item, Scalar) and item.text]
