"""Holds what a provider says of its webhook endpoints against the sources they should lead to."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

from gateway.config.type_patterns import type_matcher
from gateway.connecting.places import Places
from gateway.project import Project
from gateway.providers import PRESETS
from gateway.settings import SourceSettings

_MADE_HERE = ("schedule.", "run.")
"""How the types of events begin that no provider sends."""
_SHOWN = 8
"""Event types that a message names at most."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """A webhook as the provider has it."""

    name: str
    """What the provider calls it, such as `we_1`."""
    url: str
    events: frozenset[str]
    """The types that it sends; `*` stands for all."""
    stopped: str | None = None
    """What is said of one that sends nothing."""
    remedy: str | None = None
    version: str | None = None
    """The version of the provider's API that its payloads are of."""


def endpoints_of(source: SourceSettings, endpoints: Iterable[Endpoint]) -> list[Endpoint]:
    """Return those that lead to a source: a proxy may have put something before its path."""
    path = source.path.rstrip("/")
    return [one for one in endpoints if _path(one.url).endswith(path)]


def _path(url: str) -> str:
    try:
        return urlsplit(url).path.rstrip("/")
    except ValueError:
        return ""


def compare_webhooks(
    project: Project, sources: Sequence[SourceSettings], endpoints: Sequence[Endpoint], title: str, places: Places
) -> None:
    """Report sources that no endpoint leads to, endpoints that send nothing, and event types that none sends."""
    for source in sources:
        own = endpoints_of(source, endpoints)
        if own:
            compare_endpoints(project, source, own, title, places, "path")
            continue
        count = f"none of its {len(endpoints)} has" if endpoints else "there are none, so none has"
        places.findings.warning(
            "GW291",
            f"{title} has no webhook for the source `{source.name}`: {count} an address that ends in this path",
            places.at("sources", source.name, "path"),
            help=f"make one at {title}, or ask with the key of the account that has it",
        )


def compare_endpoints(
    project: Project, source: SourceSettings, endpoints: Sequence[Endpoint], title: str, places: Places, *keys: str
) -> None:
    """Report endpoints of a source that send nothing, and event types that none of them sends."""
    place = places.at("sources", source.name, *keys)
    for one in endpoints:
        if one.stopped is not None:
            places.findings.error(
                "GW291", f"{title} sends nothing to this source: {one.stopped}", place, help=one.remedy
            )
    lacking = sorted(_lacking(project, source, frozenset().union(*(one.events for one in endpoints))))
    if lacking:
        names = ", ".join(f"`{one.name}`" for one in endpoints)
        places.findings.warning(
            "GW291",
            f"{title} does not send what rules of `{source.name}` handle: {_listed(lacking)}",
            place,
            help=f"add {'it' if len(lacking) == 1 else 'them'} to the events of {names} at {title}",
        )


def _lacking(project: Project, source: SourceSettings, sent: frozenset[str]) -> Iterator[str]:
    """Yield the event types, and patterns of them, that rules handle and that are not sent."""
    if "*" in sent:
        return
    preset = PRESETS.get(source.provider or "")
    older = preset.instead if preset is not None else {}
    handled = {name for file in project.rules_of(source) for rule in file.rules for name in rule.on}
    for name in handled - older.keys():
        if not name.startswith(_MADE_HERE) and not any(map(type_matcher([name]), sent)):
            yield name


def _listed(names: Sequence[str]) -> str:
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return ", ".join(f"`{name}`" for name in names[:_SHOWN]) + more
