"""`gateway init`: a working project, or only the `.env` file of one."""

from __future__ import annotations

from pathlib import Path

import click

from gateway.cli import Usage
from gateway.cli.opening import CannotRun, config_option, json_option
from gateway.cli.output import print_json


@click.command("init", epilog="Example: gateway init billing")
@click.argument("directory", required=False, metavar="[DIR]", type=click.Path(path_type=Path, file_okay=False))
@click.option("--env-only", is_flag=True, help="Only write .env beside the configuration, where there is none.")
@config_option
@json_option
def command(directory: Path | None, env_only: bool, config: Path, as_json: bool) -> None:
    """Make a working project in DIR: configuration, rules, tests and .env.

    Without DIR it is made here. .env gets random secrets, is readable by its owner only, and is never written over.
    """
    if env_only and directory is not None:
        raise Usage("--env-only writes beside the configuration: name that with --config")
    try:
        made = _write_env(config) if env_only else _write_project(directory or Path())
    except OSError as error:
        raise CannotRun(f"`{error.filename}` cannot be written: {(error.strerror or str(error)).lower()}") from error
    if as_json:
        print_json(made)
        return
    for name in made["files"]:
        click.echo(f"wrote {name}")
    if made["secrets"]:
        click.echo(f"random values for: {', '.join(made['secrets'])}")
    if not env_only:
        click.echo(_NEXT.format(go=f"cd {directory} && " if directory else ""))


_NEXT = """
Next:
  {go}gateway test
  gateway serve
  gateway trigger stripe payment_intent.succeeded     (from another terminal)"""


def _write_project(folder: Path) -> dict[str, list[str]]:
    from gateway.cli.first_project import write_project

    try:
        files = write_project(folder)
    except FileExistsError as error:
        raise CannotRun(
            f"`{folder / str(error)}` is there already, nothing was written",
            help="name a new folder: `gateway init DIR`; `--env-only` writes the .env file alone",
        ) from error
    env = _write_env(folder / "gateway.yaml")
    return {"files": [str(folder / name) for name in files] + env["files"], "secrets": env["secrets"]}


def _write_env(config: Path) -> dict[str, list[str]]:
    from gateway.cli.env_file import write_env_file

    if not config.exists():
        raise CannotRun(f"there is no file `{config}`", help="`gateway init` makes a whole project")
    written = write_env_file(config)
    if written is None:
        return {"files": [], "secrets": []}
    authority = [] if written.authority is None else [str(written.authority)]
    return {"files": [str(written.path), *authority], "secrets": written.made_up}
