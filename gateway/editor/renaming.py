"""What is changed where a name of the configuration is changed: all places that say it, or none."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from gateway.config.diagnostics import Position, Span
from gateway.editor.places import Where, definition, references
from gateway.editor.roles import Role, What, role_of
from gateway.editor.spots import spot_at, spots
from gateway.editor.view import View
from gateway.editor.writing import WRITINGS

_RENAMED = (What.PROCEDURE, What.TABLE, What.DESTINATION, What.CHANNEL)
"""What has a name that stands nowhere but in places that are known."""
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


def renamable(view: View, path: Path, position: Position) -> Span | None:
    """Return the stretch of text that is the name at a place, None for what cannot be renamed."""
    spot = spot_at(view.root(path), position)
    role = role_of(view.kind(path), spot) if spot is not None else None
    if spot is None or role is None or role.what not in _RENAMED:
        return None
    if definition(view, path, position) is None or not _NAME.fullmatch(spot.node.text):
        return None  # declared nowhere, or made of something else
    return _inner(view, (path, spot.node.span))


def places_of(view: View, path: Path, position: Position) -> list[Where]:
    """Return every place that says the name at a place, its text alone; none for what cannot be renamed."""
    if renamable(view, path, position) is None:
        return []
    spot = spot_at(view.root(path), position)
    role = role_of(view.kind(path), spot) if spot is not None else None
    assert spot is not None
    assert role is not None
    found = [(where[0], _inner(view, where)) for where in references(view, path, position)]
    return list(dict.fromkeys([*found, *_looked_up(view, role, spot.node.text)]))


def is_name(text: str) -> bool:
    """Say whether a text can be a name."""
    return _NAME.fullmatch(text) is not None


def _inner(view: View, where: Where) -> Span:
    """Return the place of a name without its quotes."""
    spot = spot_at(view.root(where[0]), where[1].start)
    return where[1] if spot is None else spot.node.span_of(0, len(spot.node.text))


def _looked_up(view: View, role: Role, name: str) -> Iterator[Where]:
    """Yield the places where expressions look a table up by its name."""
    call = re.compile(rf"\blookup\(\s*'({re.escape(name)})'")
    for path in view.paths if role.what is What.TABLE else ():
        for spot in spots(view.root(path)):
            own = role_of(view.kind(path), spot)
            if own is not None and own.what in WRITINGS:
                for found in call.finditer(spot.node.text):
                    yield path, spot.node.span_of(*found.span(1))
