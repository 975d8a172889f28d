"""A small gateway of one source, for tests that bring their own rules."""

from __future__ import annotations

import json
from pathlib import Path

from running import ENVIRONMENT, Gateway, Reply

CONFIGURATION = """
version: 1
server: {host: 127.0.0.1, port: "${env:GATEWAY_PORT}"}
database: ${env:GATEWAY_DATABASE}
admin: {token: "${env:GATEWAY_ADMIN_TOKEN}"}
sources:
  shop:
    path: /hooks/shop
    verify: {scheme: token, token: "${env:SHOP_TOKEN}", header: X-Token}
    event: {id: id, type: type, key: key}
    rules: [rules.yaml]
"""

TOKEN = {"X-Token": "the-token-of-the-shop"}


def open_shop(
    folder: Path,
    rules: str,
    more: str = "",
    environment: dict[str, str] | None = None,
    *,
    database: str = "sqlite:///var/gateway.db",
    words: tuple[str, ...] = (),
) -> Gateway:
    """Write a configuration and start it; `more` is what stands below the sources."""
    return prepare_shop(folder, rules, more, environment, database=database, words=words).start()


def prepare_shop(
    folder: Path,
    rules: str,
    more: str = "",
    environment: dict[str, str] | None = None,
    *,
    database: str = "sqlite:///var/gateway.db",
    words: tuple[str, ...] = (),
) -> Gateway:
    """Write a configuration, to be started later."""
    folder.mkdir(exist_ok=True)
    (folder / "gateway.yaml").write_text(CONFIGURATION + more)
    (folder / "rules.yaml").write_text(rules)
    own = {"SHOP_TOKEN": TOKEN["X-Token"], "GATEWAY_DATABASE": database, **(environment or {})}
    return Gateway(folder, environment={**ENVIRONMENT, **own}, words=words)


def send_raw(gateway: Gateway, body: bytes, content_type: str = "application/json") -> Reply:
    """Send some bytes."""
    reply = gateway.request("POST", "/hooks/shop", body, {**TOKEN, "Content-Type": content_type})
    assert reply.status == 200, reply.body
    return reply


def send(gateway: Gateway, identity: str, kind: str, key: str, **more: object) -> Reply:
    """Send an event."""
    return send_raw(gateway, json.dumps({"id": identity, "type": kind, "key": key, **more}).encode())
