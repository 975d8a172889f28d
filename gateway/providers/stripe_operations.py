"""The operations of Stripe's API as its SDK has them, known without importing the SDK."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any, NamedTuple

DATA = "stripe_operations.json"
"""Written by `tools/stripe_operations.py`."""


class Operation(NamedTuple):
    """One operation, such as `customers.create`."""

    path: tuple[str, ...]
    """The arguments that are part of the address, in order: `customer`."""
    params: tuple[str, ...]
    """The names that its parameters have at the top."""
    required: tuple[str, ...]
    """Those among them that must be given."""
    returns: str | None
    """The tag of the object that it gives, such as `customer`; None for a list or where that is not known."""
    values: Mapping[str, tuple[str, ...]]
    """For parameters that take one of some words: those that the SDK lists. Stripe may add to them."""


@cache
def known_operations() -> Mapping[str, Operation]:
    """Return the operations of the SDK that this version of the gateway was made with."""
    return {name: _operation(one) for name, one in _data()["operations"].items()}


@cache
def fractions() -> frozenset[str]:
    """Return the names of parameters, at any depth, whose numbers need not be whole: `percent_off`."""
    return frozenset(_data()["fractions"])


def api_version() -> str:
    """Return the version of Stripe's API that operations and payload schemas are of."""
    return str(_data()["api_version"])


def _operation(one: Mapping[str, Any]) -> Operation:
    values = {name: tuple(words) for name, words in one.get("values", {}).items()}
    return Operation(tuple(one["path"]), tuple(one["params"]), tuple(one["required"]), one["returns"], values)


def find_operation(name: str) -> Operation | None:
    """Return an operation of the installed SDK, or None when it has none of that name.

    Where another version of the SDK is installed than this gateway was made with, the SDK itself is asked.
    """
    if _installed() == _data()["sdk"]:
        return known_operations().get(name)
    from gateway.providers.stripe_sdk import operation

    return operation(name)


@cache
def _data() -> Mapping[str, Any]:
    found: Mapping[str, Any] = json.loads((Path(__file__).parent / "data" / DATA).read_text())
    return found


@cache
def _installed() -> str | None:
    """Return the version of the SDK that is installed, read from its files: importing it takes a third of a second."""
    spec = find_spec("stripe")
    if spec is None or spec.origin is None:
        return None
    found = re.search(r'VERSION = "(.+)"', (Path(spec.origin).parent / "_version.py").read_text())
    return None if found is None else found[1]
