"""Standard Webhooks, and Svix, which began it. Source: the specification, spec/standard-webhooks.md."""

from __future__ import annotations

from collections.abc import Mapping

from gateway.providers.preset import Part, Preset

_EVENT: Mapping[str, Part] = {
    # Read as the verification reads it: what is signed is what counts, not what else someone has put beside it.
    "id": {"header": "webhook-id", "or_header": "svix-id"},
    "type": "type",
    "occurred_at": "timestamp",
}
_SUCCESS = "2xx within 15 s; 410 ends the subscription"

STANDARD_WEBHOOKS = Preset(
    name="standard-webhooks",
    title="Standard Webhooks",
    docs="https://www.standardwebhooks.com",
    scheme="standard-webhooks",
    success=_SUCCESS,
    event=_EVENT,
)

SVIX = Preset(
    name="svix",
    title="Svix",
    docs="https://docs.svix.com/receiving/introduction",
    scheme="standard-webhooks",
    success=_SUCCESS,
    event=_EVENT,
)
