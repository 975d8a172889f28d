"""The scopes that the parts of a rules file are checked in: of a rule, of a check, of a procedure by itself."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from gateway.config.declarations import Targets
from gateway.config.diagnostics import DocumentFindings
from gateway.config.document import Mapping as MappingNode
from gateway.config.file_use import ANY_EVENTS, UNUSED, Events, FileUse
from gateway.config.name_looks import NameLooks
from gateway.config.procedure_needs import OpenScope
from gateway.config.rules import Procedure, Rule, RulesFile
from gateway.config.scope import CheckScope
from gateway.config.scope_types import bound, column_type, event_type, extraction_type, row_type, setting_types
from gateway.config.step_advice import advise
from gateway.config.steps import Step, walk_steps
from gateway.config.suspicions import Suspicions
from gateway.config.tables import Table
from gateway.expressions.inferred import Known
from gateway.expressions.types import TIMESTAMP, Type
from gateway.records import dataclass, field


@dataclass(frozen=True, slots=True, kw_only=True)
class Scopes:
    """Makes the scopes in which the parts of a file are checked."""

    file: RulesFile
    tables: Mapping[str, Table]
    findings: DocumentFindings
    targets: Targets | None
    use: FileUse
    suspicions: Suspicions
    rows: Mapping[str, Type]
    keys: Mapping[str, Type]
    settings: Type
    looks: NameLooks = field(default_factory=NameLooks)
    read: set[str] = field(default_factory=set)
    """Every name that a part of the file has read so far."""

    @property
    def setting_lines(self) -> dict[str, int]:
        """Return the lines in which the file's settings are declared."""
        root = self.file.document.root
        node = root.get("settings") if isinstance(root, MappingNode) else None
        return {key.text: key.span.start.line for key, _ in node.entries} if isinstance(node, MappingNode) else {}

    def of_rule(self, rule: Rule) -> CheckScope:
        """Return the scope that a rule begins with."""
        events = self.use.events_of(rule)
        scope = self.plain(events)
        known = Known(scope=events.payload, tables=scope.rows, keys=scope.keys)
        extracted = {one.name: partial(extraction_type, one, known) for one in (*self.file.extract, *rule.extract)}
        scope.names |= bound(extracted)
        for one in (*self.file.extract, *rule.extract):
            scope.names[one.name].place = f"`{one.name}` is extracted in line {one.key.span.start.line}"
        return scope

    def plain(self, events: Events = ANY_EVENTS) -> CheckScope:
        """Return a scope with the names that are always there."""
        names = bound(self._always(events))
        return CheckScope(names=names, documented=events.documented, looks=self.looks, **self._common())

    def open(self) -> OpenScope:
        """Return the scope in which it is found out what a procedure of the file needs to be given."""
        return OpenScope(names={}, always=self._always(ANY_EVENTS), **self._common())

    def _always(self, events: Events) -> dict[str, Type]:
        event = event_type(events.payload, events.types, self.use.sources)
        return {"settings": self.settings, "event": event, "now": TIMESTAMP}

    def _common(self) -> dict[str, Any]:
        return {
            "findings": self.findings,
            "tables": self.tables,
            "procedures": _Procedures(self.file.procedures),
            "suspicions": self.suspicions,
            "read": self.read,
            "setting_lines": self.setting_lines,
            "targets": self.targets,
            "rows": self.rows,
            "keys": self.keys,
            "answers": self.use.answers,
        }


def open_scope(file: RulesFile, tables: Mapping[str, Table], findings: DocumentFindings) -> OpenScope:
    """Return the scope in which it is found out what a procedure of a file needs to be given."""
    return scopes_of(file, tables, findings, Suspicions()).open()


def scopes_of(
    file: RulesFile,
    tables: Mapping[str, Table],
    findings: DocumentFindings,
    suspicions: Suspicions,
    targets: Targets | None = None,
    use: FileUse = UNUSED,
) -> Scopes:
    """Return what makes the scopes of a file."""
    return Scopes(
        file=file,
        tables=tables,
        findings=findings,
        targets=targets,
        use=use,
        suspicions=suspicions,
        rows={name: row_type(table) for name, table in tables.items()},
        keys={name: column_type(table.key) for name, table in tables.items() if table.key is not None},
        settings=setting_types(file.settings, use.overrides),
    )


def check_steps(steps: Sequence[Step], scope: CheckScope) -> None:
    """Check steps one after the other, as they run."""
    for step in walk_steps(steps, scope):
        step.action.check(step.arguments, scope)
        advise(step, scope)


class _Procedures:
    def __init__(self, procedures: Mapping[str, Procedure]) -> None:
        self._procedures = procedures

    def names(self) -> tuple[str, ...]:
        return tuple(self._procedures)

    def check(self, name: str, scope: CheckScope) -> None:
        step, scope.running = scope.step, (*scope.running, name)
        check_steps(self._procedures[name].steps, scope)
        scope.step, scope.running = step, scope.running[:-1]
