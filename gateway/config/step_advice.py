"""What could be better about a step, seen where it stands: amounts without their currency, payloads for people, keys
that are others at each try."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from gateway.config.diagnostics import Severity, Span
from gateway.config.nodes import Mapping as MappingNode
from gateway.config.nodes import Scalar, Sequence
from gateway.config.scope import CheckScope
from gateway.config.steps import Step
from gateway.config.suspicions import Suspicion
from gateway.config.tables import Table
from gateway.config.values import Located, Value
from gateway.expressions import Reference
from gateway.expressions.types import Type

_AMOUNT = re.compile(r"(?:^|_)(?:amount|price|fee|subtotal|total)(?:_|$)", re.IGNORECASE)
_CURRENCY = "currency"


def advise(step: Step, scope: CheckScope) -> None:
    """Note what could be better about the step that the scope is set to, after it was checked."""
    scope.suspect(step.node, "advice", _advice(step, scope))


def _advice(step: Step, scope: CheckScope) -> Iterator[Suspicion]:
    yield from _of_money(step, scope)
    yield from _for_people(step, scope)
    yield from _of_keys(step, scope)
    yield from _names_in_keys(step, scope)


def _of_money(step: Step, scope: CheckScope) -> Iterator[Suspicion]:
    arguments = step.arguments
    match step.action.name:
        case "insert" | "upsert":
            yield from _in_row(step, scope.tables.get(arguments.table))
        case "send" | "publish":
            yield from _told([arguments.json], scope)
        case "notify":
            yield from _told([arguments.title, arguments.body], scope)
        case "run":
            nested = [value for _, value in arguments.names.values() if isinstance(value.node, MappingNode)]
            yield from _told(nested, scope)


def _in_row(step: Step, table: Table | None) -> Iterator[Suspicion]:
    """Yield an amount that is put into a new row whose currency is left empty."""
    arguments = step.arguments
    groups = (
        (arguments.values,) if step.action.name == "insert" else (arguments.key, arguments.set, arguments.on_insert)
    )
    keys = {key.text: key for group in groups for key, _ in group.entries}
    if table is None or table.column(_CURRENCY) is None or _CURRENCY in keys:
        return
    amount = next((key for name, key in keys.items() if _AMOUNT.search(name)), None)
    if amount is not None:
        yield _money(amount.span, f"`{amount.text}` is stored without its currency", "set column `currency` too")


def _told(values: list[Value | None], scope: CheckScope) -> Iterator[Suspicion]:
    """Yield the first amount of a row that has a currency, where nothing of the currency is told."""
    parts = [part for value in values if value is not None for part in value.parts]
    if any(_CURRENCY in name.lower() for part in parts for reference in part.names for name in reference.path):
        return
    for part, reference in ((one, reference) for one in parts for reference in one.plain_names):
        if len(reference.path) > 1 and _AMOUNT.search(reference.path[-1]) and _has_currency(reference, scope):
            owner = ".".join(reference.path[:-1])
            help = f"tell `${owner}.currency` too"
            yield _money(_span(part, reference), f"`{'.'.join(reference.path)}` is told without its currency", help)
            return


def _has_currency(reference: Reference, scope: CheckScope) -> bool:
    known = scope.names.get(reference.path[0])
    found: Type | None = None if known is None else known.type
    for name in reference.path[1:-1]:
        found = None if found is None else (found.fields or {}).get(name)
    return found is not None and _CURRENCY in (found.fields or {})


def _for_people(step: Step, scope: CheckScope) -> Iterator[Suspicion]:
    """Yield whole payloads in what people are told: they hold more than people should see, and can read."""
    if step.action.name != "notify":
        return
    values = [value for value in (step.arguments.title, step.arguments.body) if value is not None]
    for part in (part for value in values for part in value.parts):
        for reference in part.names:
            if _is_whole(reference, scope):
                yield Suspicion(
                    code="GW513",
                    message=f"`{'.'.join(reference.path)}` is {_whole(reference)}, told to people",
                    span=_span(part, reference),
                    help="name the fields that they need: a payload holds personal data, and is hard to read",
                    severity=Severity.ADVICE,
                )


_WHOLE: Mapping[tuple[str, ...], str] = {(): "a whole event", ("headers",): "all headers"}


def _whole(reference: Reference) -> str:
    return _WHOLE.get(reference.path[1:2], "a whole payload")


def _is_whole(reference: Reference, scope: CheckScope) -> bool:
    if reference.path[0] != "event":
        return False
    if reference.path in {("event",), ("event", "payload"), ("event", "headers")}:
        return True
    found: Type | None = scope.names["event"].type
    for name in reference.path[1:]:
        found = None if found is None else (found.fields or {}).get(name)
    return reference.path[1:2] == ("payload",) and found is not None and found.certain == {"object"}


def _of_keys(step: Step, scope: CheckScope) -> Iterator[Suspicion]:
    """Yield keys that are made of what is another at each try: what was done before is not found by them again."""
    for value in _keys(step, scope):
        for part in value.parts:
            for reference in part.names:
                if reference.path == ("now",) or reference.path[:2] == ("event", "attempt"):
                    yield Suspicion(
                        code="GW514",
                        message=f"the key holds `{'.'.join(reference.path)}`, so it is another at each try",
                        span=_span(part, reference),
                        help="a key of the event's own, such as `$event.id`, is the same whenever the event is run",
                        severity=Severity.ADVICE,
                    )


def _names_in_keys(step: Step, scope: CheckScope) -> Iterator[Suspicion]:
    """Yield keys and paths with a name in scope in them that lacks its `$`: all events would share one."""
    own = {"schedule": "key", "cancel": "cancel", "cache": "keys", "send": "path"}.get(step.action.name)
    node = step.node.get(own) if own is not None else None
    for item in node.items if isinstance(node, Sequence) else (node,):
        text = item.text if isinstance(item, Scalar) and "{" not in item.text else ""
        for word in _WORD.finditer(text):
            if "_" in word[0] and word[0] in scope.names:
                assert isinstance(item, Scalar)
                yield Suspicion(
                    code="GW509",
                    message=f"`{word[0]}` is taken as it is written, and could be worked out",
                    span=item.span_of(*word.span()),
                    help=f"write `${word[0]}` for what is called so",
                    severity=Severity.WARNING,
                )


_WORD = re.compile(r"(?<![$\w.])[A-Za-z_]\w*")


def _keys(step: Step, scope: CheckScope) -> Iterator[Value]:
    arguments = step.arguments
    if step.action.name == "upsert":
        yield from (value for _, value in arguments.key.entries)
    elif step.action.name == "schedule" and arguments.key is not None:
        yield arguments.key
    elif step.action.name == "insert":
        table = scope.tables.get(arguments.table)
        key = None if table is None or table.key is None else table.key.name
        yield from (value for name, value in arguments.values.entries if name.text == key)


def _money(span: Span, message: str, help: str) -> Suspicion:
    return Suspicion(code="GW512", message=message, span=span, help=help, severity=Severity.ADVICE)


def _span(part: Located, reference: Reference) -> Span:
    assert isinstance(part.node, Scalar)
    return part.node.span_of(reference.start, reference.end)
