"""`gateway events capture`: an event that was received, as a test of the rules."""

from __future__ import annotations

from pathlib import Path

import click

from gateway.cli.opening import CannotRun, config_option, json_option, open_settings, open_store
from gateway.cli.output import print_json


@click.command("capture", epilog="Example: gateway events capture 17 --out rules/tests/overdue.test.yaml")
@click.argument("event")
@click.option("--source", help="The event's source, where several have an event of that id.")
@click.option("--out", type=click.Path(path_type=Path, dir_okay=False), help="Write a new file instead of printing.")
@config_option
@json_option
def command(event: str, source: str | None, out: Path | None, config: Path, as_json: bool) -> None:
    """Write EVENT as a case of a tests file, to be completed with the rows that it needs.

    People and secrets are taken out of the payload: names, addresses, e-mail addresses, card numbers, tokens. Look
    through it before you share it: what stands in a text of its own kind cannot be told from any other text.
    """
    from gateway.store.events import get_event
    from gateway.testing.capturing import NotCapturable, capture

    with open_store(open_settings(config)) as database:
        details = get_event(database, event, source)
        try:
            text = capture(database, details)
        except NotCapturable as error:
            raise CannotRun(error.message) from error
    if out is not None:
        _write(out, text)
    if as_json:
        print_json({"event": str(details.event.seq), "case": text, "file": None if out is None else str(out)})
    else:
        click.echo(text if out is None else f"{out}: a case of event {details.event.seq}", nl=out is not None)


def _write(path: Path, text: str) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("x", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError as error:
        raise CannotRun(
            f"`{path}` is there already", help="name a new file; cases can be put together by hand"
        ) from error
    except OSError as error:
        raise CannotRun(f"`{path}` cannot be written: {(error.strerror or str(error)).lower()}") from error
