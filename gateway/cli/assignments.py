"""Arguments of the form NAME=VALUE."""

from __future__ import annotations

import json
from decimal import Decimal

from gateway.cli import Usage


def read_assignment(text: str, form: str, example: str) -> tuple[str, object]:
    """Read NAME=VALUE: a value that is JSON is what it says, any other is text.

    Raises Usage, with the form and an example.
    """
    name, equals, value = text.partition("=")
    if not equals or not name:
        raise Usage(f"`{text}` is not {form}", f"for example `{example}`")
    try:
        return name, json.loads(value, parse_float=Decimal, parse_constant=_no_number)
    except ValueError:
        return name, value


def _no_number(name: str) -> object:
    raise ValueError(f"`{name}` is not a JSON number")
