"""Slack: the Events API. Source: api.slack.com/apis/events-api."""

from __future__ import annotations

from gateway.providers.preset import Preset

SLACK = Preset(
    name="slack",
    title="Slack",
    docs="https://api.slack.com/apis/events-api",
    scheme="slack",
    success="2xx within 3 s",
    event={"id": "event_id", "type": "event.type || type", "occurred_at": "event_time", "key": "event.channel"},
)
