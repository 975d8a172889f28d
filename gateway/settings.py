"""Reads gateway.yaml into settings."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any, TypeVar

from gateway.config.diagnostics import Findings
from gateway.config.document import Mapping as MappingNode
from gateway.config.document import Node, Plain
from gateway.config.environment import Secret
from gateway.config.gateway_file import GatewayFile, read_gateway_file
from gateway.config.networks import Network, parse_network
from gateway.config.settings_model import (
    AlertSettings,
    DestinationSettings,
    EngineSettings,
    LogSettings,
    ParkSettings,
    RetentionSettings,
    RetrySettings,
    ServerSettings,
    Settings,
    SourceSettings,
    StripeSettings,
)
from gateway.config.units import parse_duration, parse_percent, parse_rate, parse_size

__all__ = [
    "AlertSettings",
    "DestinationSettings",
    "EngineSettings",
    "LogSettings",
    "ParkSettings",
    "RetentionSettings",
    "RetrySettings",
    "ServerSettings",
    "Settings",
    "SourceSettings",
    "StripeSettings",
    "load_settings",
]

Kind = TypeVar("Kind")


def load_settings(
    path: Path, findings: Findings, environ: Mapping[str, str] | None = None, *, shown: str | None = None
) -> Settings | None:
    """Read gateway.yaml; problems become findings.

    None when there is no mapping to read. With errors in `findings` the settings hold what was readable, with
    defaults for the rest: good enough to check the rules by, not to run.
    """
    file = read_gateway_file(path, findings, os.environ if environ is None else environ, shown=shown)
    return None if file is None else _settings(file)


def _settings(file: GatewayFile) -> Settings:
    data = _Section(file.data)
    server = _server(data.section("server"))
    return Settings(
        path=file.path,
        document=file.document,
        root=file.root,
        server=server,
        database=data.text("database"),
        admin_token=data.section("admin").secret("token"),
        sources=tuple(_source(name, one, file, server) for name, one in data.sections("sources")),
        destinations={name: _destination(name, one) for name, one in data.sections("destinations")},
        channels={name: _secrets(addresses) for name, addresses in data.mapping("channels").items()},
        stripe=_stripe(data.section("stripe")),
        redis=data.section("redis").secret("url"),
        retry=_retry(data.section("retry")),
        park=_park(data.section("park")),
        retention=_durations(RetentionSettings, data.section("retention"), "done", "ignored", "dead"),
        alerts=tuple(_alert(_Section(one)) for one in data.items("alerts")),
        engine=_engine(data.section("engine")),
        log=_log(data.section("log")),
        secrets=_secrets(list(file.secrets)),
    )


def _server(data: _Section) -> ServerSettings:
    return ServerSettings(
        host=data.text("host"),
        port=data.number("port"),
        max_body=parse_size(data.text("max_body")),
        body_timeout=data.duration("body_timeout"),
        keep_alive=data.duration("keep_alive"),
        drain=data.duration("drain"),
        min_free=parse_size(data.text("min_free")),
        max_connections=data.number("max_connections"),
        trusted_proxies=_networks(data.items("trusted_proxies")),
    )


def _source(name: str, data: _Section, file: GatewayFile, server: ServerSettings) -> SourceSettings:
    health = data.section("health")
    respond: Any = data.text("respond")
    unmatched: Any = data.text("unmatched")
    schema: Any = data.text("schema") or None
    ordering: Any = data.text("ordering")
    return SourceSettings(
        name=name,
        provider=data.text("provider") or None,
        path=data.text("path"),
        verify=_verify(data.mapping("verify"), file.path.parent) if data.is_mapping("verify") else None,
        event=data.mapping("event"),
        rules=_rules(data.items("rules"), file.path.parent),
        settings=data.mapping("settings"),
        respond=respond,
        response=_node(file.root, "sources", name, "response"),
        api_key=data.section("account").secret("api_key"),
        api_base=data.section("account").text("api_base") or None,
        unmatched=unmatched,
        schema=schema,
        ordering=ordering,
        allow_ips=_networks(data.items("allow_ips")),
        rate_limit=parse_rate(data.text("rate_limit")) if data.text("rate_limit") else None,
        max_body=parse_size(data.text("max_body")) if data.text("max_body") else server.max_body,
        dedupe_window=data.section("dedupe").duration("window"),
        health_service=health.text("service") or f"{name}-webhook",
        stale_after=health.duration("stale_after") if health.text("stale_after") else None,
    )


def _verify(verify: Mapping[str, Plain], directory: Path) -> Mapping[str, Plain]:
    """Return how a source is verified, with the paths in it taken from the configuration's folder."""
    written = {key: str(verify.get(key) or "").strip() for key in ("certificates", "trust")}
    return {**verify, **{key: str(directory / path) for key, path in written.items() if path}}


def _rules(paths: Iterable[Plain], directory: Path) -> tuple[Path, ...]:
    """Return the rules files that exist; the others have been reported where they are named."""
    files = (directory / str(path) for path in paths)
    return tuple(path for path in files if path.is_file())


def _destination(name: str, data: _Section) -> DestinationSettings:
    return DestinationSettings(
        name=name,
        url=data.text("url"),
        secret=data.secret("secret"),
        headers={header: Secret(str(value)) for header, value in data.mapping("headers").items()},
        timeout=data.duration("timeout"),
        concurrency=data.number("concurrency"),
    )


def _stripe(data: _Section) -> StripeSettings:
    return StripeSettings(
        api_key=data.secret("api_key"),
        api_base=data.text("api_base") or None,
        timeout=data.duration("timeout"),
    )


def _retry(data: _Section) -> RetrySettings:
    return RetrySettings(
        first=data.duration("first"),
        factor=float(data.decimal("factor")),
        max=data.duration("max"),
        jitter=float(parse_percent(data.text("jitter"))),
        give_up_after=data.duration("give_up_after"),
    )


def _park(data: _Section) -> ParkSettings:
    return ParkSettings(
        alert_after=data.duration("alert_after"),
        give_up_after=data.duration("give_up_after"),
        notify=data.text("notify") or None,
    )


def _alert(data: _Section) -> AlertSettings:
    return AlertSettings(
        name=data.text("name"),
        when=data.text("when"),
        source=data.text("source") or None,
        over=data.duration("over"),
        notify=data.text("notify"),
        repeat_after=data.duration("repeat_after"),
    )


def _engine(data: _Section) -> EngineSettings:
    process: Any = data.text("process")
    return EngineSettings(
        workers=data.number("workers"), slice=data.number("slice"), process=process, lease=data.duration("lease")
    )


def _log(data: _Section) -> LogSettings:
    level: Any = data.text("level")
    format: Any = data.text("format")
    return LogSettings(level=level, format=format)


def _durations(kind: Callable[..., Kind], data: _Section, *names: str) -> Kind:
    return kind(**{name: data.duration(name) for name in names})


def _secrets(texts: Plain) -> tuple[Secret, ...]:
    """Return texts as secrets, without the empty ones."""
    items = texts if isinstance(texts, list) else []
    return tuple(secret for secret in map(Secret, map(str, items)) if secret)


def _networks(texts: Iterable[Plain]) -> tuple[Network, ...]:
    """Return the networks among texts; what is none has been reported."""
    return tuple(network for text in texts if (network := parse_network(str(text))) is not None)


def _node(root: Node, *keys: str) -> Node | None:
    node: Node | None = root
    for key in keys:
        node = node.get(key) if isinstance(node, MappingNode) else None
    return node


class _Section:
    """A mapping of plain data whose kinds the schema has vouched for."""

    def __init__(self, data: Plain) -> None:
        self._data: Mapping[str, Plain] = data if isinstance(data, dict) else {}

    def text(self, key: str) -> str:
        value = self._data.get(key)
        return value if isinstance(value, str) else ""

    def number(self, key: str) -> int:
        value = self._data.get(key)
        return value if isinstance(value, int) else 0

    def duration(self, key: str) -> timedelta:
        return parse_duration(self.text(key))

    def secret(self, key: str) -> Secret | None:
        return Secret(self.text(key)) or None

    def mapping(self, key: str) -> dict[str, Plain]:
        value = self._data.get(key)
        return value if isinstance(value, dict) else {}

    def section(self, key: str) -> _Section:
        return _Section(self.mapping(key))

    def sections(self, key: str) -> Iterator[tuple[str, _Section]]:
        return ((name, _Section(value)) for name, value in self.mapping(key).items())

    def items(self, key: str) -> list[Plain]:
        value = self._data.get(key)
        return value if isinstance(value, list) else []

    def is_mapping(self, key: str) -> bool:
        return isinstance(self._data.get(key), dict)

    def decimal(self, key: str) -> Decimal:
        value = self._data.get(key)
        return Decimal(value) if isinstance(value, (int, Decimal)) else Decimal()
