"""Turns YAML text into nodes: libyaml finds the structure, what values mean is decided here."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TypeAlias

import yaml

from gateway.config.diagnostics import (
    FILE_START,
    DocumentFindings,
    Position,
    Span,
    one_character,
    position_after,
)
from gateway.config.nodes import Mapping, Node, Scalar, ScalarValue, Sequence, kind_of
from gateway.config.scalars import UnusableNumberError, resolve
from gateway.config.syntax import report_syntax

MAX_DEPTH = 64
"""Nodes may be nested this deep, aliases followed."""
MAX_EXPANSION = 20_000
"""All aliases of a file together may stand for this many nodes."""

_Entries: TypeAlias = dict[str, tuple[Scalar, Node]]
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_FORBIDDEN = re.compile("[^\t\n\r\x20-\x7e\xa0-\u2027\u202a-\ud7ff\ue000-\ufefe\uff00-\ufffd\U00010000-\U0010ffff]")
_BLANK = re.compile(r"(?:\s+|(?<=\s)#[^\r\n]*)*")


def compose(text: str, findings: DocumentFindings) -> Node | None:
    """Return the root of the one document in `text`, or None when it cannot be understood."""
    stray = _FORBIDDEN.search(text)
    if stray:
        written = f"\\u{ord(stray[0]):04x}"
        findings.error(
            "GW013",
            f"the character U+{ord(stray[0]):04X} may not stand in a file",
            one_character(position_after(text[: stray.start()])),
            help=f'in double quotes it can be written `"{written}"`',
        )
        return None
    composer = _Composer(text, findings)
    try:
        return composer.document()
    except yaml.MarkedYAMLError as error:
        report_syntax(error, text, composer.end, findings)
    except _GivenUpError as reason:
        findings.error(reason.code, reason.message, reason.span)
    return None


class _GivenUpError(Exception):
    """Reading on would not be safe."""

    def __init__(self, code: str, message: str, span: Span) -> None:
        super().__init__(message)
        self.code, self.message, self.span = code, message, span


class _Composer:
    """Builds nodes from the parser's events, so that nothing is nested or repeated without a limit."""

    def __init__(self, text: str, findings: DocumentFindings) -> None:
        self.end = position_after(text.rstrip("\r\n"))
        self._text = text
        self._findings = findings
        self._events: Iterator[yaml.Event] = iter(yaml.parse(text, Loader=_LOADER))
        self._anchors: dict[str, tuple[Node, int, int] | None] = {}
        self._made = 0
        self._deepest = 0
        self._expanded = 0

    def document(self) -> Node | None:
        """Read the one document of the file."""
        next(self._events)
        if not isinstance(next(self._events), yaml.DocumentStartEvent):
            self._report_empty()
            return None
        root = self._node(next(self._events), 1)
        next(self._events)
        following = next(self._events)
        if isinstance(following, yaml.DocumentStartEvent):
            self._findings.error(
                "GW011",
                "a second document begins here, and a file holds one",
                self._span(following),
                help="remove the `---`, or move what follows into a file of its own",
            )
            return None
        if isinstance(root, Scalar) and not root.raw and root.known:
            self._report_empty()
            return None
        return root

    def _report_empty(self) -> None:
        self._findings.error("GW012", "the file is empty", FILE_START)

    def _node(self, event: yaml.Event, depth: int) -> Node:
        if isinstance(event, yaml.AliasEvent):
            return self._alias(event, depth)
        if depth > MAX_DEPTH:
            raise self._too_deep(event)
        assert isinstance(event, (yaml.ScalarEvent, yaml.CollectionStartEvent))
        if event.tag:
            self._refuse_tag(event)
        if event.anchor is None:
            return self._content(event, depth)
        return self._anchored(event, event.anchor, depth)

    def _content(self, event: yaml.Event, depth: int) -> Node:
        self._made += 1
        self._deepest = max(self._deepest, depth)
        match event:
            case yaml.ScalarEvent():
                return self._scalar(event)
            case yaml.SequenceStartEvent():
                return self._sequence(event, depth)
            case _:
                return self._mapping(event, depth)

    def _anchored(self, event: yaml.Event, anchor: str, depth: int) -> Node:
        self._anchors[anchor] = None
        made, deepest = self._made, self._deepest
        self._deepest = depth
        node = self._content(event, depth)
        self._anchors[anchor] = (node, self._made - made, self._deepest - depth)
        self._deepest = max(deepest, self._deepest)
        return node

    def _alias(self, event: yaml.AliasEvent, depth: int) -> Node:
        target = self._anchors.get(str(event.anchor))
        if target is None:
            return self._lost(event)
        node, size, height = target
        if depth + height > MAX_DEPTH:
            raise self._too_deep(event)
        self._made += size
        self._expanded += size
        self._deepest = max(self._deepest, depth + height)
        if self._expanded > MAX_EXPANSION:
            message = f"the aliases of this file stand for more than {MAX_EXPANSION} values"
            raise _GivenUpError("GW009", message, self._span(event))
        return node

    def _lost(self, event: yaml.AliasEvent) -> Node:
        inside = event.anchor in self._anchors
        problem = (
            f"`*{event.anchor}` stands inside what it repeats"
            if inside
            else f"there is no `&{event.anchor}` before this `*{event.anchor}`"
        )
        help = None if inside else "text that begins with `*` needs quotes"
        self._findings.error("GW008", problem, self._span(event), help=help)
        return Scalar(value=None, raw="", text="", style="", span=self._span(event), known=False)

    def _scalar(self, event: yaml.ScalarEvent) -> Scalar:
        raw = self._text[_index(event.start_mark) : _index(event.end_mark)]
        start = self._position(event.start_mark)
        if event.anchor or event.tag:
            skipped = raw[: _behind_properties(raw, event.anchor)]
            start, raw = _moved(start, skipped), raw[len(skipped) :]
        end = self._position(event.end_mark)
        if event.style in ("|", ">"):  # the parser ends a block where the next thing begins
            raw = raw.rstrip()
            end = min(_moved(start, raw), self.end)
        span = Span(start, max(start, end))
        style = event.style or ""
        value, known = (event.value, True) if style else self._value(event.value, span)
        return Scalar(value=value, raw=raw, text=event.value, style=style, span=span, known=known and not event.tag)

    def _value(self, text: str, span: Span) -> tuple[ScalarValue, bool]:
        """Return what a plain scalar means, and whether that could be told."""
        try:
            return resolve(text), True
        except UnusableNumberError as error:
            self._findings.error("GW017", str(error), span, help="quotes make it text")
            return None, False

    def _sequence(self, event: yaml.SequenceStartEvent, depth: int) -> Sequence:
        items = []
        while not isinstance(inner := next(self._events), yaml.SequenceEndEvent):
            items.append(self._node(inner, depth + 1))
        return Sequence(items=tuple(items), span=self._extent(event, inner, items))

    def _mapping(self, event: yaml.Event, depth: int) -> Mapping | Scalar:
        entries: _Entries = {}
        merged: list[Node] = []
        last: list[Node] = []
        while not isinstance(inner := next(self._events), yaml.MappingEndEvent):
            key = self._node(inner, depth + 1)
            node = self._node(next(self._events), depth + 1)
            last = [key, node]
            if named := self._key(key, entries):
                entries[named.text] = (named, node)
            elif isinstance(key, Scalar) and key.text == "<<":
                merged.append(node)
        for node in merged:  # refused, but what it stands for is not missing
            entries = {**_entries(node), **entries}
        span = self._extent(event, inner, last)
        if last and not entries:
            return Scalar(value=None, raw="", text="", style="", span=span, known=False)
        return Mapping(entries=tuple(entries.values()), span=span)

    def _key(self, key: Node, entries: _Entries) -> Scalar | None:
        """Return the key as text, or None when it cannot be used, which is then reported."""
        if not isinstance(key, Scalar):
            help = "text that begins with `{` or `[` needs quotes"
            self._findings.error("GW016", f"a key must be text, found {kind_of(key)}", key, help=help)
        elif not key.text:
            self._findings.error("GW016", "the key before `:` is missing", key)
        elif key.text == "<<" and not key.style:
            self._findings.error(
                "GW015",
                "merge keys (`<<`) are not part of YAML 1.2",
                key,
                help="write the keys out, or repeat a whole value with `*name`",
            )
        elif key.text in entries:
            first = entries[key.text][0].span.start
            self._findings.error(
                "GW007",
                f"the key `{key.text}` is written twice",
                key,
                note=f"the first stands at line {first.line}, column {first.column}",
                help="take one of them out; a new entry of a list begins with `- `",
            )
        else:
            return Scalar(value=key.text, raw=key.raw, text=key.text, style=key.style, span=key.span)
        return None

    def _extent(self, start: yaml.Event, end: yaml.Event, children: list[Node]) -> Span:
        """Return a collection's place; the parser ends a block one only where the next thing begins."""
        first = self._position(start.start_mark)
        last = self._position(end.end_mark)
        if getattr(start, "flow_style", False) or not children:
            return Span(first, last)
        return Span(first, min(last, max(first, *(child.span.end for child in children))))

    def _refuse_tag(self, event: yaml.Event) -> None:
        start = self._position(event.start_mark)
        behind = self._text[_index(event.start_mark) :]
        tag, rest = behind.split(None, 1)[0], re.split(r" #|[\r\n]", behind, maxsplit=1)[0].rstrip()
        self._findings.error(
            "GW014",
            f"the tag `{tag}` is not allowed" if tag.startswith("!") else "tags are not allowed",
            Span(start, Position(start.line, start.column + len(tag))),
            help=f'text that begins with `!` needs quotes: `"{rest}"`'
            if re.match(r"!(?:[^!]|$)", tag)
            and not rest.endswith((",", "{", "[", "}", "]", ">", "|"))
            and '"' not in rest
            else "quotes make a value text; nothing else needs a tag",
        )

    def _too_deep(self, event: yaml.Event) -> _GivenUpError:
        return _GivenUpError("GW010", f"values are nested more than {MAX_DEPTH} deep", self._span(event))

    def _span(self, event: yaml.Event) -> Span:
        return Span(self._position(event.start_mark), self._position(event.end_mark))

    def _position(self, mark: yaml.Mark | yaml._yaml.Mark | None) -> Position:
        """Return a mark as a place inside the file; the parser may end things behind it."""
        return min(Position(mark.line + 1, mark.column + 1), self.end) if mark else self.end


def _entries(node: Node) -> _Entries:
    """Return what a merge key brings in: the entries of a mapping, or of each mapping of a list."""
    match node:
        case Mapping():
            return {key.text: (key, value) for key, value in node.entries}
        case Sequence():
            return {name: entry for item in node.items for name, entry in _entries(item).items()}
        case _:
            return {}


def _behind_properties(raw: str, anchor: str | None) -> int:
    """Return where a scalar begins behind its anchor and tag."""
    at = 0
    while at < len(raw):
        if anchor is not None and raw.startswith(f"&{anchor}", at):
            at, anchor = at + 1 + len(anchor), None
        elif raw[at] == "!":
            at += len(raw[at:].split(None, 1)[0])
        else:
            break
        blank = _BLANK.match(raw, at)
        at = blank.end() if blank else at
    return at


def _index(mark: yaml.Mark | yaml._yaml.Mark | None) -> int:
    return mark.index if mark else 0


def _moved(start: Position, text: str) -> Position:
    """Return the place behind `text`, which begins at `start`."""
    after = position_after(text)
    if after.line == 1:
        return Position(start.line, start.column + len(text))
    return Position(start.line + after.line - 1, after.column)
