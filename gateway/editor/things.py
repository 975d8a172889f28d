"""What names of a configuration stand for: tables, columns, procedures, destinations, with where they come from."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from os.path import relpath
from pathlib import Path

from gateway.config.conditions import OPERATOR_SCHEMA
from gateway.config.diagnostics import Findings, Span
from gateway.config.nodes import Mapping as MappingNode
from gateway.config.nodes import Node, Scalar, Step
from gateway.config.procedure_needs import needs_of
from gateway.config.rule_scopes import open_scope
from gateway.config.rules import RulesFile
from gateway.config.tables import Column
from gateway.editor.roles import Role, What
from gateway.editor.schemas import Kind, keys_of
from gateway.editor.spots import follow, text_at
from gateway.editor.view import View
from gateway.providers import PRESETS
from gateway.providers.stripe_operations import Operation, known_operations


@dataclass(frozen=True, slots=True, kw_only=True)
class Thing:
    """Something that has a name."""

    name: str
    what: What
    detail: str = ""
    """In a few words what it is."""
    about: str = ""
    """More of it, as Markdown."""
    place: tuple[Path, Span] | None = None
    """Where the name comes from."""


def things(view: View, path: Path, role: Role) -> list[Thing]:
    """Return everything that could stand where a scalar of a role does, in a file."""
    maker = _MAKERS.get(role.what)
    return [] if maker is None else list(_once(maker(view, path, role)))


def thing(view: View, path: Path, role: Role, name: str) -> Thing | None:
    """Return what a scalar of a role names, or None."""
    return next((one for one in things(view, path, role) if one.name == name), None)


def _once(found: Iterable[Thing]) -> Iterator[Thing]:
    names: set[str] = set()
    for one in found:
        if one.name not in names:
            names.add(one.name)
            yield one


def _entries(view: View, path: Path, *place: Step) -> list[tuple[Scalar, Node]]:
    node = follow(view.root(path), place)
    return list(node.entries) if isinstance(node, MappingNode) else []


def _all_rules(view: View, path: Path) -> list[RulesFile]:
    """Return the rules files that tables are shared by, the one at hand first."""
    own = view.file(path) if view.kind(path) is Kind.RULES else None
    files = {own.path: own, **view.files} if own is not None else view.files
    return list(files.values())


def _tables(view: View, path: Path, _role: Role) -> Iterator[Thing]:
    for file in _all_rules(view, path):
        for key, node in _entries(view, file.path, "tables"):
            table = file.tables.get(key.text)
            columns = [f"- `{column.name}`: {column_in_words(column)}" for column in table.columns] if table else []
            yield Thing(
                name=key.text,
                what=What.TABLE,
                detail="an existing table" if table is not None and table.existing else "a table",
                about="\n".join([*filter(None, [text_at(node, "description")]), *columns]),
                place=(file.path, key.span),
            )


def _columns(view: View, path: Path, role: Role) -> Iterator[Thing]:
    for file in _all_rules(view, path):
        table = file.tables.get(role.owner)
        for key, node in _entries(view, file.path, "tables", role.owner, "columns"):
            column = table.column(key.text) if table is not None else None
            yield Thing(
                name=key.text,
                what=What.COLUMN,
                detail=column_in_words(column) if column is not None else "",
                about=text_at(node, "description"),
                place=(file.path, key.span),
            )


def column_in_words(column: Column) -> str:
    """Return what a column holds: `text, primary key`."""
    marks = (
        ("primary key", column.primary_key),
        ("unique", column.unique),
        ("never null", column.required),
        ("indexed", column.indexed),
    )
    words = [column.type, *(word for word, holds in marks if holds)]
    if column.values:
        words.append("one of " + ", ".join(f"`{value}`" for value in column.values))
    if column.has_default and column.default is not None:
        words.append(f"`{column.default}` when nothing is set")
    return ", ".join(words)


def _values(view: View, path: Path, role: Role) -> Iterator[Thing]:
    table, _, name = role.owner.rpartition(".")
    found = view.tables(path).get(table)
    column = found.column(name) if found is not None else None
    for value in column.values if column is not None else ():
        yield Thing(name=str(value), what=What.VALUE, detail=f"a value of `{role.owner}`")


def _procedures(view: View, path: Path, _role: Role) -> Iterator[Thing]:
    for file in view.files_of(path):
        for key, node in _entries(view, file.path, "procedures"):
            lines = _excerpt(view, file.path, node)
            yield Thing(
                name=key.text,
                what=What.PROCEDURE,
                detail="a procedure",
                about=f"```yaml\n{lines}\n```" if lines else "",
                place=(file.path, key.span),
            )


def _excerpt(view: View, path: Path, node: Node) -> str:
    lines = (view.text(path) or "").splitlines()[node.span.start.line - 1 : node.span.end.line]
    indent = min((len(line) - len(line.lstrip()) for line in lines if line.strip()), default=0)
    shown = [line[indent:] for line in lines[:20]]
    return "\n".join([*shown, *(["…"] if len(lines) > 20 else [])])


def _checks(view: View, path: Path, _role: Role) -> Iterator[Thing]:
    for file in view.files_of(path):
        for key, node in _entries(view, file.path, "checks"):
            about = text_at(node, "description")
            yield Thing(name=key.text, what=What.CHECK, detail="a check", about=about, place=(file.path, key.span))


def _rules(view: View, path: Path, _role: Role) -> Iterator[Thing]:
    for file in view.files_of(path):
        for rule in file.rules:
            node = rule.node.get("name")
            if isinstance(node, Scalar):
                detail = f"a rule on {', '.join(f'`{name}`' for name in rule.on)}"
                yield Thing(name=rule.name, what=What.RULE, detail=detail, place=(file.path, node.span))


def _settings(view: View, path: Path, role: Role) -> Iterator[Thing]:
    if path == view.config:
        files = [view.files[one] for source in view.sources if source.name == role.owner for one in source.rules
                 if one in view.files]  # fmt: skip
    else:
        files = view.files_of(path)
    for file in files:
        for key, node in _entries(view, file.path, "settings"):
            default = f"`{node.raw}`" if isinstance(node, Scalar) else "a list or mapping"
            yield Thing(name=key.text, what=What.SETTING, detail=f"{default} by itself", place=(file.path, key.span))


def _schedules(view: View, path: Path, _role: Role) -> Iterator[Thing]:
    for file in view.files_of(path):
        steps = [*(step for rule in file.rules for step in rule.steps)]
        steps += [step for procedure in file.procedures.values() for step in procedure.steps]
        for step in steps:
            node = step.node.get("schedule")
            if isinstance(node, Scalar) and node.text:
                detail = f"comes as `schedule.{node.text}`"
                yield Thing(name=node.text, what=What.SCHEDULE, detail=detail, place=(file.path, node.span))


def _event_types(view: View, path: Path, role: Role) -> Iterator[Thing]:
    for one in _schedules(view, path, role):
        yield Thing(name=f"schedule.{one.name}", what=What.EVENT_TYPE, detail="a scheduled event", place=one.place)
    for source in view.sources_of(path):
        preset = source.preset
        for name in preset.event_types if preset is not None else ():
            assert preset is not None
            yield Thing(name=name, what=What.EVENT_TYPE, detail=f"an event type of {preset.title}", about=preset.docs)


def _destinations(view: View, path: Path, _role: Role) -> Iterator[Thing]:
    for key, node in _entries(view, view.config, "destinations"):
        address = text_at(node, "url")
        kind = "a broker" if address.startswith(("nats://", "tls://")) else "a destination"
        yield Thing(name=key.text, what=What.DESTINATION, detail=kind, place=(view.config, key.span))


def _channels(view: View, path: Path, _role: Role) -> Iterator[Thing]:
    for key, _ in _entries(view, view.config, "channels"):
        yield Thing(name=key.text, what=What.CHANNEL, detail="a channel", place=(view.config, key.span))


def _sources(view: View, path: Path, _role: Role) -> Iterator[Thing]:
    for source in view.sources:
        title = source.preset.title if source.preset is not None else "a provider of your own"
        yield Thing(
            name=source.name, what=What.SOURCE, detail=f"a source: {title}", place=(view.config, source.key.span)
        )


def _providers(view: View, path: Path, _role: Role) -> Iterator[Thing]:
    for preset in PRESETS.values():
        types = f"{len(preset.event_types)} event types" if preset.event_types else "any event types"
        yield Thing(name=preset.name, what=What.PROVIDER, detail=f"{preset.title}: {types}", about=preset.docs)


def _rules_files(view: View, path: Path, _role: Role) -> Iterator[Thing]:
    base = view.config.parent
    found = sorted(one for one in (base / "rules").glob("*.y*ml") if not one.name.endswith((".test.yaml", ".test.yml")))
    for one in dict.fromkeys([*(one.resolve() for one in found), *view.files]):
        text = text_at(view.root(one), "description")
        yield Thing(
            name=Path(relpath(one, base)).as_posix(),
            what=What.RULES_FILE,
            detail="a rules file",
            about=text,
            place=(one, view.root(one).span),
        )


def _operations(view: View, path: Path, _role: Role) -> Iterator[Thing]:
    for name, operation in known_operations().items():
        required = ", ".join(f"`{one}`" for one in (*operation.path, *operation.required))
        yield Thing(
            name=name,
            what=What.OPERATION,
            detail="an operation of Stripe",
            about="\n\n".join(
                [
                    *([f"Gives: {operation.returns}"] if operation.returns else []),
                    *([f"Needs: {required}"] if required else []),
                ]
            ),
        )


def _words(operation: Operation, name: str) -> tuple[str, ...]:
    taken = operation.taken.get(name)
    return () if taken is None else taken.words


def _parameters(view: View, path: Path, role: Role) -> Iterator[Thing]:
    operation = known_operations().get(role.owner)
    for name in (*operation.path, *operation.params) if operation is not None else ():
        assert operation is not None
        needed = name in operation.path or name in operation.required
        values = ", ".join(f"`{value}`" for value in _words(operation, name))
        yield Thing(
            name=name,
            what=What.PARAMETER,
            detail=f"a parameter of `{role.owner}`{', needed' if needed else ''}",
            about=f"One of {values}." if values else "",
        )


def _needs(view: View, path: Path, role: Role) -> Iterator[Thing]:
    """Yield the names that a procedure has to be given."""
    file = next((one for one in view.files_of(path) if role.owner in one.procedures), None)
    if file is None:
        return
    scope = open_scope(file, view.tables(path), Findings().for_document(file.document))
    for name in needs_of(role.owner, scope):
        yield Thing(name=name, what=What.NEED, detail=f"a name that `{role.owner}` reads")


def _operators(_view: View, _path: Path, _role: Role) -> Iterator[Thing]:
    for key in keys_of([OPERATOR_SCHEMA]):
        yield Thing(name=key.name, what=What.OPERATOR, detail=str(key.schema["description"]))


_MAKERS: Mapping[What, Callable[[View, Path, Role], Iterator[Thing]]] = {
    What.TABLE: _tables,
    What.COLUMN: _columns,
    What.VALUE: _values,
    What.PROCEDURE: _procedures,
    What.CHECK: _checks,
    What.RULE: _rules,
    What.SETTING: _settings,
    What.SCHEDULE: _schedules,
    What.EVENT_TYPE: _event_types,
    What.DESTINATION: _destinations,
    What.CHANNEL: _channels,
    What.SOURCE: _sources,
    What.PROVIDER: _providers,
    What.RULES_FILE: _rules_files,
    What.OPERATION: _operations,
    What.PARAMETER: _parameters,
    What.NEED: _needs,
    What.OPERATOR: _operators,
}
