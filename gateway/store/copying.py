"""A copy of a SQLite database that is in use: as it stood at one moment, whole, and looked through.

The copy is made by SQLite's online backup within one reading transaction, so that nobody who writes waits for it or
makes it begin again (https://www.sqlite.org/backup.html). `VACUUM INTO` takes longer, and keeps a core so busy that
acknowledgements come later.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from gateway.errors import StorageUnavailable
from gateway.store.database import storage_errors

PAGES = 4096
"""Pages copied in one step: 16 MiB where a page is of the usual size."""

Progress = Callable[[int, int], None]
"""Is told how many pages are copied, and how many there are."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Copied:
    """A copy that was made."""

    bytes: int
    events: int


def copy_database(file: Path, target: Path, progress: Progress) -> Copied:
    """Copy a database to a place beside which nothing is ever seen half done: it is renamed there when it is on disk.

    What stands at the target is replaced. Raises StorageUnavailable when the database cannot be read, the copy cannot
    be written, or it is damaged; then the target is as it was.
    """
    partial = target.with_name(f".{target.name}.{os.getpid()}.partial")
    try:
        with storage_errors(), _written(partial):
            _copy(file, partial, progress)
            events = _look_through(partial)
            size = _keep(partial, file, target)
    except OSError as error:
        raise StorageUnavailable(f"the copy cannot be written: {error.strerror or error}") from error
    return Copied(bytes=size, events=events)


@contextmanager
def _written(partial: Path) -> Iterator[None]:
    """Leave nothing half done behind."""
    # The copy holds what was received: nobody else may read it while it is being made.
    os.close(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
    try:
        yield
    finally:
        partial.unlink(missing_ok=True)


def _copy(file: Path, partial: Path, progress: Progress) -> None:
    source = sqlite3.connect(f"{file.resolve().as_uri()}?mode=ro", uri=True, isolation_level=None)
    with closing(source), closing(sqlite3.connect(partial, isolation_level=None)) as copy:
        # It is synced as a whole, and thrown away when anything goes wrong: a journal would be written for nothing.
        copy.execute("PRAGMA journal_mode = OFF")
        copy.execute("PRAGMA synchronous = OFF")
        source.execute("BEGIN")
        source.execute("SELECT count(*) FROM sqlite_schema").fetchone()
        source.backup(copy, pages=PAGES, progress=lambda _, left, all_: progress(all_ - left, all_), sleep=0)


def _look_through(partial: Path) -> int:
    """Return how many events the copy holds. Raises StorageUnavailable when it is damaged."""
    address = f"{partial.resolve().as_uri()}?mode=ro&immutable=1"
    with closing(sqlite3.connect(address, uri=True)) as copy:
        said = [row[0] for row in copy.execute("PRAGMA quick_check(1)")]
        if said != ["ok"]:
            raise StorageUnavailable(f"the copy is damaged, so the database may be: {said[0]}")
        if not copy.execute("SELECT 1 FROM sqlite_schema WHERE name = 'gateway_events'").fetchone():
            raise StorageUnavailable("the database does not have the gateway's tables")
        return int(copy.execute("SELECT count(*) FROM gateway_events").fetchone()[0])


def _keep(partial: Path, file: Path, target: Path) -> int:
    """Put the copy on disk and give it its name; return its size."""
    partial.chmod(file.stat().st_mode & 0o777)
    with partial.open("rb") as written:
        os.fsync(written.fileno())
        size = os.fstat(written.fileno()).st_size
    partial.replace(target)
    folder = os.open(target.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
    return size
