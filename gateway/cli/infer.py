"""`gateway schema infer`: JSON Schemas of payloads, drafted from stored events."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from gateway.cli.opening import CannotRun, config_option, json_option, open_settings, open_store
from gateway.cli.output import print_json

if TYPE_CHECKING:
    from gateway.settings import Settings
    from gateway.store.database import Database

EXAMPLE = "Example: gateway schema infer partner --out schemas/payloads"


@click.command("infer", epilog=EXAMPLE)
@click.argument("source")
@click.option("--type", "event_type", help="Only events of this type.")
@click.option(
    "--limit",
    type=click.IntRange(min=1),
    default=1000,
    show_default=True,
    help="How many events of a type, newest first.",
)
@click.option("--out", type=click.Path(path_type=Path, file_okay=False), help="Write DIRECTORY/SOURCE/TYPE.json.")
@config_option
@json_option
def command(source: str, event_type: str | None, limit: int, out: Path | None, config: Path, as_json: bool) -> None:
    """Draft the JSON Schemas of SOURCE's payloads from stored events, one for each type.

    They hold which kinds of values stand where, no value of any event. Names of properties are taken over: look through
    a draft before you share it. In schemas/payloads beside gateway.yaml `gateway validate` uses them.
    """
    settings = open_settings(config)
    _require_source(settings, source)
    with open_store(settings) as database:
        schemas = dict(_drafted(database, source, event_type, limit))
    if not schemas:
        asked = f" of type `{event_type}`" if event_type else ""
        raise CannotRun(f"no readable event{asked} of `{source}` is stored")
    files = [] if out is None else _write(out / source, schemas)
    if as_json:
        print_json({"source": source, "schemas": schemas, "files": [str(path) for path in files]})
    elif out is not None:
        click.echo("\n".join(map(str, files)))
    else:
        click.echo(_text(schemas[event_type] if event_type else schemas), nl=False)


def _require_source(settings: Settings, name: str) -> None:
    from gateway.config.diagnostics import did_you_mean

    if settings.source(name) is None:
        known = [source.name for source in settings.sources]
        near = did_you_mean(name, known)
        help = f"did you mean `{near}`?" if near else f"sources: {', '.join(known)}"
        raise CannotRun(f"there is no source `{name}`", help=help)


def _drafted(
    database: Database, source: str, event_type: str | None, limit: int
) -> Iterator[tuple[str, dict[str, Any]]]:
    from gateway.engine.payload import PayloadRefused, read_payload
    from gateway.store.payloads import newest_bodies, received_types
    from gateway.testing.drafting import Draft, as_file

    for name in [event_type] if event_type else received_types(database, source):
        draft, events = Draft(), 0
        for body in newest_bodies(database, source, name, limit):
            try:
                draft.add(read_payload(body))
            except PayloadRefused:
                continue
            events += 1
        if events:
            yield name, as_file(draft, source=source, event_type=name, events=events)


def _write(folder: Path, schemas: Mapping[str, Any]) -> list[Path]:
    """Write new files; none when one of them is there already. Types that cannot name a file are left out."""
    files = {folder / f"{name}.json": schema for name, schema in schemas.items() if _names_a_file(name)}
    for path in files:
        if path.exists():
            raise CannotRun(
                f"`{path}` is there already", help="remove it, or name another directory; nothing was written"
            )
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for path, schema in files.items():
            path.write_text(_text(schema), encoding="utf-8")
    except OSError as error:
        raise CannotRun(f"`{folder}` cannot be written: {(error.strerror or str(error)).lower()}") from error
    return list(files)


def _names_a_file(event_type: str) -> bool:
    fits = "/" not in event_type and "\0" not in event_type and not event_type.startswith(".") and len(event_type) < 200
    if not fits:
        click.echo(f"left out: `{event_type}` cannot be the name of a file", err=True)
    return fits


def _text(schema: Any) -> str:
    return json.dumps(schema, indent=2, ensure_ascii=False) + "\n"
