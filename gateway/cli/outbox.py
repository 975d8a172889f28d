"""`gateway outbox`: messages and awaited calls, and those that failed sent again."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from gateway.admin.parameters import DEFAULT_LIMIT, MOST
from gateway.cli import Usage
from gateway.cli.opening import actor, config_option, json_option, now, open_settings, open_store
from gateway.cli.output import print_json, print_line, print_table
from gateway.errors import Conflict, GatewayError, NotFound
from gateway.store.outbox_pages import STATUSES, OutboxFilter

if TYPE_CHECKING:
    from gateway.store.database import Database
    from gateway.store.outbox_pages import OutboxItem

_ACTIONS = ("stripe", "send", "notify", "cache", "publish")
_BATCH = 500

_status_option = click.option("--status", type=click.Choice(STATUSES), help="Only those that are this.")
_action_option = click.option("--action", type=click.Choice(_ACTIONS), help="Only those of this action.")
_target_option = click.option("--target", help="Only those to this destination or channel.")
_event_option = click.option("--event", type=int, help="Only those of the event with this number.")


@click.group("outbox")
def command() -> None:
    """Look at messages and awaited calls, and send again what failed."""


@command.command("list", epilog="Example: gateway outbox list --status dead")
@_status_option
@_action_option
@_target_option
@_event_option
@click.option("--limit", type=click.IntRange(1, MOST), default=DEFAULT_LIMIT, show_default=True, help="At the most.")
@click.option("--cursor", type=int, help="Where to go on: `next` of the page before.")
@config_option
@json_option
def list_command(config: Path, limit: int, cursor: int | None, as_json: bool, **wanted: Any) -> None:
    """List messages and calls, the newest first."""
    from gateway.admin.event_json import outbox_page_json
    from gateway.store.outbox_pages import list_outbox

    with open_store(open_settings(config)) as database:
        page = list_outbox(database, OutboxFilter(**wanted), limit=limit, cursor=cursor)
    if as_json:
        print_json(outbox_page_json(page))
        return
    head = ("ID", "CREATED", "EVENT", "KIND", "ACTION", "TARGET", "STATUS", "TRIES", "ERROR")
    print_table(head, list(map(_summary, page.items)))
    if page.next is not None:
        click.echo(f"older ones: --cursor {page.next}", err=True)


def _summary(item: OutboxItem) -> tuple[object, ...]:
    from gateway.admin.event_json import moment

    created = moment(item.created_at).strftime("%Y-%m-%d %H:%M:%S")
    return (
        item.seq, created, item.event, item.kind, item.action, item.target, item.status, item.attempts, item.error,
    )  # fmt: skip


@command.command("show", epilog="Example: gateway outbox show 17 --json")
@click.argument("item")
@config_option
@json_option
def show_command(item: str, config: Path, as_json: bool) -> None:
    """Show ITEM, by the gateway's number or its message id: what was sent, and what came back."""
    from gateway.admin.event_json import outbox_json
    from gateway.expressions import to_json
    from gateway.store.outbox_pages import get_outbox

    with open_store(open_settings(config)) as database:
        found = get_outbox(database, item)
    shown = outbox_json(found)
    if as_json:
        print_json(shown)
        return
    for name, value in shown.items():
        if value is not None:
            print_line(f"{name:<16}{value if isinstance(value, str) else to_json(value)}")


@command.command("retry", epilog="Example: gateway outbox retry --dead --target app")
@click.argument("items", nargs=-1)
@click.option("--dead", is_flag=True, help="All that are dead, and that the filters fit.")
@_action_option
@_target_option
@_event_option
@config_option
@json_option
def retry_command(items: tuple[str, ...], dead: bool, config: Path, as_json: bool, **wanted: Any) -> None:
    """Try ITEMS again, by the gateway's numbers or their message ids; or all that are dead.

    A call that was refused is not made again as it was: its event runs again, and asks what the rules say now.
    """
    if bool(items) is dead:
        raise Usage("which ones? name them, or say `--dead`" if not dead else "name them or say `--dead`, not both")
    if items and any(value is not None for value in wanted.values()):
        raise Usage("filters go with `--dead`")
    with open_store(open_settings(config), write=True) as database:
        _retry(database, items or _dead(database, OutboxFilter(status="dead", useful=True, **wanted)), as_json=as_json)


def _dead(database: Database, wanted: OutboxFilter) -> Iterator[str]:
    from gateway.store.outbox_pages import list_outbox

    cursor: int | None = None
    while True:
        page = list_outbox(database, wanted, limit=_BATCH, cursor=cursor)
        yield from (str(item.seq) for item in page.items)
        cursor = page.next
        if cursor is None:
            return


def _retry(database: Database, names: Any, *, as_json: bool) -> None:
    from gateway.admin.event_json import outbox_json
    from gateway.store.outbox_pages import retry_outbox

    retried: list[OutboxItem] = []
    refused: list[GatewayError] = []
    for name in names:
        try:
            retried.append(retry_outbox(database, name, actor=actor(), now=now()))
        except (NotFound, Conflict) as error:
            refused.append(error)
    if as_json:
        print_json({"outbox": [outbox_json(item) for item in retried]})
    elif retried or not refused:
        noun = "message or call is" if len(retried) == 1 else "messages and calls are"
        print_line(f"{len(retried)} {noun} tried again")
    for one in refused[1:]:
        click.echo(f"gateway: error: {one.message}", err=True)
    if refused:
        raise refused[0]
