"""gateway.yaml as the rest of the gateway sees it: frozen, typed, every default filled in."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Literal

from gateway.config.document import Document, Node, Plain
from gateway.config.environment import Secret
from gateway.config.networks import Network
from gateway.config.units import Rate
from gateway.records import dataclass, field


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerSettings:
    """The HTTP server. `max_body` in bytes."""

    host: str
    port: int
    max_body: int
    body_timeout: timedelta
    keep_alive: timedelta
    drain: timedelta
    min_free: int
    """Bytes."""
    max_connections: int
    trusted_proxies: tuple[Network, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceSettings:
    """One sender and the address it posts to."""

    name: str
    provider: str | None
    path: str
    verify: Mapping[str, Plain] | None = field(repr=False)
    """As the provider's verification takes it, secrets in the clear; None where `verify: none` is written."""
    event: Mapping[str, Plain]
    """Overrides of where id, type, time and key are."""
    rules: tuple[Path, ...]
    settings: Mapping[str, Plain]
    """Overrides of its rules files' settings."""
    respond: Literal["accepted", "result"]
    response: Node | None = field(repr=False)
    """`body` and `errors` as written; templates are compiled with the rules."""
    api_key: Secret | None = None
    api_base: str | None = None
    """The provider's API; `api_base` only where it is not the provider's own."""
    unmatched: Literal["ignore", "reject", "keep"]
    schema: Literal["warn", "reject"] | None
    """What becomes of payloads that break the schema of their event type; None where nobody looks."""
    ordering: Literal["key", "strict"]
    allow_ips: tuple[Network, ...]
    rate_limit: Rate | None
    max_body: int
    """Bytes; the server's where the source names none."""
    dedupe_window: timedelta
    health_service: str
    stale_after: timedelta | None


@dataclass(frozen=True, slots=True, kw_only=True)
class DestinationSettings:
    """A place that rules can send to."""

    name: str
    url: str = field(repr=False)
    secret: Secret | None
    headers: Mapping[str, Secret]
    timeout: timedelta
    concurrency: int


@dataclass(frozen=True, slots=True, kw_only=True)
class StripeSettings:
    """The Stripe API; `api_base` only where it is not Stripe's own."""

    api_key: Secret | None
    api_base: str | None
    timeout: timedelta


@dataclass(frozen=True, slots=True, kw_only=True)
class RetrySettings:
    """When what failed is tried again; `jitter` is a share of the wait, from 0 to 1."""

    first: timedelta
    factor: float
    max: timedelta
    jitter: float
    give_up_after: timedelta


@dataclass(frozen=True, slots=True, kw_only=True)
class ParkSettings:
    """How long an event waits for a row."""

    alert_after: timedelta
    give_up_after: timedelta
    notify: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class RetentionSettings:
    """How long finished events are kept."""

    done: timedelta
    ignored: timedelta
    dead: timedelta


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertSettings:
    """A condition over what is measured, and the channel that is told."""

    name: str
    when: str
    source: str | None
    over: timedelta
    notify: str
    repeat_after: timedelta


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineSettings:
    """How events are processed."""

    workers: int
    slice: int
    process: Literal["auto", "own", "shared"]
    lease: timedelta


@dataclass(frozen=True, slots=True, kw_only=True)
class LogSettings:
    """What is logged, and how."""

    level: Literal["debug", "info", "warning", "error"]
    format: Literal["auto", "text", "json"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """The whole of gateway.yaml."""

    path: Path
    document: Document
    root: Node = field(repr=False)
    """The file's nodes with references to variables and files replaced."""
    server: ServerSettings
    database: str = field(repr=False)
    admin_token: Secret | None
    sources: tuple[SourceSettings, ...]
    destinations: Mapping[str, DestinationSettings]
    channels: Mapping[str, tuple[Secret, ...]]
    stripe: StripeSettings
    redis: Secret | None
    retry: RetrySettings
    park: ParkSettings
    retention: RetentionSettings
    alerts: tuple[AlertSettings, ...]
    engine: EngineSettings
    log: LogSettings
    secrets: tuple[Secret, ...]
    """Every secret in the file, to be kept out of logs."""

    def source(self, name: str) -> SourceSettings | None:
        """Return the source called `name`, or None."""
        return next((source for source in self.sources if source.name == name), None)
