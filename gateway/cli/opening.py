"""What commands begin with: the configuration, the database, and what is said when they cannot be used."""

from __future__ import annotations

import getpass
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from gateway.errors import GatewayError

if TYPE_CHECKING:
    from gateway.config.diagnostics import Diagnostic, Findings
    from gateway.project import Project
    from gateway.settings import Settings
    from gateway.store.database import Database, DatabaseAddress

F = TypeVar("F", bound=Callable[..., Any])


class CannotRun(GatewayError):
    """The command cannot be run."""

    def __init__(self, message: str, *, help: str | None = None, detail: str | None = None) -> None:
        super().__init__(message)
        self.help = help
        self.detail = detail
        """What is to be shown before the message, as it stands."""


def config_option(command: F) -> F:
    """Give a command the option that names the configuration."""
    kind = click.Path(path_type=Path, dir_okay=False)
    return click.option("--config", type=kind, default="gateway.yaml", show_default=True, help="The configuration.")(
        command
    )


def json_option(command: F) -> F:
    """Give a command the option to print for programs."""
    return click.option("--json", "as_json", is_flag=True, help="Print JSON, as the API answers it.")(command)


def now() -> int:
    """Return the present moment in microseconds since the epoch."""
    return time.time_ns() // 1000


def actor() -> str:
    """Return who is at work, for the record of changes."""
    try:
        return f"cli {getpass.getuser()}"
    except (OSError, KeyError):  # a container may run under a number without a name
        return "cli"


def open_settings(config: Path) -> Settings:
    """Read gateway.yaml as far as the database is concerned. Raises CannotRun.

    The variables of what only serving needs, such as secrets, need not be set.
    """
    from gateway.config.diagnostics import Findings
    from gateway.settings import load_settings

    _require_file(config)
    findings = Findings()
    settings = load_settings(config, findings)
    if settings is None:
        raise _unusable(config, findings)
    _refuse_errors(config, findings, settings)
    return settings


def open_project(config: Path) -> Project:
    """Read gateway.yaml and its rules as far as the database is concerned. Raises CannotRun."""
    from gateway.config.diagnostics import Findings
    from gateway.project import load_project

    _require_file(config)
    findings = Findings()
    project = load_project(config, findings)
    if project is None:
        raise _unusable(config, findings)
    _refuse_errors(config, findings, project.settings)
    return project


def open_complete_settings(config: Path) -> Settings:
    """Read gateway.yaml, which must be free of errors. Raises CannotRun."""
    from gateway.config.diagnostics import Findings
    from gateway.settings import load_settings

    _require_file(config)
    findings = Findings()
    settings = load_settings(config, findings)
    if settings is None or findings.has_errors:
        raise _unusable(config, findings)
    return settings


def _require_file(config: Path) -> None:
    if not config.exists():
        raise CannotRun(f"there is no file `{config}`", help="`gateway init` makes one, `--config` names another")


def _unusable(config: Path, findings: Findings) -> CannotRun:
    from gateway.config.reporters import report

    return CannotRun(f"`{config}` cannot be used", detail=report(findings, "full"), help="mend what is named above")


def _refuse_errors(config: Path, findings: Findings, settings: Settings) -> None:
    from gateway.config.diagnostics import Severity
    from gateway.config.nodes import Mapping

    database = settings.root.key("database") if isinstance(settings.root, Mapping) else None
    line = None if database is None else database.span.start.line

    def blocks(found: Diagnostic) -> bool:
        here = found.path == settings.document.path and found.span.start.line == line
        return found.severity is Severity.ERROR and (here or not found.code.startswith("GW4"))

    blocking = findings.select(blocks)
    if blocking.has_errors:
        raise _unusable(config, blocking)


@contextmanager
def open_store(settings: Settings, *, write: bool = False) -> Iterator[Database]:
    """Open the database, to read unless `write` is said; it must be there. Raises CannotRun, StorageUnavailable."""
    from gateway.store.database import DRIVER_ERROR, open_database
    from gateway.store.standing import standing_of

    address = address_of(settings)
    if address.dialect == "sqlite" and (address.file is None or not _exists(address.file)):
        raise CannotRun(
            f"there is no database at `{address.shown}` yet", help="`gateway serve` and `gateway migrate` make it"
        )
    database = open_database(address, read_only=not write)
    try:
        yield database
    except DRIVER_ERROR as error:
        stand = standing_of(database)
        if stand == "current":
            raise
        raise CannotRun(f"the database `{address.shown}` {_STANDINGS[stand][0]}", help=_STANDINGS[stand][1]) from error
    finally:
        database.close()


_STANDINGS = {
    "none": ("does not have the gateway's tables yet", "`gateway migrate` makes them"),
    "older": ("has the tables of an older version", "`gateway migrate` brings them to this one"),
    "foreign": (
        "has tables that are called like the gateway's, and that it did not make",
        "name another file as `database` in gateway.yaml",
    ),
}


def _exists(file: Path) -> bool:
    try:
        return file.exists()
    except OSError as error:
        raise CannotRun(f"the database `{file}` cannot be read: {(error.strerror or str(error)).lower()}") from error


def address_of(settings: Settings) -> DatabaseAddress:
    """Return where the database is."""
    from gateway.store.database import parse_address

    return parse_address(settings.database, settings.path.parent)
