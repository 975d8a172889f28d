"""Alerts over HTTP: how each stands, source by source."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from gateway.admin.event_json import iso_time
from gateway.admin.routes import Call, Route, Running
from gateway.admin.schemas import TEXT, list_of, or_null, record
from gateway.engine.alerts import PARKED, PARKED_WHEN
from gateway.engine.watching import AlertNow

Alerts = Callable[[], Sequence[AlertNow]]
"""Returns how the alerts stood when the engine last looked."""


class AlertRoutes:
    """What can be asked of alerts."""

    def __init__(self, running: Running, alerts: Alerts) -> None:
        """Take the gateway, and what says how its alerts stand."""
        self._running = running
        self._alerts = alerts

    def routes(self) -> tuple[Route, ...]:
        """Return the addresses."""
        return (
            Route(
                method="GET",
                path="/api/alerts",
                summary="List the alerts, and whether each is on.",
                run=self._list,
                answer=record({"alerts": list_of(_ALERT)}),
            ),
        )

    async def _list(self, _call: Call) -> dict[str, Any]:
        settings = self._running.project.settings
        conditions = {**{alert.name: alert.when for alert in settings.alerts}, PARKED: PARKED_WHEN}
        channels = {**{alert.name: alert.notify for alert in settings.alerts}, PARKED: settings.park.notify}
        return {
            "alerts": [
                {
                    "name": one.name,
                    "source": one.source,
                    "when": conditions[one.name],
                    "notify": channels[one.name],
                    "active": one.since is not None,
                    "since": iso_time(one.since),
                }
                for one in self._alerts()
                if one.name in conditions
            ]
        }


_ALERT = record(
    {
        "name": TEXT,
        "source": TEXT,
        "when": {"type": "string", "description": "Its condition over the measures."},
        "notify": or_null({"type": "string", "description": "The channel that is told."}),
        "active": {"type": "boolean"},
        "since": or_null({"type": "string", "format": "date-time", "description": "When it began."}),
    }
)
