"""The command line: one command a file, imported when it is called."""

from __future__ import annotations

import os
import sys
from importlib import import_module
from typing import Any

import click

from gateway import __version__
from gateway.errors import Conflict, GatewayError, MigrationRefused, NotFound

COMMANDS = {
    "init": "Make a working project, or only the .env file of one.",
    "validate": "Check gateway.yaml and the rules it names, or the files at PATHS.",
    "test": "Run the tests of rules at PATHS, or all below rules/tests.",
    "serve": "Receive and process events; rules are read again when they change.",
    "trigger": "Send a signed sample event to a running gateway.",
    "events": "Find events, read their story, run them again.",
    "tables": "Look at the rows that rules keep, and change them by hand.",
    "migrate": "Bring the database's tables to what the rules need.",
    "explain": "Say what an error code means.",
    "schema": "Print a JSON Schema for editors.",
}
"""What each command does; its module in this package has its name and holds `command`."""

_FAILURES = (NotFound, Conflict, MigrationRefused)
"""What a command finds out, as against what keeps it from running."""


class Commands(click.Group):
    """All commands. Each is imported when it is called, so that `--help` stays quick."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names of the commands."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import and return a command, or None when there is none of that name."""
        if cmd_name not in COMMANDS:
            return None
        command: click.Command = import_module(f"gateway.cli.{cmd_name}").command
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Return the command that is called. Raises UsageError, with a near name where there is one."""
        name = args[0]
        if name not in COMMANDS and not name.startswith("-"):
            from gateway.config.diagnostics import did_you_mean

            near = did_you_mean(name, COMMANDS)
            help = f"did you mean `{near}`?" if near else f"commands: {', '.join(COMMANDS)}"
            raise Usage(f"there is no command `{name}`", help)
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the list of commands without importing them."""
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))

    def main(self, *args: Any, standalone_mode: bool = True, **extra: Any) -> Any:
        """Run a command; end the process with 0 (fine), 1 (findings, failures) or 2 (could not run)."""
        if not standalone_mode:
            return super().main(*args, standalone_mode=False, **extra)
        try:
            code = super().main(*args, standalone_mode=False, **extra)
        except GatewayError as error:
            sys.exit(_tell(error))
        except click.ClickException as error:
            sys.exit(_tell_usage(error))
        except click.Abort:
            sys.exit(130)
        except BrokenPipeError:
            # Whoever read the output has gone; what Python still wants to flush goes nowhere.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            sys.exit(1)
        sys.exit(code if isinstance(code, int) else 0)


class Usage(click.UsageError):
    """A command is called in a way that it does not know."""

    def __init__(self, message: str, help: str | None = None) -> None:
        super().__init__(message)
        self.help = help


def _tell(error: GatewayError) -> int:
    from gateway.cli.opening import CannotRun

    if isinstance(error, CannotRun) and error.detail:
        click.echo(error.detail, err=True)
    _print_error(error.message, getattr(error, "help", None))
    for statement in error.sql if isinstance(error, MigrationRefused) else ():
        click.echo(f"  {statement}", err=True)
    return 1 if isinstance(error, _FAILURES) else 2


def _tell_usage(error: click.ClickException) -> int:
    help = getattr(error, "help", None)
    if help is None and isinstance(error, click.UsageError) and error.ctx is not None:
        help = f"`{error.ctx.command_path} --help` shows how it is called"
    message = error.format_message().removesuffix(".")
    _print_error(message[:1].lower() + message[1:], help)
    return 2


def _print_error(message: str, help: str | None) -> None:
    click.echo(f"gateway: error: {message}", err=True)
    if help:
        click.echo(f"  help: {help}", err=True)


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, "-V", "--version", prog_name="gateway")
def main() -> None:
    """Webhooks, verified, durable, applied exactly once, always able to say why."""
