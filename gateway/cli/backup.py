"""`gateway backup`: a copy of the database, while the gateway runs."""

from __future__ import annotations

import shlex
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, urlencode, urlsplit

import click

from gateway.cli.opening import CannotRun, address_of, config_option, json_option, open_settings
from gateway.cli.output import print_json, print_line

if TYPE_CHECKING:
    from gateway.store.copying import Progress

_MEGABYTE = 2**20
_SECRET = frozenset({"password", "sslpassword"})


@click.command("backup", epilog="Example: gateway backup backups/gateway.db")
@click.argument("target", metavar="FILE", type=click.Path(path_type=Path))
@click.option("--force", is_flag=True, help="Replace FILE when it is there already.")
@config_option
@json_option
def command(target: Path, force: bool, config: Path, as_json: bool) -> None:
    """Copy the database to FILE while the gateway runs: as it stands at one moment, checked, and on disk.

    Of a PostgreSQL database nothing is copied: the command that does it is printed, and the exit code is 2.
    """
    from gateway.store.copying import copy_database

    address = address_of(open_settings(config))
    if address.dialect != "sqlite":
        _tell_server_command(address.url, target, as_json)
    file = _source(address.file)
    _require_free(target, file, force=force)
    began = time.monotonic()
    with _progress(shown=not as_json and sys.stderr.isatty()) as progress:
        copied = copy_database(file, target, progress)
    seconds = round(time.monotonic() - began, 3)
    if as_json:
        print_json(
            {"written": True, "file": str(target), "bytes": copied.bytes, "events": copied.events, "seconds": seconds}
        )
        return
    size = f"{copied.bytes / _MEGABYTE:.1f} MiB"
    print_line(f"{target}: {size}, {copied.events} events, checked, in {seconds:.1f} s")


def _source(file: Path | None) -> Path:
    if file is None:
        raise CannotRun("a database in memory has nothing to back up")
    if not file.is_file():
        raise CannotRun(f"there is no database at `{file}` yet", help="`gateway serve` and `gateway migrate` make it")
    return file


def _require_free(target: Path, file: Path, *, force: bool) -> None:
    """Raise CannotRun for a place where the copy must not go."""
    if not target.parent.is_dir():
        raise CannotRun(f"there is no folder `{target.parent}`", help="make it first")
    if target.is_dir():
        raise CannotRun(f"`{target}` is a folder", help="name a file in it")
    if target.exists() and target.samefile(file):
        raise CannotRun(f"`{target}` is the database itself", help="name another file")
    if Path(f"{target}-wal").exists():
        raise CannotRun(
            f"`{target}` is a database in use: `{target.name}-wal` stands beside it", help="name another file"
        )
    if target.exists() and not force:
        raise CannotRun(f"`{target}` is there already", help="`--force` replaces it")


@contextmanager
def _progress(*, shown: bool) -> Iterator[Progress]:
    """Yield what is told how far the copy is; on a terminal it shows a bar."""
    if not shown:
        yield lambda done, pages: None
        return
    from rich.console import Console
    from rich.progress import Progress as Bar

    with Bar(console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("copying", total=None)
        yield lambda done, pages: bar.update(task, completed=done, total=pages)


def _tell_server_command(url: str, target: Path, as_json: bool) -> None:
    """Print what copies a PostgreSQL database. Raises CannotRun always: nothing was written."""
    line = ["pg_dump", "--format=custom", f"--file={target}", f"--dbname={without_password(url)}"]
    if as_json:
        print_json({"written": False, "command": line})
    else:
        print_line(shlex.join(line))
    raise CannotRun(
        "nothing was written: a PostgreSQL database is copied by its own command, which is printed above",
        help="the password comes from PGPASSWORD or from ~/.pgpass",
    )


def without_password(url: str) -> str:
    """Return a PostgreSQL address without its password, which would be seen in the list of processes."""
    parts = urlsplit(url)
    user, at, host = parts.netloc.rpartition("@")
    query = urlencode([(name, value) for name, value in parse_qsl(parts.query) if name not in _SECRET])
    return f"{parts.scheme}://{user.partition(':')[0]}{at}{host}{parts.path}{'?' if query else ''}{query}"
