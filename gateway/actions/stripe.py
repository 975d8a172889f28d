"""`stripe`: any operation of Stripe's API; the event waits for the answer."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from decimal import Decimal

from gateway.actions.calling import REFUSED_SCHEMA, link_call
from gateway.actions.missing import Missing, missing_schema, read_missing
from gateway.actions.state import Linker, PassState, Signal, StepFailed
from gateway.actions.stripe_checks import check_parameters, is_null
from gateway.config.diagnostics import did_you_mean
from gateway.config.document import Mapping as MappingNode
from gateway.config.document import Node, Scalar, kind_of
from gateway.config.document import Sequence as SequenceNode
from gateway.config.scope import CheckScope
from gateway.config.steps import ActionSpec, StepReader
from gateway.config.values import Value, read_value
from gateway.expressions import to_text
from gateway.expressions.types import ANY
from gateway.providers.stripe_operations import Operation, find_operation, fractions, known_operations
from gateway.records import dataclass
from gateway.store.codecs import microseconds_of
from gateway.store.outbox import Answer

OPTIONS: Mapping[str, Mapping[str, object]] = {
    "stripe_account": {
        "type": "string",
        "description": "The connected account that it is done for.",
        "examples": ["$event.payload.account"],
    },
    "stripe_context": {
        "type": "string",
        "description": "The account that it is done in, of an organization.",
        "examples": ["acct_123"],
    },
    "stripe_version": {
        "type": "string",
        "description": "The version of the API, where it is not that of the SDK.",
        "examples": ["2025-03-31.basil"],
    },
}
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
    refused: str
    """`fail` or `retry`."""
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
        refused=reader.text("refused", "fail"),
        node=reader.node,
    )


def _check(stripe: Stripe, scope: CheckScope) -> None:
    scope.text(stripe.id, "`id`")
    for value in (stripe.params, stripe.options, stripe.missing.value):
        scope.value(value)
    if stripe.known is None:
        _report_operation(stripe, scope)
    else:
        _check_names(stripe, stripe.known, scope)
        _check_numbers(stripe.node.get("params"), "params", scope)
        _check_path(stripe, stripe.known, scope)
        _check_required(stripe, stripe.known, scope)
    tag = None if stripe.known is None else stripe.known.returns
    answer = ANY if tag is None else scope.answers(tag)
    left_null = stripe.missing.kind == "null"
    scope.bind(answer.nullable if left_null else answer, left_null=left_null)


def _check_path(stripe: Stripe, known: Operation, scope: CheckScope) -> None:
    """Report ids of an operation that are lists or objects."""
    params = stripe.node.get("params")
    given = dict(params.entries) if isinstance(params, MappingNode) else {}
    for node, name in ((node, key.text) for key, node in given.items() if key.text in known.path):
        if isinstance(node, MappingNode | SequenceNode):
            scope.findings.error("GW308", f"`{name}` is an id, this is {kind_of(node)}", node)
        elif isinstance(node, Scalar):
            scope.text(read_value(node, scope.findings), f"`{name}`")


def _check_required(stripe: Stripe, known: Operation, scope: CheckScope) -> None:
    """Report parameters that the operation cannot do without, and that may be null."""
    params = stripe.node.get("params")
    for key, node in params.entries if isinstance(params, MappingNode) else ():
        if key.text in known.required and key.text not in known.path:
            scope.need(read_value(node, scope.findings), f"`{key.text}`")


def _check_numbers(node: Node | None, name: str, scope: CheckScope) -> None:
    """Report numbers that Stripe would not take, at any depth."""
    if isinstance(node, MappingNode) and name != "metadata":
        for key, item in node.entries:
            _check_numbers(item, key.text, scope)
    elif isinstance(node, SequenceNode):
        for item in node.items:
            _check_numbers(item, name, scope)
    elif isinstance(node, Scalar) and isinstance(node.value, Decimal) and name not in fractions():
        try:
            _whole(node.value, name)
        except StepFailed as error:
            help = "an amount of 19.90 is written `1990`"
            scope.findings.error("GW104", error.message, node, help=help)


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
    entries = params.entries if isinstance(params, MappingNode) else ()
    check_parameters(stripe.operation, known, stripe.params, scope)
    _check_given(stripe, known, {key.text for key, node in entries if not is_null(node)}, scope)


def _check_given(stripe: Stripe, known: Operation, given: set[str], scope: CheckScope) -> None:
    place: Node = stripe.node.get("stripe") or stripe.node
    params = stripe.node.get("params")
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
    if stripe.id is not None and known.path[0] in given:
        message = f"`id` and `{known.path[0]}` are the same"
        scope.findings.error("GW214", message, stripe.node.key("id") or place, help="write one of them")
    named = given | set(known.path if stripe.id is not None else ())
    lacking = [name for name in (*known.path, *known.required) if name not in named]
    for name in lacking:
        own = " (or `id`)" if name in known.path and len(known.path) == 1 else ""
        null = params.get(name) if isinstance(params, MappingNode) else None
        said = f"`{stripe.operation}` needs `{name}`" + ("" if null is None else ", this is null")
        scope.findings.error("GW214", said, null or place, help=f"write it in `params`{own}")


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
        refused=stripe.refused,
    )


def _path_argument(operation: str, name: str, value: object) -> str:
    text = to_text(value)
    if not text:
        raise StepFailed(f"{operation}: `{name}` is null or empty")
    # The SDK encodes all that could change the address, but for the dots that mean a folder.
    if text in {".", ".."}:
        raise StepFailed(f"{operation}: `{text}` is no `{name}`")
    return text


def _plain(value: object, place: str, name: str = "") -> object:
    """Return a value as Stripe takes it.

    What is null is left out; numbers are whole, save where Stripe takes fractions; times are seconds since 1970.
    """
    if isinstance(value, Mapping):
        inner = _noted if name == "metadata" else _plain
        return {key: inner(item, f"{place}.{key}", key) for key, item in value.items() if item is not None}
    if isinstance(value, list):
        return [_plain(item, f"{place}[{at}]", name) for at, item in enumerate(value) if item is not None]
    if isinstance(value, Decimal):
        return to_text(value) if name in fractions() else _whole(value, place)
    if isinstance(value, datetime):
        return microseconds_of(value) // 1_000_000
    return value


def _whole(value: Decimal, place: str) -> int:
    if value != value.to_integral_value():
        raise StepFailed(f"`{place}` is {to_text(value)}: Stripe takes whole numbers, of the smallest unit")
    return int(value)


def _noted(value: object, place: str, name: str) -> object:
    """Return a value of `metadata`, which takes texts: an amount, a time or a list is written out."""
    return value if isinstance(value, str | int) else to_text(value)


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
            "description": "Its parameters, and the ids that are part of its address. Nulls are left out, amounts are "
            "whole numbers of the smallest unit, times become seconds.",
            "examples": [{"name": "$name", "metadata": {"organization": "$organization_id"}}],
        },
        "id": {
            "type": "string",
            "description": "The id, for an operation whose address has one.",
            "examples": ["$organization.stripe_customer_id"],
        },
        "options": {
            "type": "object",
            "additionalProperties": False,
            "properties": dict(OPTIONS),
            "description": "Whose account it is done for.",
            "examples": [{"stripe_account": "$event.payload.account"}],
        },
        "missing": missing_schema(park=False),
        "refused": REFUSED_SCHEMA,
    },
    binds=True,
    example="stripe: customers.create\nparams: {metadata: {user: $user_id}}\nas: customer",
    parse=_parse,
    check=_check,
    bind=_bind,
)
