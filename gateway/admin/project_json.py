"""Tables, sources and rules as JSON, the same from the API and from the commands."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from gateway.config.rules import Rule, RulesFile
from gateway.config.tables import Column, Table
from gateway.expressions import to_text
from gateway.project import Project
from gateway.settings import SourceSettings
from gateway.store.operator_rows import WRITTEN_AS_TEXT


def tables_json(tables: Iterable[Table]) -> dict[str, Any]:
    """Return tables with their columns as JSON values."""
    return {"tables": [_table(table) for table in sorted(tables, key=lambda table: table.name)]}


def _table(table: Table) -> dict[str, Any]:
    return {
        "name": table.name,
        "existing": table.existing,
        "key": None if table.key is None else table.key.name,
        "columns": [_column(column) for column in table.columns],
    }


def _column(column: Column) -> dict[str, Any]:
    shown: dict[str, Any] = {
        "name": column.name,
        "type": column.type,
        "primary_key": column.primary_key,
        "unique": column.unique,
        "required": column.required,
        "values": [_value(column, value) for value in column.values],
    }
    if column.has_default:
        shown["default"] = _value(column, column.default)
    return shown


def _value(column: Column, value: object) -> object:
    return to_text(value) if value is not None and column.type in WRITTEN_AS_TEXT else value


def rules_json(project: Project) -> dict[str, Any]:
    """Return the sources with their rules files, the files' versions and their rules as JSON values."""
    return {"sources": [_source(project, source) for source in project.settings.sources]}


def _source(project: Project, source: SourceSettings) -> dict[str, Any]:
    return {
        "name": source.name,
        "provider": source.provider,
        "path": source.path,
        "verified": source.verify is not None,
        "respond": source.respond,
        "unmatched": source.unmatched,
        "files": [_file(file) for file in project.rules_of(source)],
    }


def _file(file: RulesFile) -> dict[str, Any]:
    return {"path": file.document.path, "version": file.digest, "rules": [_rule(rule) for rule in file.rules]}


def _rule(rule: Rule) -> dict[str, Any]:
    return {
        "name": rule.name,
        "on": list(rule.on),
        "when": None if rule.when is None else rule.when.expression.text,
        "pointer": rule.pointer,
        "line": rule.node.span.start.line,
    }
