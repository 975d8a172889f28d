"""How sources use a rules file: which events reach its rules, and what those hold."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from gateway.config.payload_checks import Payloads, handled_payloads
from gateway.config.payload_schemas import payload_schemas
from gateway.config.rules import Rule
from gateway.config.type_findings import Documented
from gateway.expressions.types import ANY, NEVER, Type
from gateway.providers.preset import Moved
from gateway.records import dataclass, field


@dataclass(frozen=True, slots=True, kw_only=True)
class Events:
    """The events that a rule handles."""

    payload: Type
    types: tuple[str, ...] = ()
    """All their types; none where a pattern names them."""
    documented: Documented = field(default_factory=Documented)


ANY_EVENTS = Events(payload=ANY)
"""Events of which nothing is known."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FileUse:
    """How sources use a rules file."""

    sources: tuple[str, ...] = ()
    """Their names; none where that is not known."""
    payloads: tuple[Payloads, ...] = ()
    """What each of them sends."""
    overrides: tuple[Mapping[str, object], ...] = ()
    """What each of them gives instead of the file's settings."""
    answers: Callable[[str], Type] = payload_schemas("stripe").object
    """Gives the type of an object that Stripe answers with."""

    def events_of(self, rule: Rule) -> Events:
        """Return what is known of the events that a rule handles."""
        exact = () if any("*" in name for name in rule.on) else rule.on
        handled = [handled_payloads(rule, payloads, payloads.scheduled) for payloads in self.payloads]
        moved: dict[tuple[str, str], Moved] = {}
        for payloads in self.payloads:
            moved.update(payloads.moved)
        types = dict.fromkeys(name for known in handled for name in known or ())
        found = [payload for known in handled if known is not None for payload in known.values()]
        known = bool(handled) and None not in handled
        return Events(
            payload=_together(found) if known else ANY,
            types=exact,
            documented=Documented(event_types=tuple(types) if known else (), moved=moved),
        )


def _together(found: Sequence[Type]) -> Type:
    """Return the type of any of several payloads; halved, so that hundreds do not nest as deep."""
    if len(found) < 2:
        return found[0] if found else NEVER
    middle = len(found) // 2
    return _together(found[:middle]) | _together(found[middle:])


UNUSED = FileUse()
"""A rules file by itself."""
