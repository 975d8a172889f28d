"""Names that procedures read: bound on some ways to them and not on others, and whose mistake that is."""

from __future__ import annotations

from collections.abc import Callable

from gateway.config.diagnostics import DocumentFindings, Span, did_you_mean
from gateway.config.nodes import Mapping, Scalar
from gateway.records import dataclass, field

Callers = tuple[Mapping, ...]
"""The `run` steps on the way to a place, outermost first."""
Place = Callable[[], Span]
"""Works out where something stands."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Lack:
    """A name that nothing binds on one way to a place."""

    name: str
    place: Place
    help: str | None


@dataclass(slots=True)
class NameLooks:
    """Counts for each place that reads a name on which ways to it the name was bound."""

    _looks: dict[tuple[int, int], list[tuple[Callers, Lack | None]]] = field(default_factory=dict)
    _lacking: dict[tuple[int, int], None] = field(default_factory=dict)

    def look(self, node: Scalar, start: int, callers: Callers, lack: Lack | None) -> None:
        """Note one look at a place: a name at an offset into the text of a node."""
        key = (id(node), start)
        self._looks.setdefault(key, []).append((callers, lack))
        if lack is not None:
            self._lacking[key] = None

    def report(self, findings: DocumentFindings, is_new: Callable[[str, Span], bool]) -> None:
        """Report a name that is bound on no way to its place there, else where a `run` does not give it.

        `is_new` says whether a code is reported at a place for the first time.
        """
        for key in self._lacking:
            looks = self._looks[key]
            for callers, lack in looks:
                if lack is None:
                    continue
                run = _at_fault(callers, looks)
                where = lack.place() if run is None else _shown(run).span
                if is_new("GW203" if run is None else f"GW212 {lack.name}", where):
                    _report(run, where, lack, findings)


def _at_fault(callers: Callers, looks: list[tuple[Callers, Lack | None]]) -> Mapping | None:
    """Return the innermost `run` on whose ways a name is never bound, while it is on others; None where it never is."""
    if all(lack is not None for _, lack in looks):
        return None
    for run in reversed(callers):
        if all(lack is not None for others, lack in looks if run in others):
            return run
    return None


def _report(run: Mapping | None, where: Span, lack: Lack, findings: DocumentFindings) -> None:
    if run is None:
        findings.error("GW203", f"nothing is called `{lack.name}` here", where, help=lack.help)
        return
    given = run.get("with")
    if isinstance(given, Mapping) and did_you_mean(lack.name, given.keys()) is not None:
        return  # one that is given under a wrong name is reported as one that is not read
    findings.error(
        "GW212",
        f"procedure `{_procedure(run)}` needs `{lack.name}`, and nothing is called so here",
        where,
        note=f"it is read in line {lack.place().start.line}",
        help=f"give it under `with`: `{lack.name}: …`",
    )


def _shown(run: Mapping) -> Scalar | Mapping:
    named = run.get("run")
    return named if isinstance(named, Scalar) else run


def _procedure(run: Mapping) -> str:
    named = run.get("run")
    return named.text if isinstance(named, Scalar) else ""
