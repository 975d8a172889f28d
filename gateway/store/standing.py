"""Whose a database is: what a command says when a statement fails because of it."""

from __future__ import annotations

from typing import Literal

from gateway.store.database import Database
from gateway.store.reflection import columns_of, table_names
from gateway.store.schema import CURRENT_VERSION

Standing = Literal["none", "older", "foreign", "current"]


def standing_of(database: Database) -> Standing:
    """Say whether a database has the gateway's tables: none, of an older version, or somebody else's by those names."""
    names = table_names(database)
    if "gateway_migrations" not in names:
        return "foreign" if any(name.startswith("gateway_") for name in names) else "none"
    if not {"version", "applied_at"} <= columns_of(database, "gateway_migrations").keys():
        return "foreign"
    version = database.execute("SELECT max(version) FROM gateway_migrations", ()).fetchone()[0]
    return "current" if int(version or 0) >= CURRENT_VERSION else "older"
