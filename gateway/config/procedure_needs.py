"""What a procedure needs from whoever runs it: the names that its steps read and do not bind themselves."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping

from gateway.config.diagnostics import did_you_mean
from gateway.config.name_looks import Lack, Place
from gateway.config.scope import CheckScope
from gateway.config.scope_types import Bound, bound
from gateway.config.values import Located
from gateway.expressions import Reference
from gateway.expressions.types import Type
from gateway.records import dataclass, field


@dataclass(slots=True, kw_only=True)
class OpenScope(CheckScope):
    """A scope that takes a name which nothing binds for one that is given from outside."""

    needed: dict[str, Place] = field(default_factory=dict)
    """Those names, in the order in which they are read first, with where that is."""
    times: Counter[str] = field(default_factory=Counter)
    """How often each name is read."""
    always: Mapping[str, Type]
    """The names that every procedure has in scope: `settings`, `event`, `now`."""

    def look_at_name(self, name: str, part: Located, at: Reference) -> None:
        """Check a name, and count it."""
        self.times[name] += 1
        CheckScope.look_at_name(self, name, part, at)

    def unbound(self, name: str, place: Place, *, compared: bool = False) -> Lack | None:
        """Note a name that has to be given; one that is nearly that of a row bound before is that row misspelt."""
        near = did_you_mean(name, [own for own in self.names if own not in self.needed and own not in self.always])
        if near is not None and self.names[near].type.certain == {"object"}:
            return CheckScope.unbound(self, name, place, compared=compared)
        self.needed[name] = place
        self.names[name] = Bound()
        return None


def needs_of(procedure: str, scope: OpenScope, given: Mapping[str, Type] | None = None) -> tuple[str, ...]:
    """Return the names that a procedure needs beside `settings`, `event`, `now` and those given (with their types).

    Its steps are checked on the way: what else is wrong with them is reported to the scope's findings.
    """
    scope.names = bound({**scope.always, **(given or {})})
    scope.needed, scope.ended = {}, False
    scope.times.clear()
    scope.procedures.check(procedure, scope)
    scope.looks.report(scope.findings, scope.suspicions.is_new)
    return tuple(scope.needed)


def report_misspelt(scope: OpenScope, known: Collection[str]) -> None:
    """Report names that a procedure, looked at last, reads once and that are nearly another one which it needs.

    `known` are names that the file extracts: what is run by hand is often given the same.
    """
    for name, place in scope.needed.items():
        others = [one for one in scope.needed if one != name and scope.times[one] > scope.times[name]]
        near = did_you_mean(name, [*others, *known]) if scope.times[name] == 1 and name not in known else None
        if near is not None and name.rstrip("s") != near.rstrip("s"):
            message = f"`{name}` is read here alone, and nothing binds it"
            scope.findings.warning("GW203", message, place(), help=f"did you mean `{near}`?")
