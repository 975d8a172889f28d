"""What may be written at a place: keys, names, values, members of expressions, functions."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from gateway.actions import ACTIONS_BY_NAME
from gateway.config.diagnostics import Position, Span
from gateway.config.nodes import Mapping as MappingNode
from gateway.editor.members import Literal, Member
from gateway.editor.positions import Text
from gateway.editor.roles import Role, What, is_step, role_of
from gateway.editor.schemas import (
    Key,
    Kind,
    description_of,
    is_section,
    keys_of,
    schemas_at,
    values_of,
    variants,
)
from gateway.editor.scopes import scope_at
from gateway.editor.spots import CURSOR, Spot, follow, writing_at
from gateway.editor.things import Thing, things
from gateway.editor.view import View
from gateway.editor.words import type_in_words
from gateway.editor.writing import WRITINGS, writing_in
from gateway.expressions import to_json
from gateway.expressions.functions import BY_NAME
from gateway.expressions.types import Type

_LINE_START = re.compile(r"[ \t]*(?:-[ \t]+)*")
_NAME = re.compile(r"[A-Za-z_]\w*")
_BARE = re.compile(r"\w*")


class Sort(StrEnum):
    """What a suggestion is, for its icon."""

    KEY = "key"
    ACTION = "action"
    NAME = "name"
    VALUE = "value"
    MEMBER = "member"
    FUNCTION = "function"


@dataclass(frozen=True, slots=True, kw_only=True)
class Suggestion:
    """Something that may be written."""

    label: str
    sort: Sort
    insert: str
    span: Span
    """What it takes the place of, on one line."""
    detail: str = ""
    about: str = ""
    rank: int = 1
    """What has a lower one is shown first."""


def complete(view: View, path: Path, text: Text, position: Position) -> list[Suggestion]:
    """Return what may be written at a place of a file; nothing in comments."""
    spot = writing_at(text, position)
    if spot is None:
        return []
    writer = _Writer(view, path, text, position, spot)
    found = writer.keys(spot.path[:-1]) if spot.on_key else writer.values()
    return list({one.label: one for one in found}.values())


class _Writer:
    def __init__(self, view: View, path: Path, text: Text, position: Position, spot: Spot) -> None:
        self.view = view
        self.kind = view.kind(path)
        self.path = path
        self.text = text
        self.position = position
        self.spot = spot
        self.offset = text.offset(position)
        self.line = text.text[text.offset(Position(position.line, 1)) :].split("\n", 1)[0]

    # keys

    def keys(self, holder: tuple[str | int, ...]) -> Iterator[Suggestion]:
        """Yield the keys that a mapping may have beside those it has."""
        node = follow(self.spot.root, holder)
        there = (
            {key.text for key, _ in node.entries if CURSOR not in key.text} if isinstance(node, MappingNode) else set()
        )
        span = self._scalar_span()
        for key in self._keys_of(holder, there):
            if key.name not in there:
                yield self._key(key, span)
        role = role_of(self.kind, Spot(root=self.spot.root, path=(*holder, ""), node=self.spot.node, on_key=True))
        if role is not None and not role.declares:
            for one in things(self.view, self.path, role):
                if one.name not in there:
                    yield self._thing(one, span, ending=self._colon(": "))

    def _keys_of(self, holder: tuple[str | int, ...], there: set[str]) -> list[Key]:
        found = keys_of(schemas_at(self.kind, self.spot.root, holder))
        if is_step(self.kind, holder) and there.isdisjoint(ACTIONS_BY_NAME):
            return [key for key in found if key.name in (*ACTIONS_BY_NAME, "when", "name")]
        return found

    def _key(self, key: Key, span: Span) -> Suggestion:
        schemas = list(variants(self.kind, key.schema))
        scalar = any(one.get("type") not in ("object", "array") and not _is_choice(one) for one in schemas)
        is_action = key.name in ACTIONS_BY_NAME and self.kind is Kind.RULES and is_step(self.kind, self._holder())
        action = ACTIONS_BY_NAME[key.name] if is_action else None
        return Suggestion(
            label=key.name,
            sort=Sort.ACTION if is_action else Sort.KEY,
            insert=key.name + self._colon(": " if scalar else ":"),
            span=span,
            detail="an action" if is_action else "required" if key.required else "",
            about=f"{action.title}\n\n```yaml\n{action.example}\n```"
            if action is not None
            else description_of(self.kind, [key.schema]),
            rank=0 if is_action or key.required else 1,
        )

    def _holder(self) -> tuple[str | int, ...]:
        return self.spot.path[:-1] if self.spot.on_key else self.spot.path

    def _colon(self, written: str) -> str:
        """Return what is to be written behind a key: nothing where a colon is there."""
        end = self.text.offset(self._scalar_span().end)
        return "" if self.text.text[end:].lstrip(" \"'").startswith(":") else written

    # values

    def values(self) -> Iterator[Suggestion]:
        """Yield what a value may be."""
        schemas = schemas_at(self.kind, self.spot.root, self.spot.path)
        role = role_of(self.kind, self.spot)
        if self._begins_line() and (is_section(schemas) or (role is not None and role.what is What.COLUMN)):
            yield from self.keys(self.spot.path)
        if role is not None:
            yield from self._named(role)
        span = self._scalar_span()
        for value in values_of(schemas) if self._is_word() else ():
            yield _value(value, span, description_of(self.kind, schemas))

    def _is_word(self) -> bool:
        """Say whether it may become one of a few words: what has `$` or a blank in it is something else."""
        return _BARE.fullmatch(self.spot.node.text.replace(CURSOR, "")) is not None

    def _begins_line(self) -> bool:
        """Say whether nothing but blanks and dashes stands before it, so that it may become a key."""
        start = self.spot.node.span.start
        before = self.line[: start.column - 1] if start.line == self.position.line else "x"
        return not self.spot.node.style and _LINE_START.fullmatch(before) is not None

    def _named(self, role: Role) -> Iterator[Suggestion]:
        if role.what in WRITINGS:
            yield from self._written(role)
        for what in (role.what, *role.also) if role.what not in WRITINGS else role.also:
            for one in things(self.view, self.path, Role(what=what, owner=role.owner)):
                if not role.declares:
                    yield self._thing(one, self._scalar_span())

    def _thing(self, one: Thing, span: Span, *, ending: str = "") -> Suggestion:
        sort = Sort.VALUE if one.what is What.VALUE else Sort.NAME
        return Suggestion(
            label=one.name,
            sort=sort,
            insert=one.name + ending,
            span=span,
            detail=one.detail,
            about=one.about,
            rank=0 if sort is Sort.VALUE else 1,
        )

    # expressions

    def _written(self, role: Role) -> Iterator[Suggestion]:
        before, _, _ = self.spot.node.text.partition(CURSOR)
        member = writing_in(self.view, self.path, self.spot, role, before, len(before))
        match member:
            case Member():
                yield from self._members(member)
            case Literal():
                span = self._word_span(len(member.word))
                for value in sorted(str(value) for value in member.against.values or () if value != ""):
                    yield Suggestion(label=value, sort=Sort.VALUE, insert=value, span=span)
            case None if role.what is What.TEMPLATE and _BARE.fullmatch(before):
                yield from self._dollars(before)

    def _members(self, member: Member) -> Iterator[Suggestion]:
        span = self._word_span(len(member.word))
        for name, found in (member.owner.fields or {}).items():
            yield self._member(name, found, name if _NAME.fullmatch(name) else f'"{name}"', span)
        for function in BY_NAME.values() if member.first else ():
            yield Suggestion(
                label=function.name,
                sort=Sort.FUNCTION,
                insert=f"{function.name}(",
                span=span,
                detail=function.signature,
                about=f"{function.doc}\n\n`{function.example}` gives `{function.gives}`",
                rank=2,
            )

    def _member(self, name: str, found: Type, insert: str, span: Span) -> Suggestion:
        return Suggestion(label=name, sort=Sort.MEMBER, insert=insert, span=span, detail=type_in_words(found), rank=0)

    def _dollars(self, before: str) -> Iterator[Suggestion]:
        """Yield `$name` for every name in scope, where a value is begun."""
        span = self._word_span(len(before))
        for name, known in scope_at(self.view, self.path, self.spot.path).items():
            yield Suggestion(
                label=f"${name}", sort=Sort.MEMBER, insert=f"${name}", span=span, detail=type_in_words(known.type)
            )

    # places

    def _word_span(self, before: int) -> Span:
        """Return the place of the word that the cursor is in, of which so much stands before it."""
        rest = _BARE.match(self.text.text, self.offset)
        after = len(rest[0]) if rest is not None else 0
        column = self.position.column
        return Span(Position(self.position.line, column - before), Position(self.position.line, column + after))

    def _scalar_span(self) -> Span:
        """Return the place of what is being written, quotes left out, as far as it stands on the cursor's line."""
        node = self.spot.node
        before, _, after = node.raw.partition(CURSOR)
        if node.style in ("'", '"'):
            before, after = before[1:], after.removesuffix(node.style)
        before, after = before.rpartition("\n")[2], after.partition("\n")[0].rstrip()
        column, line = self.position.column, self.position.line
        return Span(Position(line, column - len(before)), Position(line, column + len(after)))


def _is_choice(schema: object) -> bool:
    return isinstance(schema, dict) and ("anyOf" in schema or "oneOf" in schema)


def _value(value: object, span: Span, about: str) -> Suggestion:
    written = to_json(value) if value is None or isinstance(value, bool) else str(value)
    return Suggestion(label=written, sort=Sort.VALUE, insert=written, span=span, about=about, rank=0)
