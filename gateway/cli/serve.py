"""`gateway serve`: receive and process until told to stop."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import Coroutine
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from gateway.errors import ConfigurationError, GatewayError, MigrationRefused

if TYPE_CHECKING:
    from gateway.app import Gateway
    from gateway.project import Project
    from gateway.telemetry import LogWriter

EXAMPLE = "Example: gateway serve --config gateway.yaml"


@click.command("serve", epilog=EXAMPLE)
@click.option("--config", "config", default="gateway.yaml", show_default=True, help="The configuration.")
@click.option(
    "--role",
    type=click.Choice(["all", "receive", "process", "send"]),
    default="all",
    show_default=True,
    help="What this process does: take deliveries, run events, send messages and make calls, or all of it.",
)
@click.option(
    "--processes",
    type=click.IntRange(1, 256),
    default=1,
    show_default=True,
    help="So many processes share the port. With more than one the database is PostgreSQL.",
)
@click.option(
    "--metrics-port",
    type=click.IntRange(1, 65535),
    help="A port of this process alone, for /metrics and health; with --processes the first of as many.",
)
@click.option("--one-of-many", is_flag=True, hidden=True)
@click.option("--as-engine", is_flag=True, hidden=True)
def command(
    config: str, role: str, processes: int, metrics_port: int | None, *, one_of_many: bool, as_engine: bool
) -> None:
    """Receive and process events; rules are read again when they change or on SIGHUP."""
    from gateway.building import require_project
    from gateway.telemetry import configure_logging

    try:
        project = require_project(Path(config))
        _require_many(project, processes)
    except GatewayError as error:
        click.echo(error.message, err=True)
        sys.exit(2)
    writer = configure_logging(level=project.settings.log.level, format=project.settings.log.format)
    try:
        if processes > 1:
            _run_many(project, config, role, processes, metrics_port)
        elif as_engine:
            _run_engine(project, writer)
        else:
            _run(project, writer, role, metrics_port, one_of_many=one_of_many)
    except MigrationRefused as error:
        click.echo(f"gateway: error: {error.message}", err=True)
        for statement in error.sql:
            click.echo(f"  {statement}", err=True)
        sys.exit(2)
    except (GatewayError, OSError) as error:
        click.echo(f"gateway: error: {error}", err=True)
        sys.exit(2)
    finally:
        writer.close()


def _require_many(project: Project, processes: int) -> None:
    """Refuse several processes where one alone can write. Raises ConfigurationError."""
    from gateway.store.database import parse_address

    address = parse_address(project.settings.database, project.settings.path.parent)
    if processes > 1 and address.dialect == "sqlite":
        raise ConfigurationError(
            "`--processes` needs a database that many can write at once: set `database` to a `postgresql://…` address"
        )
    if processes > 1 and not project.settings.server.port:
        raise ConfigurationError("`--processes` needs a port to share: `server.port` is 0, which is any")


def _run_engine(project: Project, writer: LogWriter) -> None:
    """Run events for the process that started this one, which ends it by closing its standard input."""
    from gateway.processing import process_events

    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    process_events(project, writer)


def _run_many(project: Project, config: str, role: str, count: int, metrics_port: int | None) -> None:
    from gateway.cli.processes import Processes, command_of

    ports = [None if metrics_port is None else metrics_port + number for number in range(count)]
    drain = project.settings.server.drain.total_seconds()
    processes = Processes([command_of(config, role, port) for port in ports], drain_seconds=drain)
    _run_loop(processes.run())
    sys.exit(processes.code)


def _run(project: Project, writer: LogWriter, role: str, metrics_port: int | None, *, one_of_many: bool) -> None:
    from gateway.app import Gateway

    gateway = Gateway(project, writer, role=role, shares_port=one_of_many, own_port=metrics_port)
    _run_loop(_serve(gateway, one_of_many=one_of_many))


def _run_loop(main: Coroutine[Any, Any, None]) -> None:
    try:
        import uvloop
    except ImportError:
        asyncio.run(main)
    else:
        uvloop.run(main)


async def _serve(gateway: Gateway, *, one_of_many: bool) -> None:
    stop, again = asyncio.Event(), asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    loop.add_signal_handler(signal.SIGHUP, again.set)
    if one_of_many:
        loop.add_reader(sys.stdin, _stop_at_the_end, stop)
    port = await gateway.start()
    if port and not one_of_many:
        _welcome(gateway.project, port)
    watching = loop.create_task(_reload_on_signal(gateway, again)), loop.create_task(_reload_on_change(gateway))
    await stop.wait()
    for task in watching:
        task.cancel()
    await gateway.drain()


def _stop_at_the_end(stop: asyncio.Event) -> None:
    """Stop when the process that started this one is gone: nothing is ever written to the pipe."""
    if not os.read(sys.stdin.fileno(), 1):
        asyncio.get_running_loop().remove_reader(sys.stdin)
        stop.set()


async def _reload_on_signal(gateway: Gateway, again: asyncio.Event) -> None:
    while True:
        await again.wait()
        again.clear()
        await gateway.reload()


async def _reload_on_change(gateway: Gateway) -> None:
    from watchfiles import awatch

    while True:
        folders = _folders(gateway.project)
        # The watcher goes on while the configuration is read, so that a change made meanwhile is seen too.
        polling = _database_is_in(folders, gateway.project)
        async for changes in awatch(*folders, recursive=False, debounce=200, force_polling=polling):
            if _concerns(gateway.project, {name for _, name in changes}):
                await gateway.reload()
                if _folders(gateway.project) != folders:
                    break


def _files(project: Project) -> set[Path]:
    configuration = project.settings.path.resolve()
    return {configuration, configuration.parent / ".env", *(path.resolve() for path in project.files)}


def _folders(project: Project) -> list[Path]:
    return sorted({path.parent for path in _files(project) if path.parent.exists()})


def _database_is_in(folders: list[Path], project: Project) -> bool:
    """Say whether a folder to watch holds the database, whose every write would wake a watcher that does not poll."""
    from gateway.store.database import parse_address

    address = parse_address(project.settings.database, project.settings.path.parent)
    return address.file is not None and address.file.resolve().parent in folders


def _concerns(project: Project, names: set[str]) -> bool:
    return not _files(project).isdisjoint(Path(name).resolve() for name in names)


def _welcome(project: Project, port: int) -> None:
    """Tell a person where to send a first event."""
    host = project.settings.server.host
    click.echo(f"\nThe gateway listens on http://{host}:{port}\n")
    for source in project.settings.sources:
        click.echo(f"  {source.name:<16} POST {source.path}")
    click.echo("\nSend a first event from another terminal:\n")
    for source in project.settings.sources[:1]:
        kind = next(
            (on for file in project.rules_of(source) for rule in file.rules for on in rule.on if "*" not in on), "TYPE"
        )
        click.echo(f"  .venv/bin/gateway trigger {source.name} {kind}\n")
