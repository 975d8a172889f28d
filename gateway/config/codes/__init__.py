"""Every code a finding can have: what `gateway explain` prints and docs/errors.md is made from."""

from __future__ import annotations

from collections.abc import Mapping

from gateway.config.codes.advice import ADVICE
from gateway.config.codes.entry import Code
from gateway.config.codes.expressions import EXPRESSIONS
from gateway.config.codes.names import NAMES
from gateway.config.codes.outside import OUTSIDE_ADVICE, OUTSIDE_NAMES, OUTSIDE_SECRETS
from gateway.config.codes.reading import READING
from gateway.config.codes.secrets import SECRETS
from gateway.config.codes.shape import SHAPE

__all__ = ["CODES", "GROUPS", "Code"]

GROUPS: Mapping[str, tuple[Code, ...]] = {
    "GW0: reading": READING,
    "GW1: shape": SHAPE,
    "GW2: names": (*NAMES, *OUTSIDE_NAMES),
    "GW3: expressions and types": EXPRESSIONS,
    "GW4: secrets and the environment": (*SECRETS, *OUTSIDE_SECRETS),
    "GW5: advice": (*ADVICE, *OUTSIDE_ADVICE),
}
"""The codes in their chapters."""

CODES: Mapping[str, Code] = {code.code: code for group in GROUPS.values() for code in group}
"""All codes by name."""
