"""The operations of the installed Stripe SDK, read off its typed services.

It imports the SDK: it is for tools, and for when another version is installed than the gateway was made with.
"""

from __future__ import annotations

import ast
import inspect
import re
import textwrap
from collections.abc import Iterator, Mapping
from functools import cache
from importlib import import_module
from pathlib import Path
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
    cls = _params_class(function)
    return Operation(
        path=path,
        params=_params(cls),
        required=() if cls is None else tuple(sorted(cls.__required_keys__)),
        returns=_returns(signature),
        values=_values(cls),
    )


def _params_class(function: Any) -> Any:
    annotation = str(function.__annotations__.get("params", ""))
    found = [part for part in annotation.replace("'", '"').split('"') if part.endswith("Params")]
    if not found:
        return None
    place = _imports(function.__module__).get(found[0])
    return None if place is None else getattr(import_module(place), found[0])


@cache
def _imports(module: str) -> Mapping[str, str]:
    """Return which module each name of a module comes from, those for type checkers included."""
    tree = ast.parse(inspect.getsource(import_module(module)))
    found = [node for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)]
    return {alias.name: str(node.module) for node in found for alias in node.names}


def _params(cls: Any) -> tuple[str, ...]:
    if cls is None:
        return ()
    options = import_module("stripe._request_options").RequestOptions
    return tuple(sorted(set(cls.__annotations__) - set(options.__annotations__)))


def _values(cls: Any) -> dict[str, tuple[str, ...]]:
    """Return the words that parameters take, where a parameter takes one word and nothing else."""
    found: dict[str, tuple[str, ...]] = {}
    for name in _params(cls):
        written = _WORDS.fullmatch(_written(cls.__annotations__[name]))
        words = () if written is None else tuple(ast.literal_eval(f"({written[1]},)"))
        # An empty text clears a parameter that otherwise takes any.
        if any(words):
            found[name] = words
    return found


_WORDS = re.compile(r"Literal\[([^]]*)\](?:\|str)?")


def _written(annotation: Any) -> str:
    """Return an annotation as the SDK writes it, without what wraps it."""
    inner = getattr(annotation, "__args__", (annotation,))[0]
    return str(getattr(inner, "__forward_arg__", inner))


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
