"""An event's story in plain text, for whoever has to say why: what came, what was decided and done, what is next."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any

from gateway.admin.event_json import iso_time
from gateway.admin.places import FilePlaces, Places
from gateway.admin.printing import printable
from gateway.expressions import to_json, to_text
from gateway.store.claiming import TraceRow
from gateway.store.events import Event, EventDetails
from gateway.store.outbox_pages import OutboxItem

OWN = "gateway"
"""What stands as the verification of events that the gateway has made itself."""

_SHOWN = 160
_UNITS = ((86_400, "d"), (3_600, "h"), (60, "min"), (1, "s"))


def tell(details: EventDetails, places: Places, *, now: int) -> list[str]:
    """Return the lines of an event's story; `now` is microseconds."""
    event = details.event
    lines = [
        f"event {event.seq} of {event.source}: {event.type}, {event.event_id}",
        f"  {_standing(event)}",
        "",
        *_received(details),
    ]
    for trace in details.traces:
        lines += ["", *_attempt(trace, event, places)]
    if details.outbox:
        lines += ["", *_sent(details.outbox)]
    return [printable(line) for line in [*lines, "", _entry("next", _next(event, now, foreign=_is_foreign(details)))]]


def _standing(event: Event) -> str:
    said = event.result if event.status == "done" else event.error
    return event.status if said is None else f"{event.status}: {said}"


def _received(details: EventDetails) -> Iterator[str]:
    event = details.event
    if details.verified_by == OWN:
        yield from _made(details)
        return
    request = f", request {details.request_id}" if details.request_id else ""
    yield _entry("received", f"{iso_time(event.received_at)}, {len(details.body)} bytes{request}")
    if event.occurred_at is not None:
        delay = event.received_at - event.occurred_at
        how = f"{_duration(delay)} before" if delay >= 1_000_000 else "at that moment" if delay >= 0 else "after that"
        yield _entry("happened", f"{iso_time(event.occurred_at)} by the provider's clock, {how}")
    yield _entry("verified", _verified(details.verified_by))
    times = "once more" if details.duplicates == 1 else f"{details.duplicates} times more"
    again = f"delivered {times}, which changed nothing" if details.duplicates else "none"
    yield _entry("duplicates", again)
    if event.key is not None:
        yield _entry("key", f"{event.key}: events with it run one at a time, in the order received")
    if not details.traces and event.status == "dead":
        yield _entry("not run", event.error or "")


def _made(details: EventDetails) -> Iterator[str]:
    """Yield how an event of the gateway's own came to be."""
    event, headers = details.event, json.loads(details.headers)
    by = headers.get("run_by") or (f"event {headers['scheduled_by']}" if "scheduled_by" in headers else "the gateway")
    yield _entry("made", f"{iso_time(event.received_at)}, by {by}")
    if event.occurred_at is not None and event.occurred_at > event.received_at:
        yield _entry("due", f"{iso_time(event.occurred_at)}, {_duration(event.occurred_at - event.received_at)} later")
    if event.key is not None:
        yield _entry("key", f"{event.key}: events with it run one at a time, in the order received")


def _sent(outbox: Sequence[OutboxItem]) -> Iterator[str]:
    """Yield what became of the event's messages and calls."""
    label = "sent"
    for item in outbox:
        tries = "" if item.attempts == 1 else f", after {item.attempts} tries"
        match item.status:
            case "done":
                ended = f"done at {iso_time(item.finished_at)}{tries}"
            case "dead":
                ended = f"dead{tries}: {item.error}; `gateway outbox retry {item.seq}` once the cause is mended"
            case _ if item.next_attempt_at is None:
                ended = "under way"
            case _ if item.attempts:
                ended = f"tried again at {iso_time(item.next_attempt_at)}{tries}: {item.error}"
            case _:
                ended = "not sent yet"
        yield _entry(label, f"{item.kind} {item.seq}, {item.action} to {item.target} ({item.message_id}): {ended}")
        label = ""


def _verified(verified_by: str | None) -> str:
    if verified_by is None:
        return "not at all: the source says `verify: none`"
    scheme, _, number = verified_by.partition("#")
    return f"`{scheme}`, with secret {int(number) + 1} of the source" if number.isdigit() else f"`{scheme}`"


def _attempt(row: TraceRow, event: Event, places: Places) -> Iterator[str]:
    trace = json.loads(row.trace, parse_float=Decimal)
    place = places.of(trace.get("version"))
    took = f"{Decimal(row.microseconds) / 1000:f} ms"
    yield _entry(f"attempt {row.attempt}", f"{iso_time(row.started_at)}, took {took}: {row.status}")
    if "file" in trace:
        changed = "" if place else "; it has changed since"
        yield _entry("  rules", f"{trace['file']}, version {trace['version']}{changed}")
    yield from _verdicts(trace, event, place)
    yield from _values(trace, place)
    for number, (pointer, action, happened) in enumerate(trace.get("steps", ())):
        label, where = _label(pointer, action, place)
        for line in _step_lines(action, happened):
            yield _entry("" if number else "  steps", f"{label}: {line} ({where})")
    yield from _ending(trace, place)


def _verdicts(trace: Mapping[str, Any], event: Event, place: FilePlaces | None) -> Iterator[str]:
    for verdict in trace.get("no", ()):
        if isinstance(verdict, str):
            yield _entry("  no", f"{verdict}: its `on` does not name {event.type}")
        else:
            name, clause, seen = verdict
            yield _entry("  no", f"{name}: {clause} does not hold, it saw {_seen(seen)}")
    if "rule" in trace:
        where = place.rule(trace["rule"]) if place else None
        yield _entry("  yes", trace["rule"] + (f" ({where})" if where else ""))


def _values(trace: Mapping[str, Any], place: FilePlaces | None) -> Iterator[str]:
    label = "  values"
    for name, (value, alternative) in trace.get("extract", {}).items():
        paths = place.alternatives(trace.get("rule"), name) if place else []
        yield _entry(label, f"{name} = {_short(value)}{_origin(paths, alternative)}")
        label = ""


def _origin(paths: Sequence[str], alternative: int | None) -> str:
    if alternative is None:
        return f", nothing at {' or '.join(f'`{path}`' for path in paths)}" if paths else ", nothing there"
    path = f", from `{paths[alternative]}`" if alternative < len(paths) else ""
    return path + (f", alternative {alternative + 1}" if alternative or len(paths) > 1 else "")


def _label(pointer: str, action: str, place: FilePlaces | None) -> tuple[str, str]:
    return (action, pointer) if place is None else place.step(pointer, action)


def _step_lines(action: str, happened: Any) -> Iterator[str]:
    """Yield what one step did; one line a row where it wrote several."""
    if action == "update" and isinstance(happened, list):
        yield from map(_written, happened) if happened else ["no row fits"]
    elif action == "skip":
        clause, seen = happened
        yield f"left out: {clause} does not hold, it saw {_seen(seen)}"
    else:
        yield _HAPPENED.get(action, _short)(happened)


def _found(note: Mapping[str, Any]) -> str:
    if note.get("found") is None:
        return f"no row fits, `missing: {note.get('missing')}`"
    return f"found {_short(note['found'])}, by condition {note['strategy'] + 1}"


def _written(note: Mapping[str, Any]) -> str:
    if "kept" in note:
        return f"row {_short(note['row'])} kept as it is: {note['kept']}"
    if "inserted" in note:
        return f"new row {_short(note['inserted'])}"
    if "exists" in note:
        return f"a row is there already: {_short(note['exists'])}"
    if not note.get("changed"):
        return f"row {_short(note.get('row'))} has these values already"
    changes = ", ".join(f"{name} {_short(old)} -> {_short(new)}" for name, (old, new) in note["changed"].items())
    return f"row {_short(note['row'])}: {changes}"


def _deleted(note: Mapping[str, Any]) -> str:
    rows = note["deleted"]
    return f"deleted {', '.join(map(_short, rows))}" if rows else "no row fits"


_HAPPENED: Mapping[str, Callable[[Any], str]] = {
    "find": _found,
    "insert": _written,
    "upsert": _written,
    "delete": _deleted,
    "require": lambda _: "it holds",
    "log": lambda text: f"`{text}`",
    "finish": lambda text: f"ended with `{text}`",
}


def _ending(trace: Mapping[str, Any], place: FilePlaces | None) -> Iterator[str]:
    error = trace.get("error")
    if error is not None:
        at = _label(error["at"], "", place)[1] if error.get("at") else None
        yield _entry("  error", error["message"] + (f" ({at})" if at else ""))
    elif "result" in trace:
        yield _entry("  result", str(trace["result"]))


def _is_foreign(details: EventDetails) -> bool:
    """Say whether a sender has given an event a type of the gateway's own."""
    return details.event.type.startswith(("run.", "schedule.")) and details.verified_by != OWN


def _next(event: Event, now: int, *, foreign: bool) -> str:
    retry = f"`gateway events retry {event.seq}`"
    at = event.next_attempt_at
    due = "" if at is None else f"{iso_time(at)}, " + (f"in {_duration(at - now)}" if at > now else "which is now")
    match event.status:
        case "ready":
            return "the engine takes it at its next turn"
        case "waiting" if at is None:
            return "runs as soon as that is there"
        case "waiting":
            return f"{'tried again' if event.attempts else 'runs'} at {due}"
        case "parked":
            return f"runs when a later event of its key is done, or at {due}"
        case "dead" if foreign:
            return "nothing: it can never run"
        case "dead":
            return f"nothing by itself; {retry} once the cause is mended"
        case "ignored":
            return f"nothing; {retry} after adding a rule for it"
    return "nothing, it is done"


def _entry(label: str, text: str) -> str:
    return f"{label:<12}{text}"


def _seen(seen: object) -> str:
    return " and ".join(map(_short, seen)) if isinstance(seen, list) else _short(seen)


def _short(value: object) -> str:
    text = "null" if value is None else to_json(value) if isinstance(value, dict | list) else to_text(value)
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"


def _duration(microseconds: int) -> str:
    """Return a length of time in its two largest units."""
    seconds = microseconds // 1_000_000
    parts = []
    for size, unit in _UNITS:
        if seconds >= size:
            parts.append(f"{seconds // size} {unit}")
            seconds %= size
    return " ".join(parts[:2]) or "less than 1 s"
