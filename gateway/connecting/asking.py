"""Asks an API one question: within a time, without following it elsewhere, and says in words why there is no answer."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import urlencode

import aiohttp

SECONDS = 5.0
"""In which an API must have answered."""
MOST_PAGES = 20
"""A list may have so many after the first."""
MOST_BYTES = 4 * 1024 * 1024
"""An answer may be this long."""


class CouldNotAsk(Exception):
    """There is no answer that says anything; the text says why."""


class KeyRefused(CouldNotAsk):
    """The API does not take the key."""


class NotThere(CouldNotAsk):
    """The API has no such thing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What an API answered."""

    body: Mapping[str, Any]
    headers: Mapping[str, str]
    """By names in lower case."""

    def items(self, key: str) -> list[Mapping[str, Any]]:
        """Return the objects of a list in the body; none when it is no such list."""
        found = self.body.get(key)
        return [one for one in found if isinstance(one, dict)] if isinstance(found, list) else []


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """A request to an API; without a form it is a GET."""

    url: str
    headers: Mapping[str, str] = field(repr=False)
    form: Mapping[str, str] | None = field(default=None, repr=False)

    def further(self, parameters: Mapping[str, str]) -> Question:
        """Return the question for a follow-up page: with these parameters behind its own."""
        return replace(self, url=f"{self.url}&{urlencode(parameters)}")


Follow = Callable[[Answer, list[Mapping[str, Any]]], Mapping[str, str] | None]
"""Takes a page and all that was listed up to its end; gives the parameters of the next page, None behind the last."""


class Asking:
    """Asks questions over connections of its own."""

    def __init__(self) -> None:
        """Open nothing yet; to be made on the loop that it is used on."""
        self._session = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=SECONDS))

    async def ask(self, question: Question) -> Answer:
        """Return the answer. Raises KeyRefused, NotThere, CouldNotAsk."""
        try:
            async with asyncio.timeout(SECONDS):
                return await self._ask(question)
        except TimeoutError as error:
            raise CouldNotAsk(f"no answer within {SECONDS:g} s") from error
        except aiohttp.InvalidURL as error:
            raise CouldNotAsk("its address cannot be read") from error
        except (aiohttp.ClientError, OSError) as error:
            raise CouldNotAsk(_reason(error)) from error

    async def listed(self, question: Question, key: str, follow: Follow) -> tuple[list[Mapping[str, Any]], Answer]:
        """Return what all pages of a list hold under a key, and the first page.

        Raises KeyRefused, NotThere, CouldNotAsk; this also where a list has no end.
        """
        first = page = await self.ask(question)
        found = page.items(key)
        for _ in range(MOST_PAGES):
            parameters = follow(page, found)
            if parameters is None:
                return found, first
            page = await self.ask(question.further(parameters))
            found += page.items(key)
        raise CouldNotAsk(f"its list goes on behind {len(found)} entries")

    async def _ask(self, question: Question) -> Answer:
        method = "GET" if question.form is None else "POST"
        async with self._session.request(
            method, question.url, data=question.form, headers=question.headers, allow_redirects=False
        ) as response:
            if response.status in (401, 403):
                raise KeyRefused(f"it answered {response.status}")
            if response.status in (404, 410):
                raise NotThere(f"it answered {response.status}")
            if response.status != 200:
                raise CouldNotAsk(f"it answered {response.status}")
            headers = {name.lower(): value for name, value in response.headers.items()}
            return Answer(body=_read(await _whole(response)), headers=headers)

    async def close(self) -> None:
        """Close the connections."""
        await self._session.close()


async def _whole(response: aiohttp.ClientResponse) -> bytes:
    body = bytearray()
    async for piece in response.content.iter_any():
        body += piece
        if len(body) > MOST_BYTES:
            raise CouldNotAsk(f"its answer is longer than {MOST_BYTES // 1024 // 1024} MiB")
    return bytes(body)


def _read(body: bytes) -> Mapping[str, Any]:
    try:
        found = json.loads(body)
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        raise CouldNotAsk("its answer is no JSON object")
    return found


def _reason(error: Exception) -> str:
    """Return why a server cannot be reached, as the system says it."""
    cause = error.os_error if isinstance(error, aiohttp.ClientConnectorError) else error
    number = getattr(cause, "errno", None)
    if isinstance(number, int) and number > 0:
        return os.strerror(number).lower()
    return f"it cannot be reached ({type(error).__name__})"
