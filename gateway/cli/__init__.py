"""The command line: one command a file, imported when it is called."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib import import_module
from typing import IO, Any

import click

from gateway import __version__
from gateway.errors import Conflict, GatewayError, MigrationRefused, NotFound

COMMANDS = {
    "init": "Make a working project in DIR: configuration, rules, tests and .env.",
    "validate": "Check gateway.yaml and the rules it names, or the files at PATHS.",
    "test": "Run the tests of rules at PATHS, or all below rules/tests.",
    "serve": "Receive and process events; rules are read again when they change or on SIGHUP.",
    "trigger": "Send a signed sample event of TYPE to SOURCE of a running gateway.",
    "events": "Find events, read their story, run them again.",
    "outbox": "Look at messages and awaited calls, and send again what failed.",
    "tables": "Look at the rows that rules keep, and change them by hand.",
    "run": "Run a PROCEDURE of the rules by hand, as an event of its own.",
    "check": "Find rows that lack what they should have, and repair them.",
    "migrate": "Bring the database's tables to what the rules need.",
    "backup": "Copy the database to FILE while the gateway runs: as it stands at one moment, checked, and on disk.",
    "explain": "Explain CODE, or list all codes.",
    "schema": "Print the JSON Schema of a kind of file, or draft those of payloads from stored events.",
    "lsp": "Serve an editor: findings while typing, completion, hover, definitions, quick fixes.",
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

    def make_context(
        self, info_name: str | None, args: list[str], parent: click.Context | None = None, **extra: Any
    ) -> click.Context:
        """Read the words before the command; what is wrong with them is told in our shape."""
        with _told():
            return super().make_context(info_name, args, parent, **extra)

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command; what keeps it from running, and what it fails at, is told in our shape."""
        with _told():
            return super().invoke(ctx)


class Usage(click.UsageError):
    """A command is called in a way that it does not know."""

    def __init__(self, message: str, help: str | None = None) -> None:
        super().__init__(message)
        self.help = help


class CouldNotRun(click.ClickException):
    """The end of a command that could not run: what is printed."""

    exit_code = 2

    def __init__(self, message: str, *, help: str | None, before: str | None = None, after: Sequence[str] = ()) -> None:
        super().__init__(message)
        self._help, self._before, self._after = help, before, after

    def show(self, file: IO[Any] | None = None) -> None:
        """Print to standard error (called by click)."""
        lines = [
            *([self._before] if self._before else []),
            f"gateway: error: {self.message}",
            *([f"  help: {self._help}"] if self._help else []),
            *(f"  {line}" for line in self._after),
        ]
        click.echo("\n".join(lines), file=file, err=True)


class Failed(CouldNotRun):
    """The end of a command that ran and failed."""

    exit_code = 1


@contextmanager
def _told() -> Iterator[None]:
    try:
        yield
    except click.exceptions.NoArgsIsHelpError:
        raise
    except click.UsageError as error:
        raise _told_usage(error) from error
    except GatewayError as error:
        kind = Failed if isinstance(error, _FAILURES) else CouldNotRun
        raise kind(
            error.message,
            help=getattr(error, "help", None),
            before=getattr(error, "detail", None),
            after=error.sql if isinstance(error, MigrationRefused) else (),
        ) from error


def _told_usage(error: click.UsageError) -> CouldNotRun:
    help = getattr(error, "help", None)
    if help is None and error.ctx is not None:
        help = f"`{error.ctx.command_path} --help` shows how it is called"
    message = error.format_message().removesuffix(".")
    return CouldNotRun(message[:1].lower() + message[1:], help=help)


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, "-V", "--version", prog_name="gateway")
def main() -> None:
    """Webhooks, verified, durable, applied exactly once, always able to say why."""
