"""Talks to a running gateway over HTTP, as a provider and as an operator."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlencode

from gateway.cli.opening import CannotRun

_SECONDS = 30.0

# What is sent holds secrets: it goes to the address that was named, past proxies, and follows nobody elsewhere.
_OPENER = urllib.request.OpenerDirector()
for _handler in (urllib.request.HTTPHandler, urllib.request.HTTPSHandler):
    _OPENER.add_handler(_handler())


@dataclass(frozen=True, slots=True)
class Reply:
    """An HTTP answer."""

    status: int
    body: bytes

    @property
    def text(self) -> str:
        """Return the body as text."""
        return self.body.decode("utf-8", "replace")


class Client:
    """A running gateway at an address."""

    def __init__(self, url: str, token: str | None) -> None:
        """Take the address, `http://host:port`, and the admin token."""
        if not url.startswith(("http://", "https://")):
            raise CannotRun(f"`{url}` is not an address such as `http://127.0.0.1:8080`")
        self.url = url.rstrip("/")
        self._token = token

    def post(self, path: str, body: bytes, headers: Mapping[str, str]) -> Reply:
        """Post a delivery. Raises CannotRun when nobody answers."""
        return self._request(urllib.request.Request(self.url + path, data=body, headers=dict(headers), method="POST"))

    def event(self, name: str, source: str) -> dict[str, Any] | None:
        """Return an event by number or provider's id, or None. Raises CannotRun when the admin API does not say."""
        return self._get(f"/api/events/{quote(name, safe='')}?{urlencode({'source': source})}")

    def event_of_request(self, request_id: str, source: str) -> dict[str, Any] | None:
        """Return the event that a request brought, or None. Raises CannotRun when the admin API does not say."""
        found = self._get(f"/api/events?{urlencode({'source': source, 'q': request_id, 'limit': 1})}")
        return found["events"][0] if found and found["events"] else None

    def _get(self, path: str) -> dict[str, Any] | None:
        headers = {"Authorization": f"Bearer {self._token}"} if self._token else {}
        reply = self._request(urllib.request.Request(self.url + path, headers=headers))
        if reply.status == 404:
            return None
        if reply.status != 200:
            raise CannotRun(f"the admin API at {self.url} answers {reply.status}: {_reason(reply)}")
        content: dict[str, Any] = json.loads(reply.body)
        return content

    def _request(self, request: urllib.request.Request) -> Reply:
        try:
            with _OPENER.open(request, timeout=_SECONDS) as answer:
                return Reply(answer.status, answer.read())
        except (urllib.error.URLError, OSError) as error:
            reason = getattr(error, "reason", error)
            raise CannotRun(
                f"nothing answers at {self.url}: {reason}",
                help="start the gateway with `gateway serve`, or name its address with --url",
            ) from error


def _reason(reply: Reply) -> str:
    try:
        return str(json.loads(reply.body)["error"]["message"])
    except (ValueError, KeyError, TypeError):
        return reply.text[:200]
