"""What is wrong in a configuration file, and where: a value that is collected, never raised."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from enum import StrEnum
from pathlib import Path
from typing import NamedTuple, Protocol

from gateway.records import dataclass, field

_BREAK = re.compile(r"\r\n|\r|\n")


class Position(NamedTuple):
    """A place in a file: line and column, both counted from 1, columns in characters."""

    line: int
    column: int


class Span(NamedTuple):
    """A stretch of a file: from `start` up to, but not with, `end`."""

    start: Position
    end: Position


FILE_START = Span(Position(1, 1), Position(1, 1))
"""Stands for the file as a whole."""


class Severity(StrEnum):
    """How much a diagnostic matters: an error keeps the configuration from being used."""

    ERROR = "error"
    WARNING = "warning"
    ADVICE = "advice"


@dataclass(frozen=True, slots=True, kw_only=True)
class Diagnostic:
    """One finding: a stable code, a sentence, the place it is about and what to do."""

    code: str
    severity: Severity
    message: str
    path: str
    span: Span
    notes: tuple[str, ...] = ()
    help: str | None = None


class Located(Protocol):
    """Anything that knows its place in a file: nodes do."""

    @property
    def span(self) -> Span:
        """Return the place."""
        ...


class Source(Protocol):
    """A file that diagnostics are about: documents are."""

    @property
    def path(self) -> str:
        """Return the path as it is shown to people."""
        ...

    @property
    def text(self) -> str:
        """Return what the file holds."""
        ...


@dataclass(slots=True)
class Findings:
    """Collects diagnostics, the texts they point into, and the places that must not be shown."""

    sources: dict[str, str] = field(default_factory=dict)
    """Path -> text of every file read, for showing source lines."""
    masked: dict[str, set[Span]] = field(default_factory=dict)
    """Path -> places that hold a secret: a report shows asterisks there."""
    unsaved: Mapping[Path, str] = field(default_factory=dict)
    """Resolved path -> text of what an editor holds and has not saved: it stands for the file on disk."""
    _seen: dict[Diagnostic, None] = field(default_factory=dict)

    @property
    def diagnostics(self) -> tuple[Diagnostic, ...]:
        """Return all findings, each once, sorted by path, line and column."""
        return tuple(sorted(self._seen, key=lambda one: (one.path, one.span, one.code, one.message)))

    @property
    def has_errors(self) -> bool:
        """Say whether anything found keeps the configuration from being used."""
        return any(one.severity is Severity.ERROR for one in self._seen)

    def has_worse_than_advice(self, path: str) -> bool:
        """Say whether anything found in a file is a mistake, or may be one."""
        return any(one.path == path and one.severity is not Severity.ADVICE for one in self._seen)

    def count(self, severity: Severity) -> int:
        """Return how many findings have this severity."""
        return sum(one.severity is severity for one in self._seen)

    def add(self, diagnostic: Diagnostic) -> None:
        """Keep a diagnostic; the same one twice counts once."""
        self._seen.setdefault(diagnostic)

    def error(
        self,
        code: str,
        message: str,
        where: tuple[str, Span],
        *,
        note: str | tuple[str, ...] | None = None,
        help: str | None = None,
    ) -> None:
        """Record something that keeps the configuration from being used."""
        self.add(_diagnostic(Severity.ERROR, code, message, where, note, help))

    def warning(
        self,
        code: str,
        message: str,
        where: tuple[str, Span],
        *,
        note: str | tuple[str, ...] | None = None,
        help: str | None = None,
    ) -> None:
        """Record something that works but is probably not meant."""
        self.add(_diagnostic(Severity.WARNING, code, message, where, note, help))

    def advice(
        self,
        code: str,
        message: str,
        where: tuple[str, Span],
        *,
        note: str | tuple[str, ...] | None = None,
        help: str | None = None,
    ) -> None:
        """Record something that could be better."""
        self.add(_diagnostic(Severity.ADVICE, code, message, where, note, help))

    def select(self, keep: Callable[[Diagnostic], bool]) -> Findings:
        """Return those findings that `keep` says yes to, with what is needed to show them."""
        chosen = Findings(sources=dict(self.sources), masked=dict(self.masked))
        for diagnostic in filter(keep, self._seen):
            chosen.add(diagnostic)
        return chosen

    def take(self, other: Findings) -> None:
        """Add another collection to this one."""
        for path, text in other.sources.items():
            self.sources.setdefault(path, text)
        for path, spans in other.masked.items():
            self.masked.setdefault(path, set()).update(spans)
        for diagnostic in other.diagnostics:
            self.add(diagnostic)

    def mask(self, path: str, span: Span) -> None:
        """Keep reports from showing what stands at this place."""
        self.masked.setdefault(path, set()).add(span)

    def replace(self, old: Iterable[Diagnostic], new: Diagnostic) -> None:
        """Put one finding in the place of others."""
        for one in old:
            self._seen.pop(one, None)
        self.add(new)

    def for_document(self, document: Source) -> DocumentFindings:
        """Return a collector for one file, which takes nodes as places."""
        self.sources.setdefault(document.path, document.text)
        return DocumentFindings(findings=self, path=document.path)


@dataclass(frozen=True, slots=True, kw_only=True)
class DocumentFindings:
    """Collects diagnostics of one file; a place is a node, or a span."""

    findings: Findings
    path: str

    def error(
        self,
        code: str,
        message: str,
        where: Located | Span,
        *,
        note: str | tuple[str, ...] | None = None,
        help: str | None = None,
    ) -> None:
        """Record something that keeps the configuration from being used."""
        self.findings.error(code, message, (self.path, span_of(where)), note=note, help=help)

    def warning(
        self,
        code: str,
        message: str,
        where: Located | Span,
        *,
        note: str | tuple[str, ...] | None = None,
        help: str | None = None,
    ) -> None:
        """Record something that works but is probably not meant."""
        self.findings.warning(code, message, (self.path, span_of(where)), note=note, help=help)

    def advice(
        self,
        code: str,
        message: str,
        where: Located | Span,
        *,
        note: str | tuple[str, ...] | None = None,
        help: str | None = None,
    ) -> None:
        """Record something that could be better."""
        self.findings.advice(code, message, (self.path, span_of(where)), note=note, help=help)

    def mask(self, where: Located | Span) -> None:
        """Keep reports from showing what stands at this place."""
        self.findings.mask(self.path, span_of(where))


def span_of(where: Located | Span) -> Span:
    """Return the place of a node, or the span itself."""
    return where if isinstance(where, Span) else where.span


def position_after(text: str) -> Position:
    """Return the place behind the last character of a file that begins with `text`."""
    lines = _BREAK.split(text)
    return Position(len(lines), len(lines[-1]) + 1)


def one_character(start: Position) -> Span:
    """Return the place of the one character at `start`."""
    return Span(start, Position(start.line, start.column + 1))


def did_you_mean(word: str, candidates: Iterable[str]) -> str | None:
    """Return the candidate that `word` is a near spelling of, or None.

    Case, `-`, `_` and spaces do not count; else one slip (a letter more, less, other, or two swapped) in
    a shorter word of three or four letters, two up to eight, three beyond. A word of two letters may have one or two
    behind it, or one between them. Failing that, the one candidate that begins with the word.
    """
    candidates = list(candidates)
    folded = _fold(word)
    best: tuple[int, int, str] | None = None
    for candidate in candidates:
        if candidate == word:
            continue
        limit = _slips(min(len(word), len(candidate))) or _slips_of_two(folded, _fold(candidate))
        distance = _distance(folded, _fold(candidate), limit)
        # Of two as near, the one of the same length: letters are swapped more often than left out.
        apart = abs(len(candidate) - len(word))
        if distance <= limit and (best is None or (distance, apart) < best[:2]):
            best = (distance, apart, candidate)
    if best is not None:
        return best[2]
    longer = [one for one in candidates if len(folded) >= 3 and one != word and _fold(one).startswith(folded)]
    return longer[0] if len(longer) == 1 else None


def _diagnostic(
    severity: Severity,
    code: str,
    message: str,
    where: tuple[str, Span],
    note: str | tuple[str, ...] | None,
    help: str | None,
) -> Diagnostic:
    notes = (note,) if isinstance(note, str) else note or ()
    path, span = where
    return Diagnostic(code=code, severity=severity, message=message, path=path, span=span, notes=notes, help=help)


def _fold(word: str) -> str:
    return word.casefold().replace("-", "_").replace(" ", "_")


def _slips(length: int) -> int:
    if length < 3:
        return 0
    return 1 if length <= 4 else 2 if length <= 8 else 3


def _slips_of_two(one: str, other: str) -> int:
    """Return how many letters more than two may be there: in so short a word any other slip makes another word."""
    short, long = sorted((one, other), key=len)
    if len(short) != 2 or long[:1] != short[:1]:
        return 0
    return 2 if long.startswith(short) else 1 if len(long) == 3 else 0


def _distance(one: str, other: str, limit: int) -> int:
    """Count the slips between two words (optimal string alignment); stop counting past `limit`."""
    if abs(len(one) - len(other)) > limit:
        return limit + 1
    before: list[int] = []
    previous = list(range(len(other) + 1))
    for i, a in enumerate(one, 1):
        current = [i]
        for j, b in enumerate(other, 1):
            cost = min(previous[j] + 1, current[j - 1] + 1, previous[j - 1] + (a != b))
            if i > 1 and j > 1 and a == other[j - 2] and one[i - 2] == b:
                cost = min(cost, before[j - 2] + 1)
            current.append(cost)
        if min(current) > limit:
            return limit + 1
        before, previous = previous, current
    return previous[-1]
