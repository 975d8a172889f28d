"""Whose a database is: what a command says when a statement fails because of it."""

from __future__ import annotations

from typing import Literal

from gateway.store.database import Database
from gateway.store.schema import CURRENT_VERSION

Standing = Literal["none", "older", "foreign", "current"]


def standing_of(database: Database) -> Standing:
    """Say whether a database has the gateway's tables: none, of an older version, or somebody else's by those names."""
    names = {str(row[0]) for row in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'", ())}
    if "gateway_migrations" not in names:
        return "foreign" if any(name.startswith("gateway_") for name in names) else "none"
    columns = {str(row[1]) for row in database.execute("PRAGMA table_info(gateway_migrations)", ())}
    if not {"version", "applied_at"} <= columns:
        return "foreign"
    version = database.execute("SELECT max(version) FROM gateway_migrations", ()).fetchone()[0]
    return "current" if int(version or 0) >= CURRENT_VERSION else "older"
