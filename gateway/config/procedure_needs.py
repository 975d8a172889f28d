"""What a procedure needs from whoever runs it: the names that its steps read and do not bind themselves."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from gateway.config.diagnostics import did_you_mean
from gateway.config.scope import CheckScope, Place
from gateway.config.scope_types import Bound, bound
from gateway.expressions.types import Type


@dataclass(slots=True, kw_only=True)
class OpenScope(CheckScope):
    """A scope that takes a name which nothing binds for one that is given from outside."""

    needed: dict[str, None] = field(default_factory=dict)
    """Those names, in the order in which they are read first."""
    always: Mapping[str, Type]
    """The names that every procedure has in scope: `settings`, `event`, `now`."""

    def unbound(self, name: str, place: Place) -> None:
        """Note a name that has to be given; one that is nearly that of a row bound before is that row misspelt."""
        near = did_you_mean(name, [own for own in self.names if own not in self.needed and own not in self.always])
        if near is not None and self.names[near].type.certain == {"object"}:
            CheckScope.unbound(self, name, place)
            return
        self.needed[name] = None
        self.names[name] = Bound()


def needs_of(procedure: str, scope: OpenScope, given: Mapping[str, Type] | None = None) -> tuple[str, ...]:
    """Return the names that a procedure needs beside `settings`, `event`, `now` and those given (with their types).

    Its steps are checked on the way: what else is wrong with them is reported to the scope's findings.
    """
    scope.names = bound({**scope.always, **(given or {})})
    scope.needed = {}
    scope.procedures.check(procedure, scope)
    return tuple(scope.needed)
