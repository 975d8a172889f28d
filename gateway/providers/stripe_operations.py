"""The operations of Stripe's API as its SDK has them, known without importing the SDK."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from importlib.resources import files
from typing import NamedTuple

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


@cache
def known_operations() -> Mapping[str, Operation]:
    """Return the operations of the SDK that this version of the gateway was made with."""
    found = json.loads(files("gateway.providers").joinpath("data", DATA).read_text())
    return {
        name: Operation(tuple(one["path"]), tuple(one["params"]), tuple(one["required"]), one["returns"])
        for name, one in found["operations"].items()
    }


def find_operation(name: str) -> Operation | None:
    """Return an operation of the installed SDK, or None when it has none of that name.

    Where another version of the SDK is installed than this gateway was made with, the SDK itself is asked.
    """
    if _installed() == _made_with():
        return known_operations().get(name)
    from gateway.providers.stripe_sdk import operation

    return operation(name)


@cache
def _made_with() -> str:
    found: str = json.loads(files("gateway.providers").joinpath("data", DATA).read_text())["sdk"]
    return found


@cache
def _installed() -> str | None:
    try:
        return version("stripe")
    except PackageNotFoundError:
        return None
