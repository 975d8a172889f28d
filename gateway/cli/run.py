"""`gateway run`: a procedure by hand, as an event of its own, and what became of it."""

from __future__ import annotations

import sys
import time
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from gateway.cli import Usage
from gateway.cli.assignments import read_assignment
from gateway.cli.client import Client, NobodyAnswers, client_of
from gateway.cli.opening import CannotRun, actor, config_option, json_option, now, open_project, open_store
from gateway.cli.output import print_json, print_line
from gateway.cli.waiting import is_settled, wait_option
from gateway.errors import Conflict, NotFound

if TYPE_CHECKING:
    from gateway.project import Project
    from gateway.settings import SourceSettings

_PAUSE = 0.1


@click.command("run", epilog="Example: gateway run charge_organization --with organization=org_01 --with amount=50")
@click.argument("procedure")
@click.option("--source", help="Whose procedure, where several sources have one of the name.")
@click.option(
    "--with", "given", multiple=True, metavar="NAME=VALUE", help="A name that it needs; JSON is read as such."
)
@click.option("--key", help="An ordering key: events with the same one run in order.")
@click.option("--url", help="Where the gateway listens, where that is not as gateway.yaml says: http://host:port.")
@wait_option("10s")
@config_option
@json_option
def command(
    procedure: str,
    source: str | None,
    given: tuple[str, ...],
    key: str | None,
    url: str | None,
    wait: timedelta,
    config: Path,
    as_json: bool,
) -> None:
    """Run a PROCEDURE of the rules by hand, as an event of its own.

    Its type is run.PROCEDURE; it is recorded, traced and retried like any other. A running gateway is asked
    to do it; without one the event is stored, and runs when the gateway does.
    Exits 0 when it is done (or stored), 1 when it failed or takes longer, 2 when it could not be run.
    """
    project, names = open_project(config), _names(given)
    found = _procedure(project, procedure, source, names)
    client = client_of(project.settings, url)
    try:
        event = client.run(procedure, {"source": found.name, "with": names, "key": key, "by": actor()})
    except NobodyAnswers:
        _store(project, found, procedure, names, key, client.url, as_json=as_json)
        return
    event = _follow(client, event, wait)
    _print(event, as_json=as_json)
    sys.exit(0 if event["status"] == "done" else 1)


def _names(given: tuple[str, ...]) -> dict[str, object]:
    names: dict[str, object] = {}
    for text in given:
        name, value = read_assignment(text, "NAME=VALUE", "--with amount=19.90")
        if name in names:
            raise Usage(f"`{name}` is given twice")
        names[name] = value
    return names


def _procedure(project: Project, name: str, source: str | None, names: dict[str, object]) -> SourceSettings:
    """Return the source that runs the procedure, which is given all that it needs. Raises CannotRun, RunInvalid."""
    from gateway.engine.runs import find_procedure, needed_names, require_names

    try:
        found, file = find_procedure(project, name, source)
    except Conflict as error:
        raise CannotRun(error.message, help="name one with --source") from error
    except NotFound as error:
        raise CannotRun(error.message) from error
    require_names(name, needed_names(project, file, name), names)
    return found


def _store(
    project: Project,
    source: SourceSettings,
    procedure: str,
    names: dict[str, object],
    key: str | None,
    url: str,
    *,
    as_json: bool,
) -> None:
    from gateway.admin.event_json import event_json
    from gateway.engine.runs import run_delivery
    from gateway.store.events import get_event
    from gateway.store.inbox import append_deliveries

    delivery = run_delivery(source.name, procedure, names, key=key, actor=actor(), now=now())
    with open_store(project.settings, write=True) as database:
        [receipt] = append_deliveries(database, [delivery])
        event = get_event(database, str(receipt.id)).event
    if as_json:
        print_json({"event": event_json(event)})
    else:
        print_line(f"event {event.seq}, {event.type}: stored; nothing answers at {url}, it runs when the gateway does")


def _follow(client: Client, event: dict[str, Any], wait: timedelta) -> dict[str, Any]:
    """Return the event once it is settled, or as it stands when patience ends."""
    deadline = time.monotonic() + wait.total_seconds()
    while not is_settled(event["status"], event["next_attempt_at"]) and time.monotonic() < deadline:
        time.sleep(_PAUSE)
        event = client.event(event["id"], event["source"]) or event
    return event


def _print(event: dict[str, Any], *, as_json: bool) -> None:
    if as_json:
        print_json({"event": event})
        return
    ended = event["result"] if event["error"] is None else event["error"]
    print_line(f"event {event['id']}, {event['type']}: {event['status']}" + (f", {ended}" if ended else ""))
    print_line(f"its story: gateway events why {event['id']}")
