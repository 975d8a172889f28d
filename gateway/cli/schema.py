"""`gateway schema`: the JSON Schemas of the files an operator writes, for editors."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import click

from gateway.config.diagnostics import did_you_mean

EXAMPLE = "Example: gateway schema gateway > gateway.schema.json"


def _gateway() -> dict[str, Any]:
    from gateway.config.editor_schema import editor_schema

    return editor_schema()


def _rules() -> dict[str, Any]:
    from gateway.actions import ACTIONS_BY_NAME
    from gateway.config.rules_schema import rules_schema

    return rules_schema(ACTIONS_BY_NAME, editor=True)


def _tests() -> dict[str, Any]:
    from gateway.config.rule_tests_schema import TESTS_SCHEMA

    return TESTS_SCHEMA


SCHEMAS: Mapping[str, Callable[[], dict[str, Any]]] = {"gateway": _gateway, "rules": _rules, "tests": _tests}
"""What makes each schema; `schemas/NAME.schema.json` is its file."""


@click.command("schema", epilog=EXAMPLE)
@click.argument("name", required=False)
@click.option("--write", is_flag=True, help="Write all of them as files.")
@click.option(
    "--directory", type=click.Path(path_type=Path), default=Path("schemas"), show_default=True, help="Where to."
)
def command(name: str | None, write: bool, directory: Path) -> None:
    """Print the JSON Schema (draft 2020-12) called NAME, or list them."""
    if write:
        directory.mkdir(parents=True, exist_ok=True)
        for own in SCHEMAS:
            path = directory / f"{own}.schema.json"
            path.write_text(written(own), "utf-8")
            click.echo(path)
    elif name is None:
        click.echo("\n".join(SCHEMAS))
    elif name in SCHEMAS:
        click.echo(written(name), nl=False)
    else:
        near = did_you_mean(name, SCHEMAS)
        help = f"did you mean `{near}`?" if near else f"known: {', '.join(SCHEMAS)}"
        click.echo(f"gateway: error: there is no schema `{name}`\n  help: {help}", err=True)
        sys.exit(2)


def written(name: str) -> str:
    """Return a schema as its file holds it."""
    return json.dumps(SCHEMAS[name](), indent=2, ensure_ascii=False) + "\n"
