"""`schedule`: an event of the gateway's own, of type `schedule.NAME`, whose time comes later."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from gateway.actions.filling import link_filled
from gateway.actions.state import Linker, PassState, Signal, StepFailed
from gateway.config.document import Scalar
from gateway.config.scope import CheckScope
from gateway.config.steps import ActionSpec, ScheduleWanted, StepReader
from gateway.config.units import meant_duration, parse_duration
from gateway.config.values import Value
from gateway.expressions import CoercionError, coerce, to_text
from gateway.records import dataclass
from gateway.store.codecs import EPOCH, dump_json, microseconds_of

_LATEST = datetime(9000, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Schedule:
    """The arguments of a `schedule`."""

    name: str
    after: Value | None
    at: Value | None
    data: Value | None
    key: Value | None


def _parse(reader: StepReader) -> Schedule:
    schedule = Schedule(
        name=reader.text("schedule"),
        after=reader.value("after"),
        at=reader.value("at"),
        data=reader.value("data"),
        key=reader.value("key"),
    )
    _require_one_time(reader)
    _check_literals(schedule, reader)
    return schedule


def _require_one_time(reader: StepReader) -> None:
    named = [key for key, _ in reader.node.entries if key.text in {"after", "at"}]
    if not named:
        place = reader.node.key("schedule") or reader.node
        reader.findings.error(
            "GW102", "missing key `after` or `at` in `schedule`", place, help="say when it is due: `after: 3d`"
        )
    for key in named[1:]:
        reader.findings.error("GW105", "`after` and `at` exclude each other", key)


def _check_literals(schedule: Schedule, reader: StepReader) -> None:
    for _, value, read in (("after", schedule.after, _duration), ("at", schedule.at, _moment)):
        if value is None or not value.literal:
            continue
        try:
            read(value.constant)
        except StepFailed as error:
            help = _written(value) if read is _duration else "for example `at: ${ add_days(now, `3`) }`"
            reader.findings.error("GW104", error.message, value.node, help=help)
        else:
            _check_unit(value, reader)


def _written(value: Value) -> str:
    meant = meant_duration(str(value.constant))
    return "for example `3d`" if meant is None else f"write `{meant}`"


def _check_unit(value: Value, reader: StepReader) -> None:
    """Warn of a wait that is a number alone."""
    node = reader.node.get("after")
    if value.node is node and isinstance(node, Scalar) and isinstance(node.value, int | Decimal):
        message = f"`after`: `{node.text}` alone is a number of seconds"
        reader.findings.warning("GW106", message, node, help=f"write the unit: `{node.text}s`, or `{node.text}d`")


def _check(schedule: Schedule, scope: CheckScope) -> None:
    scope.kinds(schedule.after, "`after`", "a duration or a number of seconds", {"text", "integer", "decimal"})
    scope.kinds(schedule.at, "`at`", "a time", {"text", "integer", "decimal", "date", "timestamp"})
    scope.need(schedule.after, "`after`")
    scope.need(schedule.at, "`at`")
    scope.text(schedule.key, "a key")
    scope.value(schedule.data)


def _bind(schedule: Schedule, linker: Linker) -> Callable[[PassState], Signal]:
    from gateway.store.schedules import SCHEDULES, Scheduled, schedule_event

    name, pointer = schedule.name, linker.pointer
    due = _link_due(schedule)
    data = None if schedule.data is None else schedule.data.evaluate
    key_of = None if schedule.key is None else link_filled(schedule.key, "schedule: `key`", str)

    def run(state: PassState) -> Signal:
        at = due(state)
        named = default_key(name, state) if key_of is None else key_of(state)
        payload = dump_json({} if data is None else data(state.scope, state))
        about = state.identity
        event = Scheduled(state.source, name, named, about.key, microseconds_of(at), payload, about.seq)
        state.wrote = state.scheduled = True
        replaces = state.ahead.take(SCHEDULES, state.source, named) != []
        seq = schedule_event(state.execute, event, microseconds_of(state.now), replaces=replaces)
        state.ahead.forget(SCHEDULES, state.source, named)
        state.notes.append((pointer, "schedule", {"key": named, "at": at, "event": seq}))
        return None

    return run


def _link_due(schedule: Schedule) -> Callable[[PassState], datetime]:
    if schedule.after is not None:
        after = schedule.after.evaluate
        return lambda state: _later(state.now, _duration(after(state.scope, state)))
    assert schedule.at is not None
    at = schedule.at.evaluate
    return lambda state: _moment(at(state.scope, state))


def _later(moment: datetime, wait: timedelta) -> datetime:
    if wait > _LATEST - moment:
        raise StepFailed(f"schedule: `after` leads beyond the year {_LATEST.year}")
    return moment + wait


def _duration(value: object) -> timedelta:
    if isinstance(value, str):
        try:
            return parse_duration(value)
        except ValueError as error:
            raise StepFailed(f"schedule: `after`: {error}") from None
    if isinstance(value, int | Decimal) and not isinstance(value, bool) and 0 <= value < 10**10:
        return timedelta(microseconds=int(value * 1_000_000))
    raise StepFailed(f"schedule: `after` is {to_text(value) or 'null'}, expected a duration such as `3d` or seconds")


def _moment(value: object) -> datetime:
    try:
        moment = None if value is None else coerce(value, "timestamp")
    except CoercionError as error:
        raise StepFailed(f"schedule: `at`: {error}") from None
    if moment is None:
        raise StepFailed("schedule: `at` is null, expected a time such as `2026-01-31T12:00:00Z`")
    assert isinstance(moment, datetime)
    if not EPOCH <= moment < _LATEST:
        raise StepFailed(f"schedule: `at` is {to_text(moment)}, expected a time from 1970 to {_LATEST.year}")
    return moment


def default_key(name: str, state: PassState) -> str:
    """Return the key of a scheduled event that is given none: its name and the event's own key, or id."""
    return f"{name}-{state.identity.key or state.identity.event_id}"


SPEC = ActionSpec(
    name="schedule",
    title="Have an event of type `schedule.NAME` come later, to this source's rules.",
    schema={
        "schedule": {
            "type": "string",
            "pattern": "^[A-Za-z0-9][A-Za-z0-9_.-]*$",
            "title": "a name such as `suspend`",
            "description": "The name: rules handle the event with `on: schedule.NAME`.",
            "examples": ["suspend"],
        },
        "after": {
            "type": ["string", "number"],
            "description": "How long from now: a duration such as `3d`, or a number of seconds.",
            "examples": ["3d", "${settings.days_until_suspended}d"],
        },
        "at": {"type": "string", "description": "When: a time.", "examples": ["${ add_days(due_date, `15`) }"]},
        "data": {"type": "object", "description": "The event's payload.", "examples": [{"tenant_id": "$tenant.id"}]},
        "key": {
            "type": "string",
            "description": "What `cancel` names; an event that waits under the same key gives way to this one. "
            "When left out: the name and the event's ordering key.",
            "examples": ["suspend-$tenant.id"],
        },
    },
    example="schedule: suspend\nafter: 15d\nkey: suspend-$tenant.id\ndata: {tenant_id: $tenant.id}",
    parse=_parse,
    check=_check,
    bind=_bind,
    wants=lambda schedule: None if schedule.key is None else ScheduleWanted(schedule.key),
)
