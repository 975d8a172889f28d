"""What is known about one code."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

GATEWAY = "gateway.yaml"
RULES = "rules.yaml"

_NONE: Mapping[str, str] = MappingProxyType({})


@dataclass(frozen=True, slots=True, kw_only=True)
class Code:
    """One kind of finding: its stable code, why it is one, a file that has it and the same file mended."""

    code: str
    title: str
    why: str
    wrong: str
    right: str
    file: str = GATEWAY
    """Which file the examples are: gateway.yaml, rules.yaml or .env."""
    gateway: str = ""
    """The gateway.yaml round an example that is another file, where the usual one would not do."""
    rules: str = ""
    """The rules.yaml beside an example that is gateway.yaml, where the usual one would not do."""
    beside: Mapping[str, str] = field(default_factory=lambda: _NONE)
    """Other files that the examples name, by path."""
    environ: Mapping[str, str] = field(default_factory=lambda: _NONE)
    """Variables the examples need."""
    encoding: str = "utf-8"
    """How the wrong example is written."""
    database: str = ""
    """For what `--connect` finds: the SQL that makes the database beside the examples."""
    answers: Mapping[str, object] = field(default_factory=lambda: _NONE)
    """And what an API on this machine, at `${env:API_BASE}`, answers to requests of a path."""
