"""Expressions and templates under the cursor: which name stands there, what it is, and where it comes from."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from gateway.config.diagnostics import Position, Span
from gateway.config.nodes import Scalar
from gateway.config.scope_types import row_type
from gateway.editor.members import Literal, Member, member_at, word_end
from gateway.editor.roles import Role, What, role_of
from gateway.editor.schemas import Kind
from gateway.editor.scopes import known_at, payload_at
from gateway.editor.spots import Spot, spots
from gateway.editor.things import thing
from gateway.editor.view import View
from gateway.expressions.functions import BY_NAME, Function
from gateway.expressions.inferred import Known
from gateway.expressions.types import Type

WRITINGS = (What.PATH, What.CONDITION, What.TEMPLATE)
"""Roles of texts that hold expressions."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Name:
    """A name that stands in an expression."""

    text: str
    span: Span
    member: Member
    function: Function | None
    type: Type | None
    """What it may hold; None for a function, and for a name that nothing is known of."""


def known_for(view: View, path: Path, spot: Spot, role: Role) -> Known:
    """Return what is known where an expression stands."""
    return payload_at(view, path, spot.path) if role.what is What.PATH else known_at(view, path, spot.path)


def writing_in(view: View, path: Path, spot: Spot, role: Role, text: str, end: int) -> Member | Literal | None:
    """Return what is written up to an offset of a text that holds expressions."""
    return member_in(role, text, end, known_for(view, path, spot, role))


def member_in(role: Role, text: str, end: int, known: Known) -> Member | Literal | None:
    """Return what is written up to an offset of a text that holds expressions, in a scope."""
    return member_at(text, end, known, template=role.what is What.TEMPLATE)


def name_at(view: View, path: Path, spot: Spot, role: Role, position: Position) -> Name | None:
    """Return the name in an expression that a place is in, or None."""
    text = spot.node.text
    end = word_end(text, offset_in(spot.node, position))
    member = writing_in(view, path, spot, role, text, end)
    if not isinstance(member, Member) or not member.word:
        return None
    called = member.first and text[end:].lstrip().startswith("(")
    fields = member.owner.fields
    return Name(
        text=member.word,
        span=spot.node.span_of(member.start, end),
        member=member,
        function=BY_NAME.get(member.word) if called else None,
        type=fields.get(member.word) if fields is not None and not called else None,
    )


def offset_in(node: Scalar, position: Position) -> int:
    """Return the offset into a scalar's text of a place in it."""
    low, high = 0, len(node.text)
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if node.span_of(middle, middle).start <= position else (low, middle - 1)
    return low


def origin_of(view: View, kind: Kind, path: Path, spot: Spot, name: Name) -> tuple[Path, Span] | None:
    """Return where a name in an expression comes from: an extraction, a step's `as`, a setting, a column."""
    if name.function is not None:
        return None
    if name.member.in_scope:
        return _declaration(view, kind, path, spot, name.text)
    return _column_of(view, path, name)


def _declaration(view: View, kind: Kind, path: Path, spot: Spot, name: str) -> tuple[Path, Span] | None:
    """Return where a name of the scope is bound: before the place and nearest to it, else anywhere in the file."""
    found = [
        one
        for one in spots(view.root(path))
        if one.node.text == name
        and (role := role_of(kind, one)) is not None
        and (role.what is What.NEED or (role.declares and role.what in (What.EXTRACTED, What.BOUND)))
    ]
    if not found:
        return None
    before = [one for one in found if one.node.span.start <= spot.node.span.start and one.path[:2] == spot.path[:2]]
    near = [one for one in found if one.path[:2] == spot.path[:2]]
    return path, [*found[:1], *near[:1], *before[-1:]][-1].node.span


def _column_of(view: View, path: Path, name: Name) -> tuple[Path, Span] | None:
    owner = name.member.owner.name
    for table in view.tables(path).values() if owner else ():
        if row_type(table).name == owner:
            column = thing(view, path, Role(what=What.COLUMN, owner=table.name), name.text)
            return column.place if column is not None else None
    if owner == "`settings`":
        setting = thing(view, path, Role(what=What.SETTING), name.text)
        return setting.place if setting is not None else None
    return None
