"""What is said of the thing under the mouse: what it is, what it may hold, what is wrong with it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from gateway.actions import ACTIONS_BY_NAME
from gateway.config.codes import CODES
from gateway.config.diagnostics import Diagnostic, Position, Span
from gateway.editor.roles import is_step, role_of, written
from gateway.editor.schemas import Kind, Schema, description_of, schemas_at
from gateway.editor.spots import Spot, spot_at, within
from gateway.editor.things import thing
from gateway.editor.view import View
from gateway.editor.words import members_in_words, type_in_words
from gateway.editor.writing import WRITINGS, Name, name_at
from gateway.expressions import to_json


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """What is shown, as Markdown."""

    text: str
    span: Span


def explain(view: View, path: Path, position: Position, diagnostics: Sequence[Diagnostic] = ()) -> Explanation | None:
    """Return what there is to say of a place, or None; `diagnostics` are those of the file."""
    wrong = [one for one in diagnostics if within(one.span, position)]
    spot = spot_at(view.root(path), position)
    found = _of_spot(view, view.kind(path), path, spot, position) if spot is not None else None
    parts = [_of_code(one) for one in wrong] + ([found.text] if found is not None else [])
    if not parts:
        return None
    return Explanation(text="\n\n---\n\n".join(parts), span=found.span if found is not None else wrong[0].span)


def _of_code(diagnostic: Diagnostic) -> str:
    code = CODES[diagnostic.code]
    help = f"\n\n{diagnostic.help}" if diagnostic.help else ""
    return f"**{code.code}**: {diagnostic.message}{help}\n\n{code.why}"


def _of_spot(view: View, kind: Kind, path: Path, spot: Spot, position: Position) -> Explanation | None:
    role = role_of(kind, spot)
    if role is not None and role.what in WRITINGS:
        name = name_at(view, path, spot, role, position)
        if name is not None and (said := _of_name(name)):
            return Explanation(text=said, span=name.span)
    found = thing(view, path, role, written(spot)) if role is not None else None
    about = _of_key(kind, spot) if found is None or not found.about else ""
    said = f"`{found.name}`: {found.detail or found.what}" if found is not None else ""
    parts = [part for part in (said, found.about if found is not None else "", about) if part]
    return Explanation(text="\n\n".join(parts), span=spot.node.span) if parts else None


def _of_name(name: Name) -> str:
    if name.function is not None:
        function = name.function
        return f"```\n{function.signature}\n```\n\n{function.doc}\n\n`{function.example}` gives `{function.gives}`"
    if name.type is None:
        return ""
    members = members_in_words(name.type)
    return f"`{name.text}`: {type_in_words(name.type)}" + (f"\n\n{members}" if members else "")


def _of_key(kind: Kind, spot: Spot) -> str:
    """Return what the schema says of a key, or of the key that a value stands under."""
    path = spot.path
    while path and isinstance(path[-1], int):
        path = path[:-1]
    schemas = schemas_at(kind, spot.root, path)
    said = description_of(kind, schemas)
    if not said or not path:
        return ""
    action = ACTIONS_BY_NAME.get(str(path[-1])) if is_step(kind, path[:-1]) else None
    if action is not None:
        return f"{action.title}\n\n```yaml\n{action.example}\n```"
    return "\n\n".join([f"`{path[-1]}`: {said}", *_more(schemas)])


def _more(schemas: Sequence[Schema]) -> list[str]:
    """Return what else helps: the default, examples."""
    lines = []
    default = next((one["default"] for one in schemas if "default" in one), None)
    if default is not None and default not in ({}, []):
        lines.append(f"When left out: `{_shown(default)}`")
    examples = next((one["examples"] for one in schemas if one.get("examples")), ())
    if examples:
        lines.append("For example: " + ", ".join(f"`{_shown(one)}`" for one in list(examples)[:3]))
    return lines


def _shown(value: object) -> str:
    return value if isinstance(value, str) else to_json(value)
