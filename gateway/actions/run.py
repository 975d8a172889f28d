"""`run`: the steps of a procedure, with extra names if it needs some.

What its steps bind is there afterwards. Names given by `with` are the procedure's own: they hide what is called the
same outside, and that is there again afterwards.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from functools import partial
from typing import Any

from gateway.actions.state import Linker, PassState, Signal
from gateway.config.diagnostics import Severity, did_you_mean
from gateway.config.document import Mapping as MappingNode
from gateway.config.document import Scalar
from gateway.config.scope import CheckScope
from gateway.config.scope_types import Bound
from gateway.config.steps import ActionSpec, StepReader
from gateway.config.suspicions import Suspicion
from gateway.config.values import Value, type_of_value
from gateway.records import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """The arguments of a `run`."""

    procedure: str
    names: dict[str, tuple[Scalar, Value]]
    node: MappingNode


def _parse(reader: StepReader) -> Run:
    return Run(procedure=reader.text("run"), names=reader.values("with"), node=reader.node)


def _check(run: Run, scope: CheckScope) -> None:
    given = {name: _given(key, value, scope) for name, (key, value) in run.names.items()}
    node = run.node.get("run") or run.node
    known = scope.procedures.names()
    if run.procedure not in known:
        near = did_you_mean(run.procedure, known)
        listed = ", ".join(f"`{name}`" for name in known)
        scope.findings.error(
            "GW204",
            f"unknown procedure `{run.procedure}`",
            node,
            help=f"did you mean `{near}`?"
            if near
            else f"procedures: {listed}"
            if known
            else "declare it under `procedures`",
        )
        if near is not None and near not in scope.running:
            scope.procedures.check(near, scope)  # what it binds is there for the steps behind it
    elif run.procedure in scope.running:
        way = " -> ".join([*scope.running, run.procedure])
        scope.findings.error(
            "GW209", f"procedure `{run.procedure}` runs itself: {way}", node, help="every run must end"
        )
    else:
        outside, conditional, callers = _kept(scope.names, given), scope.conditional, scope.callers
        scope.names.update(given)
        asked, sure, scope.sure = scope.asked, scope.sure, scope.sure - given.keys()
        scope.asked = scope.guards
        scope.conditional, scope.callers = scope.under_condition, (*callers, run.node)
        read, scope.read = scope.read, set()
        scope.procedures.check(run.procedure, scope)
        _check_read(run, scope)
        read |= scope.read
        scope.read = read
        scope.conditional, scope.callers = conditional, callers
        scope.asked, scope.sure = asked, sure
        _restore(scope.names, given, outside)


def _check_read(run: Run, scope: CheckScope) -> None:
    """Report names that are given to a procedure which does not read them."""
    for name, (key, _) in run.names.items():
        scope.suspect(key, "read", () if name in scope.read or "@" in scope.read else _not_read(name, key, run, scope))


def _not_read(name: str, key: Scalar, run: Run, scope: CheckScope) -> Iterator[Suspicion]:
    lacking = sorted(one for one in scope.read if one not in scope.names)
    near = did_you_mean(name, lacking) or did_you_mean(name, scope.read - run.names.keys())
    message = f"procedure `{run.procedure}` reads no `{name}`"
    help = f"did you mean `{near}`?" if near else "take it out, or read it in the procedure"
    yield Suspicion(code="GW219", message=message, span=key.span, help=help, severity=Severity.WARNING)


def _given(key: Scalar, value: Value, scope: CheckScope) -> Bound:
    scope.value(value)
    literal = value.node if value.literal and isinstance(value.node, Scalar) else None
    known = scope.known_for(value)
    given = Bound(type=partial(type_of_value, value, known), given=literal)
    given.known, given.value = known, None if value.literal else value
    lost = scope.lost(value)
    if lost is not None:
        given.left_null, given.origin = True, lost.origin
    given.place = f"`{key.text}` is given in line {key.span.start.line}"
    return given


def _bind(run: Run, linker: Linker) -> Callable[[PassState], Signal]:
    steps: Callable[[PassState], Signal] = linker.procedure(run.procedure)
    pointer, procedure = linker.pointer, run.procedure
    if not run.names:

        def plainly(state: PassState) -> Signal:
            state.notes.append((pointer, "run", procedure))
            return steps(state)

        return plainly
    names = {name: value.evaluate for name, (_, value) in run.names.items()}

    def with_names(state: PassState) -> Signal:
        state.notes.append((pointer, "run", procedure))
        scope = state.scope
        given = {name: value(scope, state) for name, value in names.items()}
        outside = _kept(scope, given)
        scope.update(given)
        signal = steps(state)
        _restore(scope, given, outside)
        return signal

    return with_names


def _kept(scope: Mapping[str, Any], names: Collection[str]) -> dict[str, Any]:
    """Return what those names hold before a procedure is given them."""
    return {name: scope[name] for name in names if name in scope}


def _restore(scope: dict[str, Any], names: Collection[str], outside: Mapping[str, Any]) -> None:
    """Let the names hold again what they held outside, or nothing."""
    for name in names:
        scope.pop(name, None)
    scope.update(outside)


SPEC = ActionSpec(
    name="run",
    title="Run the steps of a procedure; the names that its steps bind are there afterwards.",
    schema={
        "run": {"type": "string", "description": "The procedure.", "examples": ["find_tenant"]},
        "with": {
            "type": "object",
            "minProperties": 1,
            "description": "Names for its steps alone, and their values.",
            "examples": [{"user_id": "$payment.user_id"}],
        },
    },
    example="run: find_tenant",
    parse=_parse,
    check=_check,
    bind=_bind,
)
