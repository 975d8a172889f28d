"""Addresses of the admin API: what each takes and gives, and which of them a request is for."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeVar
from urllib.parse import unquote

from gateway.admin.parameters import Parameter
from gateway.admin.refusals import Refused
from gateway.engine.program import Program
from gateway.project import Project
from gateway.store.database import Database

T = TypeVar("T")


class Running(Protocol):
    """The gateway as it runs; after a reload both are other objects."""

    @property
    def project(self) -> Project:
        """Return the configuration in use."""

    @property
    def program(self) -> Program:
        """Return the rules in use, linked to the database."""


class Calls(Protocol):
    """Runs functions on a database connection, away from the event loop."""

    async def call(self, run: Callable[[Database], T]) -> T:
        """Run a function; its exceptions are raised here."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One request, read and admitted."""

    names: Mapping[str, str]
    """The parts of the path that the route leaves open, decoded."""
    query: Mapping[str, Any]
    body: Mapping[str, Any]
    """The JSON object that came along; empty without one."""
    actor: str
    now: int
    """Microseconds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """One method at one address."""

    method: str
    path: str
    """Parts in braces are open: `/api/events/{id}`."""
    summary: str
    run: Callable[[Call], Awaitable[object]]
    answer: Mapping[str, Any]
    """JSON Schema of what is answered."""
    query: tuple[Parameter, ...] = ()
    body: Mapping[str, Any] | None = None
    """JSON Schema of what may come along; None for nothing."""
    body_required: bool = False
    token_only: bool = False
    """Whether it needs a configured admin token, also from this machine."""
    refusals: tuple[str, ...] = ()
    """Codes of the errors that are this route's own."""
    open_parts: Mapping[str, str] = field(default_factory=dict)
    """What each open part of the path is, for people."""

    def match(self, parts: Sequence[str]) -> dict[str, str] | None:
        """Return the open parts' values when the parts of a path fit, else None."""
        own = self.path.split("/")
        if len(own) != len(parts):
            return None
        names: dict[str, str] = {}
        for wanted, part in zip(own, parts, strict=True):
            if wanted.startswith("{"):
                names[wanted[1:-1]] = part
            elif wanted != part:
                return None
        return names if all(names.values()) else None


def find_route(routes: Sequence[Route], method: str, raw_path: str) -> tuple[Route, dict[str, str]]:
    """Return the route of a request, with the open parts of its path; `raw_path` is still percent-encoded.

    Raises Refused.
    """
    parts = [_decoded(part) for part in raw_path.removesuffix("/").split("/")]
    found = [(route, names) for route in routes if (names := route.match(parts)) is not None]
    for route, names in found:
        if route.method == method or (route.method, method) == ("GET", "HEAD"):
            return route, names
    if not found:
        raise Refused("not_found", "there is nothing at this address; `/api/openapi.json` lists what there is")
    allowed = ", ".join(sorted({route.method for route, _ in found}))
    raise Refused("method_not_allowed", f"`{method}` is not allowed here, but {allowed}", headers={"Allow": allowed})


def _decoded(part: str) -> str:
    try:
        return unquote(part, errors="strict")
    except UnicodeDecodeError:
        raise Refused("invalid_parameter", "the path is not UTF-8") from None
