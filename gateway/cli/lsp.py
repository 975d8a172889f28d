"""`gateway lsp`: the language server that editors start."""

from __future__ import annotations

import gc
import sys
from pathlib import Path

import click

from gateway.cli.opening import CannotRun

EXAMPLE = """\
Example: gateway lsp --config billing/gateway.yaml

Editors start it, and speak to it over its standard input and output: docs/editor.md says how it is set up in VS Code,
Neovim and Helix."""


@click.command("lsp", epilog=EXAMPLE)
@click.option(
    "--config",
    type=click.Path(path_type=Path, dir_okay=False),
    help="The configuration of every file; without it, the nearest gateway.yaml above each.",
)
@click.option("--stdio", is_flag=True, help="Speak over standard input and output, as it does anyway.")
def command(config: Path | None, stdio: bool) -> None:
    """Serve an editor: findings while typing, completion, hover, definitions, quick fixes.

    Speaks the Language Server Protocol over standard input and output until the editor ends it.
    """
    if sys.stdin.isatty():
        raise CannotRun("`gateway lsp` is started by an editor, not in a terminal", help="see docs/editor.md")
    from gateway.editor.server import build_server

    gc.set_threshold(100_000, 20, 20)  # trees of files are made and dropped in one go: looking often finds nothing
    build_server(config.resolve() if config is not None else None).start_io()
