"""GitHub: what an event is stands in headers. Source: docs.github.com/webhooks."""

from __future__ import annotations

from gateway.providers.preset import Preset

GITHUB = Preset(
    name="github",
    title="GitHub",
    docs="https://docs.github.com/webhooks",
    scheme="github",
    success="2xx within 10 s; a failed delivery is sent again only when someone asks for it",
    event={
        "id": {"header": "X-GitHub-Delivery"},
        "type": {"header": "X-GitHub-Event"},
        "key": "repository.id",
    },
)
