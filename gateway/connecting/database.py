"""The real database: whether its tables are what the rules take them for, and what a migration would refuse."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path

from gateway.actions.upsert import Upsert
from gateway.config.diagnostics import DocumentFindings, Findings, Located, Span
from gateway.config.nodes import Mapping, Scalar, node_at
from gateway.config.rules import RulesFile
from gateway.config.steps import Step
from gateway.config.tables import Column, Table
from gateway.connecting.places import Places
from gateway.errors import GatewayError, StorageUnavailable
from gateway.project import Project, check_with_tables
from gateway.store.database import DRIVER_ERROR, Database, DatabaseAddress, open_database, parse_address, storage_errors
from gateway.store.guarantees import Guarantees, guarantees_of, has_null, has_shared
from gateway.store.operator_tables import refused_changes
from gateway.store.reflection import Present, columns_of, reflect_existing
from gateway.store.standing import standing_of


def look_at_database(project: Project, findings: Findings, places: Places) -> list[str]:
    """Compare the tables of a project with those of its database, which is only read; return what was looked at."""
    try:
        address = parse_address(project.settings.database, project.settings.path.parent)
        if address.file is not None and not _is_there(address.file):
            return _not_made_yet(project, address, findings)
        database = open_database(address, read_only=True)
    except GatewayError as error:
        places.cannot_ask("the database", error.message.removeprefix("the database cannot be used: "), "database")
        return []
    try:
        with storage_errors():
            return _compare(project, database, findings, places)
    except StorageUnavailable as error:
        places.cannot_ask("the database", error.message.removeprefix("the database cannot be used: "), "database")
    except DRIVER_ERROR as error:
        places.cannot_ask("the database", str(error), "database")
    finally:
        database.close()
    return []


def _is_there(file: Path) -> bool:
    try:
        return file.exists()
    except OSError as error:
        raise StorageUnavailable(f"`{file}` cannot be read: {(error.strerror or str(error)).lower()}") from error


def _not_made_yet(project: Project, address: DatabaseAddress, findings: Findings) -> list[str]:
    """Report tables that are said to exist in a database that does not."""
    for table in project.tables.values():
        if table.existing:
            _Comparison(project, findings, address.dialect).table(table, {}, None)
    return [f"database {address.shown}: it is not there yet, `gateway migrate` makes it"]


def _compare(project: Project, database: Database, findings: Findings, places: Places) -> list[str]:
    comparison = _Comparison(project, findings, database.dialect)
    stand = standing_of(database)
    if stand == "foreign":
        message = "the database has tables that are called like the gateway's, and that it did not make"
        places.findings.error("GW290", message, places.at("database"), help="name another database")
    for table in project.tables.values():
        comparison.table(table, columns_of(database, table.name), database)
    check_with_tables(project, reflect_existing(database, project.tables), findings)
    note = {"none": ", the gateway's own are not made yet", "older": ", the gateway's own are of an older version"}
    return [f"database {database.address.shown}: tables: {len(project.tables)}{note.get(stand, '')}"]


class _Comparison:
    """Holds tables against the database, and reports what differs where the rules declare it."""

    def __init__(self, project: Project, findings: Findings, dialect: str) -> None:
        self._project = project
        self._findings = findings
        self._dialect = dialect

    def table(self, table: Table, present: dict[str, Present], database: Database | None) -> None:
        """Compare one table; its columns are looked at one by one, so that each has its own finding."""
        if not present and not table.existing:
            return
        whole = refused_changes(replace(table, columns=()), present, self._dialect)
        for refused in whole:
            self._report(table, None, refused.message, refused.sql)
        if whole or database is None:
            return
        guaranteed = guarantees_of(database, table.name)
        for column in table.columns:
            for refused in refused_changes(replace(table, columns=(column,)), present, self._dialect):
                self._report(table, column, refused.message, refused.sql)
            if column.name in present:
                self._promises(table, column, guaranteed, database)
        if table.existing:
            self._upserts(table, guaranteed)

    def _promises(self, table: Table, column: Column, guaranteed: Guarantees, database: Database) -> None:
        """Report a column whose values may be shared or absent where the rules say that they are not."""
        name = f"`{table.name}.{column.name}`"
        if column.unique and {column.name} not in guaranteed.unique:
            if has_shared(database, table.name, column.name):
                self._report(table, column, f"column {name} is to be unique, but rows share a value", ())
            elif table.existing:
                self._report(table, column, f"the database does not keep {name} unique, the rules say it is", ())
        absent = column.required and not column.primary_key and column.name not in guaranteed.filled
        if absent and has_null(database, table.name, column.name):
            self._report(table, column, f"column {name} is `required`, but rows have no value for it", ())

    def _upserts(self, table: Table, guaranteed: Guarantees) -> None:
        """Report an `upsert` into an existing table by columns that the database lets several rows share."""
        for file in self._project.files.values():
            for step in _steps_of(file):
                arguments = step.arguments
                if not isinstance(arguments, Upsert) or arguments.table != table.name:
                    continue
                columns = frozenset(arguments.key.columns)
                if columns and not any(one <= columns for one in guaranteed.unique):
                    listed = ", ".join(f"`{column}`" for column in sorted(columns))
                    self._findings.for_document(file.document).error(
                        "GW290",
                        f"`key` must name one row, but the database does not keep {listed} of `{table.name}` unique",
                        arguments.node.key("key") or arguments.node,
                        help="add a unique index there, or use a key that has one",
                    )

    def _report(self, table: Table, column: Column | None, message: str, sql: Iterable[str]) -> None:
        for place, findings in self._declared(table, column):
            notes = tuple(f"SQL to run by hand: {statement}" for statement in sql)
            findings.error("GW290", message, place, note=notes)

    def _declared(self, table: Table, column: Column | None) -> Iterator[tuple[Located | Span, DocumentFindings]]:
        """Yield where a table, or a column of it, is declared: once, in the first file that does."""
        for file in self._project.files.values():
            root = file.document.root
            declared = node_at(root, ("tables",)) if root is not None else None
            key = declared.key(table.name) if isinstance(declared, Mapping) else None
            if key is None or not isinstance(declared, Mapping):
                continue
            columns = node_at(declared, (table.name, "columns"))
            own = columns.key(column.name) if column is not None and isinstance(columns, Mapping) else None
            if column is None or own is not None:
                place: Scalar = own or key
                yield place, self._findings.for_document(file.document)
                return


def _steps_of(file: RulesFile) -> Iterator[Step]:
    for rule in file.rules:
        yield from rule.steps
    for procedure in file.procedures.values():
        yield from procedure.steps
