"""Turns YAML text into nodes: libyaml finds the structure, what values mean is decided here."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from functools import partial
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
_BLOCKS = ("|", ">")
_NO_KEYS = ("", "<<")
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
# A named tuple's own constructor takes four times as long.
_place: Callable[[tuple[int, int]], Position] = partial(tuple.__new__, Position)
_stretch: Callable[[tuple[Position, Position]], Span] = partial(tuple.__new__, Span)
# The parser has compiled already, which takes long, what it cannot read; these it would take for breaks or skip.
_UNREADABLE = yaml.reader.Reader.NON_PRINTABLE
_UNSEEN = re.compile("[\x85\u2028\u2029\ufeff]")
_BLANK = re.compile(r"(?:\s+|(?<=\s)#[^\r\n]*)*")


def compose(text: str, findings: DocumentFindings) -> Node | None:
    """Return the root of the one document in `text`, or None when it cannot be understood."""
    strays = [found for pattern in (_UNREADABLE, _UNSEEN) if (found := pattern.search(text))]
    if strays:
        stray = min(strays, key=re.Match.start)
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
    """Builds nodes from the parser's events, so that nothing is nested or repeated without a limit.

    A file of a thousand lines has five thousand events: what each takes is what reading takes. Therefore scalars, most
    of them, have a short way through, and sizes are counted where an alias asks for them.
    """

    def __init__(self, text: str, findings: DocumentFindings) -> None:
        self.end = position_after(text.rstrip("\r\n"))
        self._last = self.end.line - 1
        self._text = text
        self._findings = findings
        self._next: Callable[[], yaml.Event] = _LOADER(text).get_event
        self._anchors: dict[str, Node | None] = {}
        self._extents: dict[int, tuple[int, int]] = {}
        self._expanded = 0

    def document(self) -> Node | None:
        """Read the one document of the file."""
        self._next()
        if not isinstance(self._next(), yaml.DocumentStartEvent):
            self._report_empty()
            return None
        root = self._node(self._next(), 1)
        self._next()
        following = self._next()
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
        if type(event) is yaml.ScalarEvent and not event.anchor and not event.tag and depth <= MAX_DEPTH:
            return self._scalar(event)
        if isinstance(event, yaml.AliasEvent):
            return self._alias(event, depth)
        if depth > MAX_DEPTH:
            raise self._too_deep(event)
        assert isinstance(event, (yaml.ScalarEvent, yaml.CollectionStartEvent))
        if event.tag:
            self._refuse_tag(event)
        if event.anchor is None:
            return self._content(event, depth)
        self._anchors[event.anchor] = None
        node = self._anchors[event.anchor] = self._content(event, depth)
        return node

    def _content(self, event: yaml.Event, depth: int) -> Node:
        if isinstance(event, yaml.ScalarEvent):
            return self._unusual_scalar(event)
        if isinstance(event, yaml.SequenceStartEvent):
            return self._sequence(event, depth)
        return self._mapping(event, depth)

    def _alias(self, event: yaml.AliasEvent, depth: int) -> Node:
        node = self._anchors.get(str(event.anchor))
        if node is None:
            return self._lost(event)
        size, height = self._extent_of(node)
        if depth + height > MAX_DEPTH:
            raise self._too_deep(event)
        self._expanded += size
        if self._expanded > MAX_EXPANSION:
            message = f"the aliases of this file stand for more than {MAX_EXPANSION} values"
            raise _GivenUpError("GW009", message, self._span(event))
        return node

    def _extent_of(self, node: Node) -> tuple[int, int]:
        """Return how many nodes a node stands for, aliases followed, and how many levels are below it."""
        known = self._extents.get(id(node))
        if known is None:
            below = [self._extent_of(child) for child in _children(node)]
            known = 1 + sum(size for size, _ in below), 1 + max((height for _, height in below), default=-1)
            self._extents[id(node)] = known  # what has an anchor is kept with all below it, so ids stay its own
        return known

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
        begins, ends, style = event.start_mark, event.end_mark, event.style or ""
        if style in _BLOCKS or begins is None or ends is None or ends.line >= self._last:
            return self._unusual_scalar(event)
        text = event.value
        span = _stretch((_place((begins.line + 1, begins.column + 1)), _place((ends.line + 1, ends.column + 1))))
        value, known = (text, True) if style else self._value(text, span)
        raw = self._text[begins.index : ends.index]
        return Scalar(value=value, raw=raw, text=text, style=style, span=span, known=known)

    def _unusual_scalar(self, event: yaml.ScalarEvent) -> Scalar:
        """Return a scalar with an anchor or a tag, a block, or one that may end behind the file's last line."""
        raw = self._text[_index(event.start_mark) : _index(event.end_mark)]
        start = self._position(event.start_mark)
        if event.anchor or event.tag:
            skipped = raw[: _behind_properties(raw, event.anchor)]
            start, raw = _moved(start, skipped), raw[len(skipped) :]
        end = self._position(event.end_mark)
        style = event.style or ""
        if style in _BLOCKS:  # the parser ends a block where the next thing begins
            raw = raw.rstrip()
            end = min(_moved(start, raw), self.end)
        span = Span(start, max(start, end))
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
        while type(inner := self._next()) is not yaml.SequenceEndEvent:
            items.append(self._node(inner, depth + 1))
        return Sequence(items=tuple(items), span=self._extent(event, inner, items))

    def _mapping(self, event: yaml.Event, depth: int) -> Mapping | Scalar:
        entries: _Entries = {}
        merged: list[Node] = []
        last: list[Node] = []
        below = depth + 1
        while type(inner := self._next()) is not yaml.MappingEndEvent:
            key = self._node(inner, below)
            node = self._node(self._next(), below)
            last = [key, node]
            if type(key) is Scalar and key.value is key.text and key.text not in _NO_KEYS and key.text not in entries:
                entries[key.text] = (key, node)
            elif named := self._key(key, entries):
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
        if not children or start.flow_style:  # type: ignore[attr-defined] # what starts a collection says so
            return _stretch((first, last))
        return _stretch((first, min(last, max([first, *[child.span.end for child in children]]))))

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
        if mark is None:
            return self.end
        place = _place((mark.line + 1, mark.column + 1))
        return place if mark.line < self._last else min(place, self.end)


def _children(node: Node) -> Iterable[Node]:
    match node:
        case Mapping():
            return [one for entry in node.entries for one in entry]
        case Sequence():
            return node.items
        case _:
            return ()


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
