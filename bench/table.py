"""The table that a run prints: what was measured, beside its target."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from rich.console import Console
from rich.table import Table

_WIDTH = 170


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One measured figure."""

    what: str
    measured: str
    ratio: float | None = None
    """To what the target compares with."""
    target: str = ""
    passed: bool | None = None
    """None for a peer, which has no target."""


def at_least(least: float, ratio: float, *, what: str, measured: str, of: str) -> Row:
    """Return the row of a ratio that must not be below `least`."""
    return Row(what=what, measured=measured, ratio=ratio, target=f"at least {least:.2g} {of}", passed=ratio >= least)


def under(most: float, value: float, unit: str, *, what: str) -> Row:
    """Return the row of a value that must stay under `most`."""
    return Row(what=what, measured=f"{value:.3g} {unit}", target=f"under {most:g} {unit}", passed=value < most)


def print_table(rows: Sequence[Row]) -> None:
    """Print rows for people."""
    table = Table(box=None, pad_edge=False)
    table.add_column("what", no_wrap=True)
    table.add_column("measured", justify="right", no_wrap=True)
    table.add_column("ratio", justify="right", no_wrap=True)
    table.add_column("target", no_wrap=True)
    table.add_column("", no_wrap=True)
    for row in rows:
        verdict = "" if row.passed is None else "pass" if row.passed else "FAIL"
        ratio = "" if row.ratio is None else f"{row.ratio:.2f}"
        table.add_row(row.what, row.measured, ratio, row.target, verdict)
    Console(width=_WIDTH).print(table)
