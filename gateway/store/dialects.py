"""Statements that must be said differently on PostgreSQL.

A statement is written with `?` for its values. Where the two databases agree, that is all; where they do not, the
SQLite text names the statement, and the PostgreSQL text stands beside it.
"""

from __future__ import annotations

import re

_POSTGRESQL: dict[str, str] = {}

_VALUES = re.compile(r"""\?|'(?:[^']|'')*'|"(?:[^"]|"")*\"""")


def differing(sqlite: str, *, postgresql: str) -> str:
    """Return a statement's SQLite text, and have its PostgreSQL text used there in its place."""
    _POSTGRESQL[sqlite] = postgresql
    return sqlite


# On SQLite the last number given; on PostgreSQL one is drawn, so that nobody else gets it.
LAST_NUMBER = differing(
    "SELECT seq FROM sqlite_sequence WHERE name = 'gateway_events'",
    postgresql="SELECT nextval('gateway_events_seq_seq') - 1",
)


def in_postgresql(statement: str) -> str:
    """Return a statement as PostgreSQL takes it, its values numbered: `$1`, `$2`."""
    count = 0

    def number(found: re.Match[str]) -> str:
        nonlocal count
        if found[0] != "?":
            return found[0]
        count += 1
        return f"${count}"

    return _VALUES.sub(number, _POSTGRESQL.get(statement, statement))
