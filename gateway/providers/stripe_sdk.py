"""The operations of the installed Stripe SDK, read off its typed services.

It imports the SDK: it is for tools, and for when another version is installed than the gateway was made with.
"""

from __future__ import annotations

import ast
import inspect
import textwrap
from collections.abc import Iterator
from importlib import import_module
from typing import Any

from gateway.providers.stripe_operations import Operation

_SUFFIX = "_async"


def operations() -> Iterator[tuple[str, Operation]]:
    """Yield every operation of version 1 of the API by name, such as `customers.balance_transactions.create`."""
    module = import_module("stripe._v1_services")
    for name, place in sorted(module._subservices.items()):
        yield from _service(name, place)


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
    return None if found is None else _operation(found)


def _service(name: str, place: tuple[str, str]) -> Iterator[tuple[str, Operation]]:
    module = import_module(place[0])
    cls = getattr(module, place[1])
    for method, function in sorted(vars(cls).items()):
        if method.endswith(_SUFFIX) and not method.startswith("_"):
            yield f"{name}.{method.removesuffix(_SUFFIX)}", _operation(function)
    for inner, inner_place in sorted(getattr(module, "_subservices", {}).items()):
        yield from _service(f"{name}.{inner}", inner_place)


def _operation(function: Any) -> Operation:
    signature = inspect.signature(function)
    path = tuple(name for name in signature.parameters if name not in {"self", "params", "options"})
    return Operation(path=path, params=_params(function), required=_required(function), returns=_returns(signature))


def _params_class(function: Any) -> Any:
    annotation = str(function.__annotations__.get("params", ""))
    found = [part for part in annotation.replace("'", '"').split('"') if part.endswith("Params")]
    if not found:
        return None
    name = found[0]
    for node in ast.walk(ast.parse(inspect.getsource(import_module(function.__module__)))):
        if isinstance(node, ast.ImportFrom) and any(alias.name == name for alias in node.names):
            return getattr(import_module(str(node.module)), name)
    return None


def _params(function: Any) -> tuple[str, ...]:
    cls = _params_class(function)
    if cls is None:
        return ()
    options = import_module("stripe._request_options").RequestOptions
    return tuple(sorted(set(cls.__annotations__) - set(options.__annotations__)))


def _required(function: Any) -> tuple[str, ...]:
    cls = _params_class(function)
    return () if cls is None else tuple(sorted(cls.__required_keys__))


def _returns(signature: inspect.Signature) -> str | None:
    """Return the tag of the object that an operation gives, such as `customer`; None for a list."""
    annotation = signature.return_annotation
    name = annotation if isinstance(annotation, str) else ""
    classes = import_module("stripe._object_classes").OBJECT_CLASSES
    tags = [tag for tag, (_, cls) in classes.items() if cls == textwrap.dedent(name).strip("'\"")]
    return tags[0] if len(tags) == 1 else None
