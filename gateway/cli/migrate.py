"""`gateway migrate`: bring the database's tables to what the rules need."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import click

from gateway.cli.opening import address_of, config_option, json_option, open_project
from gateway.cli.output import print_json


@click.command("migrate", epilog="Example: gateway migrate --dry-run")
@click.option("--dry-run", is_flag=True, help="Print the statements, change nothing.")
@config_option
@json_option
def command(dry_run: bool, config: Path, as_json: bool) -> None:
    """Bring the database's tables to what the rules need.

    Tables are only ever added to; a change that could lose data is refused with the SQL to run by hand (exit code 1).
    """
    from gateway.store.database import open_database
    from gateway.store.migrations import migrate

    project = open_project(config)
    address = address_of(project.settings)
    if dry_run and address.file is not None and not address.file.exists():
        address = replace(address, file=None)
    database = open_database(address)
    try:
        done = migrate(database, project.tables.values(), dry_run=dry_run)
    finally:
        database.close()
    if as_json:
        print_json({"statements": done.statements, "dry_run": dry_run})
        return
    for statement in done.statements:
        click.echo(f"{statement};")
    if not done.statements:
        click.echo("nothing to do: the tables are as the rules need them")
