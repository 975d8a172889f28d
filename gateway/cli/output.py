"""What commands print: tables for people, JSON for programs."""

from __future__ import annotations

import sys
from collections.abc import Sequence

import click

from gateway.admin.printing import printable


def print_json(content: object) -> None:
    """Print one JSON value on a line, exactly."""
    from gateway.store.codecs import dump_json

    click.echo(dump_json(content))


def print_line(text: str) -> None:
    """Print one line; what could disturb a terminal is escaped."""
    click.echo(printable(text))


def print_table(headings: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    """Print rows below their headings: fitted to a terminal, in plain columns elsewhere. Null prints as nothing."""
    cells = [[printable("" if cell is None else str(cell)) for cell in row] for row in rows]
    if sys.stdout.isatty():
        _print_fitted(headings, cells)
    else:
        _print_columns([list(headings), *cells])


def _print_columns(rows: list[list[str]]) -> None:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        click.echo("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())


def _print_fitted(headings: Sequence[str], cells: list[list[str]]) -> None:
    from rich.box import SIMPLE_HEAD
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(*headings, box=SIMPLE_HEAD, pad_edge=False)
    for row in cells:
        table.add_row(*map(Text, row))
    Console().print(table)
