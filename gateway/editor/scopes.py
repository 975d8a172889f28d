"""The names in scope at a step, and what they may hold: what the checks know when they come by."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from pathlib import Path

from gateway.config.diagnostics import Findings
from gateway.config.nodes import Step as PathStep
from gateway.config.procedure_needs import OpenScope
from gateway.config.rule_scopes import Scopes, check_steps, scopes_of
from gateway.config.rules import Rule, RulesFile
from gateway.config.scope import CheckScope
from gateway.config.scope_types import Bound, NameTypes, bound, row_type
from gateway.config.steps import Step
from gateway.config.suspicions import Suspicions
from gateway.config.values import Condition
from gateway.editor.view import View
from gateway.expressions.inferred import Known
from gateway.expressions.types import ANY, Type, object_of

Names = dict[str, Bound]
"""Names in scope."""


@dataclass(slots=True, kw_only=True)
class _Watched(CheckScope):
    """A scope that keeps what it held before each step."""

    seen: dict[str, Names] = field(default_factory=dict)

    def condition(self, condition: Condition | None) -> None:
        """Check a condition; every step has one looked at before anything else, be it None."""
        if self.step is not None:
            _join(self.seen, self.step.pointer, self.names)
        CheckScope.condition(self, condition)


@dataclass(slots=True, kw_only=True)
class _WatchedOpen(OpenScope):
    """The same, of a procedure that is looked at by itself."""

    seen: dict[str, Names] = field(default_factory=dict)

    def condition(self, condition: Condition | None) -> None:
        """Check a condition."""
        if self.step is not None:
            _join(self.seen, self.step.pointer, self.names)
        CheckScope.condition(self, condition)


def _join(seen: dict[str, Names], pointer: str, names: Mapping[str, Bound]) -> None:
    """Keep the names before a step; those of several ways to it together."""
    known = seen.setdefault(pointer, {})
    for name, found in names.items():
        before = known.get(name)
        known[name] = found if before is None else Bound(type=before.type | found.type)


def scope_at(view: View, path: Path, place: tuple[PathStep, ...]) -> Names:
    """Return the names in scope at a place of a rules file."""
    file = view.file(path)
    if file is None:
        return {}
    scopes = _scopes(view, path, file)
    match place:
        case ("rules", int(at), "do", int(step), *_):
            return _in_rule(scopes, file, f"rules[{at}]", step)
        case ("rules", int(at), *rest):
            return _in_rule(scopes, file, f"rules[{at}]", None if rest[:1] == ["result"] else 0)
        case ("procedures", str(name), int(step), *_):
            return _in_procedure(scopes, file, name, step)
        case ("checks", str(name), *_):
            return _in_check(scopes, file, name)
    return scopes.plain().names


def known_at(view: View, path: Path, place: tuple[PathStep, ...]) -> Known:
    """Return what is known where a value or condition stands."""
    return Known(scope=object_of(NameTypes(scope_at(view, path, place)), open=True), tables=_rows(view, path))


def payload_at(view: View, path: Path, place: tuple[PathStep, ...]) -> Known:
    """Return what is known where a path into the payload stands: in `extract` of a rule, or of the file."""
    file = view.file(path)
    use = view.use_of(path)
    rules: list[Rule] = []
    if file is not None:
        rules = [one for one in file.rules if place[0] != "rules" or one.pointer == f"rules[{place[1]}]"]
    payload = _together([use.events_of(rule).payload for rule in rules])
    return Known(scope=payload, tables=_rows(view, path))


def _together(payloads: list[Type]) -> Type:
    """Return any of several payloads; one of which nothing is known hides none of the others."""
    known = [payload for payload in payloads if payload is not ANY and payload.kinds]
    if len(known) < 2:
        return known[0] if known else ANY
    middle = len(known) // 2
    return _together(known[:middle]) | _together(known[middle:])


def _rows(view: View, path: Path) -> dict[str, Type]:
    return {name: row_type(table) for name, table in view.tables(path).items()}


def _scopes(view: View, path: Path, file: RulesFile) -> Scopes:
    here = Findings().for_document(file.document)
    return scopes_of(file, view.tables(path), here, Suspicions(), use=view.use_of(path))


def _in_rule(scopes: Scopes, file: RulesFile, pointer: str, step: int | None) -> Names:
    """Return the names before a step of a rule, counted from 0; None for behind the last."""
    rule = next((one for one in file.rules if one.pointer == pointer), None)
    if rule is None:
        return scopes.plain().names
    return _before(_watched(scopes.of_rule(rule)), rule.steps, step)


def _before(scope: _Watched | _WatchedOpen, steps: Sequence[Step], step: int | None) -> Names:
    first = dict(scope.names)
    check_steps(steps, scope)
    if step == 0:
        return first
    return _seen_before(scope.seen, steps, step) or scope.names


def _seen_before(seen: Mapping[str, Names], steps: Sequence[Step], step: int | None) -> Names | None:
    """Return what was in scope before a step, which need not be one yet: then before the next that is."""
    if step is None:
        return None
    following = (one.pointer for one in steps if int(one.pointer.rpartition("[")[2][:-1]) >= step)
    return next((seen[pointer] for pointer in following if pointer in seen), None)


def _in_procedure(scopes: Scopes, file: RulesFile, name: str, step: int) -> Names:
    """Return the names before a step of a procedure: of all rules that run it, or of itself where none does."""
    seen: dict[str, Names] = {}
    for rule in file.rules:
        scope = _watched(scopes.of_rule(rule))
        scope.seen = seen
        check_steps(rule.steps, scope)
    procedure = file.procedures.get(name)
    steps = procedure.steps if procedure is not None else ()
    found = _seen_before(seen, steps, step)
    last = next((seen[one.pointer] for one in reversed(steps) if one.pointer in seen), None)
    if found is not None or last is not None:
        return found or last or {}
    scope_of_its_own = _opened(scopes.open())
    scope_of_its_own.names = bound(scope_of_its_own.always)
    return _before(scope_of_its_own, steps, step)


def _in_check(scopes: Scopes, file: RulesFile, name: str) -> Names:
    """Return the names in a check: its row, the settings and the present moment."""
    scope = scopes.plain()
    names = {own: found for own, found in scope.names.items() if own in {"settings", "now"}}
    check = file.checks.get(name)
    if check is not None:
        names[check.bind_as] = Bound(type=scope.row(scope.tables.get(check.table)))
    return names


def _watched(scope: CheckScope) -> _Watched:
    return _Watched(**{one.name: getattr(scope, one.name) for one in fields(CheckScope)})


def _opened(scope: OpenScope) -> _WatchedOpen:
    return _WatchedOpen(**{one.name: getattr(scope, one.name) for one in fields(OpenScope)})
