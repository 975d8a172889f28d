"""`gateway events`: find events, read their story, run them again."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from gateway.admin.parameters import DEFAULT_LIMIT, MOST, read_event_cursor, read_status, read_time
from gateway.cli import Usage, capture
from gateway.cli.opening import (
    CannotRun,
    actor,
    config_option,
    json_option,
    now,
    open_project,
    open_settings,
    open_store,
)
from gateway.cli.output import print_json, print_line, print_table
from gateway.config.diagnostics import did_you_mean
from gateway.errors import Conflict, GatewayError, NotFound
from gateway.store.event_filter import LONGEST_TEXT, EventFilter

if TYPE_CHECKING:
    from gateway.admin.places import Places
    from gateway.settings import Settings
    from gateway.store.database import Database
    from gateway.store.events import Event, EventPage

F = TypeVar("F", bound=Callable[..., Any])

_BATCH = 500
"""Events that one transaction makes ready, so that a gateway at work never waits long."""


@click.group("events")
def command() -> None:
    """Find events, read their story, run them again."""


def _filters(command: F) -> F:
    for option in reversed(_FILTERS):
        command = option(command)
    return command


def _checked(read: Callable[[str, int], object]) -> Callable[[click.Context, click.Parameter, str | None], object]:
    def check(_context: click.Context, _parameter: click.Parameter, text: str | None) -> object:
        try:
            return None if text is None else read(text, now())
        except ValueError as error:
            raise click.BadParameter(str(error)) from error

    return check


def _read_text(text: str, _now: int) -> str:
    if len(text) > LONGEST_TEXT:
        raise ValueError(f"it has {len(text)} characters, more than {LONGEST_TEXT}")
    return text


_FILTERS = (
    click.option("--source", help="Events of this source."),
    click.option("--type", help="Events of this type, exactly or with *: 'invoice.*'."),
    click.option("--status", callback=_checked(read_status), help="ready, waiting, parked, done, ignored or dead."),
    click.option("--key", help="Events with this ordering key."),
    click.option(
        "--q", "--text", "q", callback=_checked(_read_text), help="Text in id, key, error, result or payload."
    ),
    click.option("--since", callback=_checked(read_time), help="Received then or later: a time, or how long ago: 7d."),
    click.option("--until", callback=_checked(read_time), help="Received before that: a time, or how long ago."),
)


@command.command("list", epilog="Example: gateway events list --source asaas --status dead --since 7d")
@_filters
@click.option("--limit", type=click.IntRange(1, MOST), default=DEFAULT_LIMIT, show_default=True, help="At the most.")
@click.option("--cursor", callback=_checked(read_event_cursor), help="Where to go on: `next` of the page before.")
@config_option
@json_option
def list_command(config: Path, limit: int, cursor: int | None, as_json: bool, **wanted: Any) -> None:
    """List events, the newest first."""
    from gateway.admin.event_json import page_json

    settings = open_settings(config)
    with open_store(settings) as database:
        page = _find(database, EventFilter(**wanted), limit, cursor)
    if not page.events and wanted["source"] is not None:
        _require_source(wanted["source"], settings)
    if as_json:
        print_json(page_json(page))
        return
    print_table(("ID", "RECEIVED", "SOURCE", "TYPE", "KEY", "STATUS", "RESULT"), list(map(_summary, page.events)))
    if page.next is not None:
        click.echo(f"older ones: --cursor {page.next}", err=True)


def _require_source(name: str, settings: Settings) -> None:
    """Refuse a name that is no source's; the events of one that was taken out can still be listed."""
    names = [source.name for source in settings.sources]
    if name not in names:
        near = did_you_mean(name, names)
        help = f"did you mean `{near}`?" if near else f"sources: {', '.join(f'`{one}`' for one in names)}"
        raise CannotRun(f"there is no source `{name}`, and no such event", help=help)


def _find(database: Database, wanted: EventFilter, limit: int, cursor: int | None) -> EventPage:
    """Return a page; a search goes on through the whole of the inbox until the page is full."""
    from gateway.store.events import EventPage, list_events

    events: list[Event] = []
    while True:
        page = list_events(database, wanted, limit=limit - len(events), cursor=cursor)
        events += page.events
        if page.next is None or len(events) == limit:
            return EventPage(events, page.next)
        cursor = page.next


def _summary(event: Event) -> tuple[object, ...]:
    from gateway.admin.event_json import moment

    received = moment(event.received_at).strftime("%Y-%m-%d %H:%M:%S")
    ended = event.result if event.error is None else event.error
    return (event.seq, received, event.source, event.type, event.key, event.status, ended)


_source_option = click.option("--source", help="The event's source, where several have an event of that id.")


@command.command("show", epilog="Example: gateway events show evt_1NG8Du2eZvKYlo2CUI79vXWy --json")
@click.argument("event")
@_source_option
@config_option
@json_option
def show_command(event: str, source: str | None, config: Path, as_json: bool) -> None:
    """Show all that is stored of EVENT, by the gateway's number or the provider's id."""
    from gateway.admin.event_json import details_json
    from gateway.cli.event_pages import show_lines
    from gateway.store.events import get_event

    with open_store(open_settings(config)) as database:
        details = get_event(database, event, source)
    if as_json:
        print_json(details_json(details))
        return
    for line in show_lines(details):
        print_line(line)


@command.command("why", epilog="Example: gateway events why 17")
@click.argument("event")
@_source_option
@config_option
@json_option
def why_command(event: str, source: str | None, config: Path, as_json: bool) -> None:
    """Tell the story of EVENT: what came, which rule took it and why, what it changed, what is next."""
    from gateway.admin.event_json import details_json
    from gateway.admin.story import tell
    from gateway.store.events import get_event

    with open_store(open_settings(config)) as database:
        details = get_event(database, event, source)
    story = tell(details, _places(config), now=now())
    if as_json:
        print_json({**details_json(details), "story": story})
        return
    for line in story:
        click.echo(line)


def _places(config: Path) -> Places:
    """Return where rules stand; a story can also be told while the rules are broken."""
    from gateway.admin.places import Places

    try:
        return Places(open_project(config).files.values())
    except CannotRun:
        return Places()


@command.command("retry", epilog="Example: gateway events retry --status dead --source asaas --since 1d")
@click.argument("events", nargs=-1)
@_filters
@click.option("--done", is_flag=True, help="Also run an event again that is done: what it does is done twice.")
@click.option("--dry-run", is_flag=True, help="Only say how many events the filters fit.")
@config_option
@json_option
def retry_command(
    events: tuple[str, ...], done: bool, dry_run: bool, config: Path, as_json: bool, **wanted: Any
) -> None:
    """Make EVENTS run again, from the top and under today's rules.

    Without EVENTS, the dead ones that the filters fit, or those of another --status.
    """
    chosen = {name for name, value in wanted.items() if value is not None}
    if events and (chosen - {"source"} or dry_run):
        raise Usage("events are named one by one or chosen by filters, not both")
    if not events and (done or not chosen):
        raise Usage("which events? name them, or choose them by filters such as `--status dead`")
    with open_store(open_settings(config), write=True) as database:
        if events:
            _retry_named(database, events, wanted["source"], done=done, as_json=as_json)
        else:
            _retry_chosen(database, _retriable(wanted), dry_run=dry_run, as_json=as_json)


def _retry_named(database: Database, names: tuple[str, ...], source: str | None, *, done: bool, as_json: bool) -> None:
    from gateway.admin.event_json import event_json
    from gateway.store.events import get_event, retry_event

    ready: list[Event] = []
    refused: list[GatewayError] = []
    for name in names:
        try:
            seq = retry_event(database, name, actor=actor(), now=now(), source=source, done=done)
            ready.append(get_event(database, str(seq)).event)
        except (NotFound, Conflict) as error:
            refused.append(error)
    if as_json:
        print_json({"events": [event_json(event) for event in ready]})
    else:
        for event in ready:
            print_line(f"event {event.seq} ({event.event_id}) is ready to run again")
    for one in refused[1:]:
        click.echo(f"gateway: error: {one.message}", err=True)
    if refused:
        raise refused[0]


def _retriable(wanted: dict[str, Any]) -> EventFilter:
    from gateway.store.events import RETRIABLE

    status = wanted.pop("status") or "dead"
    if status not in RETRIABLE:
        raise Usage(f"events that are {status} are not run again by filters", f"statuses: {', '.join(RETRIABLE)}")
    return EventFilter(status=status, **wanted)


def _retry_chosen(database: Database, wanted: EventFilter, *, dry_run: bool, as_json: bool) -> None:
    from gateway.store.events import retry_events

    if dry_run:
        count = len(_find_all(database, wanted))
    else:
        count, after, at = 0, 0, now()
        while True:
            done = retry_events(database, wanted, actor=actor(), now=at, limit=_BATCH, after=after)
            count += done.count
            if done.last is None:
                break
            after = done.last
    if as_json:
        print_json({"retried": 0 if dry_run else count, "fit": count})
    else:
        noun = "event" if count == 1 else "events"
        print_line(f"{count} {noun} {'would be' if dry_run else 'made'} ready to run again")


def _find_all(database: Database, wanted: EventFilter) -> list[Event]:
    from gateway.store.events import list_events

    found: list[Event] = []
    cursor: int | None = None
    while True:
        page = list_events(database, wanted, limit=_BATCH, cursor=cursor)
        found += page.events
        if page.next is None:
            return found
        cursor = page.next


command.add_command(capture.command)
