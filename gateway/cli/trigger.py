"""`gateway trigger`: send a signed sample event to a running gateway, and print what became of it."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from gateway.cli.assignments import read_assignment
from gateway.cli.opening import CannotRun, config_option, json_option, open_complete_settings
from gateway.cli.output import print_json, print_line
from gateway.errors import Conflict, NotFound

if TYPE_CHECKING:
    from gateway.admin.triggering import Sample
    from gateway.cli.client import Client, Reply
    from gateway.settings import Settings, SourceSettings

_PATIENCE = 30.0
"""Seconds in which the event should have left `ready`."""
_PAUSE = 0.1


@click.command("trigger", epilog="Example: gateway trigger asaas PAYMENT_CONFIRMED --set payment.value=19.90")
@click.argument("source")
@click.argument("type")
@click.option(
    "--set", "changes", multiple=True, metavar="PATH=VALUE", help="Change the payload: data.object.amount=1999."
)
@click.option("--file", type=click.Path(path_type=Path, dir_okay=False), help="Send this payload, as it stands.")
@click.option("--url", help="Where the gateway listens, where that is not as gateway.yaml says: http://host:port.")
@config_option
@json_option
def command(
    source: str, type: str, changes: tuple[str, ...], file: Path | None, url: str | None, config: Path, as_json: bool
) -> None:
    """Send a signed sample event of TYPE to SOURCE of a running gateway.

    It goes the whole way: signed with the source's own secret, over HTTP, into the inbox and through the rules. What
    became of it is printed.
    Exits 1 when it was refused or ended as a dead letter.
    """
    from gateway.cli.client import Client

    settings = open_complete_settings(config)
    sample = _sample(settings, source, type, file, changes)
    token = settings.admin_token
    client = Client(url or _address(settings), None if token is None else token.reveal())
    reply = client.post(sample.path, sample.body, sample.headers)
    event = _wait(client, sample, reply) if reply.status < 300 else None
    if as_json:
        print_json({"answer": {"status": reply.status, "body": reply.text}, "event": event})
    else:
        _print(source, reply.status, reply.text, event)
    sys.exit(1 if reply.status >= 300 or (event is not None and event["status"] == "dead") else 0)


def _sample(settings: Settings, name: str, type: str, file: Path | None, changes: tuple[str, ...]) -> Sample:
    from gateway.admin.triggering import require_source, sign_sample

    now = time.time()
    try:
        source = require_source(settings, name)
        return sign_sample(source, type, _body(source, type, file, changes, now), now=now)
    except (NotFound, Conflict) as error:
        raise CannotRun(error.message) from error


def _body(source: SourceSettings, type: str, file: Path | None, changes: tuple[str, ...], now: float) -> bytes:
    from gateway.admin.triggering import change, sample_payload
    from gateway.expressions import to_json

    edits = [read_assignment(text, "PATH=VALUE", "--set data.object.amount=1999") for text in changes]
    if file is not None and not edits:
        return _read(file)
    payload = sample_payload(source, type, now=now) if file is None else _parse(file)
    change(payload, edits)
    return to_json(payload).encode(errors="backslashreplace")


def _read(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError as error:
        raise CannotRun(f"`{file}` cannot be read: {(error.strerror or str(error)).lower()}") from error


def _parse(file: Path) -> object:
    from gateway.engine.payload import PayloadRefused, read_payload

    try:
        return read_payload(_read(file))
    except PayloadRefused as error:
        raise CannotRun(f"`{file}` cannot be changed by --set: {error}") from error


def _address(settings: Settings) -> str:
    from gateway.admin.triggering import base_url

    return base_url(settings.server.host, settings.server.port)


def _wait(client: Client, sample: Sample, reply: Reply) -> dict[str, Any] | None:
    """Return the event once it has left `ready`, or as it stands when patience ends; None where it is not found."""
    from gateway.admin.triggering import answered_number

    name, deadline = answered_number(reply.body) or sample.event_id, time.monotonic() + _PATIENCE
    while True:
        event = _find(client, sample, name)
        if event is None or event["status"] != "ready" or time.monotonic() > deadline:
            return event
        time.sleep(_PAUSE)


def _find(client: Client, sample: Sample, name: str | None) -> dict[str, Any] | None:
    if name is not None:
        return client.event(name, sample.source)
    return client.event_of_request(sample.request_id, sample.source)


def _print(source: str, status: int, text: str, event: dict[str, Any] | None) -> None:
    print_line(f"{source} answered {status}: {text}")
    if event is None:
        if status < 300:
            print_line("its event was stored before: this delivery is a duplicate")
        return
    ended = event["result"] if event["error"] is None else event["error"]
    print_line(f"event {event['id']}, {event['event_id']}: {event['status']}" + (f", {ended}" if ended else ""))
    print_line(f"its story: gateway events why {event['id']}")
