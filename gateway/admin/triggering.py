"""Signed sample events: made as the source's provider would send them, for a whole delivery through the gateway."""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from gateway.config.diagnostics import did_you_mean
from gateway.config.payload_edits import edit
from gateway.engine.payload import PayloadRefused, read_payload
from gateway.errors import Conflict, GatewayError, NotFound
from gateway.providers import build_envelope, freshen, preset_named, sample, sample_types, sign
from gateway.settings import Settings, SourceSettings


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """A delivery, ready to be posted."""

    source: str
    path: str
    body: bytes
    headers: Mapping[str, str]
    event_id: str | None
    """The provider's id that the gateway will read from it; None where it will derive one."""
    request_id: str
    """Goes along as `X-Request-Id`, so that the event can be found where it has no id of its own."""


class SampleInvalid(GatewayError):
    """The sample cannot be changed as asked."""


def require_source(settings: Settings, name: str) -> SourceSettings:
    """Return the source called `name`. Raises NotFound."""
    source = settings.source(name)
    if source is None:
        names = [one.name for one in settings.sources]
        raise NotFound(f"there is no source `{name}`" + _hint(did_you_mean(name, names), names))
    return source


def sample_payload(source: SourceSettings, event_type: str, *, now: float) -> dict[str, Any]:
    """Return a new sample event of a type. Raises NotFound when the source's provider has none."""
    types = sample_types(source.provider) if source.provider else ()
    found = sample(source.provider, event_type) if source.provider else None
    if found is None:
        whose = f"of {source.provider}" if source.provider else f"for `{source.name}`, which names no provider"
        raise NotFound(f"there is no sample `{event_type}` {whose}{_hint(did_you_mean(event_type, types), types)}")
    assert source.provider is not None
    return freshen(found, source.provider, now)


def _hint(near: str | None, known: Iterable[str]) -> str:
    if near:
        return f"; did you mean `{near}`?"
    listed = ", ".join(f"`{name}`" for name in known)
    return f"; there are {listed}" if listed else ""


def change(payload: object, changes: Iterable[tuple[str, object]]) -> None:
    """Put values at paths of a payload, in place. Raises SampleInvalid."""
    for path, value in changes:
        try:
            edit(payload, path, value)
        except ValueError as error:
            raise SampleInvalid(str(error)) from None


def sign_sample(source: SourceSettings, event_type: str, body: bytes, *, now: float) -> Sample:
    """Return a delivery of a body, signed with the first secret of the source; `now` is seconds since the epoch.

    `event_type` goes into the headers where the source reads it from one. Raises Conflict when the body, as the
    source reads it, is an event of another type.
    """
    preset = preset_named(source.provider)
    message_id = f"msg_{secrets.token_hex(12)}"
    parts = {**(preset.event if preset else {}), **source.event}
    headers = {"Content-Type": "application/json", "X-Request-Id": f"trigger-{secrets.token_hex(8)}"}
    headers |= {part["header"]: value for part, value in _header_parts(parts, id=message_id, type=event_type)}
    headers |= sign(source.verify, preset, body, now=now, id=message_id)
    envelope = build_envelope(source.event, preset).read(_parsed(body), headers)
    if envelope.type not in {event_type, None}:
        raise Conflict(f"this is an event of type `{envelope.type}`, not `{event_type}`")
    return Sample(
        source=source.name,
        path=source.path,
        body=body,
        headers=headers,
        event_id=envelope.id,
        request_id=headers["X-Request-Id"],
    )


def _header_parts(parts: Mapping[str, Any], **values: str) -> Iterable[tuple[Mapping[str, str], str]]:
    for name, value in values.items():
        part = parts.get(name)
        if isinstance(part, Mapping) and "header" in part:
            yield part, value


def _parsed(body: bytes) -> object:
    try:
        return read_payload(body)
    except PayloadRefused:
        return None


def answered_number(body: bytes) -> str | None:
    """Return the event's number where the gateway's answer names it, else None (a source may answer otherwise)."""
    try:
        match orjson.loads(body):
            case {"status": "accepted" | "duplicate", "id": str(number)} if number.isdigit():
                return number
    except orjson.JSONDecodeError:
        return None
    return None


def base_url(host: str, port: int) -> str:
    """Return the address at which a server listening on `host` is reached from its own machine."""
    host = {"0.0.0.0": "127.0.0.1", "::": "::1", "": "127.0.0.1"}.get(host, host)  # noqa: S104 - compared, not bound
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
