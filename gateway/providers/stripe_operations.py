"""The operations of Stripe's API as its SDK has them, known without importing the SDK."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from gateway.providers.stripe_parameters import Members, Table, Taken
from gateway.records import dataclass

DATA = "stripe_operations.json"
"""Written by `tools/stripe_operations.py`."""
PARAMETERS = "stripe_parameters.jsonl"
"""What the parameters take, written by the same."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """One operation, such as `customers.create`."""

    path: tuple[str, ...]
    """The arguments that are part of the address, in order: `customer`."""
    returns: str | None
    """The tag of the object that it gives, such as `customer`; None for a list or where that is not known."""
    members: Members | None
    """Its parameters; None when it has none."""

    @property
    def taken(self) -> Mapping[str, Taken]:
        """Return what each parameter takes."""
        return {} if self.members is None else self.members.all

    @property
    def params(self) -> tuple[str, ...]:
        """Return the names that its parameters have at the top."""
        return tuple(self.taken)

    @property
    def required(self) -> tuple[str, ...]:
        """Return those among them that must be given."""
        return () if self.members is None else self.members.required


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
    line = one.get("params")
    members = None if line is None else Members(_table(), line)
    return Operation(path=tuple(one.get("path", ())), returns=one.get("returns"), members=members)


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
    found: Mapping[str, Any] = json.loads((_FOLDER / DATA).read_text())
    return found


@cache
def _table() -> Table:
    return Table((_FOLDER / PARAMETERS).read_text().splitlines())


_FOLDER = Path(__file__).parent / "data"


@cache
def _installed() -> str | None:
    """Return the version of the SDK that is installed, read from its files: importing it takes a third of a second."""
    spec = find_spec("stripe")
    if spec is None or spec.origin is None:
        return None
    found = re.search(r'VERSION = "(.+)"', (Path(spec.origin).parent / "_version.py").read_text())
    return None if found is None else found[1]
