"""The operations of the installed Stripe SDK, read off its typed services.

It imports the SDK: it is for tools, and for when another version is installed than the gateway was made with.
"""

from __future__ import annotations

import ast
import inspect
import json
import re
import textwrap
from collections.abc import Iterator, Mapping
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any

from gateway.providers.stripe_operations import Operation
from gateway.providers.stripe_parameters import Members, Table
from gateway.providers.stripe_typed import Interning, typed_classes

_SUFFIX = "_async"


def operations(lines: Interning) -> Iterator[tuple[str, Operation]]:
    """Yield every operation of version 1 of the API by name, such as `customers.balance_transactions.create`.

    What their parameters take is put into `lines`.
    """
    module = import_module("stripe._v1_services")
    for name, place in sorted(module._subservices.items()):
        yield from _service(name, place, lines)


def operation(name: str) -> Operation | None:
    """Return one operation, or None when the installed SDK has none of that name."""
    *services, method = name.split(".")
    module = import_module("stripe._v1_services")
    cls: Any = None
    for service in services:
        place = getattr(module, "_subservices", {}).get(service)
        if place is None:
            return None
        module = import_module(place[0])
        cls = getattr(module, place[1])
    found = None if cls is None else getattr(cls, method + _SUFFIX, None)
    return None if found is None else _operation(found, Interning())


def written() -> tuple[str, str]:
    """Return what stands in the gateway's own files of operations and of what their parameters take."""
    lines = Interning()
    found = [f"  {json.dumps(name)}: {json.dumps(_compact(one))}" for name, one in operations(lines)]
    stripe = import_module("stripe")
    head = f'{{"sdk": "{stripe.VERSION}", "api_version": "{stripe.api_version}",\n'
    head += f'"fractions": {json.dumps(fractions())},\n"operations": {{\n'
    return head + ",\n".join(found) + "\n}}\n", "\n".join(lines.lines) + "\n"


def _compact(one: Operation) -> dict[str, object]:
    line = None if one.members is None else one.members.line
    found = {"path": one.path, "params": line, "returns": one.returns}
    return {key: value for key, value in found.items() if value not in (None, ())}


def _service(name: str, place: tuple[str, str], lines: Interning) -> Iterator[tuple[str, Operation]]:
    module = import_module(place[0])
    cls = getattr(module, place[1])
    for method, function in sorted(vars(cls).items()):
        if method.endswith(_SUFFIX) and not method.startswith("_"):
            yield f"{name}.{method.removesuffix(_SUFFIX)}", _operation(function, lines)
    for inner, inner_place in sorted(getattr(module, "_subservices", {}).items()):
        yield from _service(f"{name}.{inner}", inner_place, lines)


def _operation(function: Any, lines: Interning) -> Operation:
    signature = inspect.signature(function)
    path = tuple(name for name in signature.parameters if name not in {"self", "params", "options"})
    line = _params(function, lines)
    members = None if line is None else Members(Table(lines.lines), line)
    return Operation(path=path, returns=_returns(signature), members=members)


def _params(function: Any, lines: Interning) -> int | None:
    """Return the line that holds an operation's parameters."""
    annotation = str(function.__annotations__.get("params", ""))
    found = [part for part in annotation.replace("'", '"').split('"') if part.endswith("Params")]
    place = _imports(function.__module__).get(found[0]) if found else None
    return None if place is None else lines.of_class(typed_classes(place), found[0])


@cache
def _imports(module: str) -> Mapping[str, str]:
    """Return which module each name of a module comes from, those for type checkers included."""
    tree = ast.parse(inspect.getsource(import_module(module)))
    found = [node for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)]
    return {alias.name: str(node.module) for node in found for alias in node.names}


def fractions() -> tuple[str, ...]:
    """Return the names of parameters, at any depth, whose numbers need nowhere be whole."""
    folder = Path(str(import_module("stripe.params").__file__)).parent
    texts = [path.read_text() for path in folder.rglob("*.py") if "v2" not in path.relative_to(folder).parts]
    found = {name for text in texts for name in _FRACTION.findall(text)}
    return tuple(sorted(found - {name for text in texts for name in _WHOLE.findall(text)}))


_FRACTION = re.compile(r"^    (\w+): [^\n]*\b(?:float|Decimal)\b", re.MULTILINE)
_WHOLE = re.compile(r"^    (\w+): [^\n]*\bint\b", re.MULTILINE)


def _returns(signature: inspect.Signature) -> str | None:
    """Return the tag of the object that an operation gives, such as `customer`; None for a list."""
    annotation = signature.return_annotation
    name = annotation if isinstance(annotation, str) else ""
    classes = import_module("stripe._object_classes").OBJECT_CLASSES
    tags = [tag for tag, (_, cls) in classes.items() if cls == textwrap.dedent(name).strip("'\"")]
    return tags[0] if len(tags) == 1 else None
