"""`stripe`: any operation of Stripe's API; the event waits for the answer."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal

from gateway.actions.calling import link_call
from gateway.actions.missing import Missing, missing_schema, read_missing
from gateway.actions.state import Linker, PassState, Signal, StepFailed
from gateway.config.diagnostics import did_you_mean
from gateway.config.document import Mapping as MappingNode
from gateway.config.document import Node
from gateway.config.steps import ActionSpec, CheckScope, StepReader
from gateway.config.values import Value
from gateway.expressions import to_text
from gateway.providers.stripe_operations import Operation, find_operation, known_operations
from gateway.store.outbox import Answer

OPTIONS = ("stripe_account", "stripe_context", "stripe_version")
"""What `options` may hold; the idempotency key is the gateway's own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stripe:
    """The arguments of a `stripe`."""

    operation: str
    known: Operation | None
    """What the SDK says of it; None when it has no such operation, which is a finding."""
    id: Value | None
    params: Value | None
    options: Value | None
    missing: Missing
    node: MappingNode


def _parse(reader: StepReader) -> Stripe:
    name = reader.text("stripe")
    return Stripe(
        operation=name,
        known=find_operation(name),
        id=reader.value("id"),
        params=reader.value("params"),
        options=reader.value("options"),
        missing=read_missing(reader, default="refuse"),
        node=reader.node,
    )


def _check(stripe: Stripe, scope: CheckScope) -> None:
    for value in (stripe.id, stripe.params, stripe.options, stripe.missing.value):
        scope.value(value)
    if stripe.known is None:
        _report_operation(stripe, scope)
    else:
        _check_names(stripe, stripe.known, scope)
    scope.bind()


def _report_operation(stripe: Stripe, scope: CheckScope) -> None:
    known = known_operations()
    service = stripe.operation.rpartition(".")[0]
    near = did_you_mean(stripe.operation, known)
    others = sorted(name for name in known if name.rpartition(".")[0] == service)
    names = ", ".join(f"`{name.rpartition('.')[2]}`" for name in others)
    listed = f"`{service}` has {names}" if others else None
    scope.findings.error(
        "GW213",
        f"Stripe has no operation `{stripe.operation}`",
        stripe.node.get("stripe") or stripe.node,
        help=f"did you mean `{near}`?" if near else listed or "an operation is written like `customers.create`",
    )


def _check_names(stripe: Stripe, known: Operation, scope: CheckScope) -> None:
    params = stripe.node.get("params")
    given = [key for key, _ in params.entries] if isinstance(params, MappingNode) else []
    allowed = [*known.path, *known.params]
    for key in given:
        if key.text not in allowed:
            near = did_you_mean(key.text, allowed)
            listed = ", ".join(f"`{name}`" for name in allowed[:12])
            scope.findings.error(
                "GW214",
                f"`{stripe.operation}` takes no `{key.text}`",
                key,
                help=f"did you mean `{near}`?" if near else f"it takes {listed}" if listed else "it takes nothing",
            )
    _check_given(stripe, known, {key.text for key in given}, scope)


def _check_given(stripe: Stripe, known: Operation, given: set[str], scope: CheckScope) -> None:
    place: Node = stripe.node.get("stripe") or stripe.node
    if stripe.id is not None and len(known.path) != 1:
        what = "no id" if not known.path else f"{len(known.path)} ids"
        names = ", ".join(f"`{name}`" for name in known.path)
        scope.findings.error(
            "GW214",
            f"`{stripe.operation}` takes {what}",
            stripe.node.key("id") or place,
            help=f"write {names} in `params`" if names else "leave out `id`",
        )
        return
    lacking = [name for name in (*known.path, *known.required) if name not in given]
    if stripe.id is not None:
        lacking = [name for name in lacking if name not in known.path]
    for name in lacking:
        own = " (or `id`)" if name in known.path and len(known.path) == 1 else ""
        scope.findings.error(
            "GW214",
            f"`{stripe.operation}` needs `{name}`",
            place,
            help=f"write it in `params`{own}",
        )


def _bind(stripe: Stripe, linker: Linker) -> Callable[[PassState], Signal]:
    assert stripe.known is not None
    operation, path_names = stripe.operation, stripe.known.path
    label = f"stripe {operation}"
    only_id = None if stripe.id is None else stripe.id.evaluate
    params_of = None if stripe.params is None else stripe.params.evaluate
    options_of = None if stripe.options is None else stripe.options.evaluate

    def ask(state: PassState) -> tuple[str, Answer]:
        params = {} if params_of is None else _plain(params_of(state.scope, state), "params")
        assert isinstance(params, dict)
        if only_id is not None:
            params[path_names[0]] = _plain(only_id(state.scope, state), "id")
        path = [_path_argument(operation, name, params.pop(name, None)) for name in path_names]
        request: dict[str, object] = {"operation": operation, "path": path, "params": params}
        options = {} if options_of is None else _plain(options_of(state.scope, state), "options")
        if options:
            request["options"] = options
        position = state.position(label)
        return state.id_of(position), state.call("stripe", "stripe", position, request)

    return link_call(
        ask,
        pointer=linker.pointer,
        action="stripe",
        operation=operation,
        name=linker.bind_as,
        missing=stripe.missing,
    )


def _path_argument(operation: str, name: str, value: object) -> str:
    text = to_text(value)
    if not text:
        raise StepFailed(f"{operation}: `{name}` is null or empty")
    return text


def _plain(value: object, place: str) -> object:
    """Return a value as Stripe takes it: what is null is left out, and every number is whole."""
    if isinstance(value, Mapping):
        return {k: _plain(v, f"{place}.{k}") for k, v in value.items() if v is not None}
    if isinstance(value, list):
        return [_plain(item, f"{place}[{at}]") for at, item in enumerate(value) if item is not None]
    if isinstance(value, Decimal):
        if value != value.to_integral_value():
            raise StepFailed(f"`{place}` is {to_text(value)}: Stripe takes whole numbers, of the smallest unit")
        return int(value)
    return value


SPEC = ActionSpec(
    name="stripe",
    title="Call an operation of Stripe's API, and go on with its answer.",
    schema={
        "stripe": {
            "type": "string",
            "title": "an operation such as `customers.create`",
            "description": "The operation, as Stripe's SDK names it.",
            "examples": ["customers.create", "payment_intents.create", "customers.delete"],
        },
        "params": {
            "type": "object",
            "description": "Its parameters, and the ids that are part of its address. Nulls are left out.",
        },
        "id": {"type": "string", "description": "The id, for an operation whose address has one."},
        "options": {
            "type": "object",
            "additionalProperties": False,
            "properties": {name: {"type": "string"} for name in OPTIONS},
            "description": "Whose account it is done for.",
        },
        "missing": missing_schema(park=False),
    },
    binds=True,
    example="stripe: customers.create\nparams: {name: $name, metadata: {organization: $organization_id}}\nas: customer",
    parse=_parse,
    check=_check,
    bind=_bind,
)
