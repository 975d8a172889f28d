"""Talks to a running gateway over HTTP, as a provider and as an operator."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlencode, urlsplit

from gateway.cli.opening import CannotRun
from gateway.store.codecs import dump_json

if TYPE_CHECKING:
    from gateway.settings import Settings

_SECONDS = 30.0
_JSON = {"Content-Type": "application/json"}
_ADDRESS = re.compile(r"https?://([^/:@\[\]]+|\[[0-9a-fA-F:.]+\])(:[0-9]{1,5})?(/.*)?")


@dataclass(frozen=True, slots=True)
class Reply:
    """An HTTP answer."""

    status: int
    body: bytes

    @property
    def text(self) -> str:
        """Return the body as text."""
        return self.body.decode("utf-8", "replace")


class NobodyAnswers(CannotRun):
    """There is no gateway at the address."""


class Client:
    """A running gateway at an address."""

    def __init__(self, url: str, token: str | None) -> None:
        """Take the address, `http://host:port`, and the admin token."""
        if not _ADDRESS.fullmatch(url):
            raise CannotRun(f"`{url}` is not an address such as `http://127.0.0.1:8080`")
        self.url = url.rstrip("/")
        self._token = token

    def post(self, path: str, body: bytes, headers: Mapping[str, str]) -> Reply:
        """Post a delivery. Raises CannotRun when nobody answers."""
        return self._request("POST", path, headers, body)

    def run(self, procedure: str, content: Mapping[str, object]) -> dict[str, Any]:
        """Run a procedure; return the event as it then stands. Raises CannotRun, NobodyAnswers."""
        body = dump_json(content).encode()
        reply = self._request("POST", f"/api/run/{quote(procedure, safe='')}", {**self._bearer(), **_JSON}, body)
        found: dict[str, Any] = self._content(reply)["event"]
        return found

    def answers(self) -> bool:
        """Say whether a gateway listens there."""
        try:
            return self._request("GET", "/healthz", {}).status == 200
        except NobodyAnswers:
            return False

    def event(self, name: str, source: str) -> dict[str, Any] | None:
        """Return an event by number or provider's id, or None. Raises CannotRun when the admin API does not say."""
        return self._get(f"/api/events/{quote(name, safe='')}?{urlencode({'source': source})}")

    def event_of_request(self, request_id: str, source: str) -> dict[str, Any] | None:
        """Return the event that a request brought, or None. Raises CannotRun when the admin API does not say."""
        found = self._get(f"/api/events?{urlencode({'source': source, 'q': request_id, 'limit': 1})}")
        return found["events"][0] if found and found["events"] else None

    def _get(self, path: str) -> dict[str, Any] | None:
        reply = self._request("GET", path, self._bearer())
        return None if reply.status == 404 else self._content(reply)

    def _bearer(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self._token}"} if self._token else {}

    def _content(self, reply: Reply) -> dict[str, Any]:
        if reply.status != 200:
            raise CannotRun(f"the admin API at {self.url} answers {reply.status}: {_reason(reply)}")
        content: dict[str, Any] = json.loads(reply.body)
        return content

    def _request(self, method: str, path: str, headers: Mapping[str, str], body: bytes | None = None) -> Reply:
        """Ask on a connection of its own: what is sent holds secrets, so it goes past proxies and is never led on."""
        parts = urlsplit(self.url)
        kind = HTTPSConnection if parts.scheme == "https" else HTTPConnection
        connection = kind(parts.hostname or "", parts.port, timeout=_SECONDS)
        try:
            connection.request(method, parts.path + path, body, dict(headers))
            answer = connection.getresponse()
            return Reply(answer.status, answer.read())
        except (OSError, HTTPException) as error:
            raise NobodyAnswers(
                f"nothing answers at {self.url}: {(getattr(error, 'strerror', None) or str(error)).lower()}",
                help="start the gateway with `gateway serve`, or name its address with --url",
            ) from error
        finally:
            connection.close()


def client_of(settings: Settings, url: str | None = None) -> Client:
    """Return the gateway that listens where the settings say, or at an address."""
    from gateway.admin.triggering import base_url

    token = settings.admin_token
    address = url or base_url(settings.server.host, settings.server.port)
    return Client(address, None if token is None else token.reveal())


def _reason(reply: Reply) -> str:
    try:
        return str(json.loads(reply.body)["error"]["message"])
    except (ValueError, KeyError, TypeError):
        return reply.text[:200]
