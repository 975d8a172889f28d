"""The gateway's own tables.

`gateway_events` is the inbox: one narrow row an event, so that finishing it rewrites little; what was received
stands beside it in `gateway_bodies`, written once. `gateway_traces` keeps one row an attempt. Times are integer
microseconds since the epoch, UTC.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Column,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    PrimaryKeyConstraint,
    Table,
    Text,
    UniqueConstraint,
)

METADATA = MetaData()

# SQLite counts rows in a column of exactly this type; elsewhere it is 64 bits wide.
_ROW_NUMBER = BigInteger().with_variant(Integer, "sqlite")

EVENTS = Table(
    "gateway_events",
    METADATA,
    Column("seq", _ROW_NUMBER, primary_key=True, autoincrement=True, comment="order of receipt; the event's id"),
    Column("source", Text, nullable=False),
    Column(
        "event_second", BigInteger, nullable=False, comment="second of the provider's own time, 0 where it gives none"
    ),
    Column("event_id", Text, nullable=False, comment="the provider's id of the event"),
    Column("type", Text, nullable=False),
    Column("key", Text, comment="ordering key"),
    Column("status", Text, nullable=False, comment="ready waiting parked done ignored dead"),
    Column("attempts", Integer, nullable=False, server_default="0"),
    Column("occurred_at", BigInteger),
    Column("received_at", BigInteger, nullable=False),
    Column("next_attempt_at", BigInteger),
    Column("finished_at", BigInteger),
    Column("rule", Text),
    Column("result", Text),
    Column("error", Text),
    Column("response", Text, comment="the rendered answer, for sources that answer with the outcome"),
    Column("duplicates", Integer, nullable=False, server_default="0", comment="later deliveries of the same event"),
    Column("verified_by", Text, comment="scheme and number of the secret that fitted"),
    Column("request_id", Text),
    # Time-ordered in front, so that random ids of one moment land on few pages of the index.
    UniqueConstraint("source", "event_second", "event_id", name="gateway_events_identity"),
    sqlite_autoincrement=True,
)

# Both hold only what is unfinished or failed, so they stay small however many events are stored.
OPEN_EVENTS = Index(
    "gateway_events_open",
    EVENTS.c.status,
    EVENTS.c.next_attempt_at,
    sqlite_where=EVENTS.c.finished_at.is_(None),
    postgresql_where=EVENTS.c.finished_at.is_(None),
)
DEAD_EVENTS = Index(
    "gateway_events_dead",
    EVENTS.c.status,
    sqlite_where=EVENTS.c.status == "dead",
    postgresql_where=EVENTS.c.status == "dead",
)

BODIES = Table(
    "gateway_bodies",
    METADATA,
    Column("event", _ROW_NUMBER, primary_key=True, autoincrement=False),
    Column("headers", Text, nullable=False, comment="JSON object, secrets left out"),
    Column("body", LargeBinary, nullable=False, comment="the bytes as received"),
)

TRACES = Table(
    "gateway_traces",
    METADATA,
    Column("event", BigInteger, nullable=False),
    Column("attempt", Integer, nullable=False),
    Column("started_at", BigInteger, nullable=False),
    Column("microseconds", Integer, nullable=False, comment="how long the pass took"),
    Column("status", Text, nullable=False, comment="the event's status after this attempt"),
    Column("trace", Text, nullable=False, comment="JSON: docs/traces.md"),
    PrimaryKeyConstraint("event", "attempt"),
    sqlite_with_rowid=False,
)

CHANGES = Table(
    "gateway_changes",
    METADATA,
    Column("seq", _ROW_NUMBER, primary_key=True, autoincrement=True),
    Column("at", BigInteger, nullable=False),
    Column("actor", Text, nullable=False, comment="who changed the row by hand"),
    Column("table_name", Text, nullable=False),
    Column("row_key", Text, nullable=False),
    Column("before", Text, comment="JSON of the columns that changed; null for a new row"),
    Column("after", Text, nullable=False, comment="JSON of the columns that changed"),
)

MIGRATIONS = Table(
    "gateway_migrations",
    METADATA,
    Column("version", Integer, primary_key=True, autoincrement=False),
    Column("applied_at", BigInteger, nullable=False),
)

CURRENT_VERSION = 1
"""The version of the tables above; a later one adds a function to `migrations.STEPS`."""
