"""Alerts: when one begins, lasts and ends, and what is said of it. No clock, no database."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta

from gateway.config.measures import OWN_ALERT
from gateway.config.settings_model import AlertSettings, ParkSettings
from gateway.engine.measures import Failing
from gateway.expressions import NO_CONTEXT, Expression, compile_expression, is_true, to_text
from gateway.store.depths import OpenEvent
from gateway.telemetry import redact

PARKED = OWN_ALERT
PARKED_WHEN = "parked_too_long > `0`"
"""The gateway's own alert."""

BEGINS, LASTS, ENDS = "begins", "lasts", "ends"


@dataclass(frozen=True, slots=True, kw_only=True)
class Alert:
    """A condition over a source's measures, and who is told."""

    name: str
    when: Expression
    source: str | None
    """The only source that it is about; None for each of them."""
    over: float
    """Seconds."""
    notify: str | None
    """The channel; None where it is only logged."""
    repeat_after: int
    """Microseconds."""

    def holds(self, measures: Mapping[str, object]) -> bool | None:
        """Say whether the condition holds; None where it cannot be said, as nothing was measured.

        Raises EvaluationError.
        """
        value = self.when(measures, NO_CONTEXT)
        return None if value is None else is_true(value)

    @property
    def names(self) -> tuple[str, ...]:
        """Return the measures that it is about, in the order of the text."""
        return tuple(dict.fromkeys(reference.path[0] for reference in self.when.names))


@dataclass(slots=True)
class AlertState:
    """How an alert stands for one source. Microseconds."""

    since: int | None = None
    """When it began; None while it is off."""
    told_at: int = 0

    def turn(self, holds: bool | None, now: int, repeat_after: int) -> str | None:
        """Take a new look; return what is to be told: BEGINS, LASTS, ENDS or None."""
        if holds is None:
            return None
        if self.since is None:
            return self._tell(BEGINS, now, now) if holds else None
        if not holds:
            return self._tell(ENDS, None, now)
        return self._tell(LASTS, self.since, now) if now - self.told_at >= repeat_after else None

    def _tell(self, word: str, since: int | None, now: int) -> str:
        self.since, self.told_at = since, now
        return word

    def resume(self, word: str, told_at: int) -> None:
        """Go on from what was last told, before a restart."""
        if word in {BEGINS, LASTS}:
            self.since = self.told_at = told_at


def build_alerts(alerts: Iterable[AlertSettings], park: ParkSettings) -> list[Alert]:
    """Return the alerts of gateway.yaml, and the gateway's own about events that stay parked."""
    return [*map(_build, alerts), _parked(park)]


def _build(settings: AlertSettings) -> Alert:
    return Alert(
        name=settings.name,
        when=compile_expression(settings.when),
        source=settings.source,
        over=settings.over.total_seconds(),
        notify=settings.notify,
        repeat_after=settings.repeat_after // _MICROSECOND,
    )


def _parked(park: ParkSettings) -> Alert:
    return Alert(
        name=PARKED,
        when=compile_expression(PARKED_WHEN),
        source=None,
        over=60.0,
        notify=park.notify,
        repeat_after=timedelta(days=1) // _MICROSECOND,
    )


_MICROSECOND = timedelta(microseconds=1)


def alert_text(
    alert: Alert,
    source: str,
    word: str,
    measures: Mapping[str, object],
    failing: Sequence[Failing | OpenEvent],
    lasted: int,
) -> dict[str, object]:
    """Return the request of the message that tells of an alert; `lasted` is for how long it has held (microseconds)."""
    values = ", ".join(f"{name} {to_text(measures[name]) or 'unknown'}" for name in alert.names)
    so_long = _duration(lasted)
    title = {
        BEGINS: f"{source}: {alert.name}",
        LASTS: f"{source}: {alert.name}, for {so_long}",
        ENDS: f"{source}: {alert.name} is over, after {so_long}",
    }[word]
    lines = [f"{alert.when.text} {'no longer holds' if word == ENDS else 'holds'}: {values}"]
    if word != ENDS and failing:
        lines += ["", *map(_event_line, failing)]
    level = "success" if word == ENDS else "failure"
    return {"title": title, "body": str(redact("\n".join(lines))), "level": level}


def _duration(microseconds: int) -> str:
    """Return a length of time in its largest unit that fits twice."""
    seconds = microseconds // 1_000_000
    size, unit = next((one for one in _UNITS if seconds >= 2 * one[0]), (1, "s"))
    return f"{seconds // size} {unit}"


_UNITS = ((86400, "days"), (3600, "h"), (60, "min"))


def _event_line(event: Failing | OpenEvent) -> str:
    of = f"rule `{event.rule}`" if isinstance(event, Failing) and event.rule else ""
    key = f"key {event.key}" if isinstance(event, OpenEvent) and event.key else ""
    said = ", ".join(part for part in (event.type, of, key) if part)
    return f"event {event.seq} ({event.event_id}), {said}: {event.error or 'no reason is known'}"
