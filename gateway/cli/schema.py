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
_FIRST_LINE = """
First line of gateway.yaml, for editors (of a rules file with `../` before the path, and `rules.schema.json`):
  # yaml-language-server: $schema={directory}/gateway.schema.json"""

FILES = {"gateway": "gateway.yaml", "rules": "rules files", "tests": "tests of rules"}
"""What each schema is of."""


class Schemas(click.Group):
    """One command for each schema, and what makes schemas from stored events."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return what can stand behind `gateway schema`."""
        return [*SCHEMAS, "infer"]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Return the command of a name, or None when there is none."""
        if cmd_name == "infer":
            from gateway.cli.infer import command as infer

            return infer
        return _printing(cmd_name) if cmd_name in SCHEMAS else None

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Return the command that is called; end with a near name where there is none."""
        name = args[0]
        if self.get_command(ctx, name) is None and not name.startswith("-"):
            near = did_you_mean(name, self.list_commands(ctx))
            help = f"did you mean `{near}`?" if near else f"known: {', '.join(SCHEMAS)}"
            click.echo(f"gateway: error: there is no schema `{name}`\n  help: {help}", err=True)
            sys.exit(2)
        return super().resolve_command(ctx, args)


def _printing(name: str) -> click.Command:
    return click.Command(
        name, callback=lambda: click.echo(written(name), nl=False), help=f"Print the schema of {FILES[name]}."
    )


@click.group("schema", cls=Schemas, invoke_without_command=True, epilog=EXAMPLE)
@click.option("--write", is_flag=True, help="Write all of them as files.")
@click.option(
    "--directory", type=click.Path(path_type=Path), default=Path("schemas"), show_default=True, help="Where to."
)
@click.pass_context
def command(context: click.Context, write: bool, directory: Path) -> None:
    """Print the JSON Schema of a kind of file, or draft those of payloads from stored events."""
    if write:
        directory.mkdir(parents=True, exist_ok=True)
        for own in SCHEMAS:
            path = directory / f"{own}.schema.json"
            path.write_text(written(own), "utf-8")
            click.echo(path)
        click.echo(_FIRST_LINE.format(directory=directory.as_posix()), err=True)
    elif context.invoked_subcommand is None:
        click.echo("\n".join(SCHEMAS))


def written(name: str) -> str:
    """Return a schema as its file holds it."""
    return json.dumps(SCHEMAS[name](), indent=2, ensure_ascii=False) + "\n"
