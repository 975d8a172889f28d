"""WorkOS: signed bodies, times in milliseconds. Source: workos.com/docs/events."""

from __future__ import annotations

from gateway.providers.event_types import read_event_types
from gateway.providers.preset import Preset

WORKOS = Preset(
    name="workos",
    title="WorkOS",
    docs="https://workos.com/docs/events/data-syncing/webhooks",
    scheme="workos",
    success="2xx; anything else is sent again for up to 3 days",
    event={
        "id": "id",
        "type": "event",
        "occurred_at": "created_at",
        # Some events hold the object that belongs to an organization one level deeper.
        "key": (
            "data.organization_id || (data.object == 'organization' && data.id) || (data.*.organization_id | [0])"
            " || data.directory_id || data.id"
        ),
    },
    # The last is sent, though the SDK does not name it.
    event_types=(*read_event_types("workos"), "dsync.deactivated"),
    instead={
        "organization_membership.added": ("organization_membership.created",),
        "organization_membership.removed": ("organization_membership.deleted",),
    },
)
