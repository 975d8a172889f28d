"""`gateway serve`: receive and process until told to stop."""

from __future__ import annotations

import asyncio
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from gateway.errors import GatewayError, MigrationRefused

if TYPE_CHECKING:
    from gateway.app import Gateway
    from gateway.project import Project
    from gateway.telemetry import LogWriter

EXAMPLE = "Example: gateway serve --config gateway.yaml"


@click.command("serve", epilog=EXAMPLE)
@click.option("--config", "config", default="gateway.yaml", show_default=True, help="The configuration.")
@click.option("--role", type=click.Choice(["all", "process"]), default="all", hidden=True)
def command(config: str, role: str) -> None:
    """Receive and process events; rules are read again when they change or on SIGHUP."""
    from gateway.app import require_project
    from gateway.telemetry import configure_logging

    try:
        project = require_project(Path(config))
    except GatewayError as error:
        click.echo(error.message, err=True)
        sys.exit(2)
    writer = configure_logging(level=project.settings.log.level, format=project.settings.log.format)
    try:
        _start(project, writer, role)
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


def _start(project: Project, writer: LogWriter, role: str) -> None:
    from gateway.app import Gateway, process_events

    if role == "process":
        # The process that receives ends this one by closing its standard input, after its own last delivery.
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(number, signal.SIG_IGN)
        process_events(project, writer)
    else:
        _run(Gateway(project, writer))


def _run(gateway: Gateway) -> None:
    try:
        import uvloop
    except ImportError:
        asyncio.run(_serve(gateway))
    else:
        uvloop.run(_serve(gateway))


async def _serve(gateway: Gateway) -> None:
    stop, again = asyncio.Event(), asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    loop.add_signal_handler(signal.SIGHUP, again.set)
    port = await gateway.start()
    _welcome(gateway.project, port)
    watching = loop.create_task(_reload_on_signal(gateway, again)), loop.create_task(_reload_on_change(gateway))
    await stop.wait()
    for task in watching:
        task.cancel()
    await gateway.drain()


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
