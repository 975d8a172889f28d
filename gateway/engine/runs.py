"""Procedures run by hand, and repairs of what checks find: events of the gateway's own, of type `run.PROCEDURE`.

Their payload holds `with`, the names and values that were given; and for a repair `rows`, the names that stand for
rows of tables, and `check`, whose finding it is.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Mapping, Sequence

from gateway.config.diagnostics import Findings, did_you_mean
from gateway.config.procedure_needs import needs_of
from gateway.config.rule_scopes import open_scope
from gateway.config.rules import RulesFile
from gateway.engine.consistency import LinkedCheck
from gateway.engine.program import RUN_PREFIX
from gateway.errors import Conflict, GatewayError, NotFound
from gateway.project import Project
from gateway.settings import SourceSettings
from gateway.store.codecs import dump_json
from gateway.store.database import Database
from gateway.store.inbox import Delivery, append_deliveries, outcome_of
from gateway.store.shapes import Row

VERIFIED_BY = "gateway"
"""What stands where a delivery's scheme does: nobody sent these."""

REPAIR_WINDOW = 60
"""Seconds: a finding is repaired once in such a window and the next, however often it was asked for."""


class RunInvalid(GatewayError):
    """The procedure cannot be run with these names."""

    def __init__(self, message: str, *, help: str | None = None) -> None:
        super().__init__(message)
        self.help = help


def find_procedure(project: Project, name: str, source: str | None) -> tuple[SourceSettings, RulesFile]:
    """Return the source that runs a procedure, and the rules file that has it.

    Raises NotFound, and Conflict when several sources have it: then `source` decides.
    """
    chosen = [one for one in project.settings.sources if source in {None, one.name}]
    if not chosen:
        names = [one.name for one in project.settings.sources]
        raise NotFound(f"there is no source `{source}`{_hint(did_you_mean(str(source), names), names)}")
    found = [(one, file) for one in chosen for file in project.rules_of(one) if name in file.procedures]
    if not found:
        known = sorted({known for one in chosen for file in project.rules_of(one) for known in file.procedures})
        of = f" of `{source}`" if source else ""
        raise NotFound(f"the rules{of} have no procedure `{name}`{_hint(did_you_mean(name, known), known)}")
    if len({one.name for one, _ in found}) > 1:
        listed = ", ".join(f"`{one.name}`" for one, _ in found)
        raise Conflict(f"several sources have a procedure `{name}`: {listed}; say which")
    return found[-1]


def needed_names(project: Project, file: RulesFile, procedure: str) -> tuple[str, ...]:
    """Return the names that a procedure reads and does not bind itself."""
    scope = open_scope(file, project.tables, Findings().for_document(file.document))
    return needs_of(procedure, scope)


def require_names(procedure: str, needed: Iterable[str], given: Iterable[str]) -> None:
    """Raise RunInvalid when a procedure is not given what it needs, or is given what it does not know."""
    needed, given = list(needed), list(given)
    missing = [name for name in needed if name not in given]
    unknown = [name for name in given if name not in needed]
    if unknown:
        near = did_you_mean(unknown[0], missing or needed)
        listed = ", ".join(f"`{name}`" for name in needed)
        known = f"it reads {listed}" if needed else "it needs no names"
        raise RunInvalid(
            f"procedure `{procedure}` reads no name `{unknown[0]}`", help=f"did you mean `{near}`?" if near else known
        )
    if missing:
        listed = ", ".join(f"`{name}`" for name in missing)
        raise RunInvalid(
            f"procedure `{procedure}` needs {listed}",
            help=f"give {'it' if len(missing) == 1 else 'them'}: {' '.join(f'--with {name}=…' for name in missing)}",
        )


def run_delivery(
    source: str, procedure: str, names: Mapping[str, object], *, key: str | None, actor: str, now: int
) -> Delivery:
    """Return the event that runs a procedure once; `now` is microseconds."""
    body = dump_json({"with": names})
    return _delivery(source, procedure, f"run-{secrets.token_hex(16)}", now // 1_000_000, body, key, actor, now)


def repair_delivery(check: LinkedCheck, row: Row, *, actor: str, now: int) -> Delivery:
    """Return the event that repairs one finding; `now` is microseconds.

    Its id is made from the check and the row's key, and counts within a window of time: asked for twice at once, a
    finding is repaired once. Repairs of one row are events of one key, so they run one after the other.
    """
    assert check.spec.repair is not None
    key = check.key_of(row)
    place = {"table": check.table.name, "key": row[check.rows.key]}
    body = dump_json({"with": {}, "rows": {check.spec.bind_as: place}, "check": check.name})
    window = -max(1, now // 1_000_000 // REPAIR_WINDOW)
    name = f"check-{check.name}-{key}"
    return _delivery(check.source, check.spec.repair, name, window, body, f"{check.table.name}-{key}", actor, now)


def order_repairs(
    database: Database, check: LinkedCheck, rows: Sequence[Row], *, actor: str, now: int
) -> list[tuple[str, int]]:
    """Store the events that repair findings; return each row's key and its event's number.

    One that is under way already is not stored again; one that has ended, and left its finding, is followed by another.
    A transaction, and another where some are followed.
    """
    keys = [check.key_of(row) for row in rows]
    numbers: dict[str, int] = {}
    wanted = [(key, repair_delivery(check, row, actor=actor, now=now)) for key, row in zip(keys, rows, strict=True)]
    while wanted:
        receipts = append_deliveries(database, [delivery for _, delivery in wanted])
        numbers |= {key: receipt.id for (key, _), receipt in zip(wanted, receipts, strict=True)}
        # Named after the one that has ended, so that two who ask at once come to the same event.
        wanted = [
            (key, delivery._replace(event_id=f"check-{check.name}-{key}-after-{receipt.id}"))
            for (key, delivery), receipt in zip(wanted, receipts, strict=True)
            if receipt.duplicate and _ended(database, receipt.id)
        ]
    return [(key, numbers[key]) for key in keys]


def _ended(database: Database, event: int) -> bool:
    outcome = outcome_of(database, event)
    return outcome is not None and outcome.status in {"done", "ignored", "dead"}


def _delivery(
    source: str, procedure: str, event_id: str, second: int, body: str, key: str | None, actor: str, now: int
) -> Delivery:
    return Delivery(
        source=source,
        event_id=event_id,
        event_second=second,
        type=RUN_PREFIX + procedure,
        key=key,
        occurred_at=now,
        received_at=now,
        headers=dump_json({"run_by": actor}),
        body=body.encode(),
        status="ready",
        error=None,
        verified_by=VERIFIED_BY,
        request_id=event_id,
    )


def _hint(near: str | None, known: Iterable[str]) -> str:
    if near:
        return f"; did you mean `{near}`?"
    listed = ", ".join(f"`{name}`" for name in known)
    return f"; there are {listed}" if listed else ""
