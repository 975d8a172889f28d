"""Going from a name to where it comes from, and to everything that uses it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from gateway.config.diagnostics import Position, Span
from gateway.editor.members import Member, word_end
from gateway.editor.roles import Role, What, role_of, written
from gateway.editor.spots import Spot, spot_at, spots
from gateway.editor.things import thing
from gateway.editor.view import View
from gateway.editor.writing import WRITINGS, known_for, member_in, name_at, origin_of

Where = tuple[Path, Span]
"""A stretch of a file."""

_LOCAL = (What.EXTRACTED, What.BOUND)
"""Names that only expressions of their own file use."""


def definition(view: View, path: Path, position: Position) -> Where | None:
    """Return where the name at a place comes from, or None."""
    kind = view.kind(path)
    spot = spot_at(view.root(path), position)
    role = role_of(kind, spot) if spot is not None else None
    if spot is None or role is None:
        return None
    if role.what in WRITINGS:
        name = name_at(view, path, spot, role, position)
        found = origin_of(view, kind, path, spot, name) if name is not None else None
        return found or _place_of(view, path, spot, Role(what=What.VALUE, owner=role.owner))
    if role.what in _LOCAL:
        return path, spot.node.span
    return _place_of(view, path, spot, role)


def _place_of(view: View, path: Path, spot: Spot, role: Role) -> Where | None:
    found = thing(view, path, role, written(spot))
    return found.place if found is not None else None


def references(view: View, path: Path, position: Position) -> list[Where]:
    """Return every place of the configuration that names what is named at a place, where it comes from included."""
    origin = definition(view, path, position)
    if origin is None:
        return []
    first = spot_at(view.root(origin[0]), origin[1].start)
    role = role_of(view.kind(origin[0]), first) if first is not None else None
    if first is None or role is None:
        return [origin]
    if role.what in _LOCAL:
        return [origin, *_in_expressions(view, origin[0], first)]
    found = [where for one in view.paths for where in _naming(view, one, role, written(first), origin)]
    return list(dict.fromkeys([origin, *found]))


def _naming(view: View, path: Path, role: Role, name: str, origin: Where) -> Iterator[Where]:
    """Yield the places of a file where a name stands for what comes from `origin`."""
    for spot in spots(view.root(path)):
        if written(spot) != name and name not in spot.node.text:
            continue
        own = role_of(view.kind(path), spot)
        same = own is not None and own.what is role.what and written(spot) == name
        if same and own is not None and _place_of(view, path, spot, own) == origin:
            yield path, spot.node.span


def _in_expressions(view: View, path: Path, declared: Spot) -> Iterator[Where]:
    """Yield the places where expressions of a file read a name of the scope."""
    name = declared.node.text
    for spot in spots(view.root(path)):
        role = role_of(view.kind(path), spot)
        if role is None or role.what not in WRITINGS or role.what is What.PATH or name not in spot.node.text:
            continue
        if declared.path[:1] == ("rules",) and spot.path[0] == "rules" and spot.path[1] != declared.path[1]:
            continue
        known = known_for(view, path, spot, role)
        text = spot.node.text
        for start in _occurrences(text, name):
            member = member_in(role, text, start + len(name), known)
            if isinstance(member, Member) and member.in_scope and member.start == start:
                yield path, spot.node.span_of(start, start + len(name))


def _occurrences(text: str, name: str) -> Iterator[int]:
    start = text.find(name)
    while start >= 0:
        if word_end(text, start) == start + len(name):
            yield start
        start = text.find(name, start + 1)
