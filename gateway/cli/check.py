"""`gateway check`: rows that lack what they should have, and their repair."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from gateway.cli.client import client_of
from gateway.cli.opening import CannotRun, actor, config_option, json_option, now, open_project, open_store
from gateway.cli.output import print_json, print_line, print_table
from gateway.cli.waiting import is_settled, wait_option

if TYPE_CHECKING:
    from gateway.engine.consistency import LinkedCheck
    from gateway.project import Project
    from gateway.store.database import Database
    from gateway.store.events import Event
    from gateway.store.shapes import Row

_PAUSE = 0.1
_LIMIT, _MOST = 100, 10_000


@dataclass(slots=True)
class _Found:
    """What one check has found."""

    check: LinkedCheck
    count: int = 0
    rows: list[Row] = field(default_factory=list)
    """The first of them."""
    events: list[tuple[str, int]] = field(default_factory=list)
    """Each repair: the row's key and the event's number."""
    ended: list[Event] = field(default_factory=list)
    """The repairs as they stand when all was waited for."""
    remaining: int = 0


@click.command("check", epilog="Example: gateway check completed_without_membership --repair")
@click.argument("name", required=False)
@click.option("--repair", is_flag=True, help="Run each finding's repair, as an event of its own.")
@click.option("--source", help="The checks of this source's rules.")
@click.option("--limit", type=click.IntRange(1, _MOST), default=_LIMIT, show_default=True, help="Rows shown of each.")
@wait_option("30s")
@config_option
@json_option
def command(
    name: str | None, repair: bool, source: str | None, limit: int, wait: timedelta, config: Path, as_json: bool
) -> None:
    """Find rows that lack what they should have, and repair them.

    Without NAME, by all checks of the rules files. With --repair each finding becomes an event that runs the check's
    procedure in the running gateway; what became of each is printed, and whether anything is left.
    Exits 0 when nothing is found (or left), 1 when something is, 2 when it could not look.
    """
    project = open_project(config)
    with _linked(project, name, source, write=repair) as (database, checks):
        found = [_look(database, check, limit, repair=repair) for check in checks]
        runs = not any(one.events for one in found) or client_of(project.settings).answers()
        if not as_json:
            _print_found(found, repair=repair)
        deadline = time.monotonic() + (wait.total_seconds() if runs else 0)
        for one in found:
            _follow(database, one, deadline, as_json=as_json)
            one.remaining = _count(database, one.check) if one.events else one.count
    if as_json:
        print_json({"checks": [_json(one) for one in found]})
    elif repair:
        _print_rest(found, runs=runs)
    sys.exit(1 if any(one.remaining for one in found) else 0)


@contextmanager
def _linked(
    project: Project, name: str | None, source: str | None, *, write: bool
) -> Iterator[tuple[Database, list[LinkedCheck]]]:
    from gateway.engine.consistency import project_checks
    from gateway.engine.program import link_tables
    from gateway.store.reflection import reflect_existing

    if source is not None and project.settings.source(source) is None:
        raise CannotRun(f"there is no source `{source}`")
    with open_store(project.settings, write=write) as database:
        tables = link_tables(reflect_existing(database, project.tables), database.dialect)
        yield database, _chosen(project_checks(project, tables, source), name, repair=write)


def _chosen(checks: list[LinkedCheck], name: str | None, *, repair: bool) -> list[LinkedCheck]:
    from gateway.config.diagnostics import did_you_mean

    if not checks:
        raise CannotRun("the rules have no checks", help="declare them under `checks` in a rules file")
    found = [check for check in checks if name in {None, check.name}]
    if not found:
        names = [check.name for check in checks]
        near = did_you_mean(str(name), names)
        listed = ", ".join(f"`{known}`" for known in names)
        raise CannotRun(
            f"the rules have no check `{name}`", help=f"did you mean `{near}`?" if near else f"checks: {listed}"
        )
    if repair and name is not None and all(check.spec.repair is None for check in found):
        raise CannotRun(f"check `{name}` has no repair", help="name a procedure: `repair: …`")
    return found


def _look(database: Database, check: LinkedCheck, limit: int, *, repair: bool) -> _Found:
    from gateway.engine.runs import order_repairs

    found = _Found(check)
    for rows in _pages(database, check):
        found.count += len(rows)
        found.rows += rows[: limit - len(found.rows)]
        if repair and check.spec.repair is not None:
            found.events += order_repairs(database, check, rows, actor=actor(), now=now())
    return found


def _count(database: Database, check: LinkedCheck) -> int:
    return sum(len(rows) for rows in _pages(database, check))


def _pages(database: Database, check: LinkedCheck) -> Iterator[list[Row]]:
    from gateway.expressions import CoercionError, EvaluationError
    from gateway.store.database import DRIVER_ERROR
    from gateway.store.shapes import ValueDoesNotFit

    try:
        yield from check.pages(database.execute, datetime.now(UTC))
    except (EvaluationError, ValueDoesNotFit, CoercionError) as error:
        raise CannotRun(f"check `{check.name}` cannot look: {error}") from error
    except DRIVER_ERROR as error:
        if "no such" not in str(error) or "gateway_" in str(error):
            raise
        raise CannotRun(
            f"check `{check.name}` cannot look: {error}", help="`gateway migrate` makes its tables"
        ) from error


def _follow(database: Database, found: _Found, deadline: float, *, as_json: bool) -> None:
    """Wait for each repair until it is settled or patience ends, and say what became of it."""
    from gateway.store.events import get_event

    for key, number in found.events:
        event = get_event(database, str(number)).event
        while not is_settled(event.status, event.next_attempt_at) and time.monotonic() < deadline:
            time.sleep(_PAUSE)
            event = get_event(database, str(number)).event
        if as_json:
            found.ended.append(event)
        else:
            ended = event.result if event.error is None else event.error
            print_line(f"  {key}: event {number} {event.status}" + (f", {ended}" if ended else ""))


def _print_found(found: Sequence[_Found], *, repair: bool) -> None:
    from gateway.expressions import to_text

    for one in found:
        spec, rows = one.check.spec, "row" if one.count == 1 else "rows"
        lack = "lacks its" if one.count == 1 else "lack their"
        print_line(f"{one.check.name}: {one.count or 'no'} {rows} of {spec.table} {lack} row of {spec.other}")
        if one.rows and not (repair and spec.repair):
            print_table(one.check.table.spec.names, [[to_text(value) for value in row.values()] for row in one.rows])
            if one.count > len(one.rows):
                click.echo(f"{one.count - len(one.rows)} more: --limit", err=True)


def _print_rest(found: Sequence[_Found], *, runs: bool) -> None:
    if not runs:
        print_line("nothing answers: the repairs run when the gateway does")
    for one in found:
        if one.events:
            print_line(f"{one.check.name}: {one.remaining or 'nothing'} left")


def _json(found: _Found) -> dict[str, Any]:
    from gateway.admin.event_json import event_json
    from gateway.store.operator_rows import row_json

    check = found.check
    return {
        "name": check.name,
        "source": check.source,
        "file": check.file,
        "table": check.table.name,
        "lacks": check.spec.other,
        "repair": check.spec.repair,
        "count": found.count,
        "rows": [row_json(row, check.table.spec) for row in found.rows],
        "events": [event_json(event) for event in found.ended],
        "remaining": found.remaining,
    }
