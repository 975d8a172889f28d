"""The gateway's own tables.

`gateway_events` is the inbox: one narrow row an event, so that finishing it rewrites little; what was received
stands beside it in `gateway_bodies`, written once. Scheduled events are rows whose time has not come, which
`gateway_schedules` finds by their keys. `gateway_traces` keeps one row an attempt, `gateway_outbox` the messages and
awaited calls. Times are integer microseconds since the epoch, UTC.
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

# By their characters' numbers, as SQLite compares them: pages and prefixes are found by ranges.
_TEXT = Text().with_variant(Text(collation="C"), "postgresql")

# SQLite counts rows in a column of exactly this type; elsewhere it is 64 bits wide.
_ROW_NUMBER = BigInteger().with_variant(Integer, "sqlite")

EVENTS = Table(
    "gateway_events",
    METADATA,
    Column("seq", _ROW_NUMBER, primary_key=True, autoincrement=True, comment="order of receipt; the event's id"),
    Column("source", _TEXT, nullable=False),
    Column(
        "event_second", BigInteger, nullable=False, comment="second of the provider's own time, 0 where it gives none"
    ),
    Column("event_id", _TEXT, nullable=False, comment="the provider's id of the event"),
    Column("type", _TEXT, nullable=False),
    Column("key", _TEXT, comment="ordering key"),
    Column("status", _TEXT, nullable=False, comment="ready waiting parked done ignored dead"),
    Column("attempts", Integer, nullable=False, server_default="0"),
    Column("occurred_at", BigInteger),
    Column("received_at", BigInteger, nullable=False),
    Column("next_attempt_at", BigInteger),
    Column("finished_at", BigInteger),
    Column("rule", _TEXT),
    Column("result", _TEXT),
    Column("error", _TEXT),
    Column("response", _TEXT, comment="the rendered answer, for sources that answer with the outcome"),
    Column("duplicates", Integer, nullable=False, server_default="0", comment="later deliveries of the same event"),
    Column("verified_by", _TEXT, comment="scheme and number of the secret that fitted"),
    Column("request_id", _TEXT),
    Column("calls", Integer, nullable=False, server_default="0", comment="awaited calls recorded for it"),
    Column("behind", BigInteger, comment="the earlier event of its key that must end first"),
    Column("stripe", Integer, nullable=False, server_default="0", comment="events of one key share it: store.stripes"),
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

# Where several processes share the work: what is ready, and what waits for its time, in each stripe.
READY_EVENTS = Index(
    "gateway_events_ready",
    EVENTS.c.stripe,
    EVENTS.c.seq,
    postgresql_where=(EVENTS.c.finished_at.is_(None)) & (EVENTS.c.status == "ready"),
    info={"dialect": "postgresql"},
)
DUE_EVENTS = Index(
    "gateway_events_due",
    EVENTS.c.stripe,
    EVENTS.c.next_attempt_at,
    postgresql_where=(EVENTS.c.finished_at.is_(None)) & (EVENTS.c.next_attempt_at.is_not(None)),
    info={"dialect": "postgresql"},
)

_IS_WAITING = (EVENTS.c.finished_at.is_(None)) & (EVENTS.c.status == "waiting")

# Of versions before 4, which may run beside this one.
WAITING_EVENTS = Index(
    "gateway_events_waiting",
    EVENTS.c.source,
    EVENTS.c.key,
    sqlite_where=_IS_WAITING,
    postgresql_where=_IS_WAITING,
)

# The order within a key: the first that holds up others, the first that waits behind one.
HOLDING_EVENTS = Index(
    "gateway_events_holding",
    EVENTS.c.source,
    EVENTS.c.key,
    EVENTS.c.seq,
    sqlite_where=_IS_WAITING & EVENTS.c.behind.is_(None),
    postgresql_where=_IS_WAITING & EVENTS.c.behind.is_(None),
)
HELD_EVENTS = Index(
    "gateway_events_held",
    EVENTS.c.source,
    EVENTS.c.key,
    EVENTS.c.seq,
    sqlite_where=_IS_WAITING & EVENTS.c.behind.is_not(None),
    postgresql_where=_IS_WAITING & EVENTS.c.behind.is_not(None),
)

BODIES = Table(
    "gateway_bodies",
    METADATA,
    Column("event", _ROW_NUMBER, primary_key=True, autoincrement=False),
    Column("headers", _TEXT, nullable=False, comment="JSON object, secrets left out"),
    Column("body", LargeBinary, nullable=False, comment="the bytes as received"),
)

TRACES = Table(
    "gateway_traces",
    METADATA,
    Column("event", BigInteger, nullable=False),
    Column("attempt", Integer, nullable=False),
    Column("started_at", BigInteger, nullable=False),
    Column("microseconds", Integer, nullable=False, comment="how long the pass took"),
    Column("status", _TEXT, nullable=False, comment="the event's status after this attempt"),
    Column("trace", _TEXT, nullable=False, comment="JSON: docs/traces.md"),
    PrimaryKeyConstraint("event", "attempt"),
    sqlite_with_rowid=False,
)

SCHEDULES = Table(
    "gateway_schedules",
    METADATA,
    Column("source", _TEXT, nullable=False),
    Column("key", _TEXT, nullable=False, comment="what `cancel` names"),
    Column("event", BigInteger, nullable=False, comment="the scheduled event, which has not fired yet"),
    PrimaryKeyConstraint("source", "key"),
    sqlite_with_rowid=False,
)

OUTBOX = Table(
    "gateway_outbox",
    METADATA,
    Column("seq", _ROW_NUMBER, primary_key=True, autoincrement=True),
    Column("event", BigInteger, comment="the event that it comes from; null for an alert"),
    Column("kind", _TEXT, nullable=False, comment="message call"),
    Column("action", _TEXT, nullable=False, comment="stripe send notify cache publish"),
    Column("target", _TEXT, nullable=False, comment="the destination or channel"),
    Column("position", _TEXT, nullable=False, comment="which of its event's messages and calls it is"),
    Column("message_id", _TEXT, nullable=False, comment="the same at every try: the receiver's idempotency key"),
    Column("request", _TEXT, nullable=False, comment="JSON"),
    Column("status", _TEXT, nullable=False, server_default="ready", comment="ready done dead"),
    Column("attempts", Integer, nullable=False, server_default="0"),
    Column("next_attempt_at", BigInteger, comment="when it is due; while it is leased: when the lease ends"),
    Column("leased_by", _TEXT, comment="the process that is sending it"),
    Column("created_at", BigInteger, nullable=False),
    Column("finished_at", BigInteger),
    Column("answer", _TEXT, comment="JSON: what came back"),
    Column("code", _TEXT, comment="not_found refused gave_up"),
    Column("error", _TEXT),
    UniqueConstraint("event", "position", name="gateway_outbox_position"),
    UniqueConstraint("message_id", name="gateway_outbox_message"),
    sqlite_autoincrement=True,
)

# What has not left yet, and what could not be delivered: small, however many rows are kept.
OPEN_OUTBOX = Index(
    "gateway_outbox_open",
    OUTBOX.c.action,
    OUTBOX.c.target,
    OUTBOX.c.next_attempt_at,
    sqlite_where=OUTBOX.c.status == "ready",
    postgresql_where=OUTBOX.c.status == "ready",
)
DEAD_OUTBOX = Index(
    "gateway_outbox_dead",
    OUTBOX.c.target,
    sqlite_where=OUTBOX.c.status == "dead",
    postgresql_where=OUTBOX.c.status == "dead",
)

# What is under way at this moment.
LEASED_OUTBOX = Index(
    "gateway_outbox_leased",
    OUTBOX.c.leased_by,
    sqlite_where=OUTBOX.c.leased_by.is_not(None),
    postgresql_where=OUTBOX.c.leased_by.is_not(None),
)
CHANGES = Table(
    "gateway_changes",
    METADATA,
    Column("seq", _ROW_NUMBER, primary_key=True, autoincrement=True),
    Column("at", BigInteger, nullable=False),
    Column("actor", _TEXT, nullable=False, comment="who changed the row by hand"),
    Column("table_name", _TEXT, nullable=False),
    Column("row_key", _TEXT, nullable=False),
    Column("before", _TEXT, comment="JSON of the columns that changed; null for a new row"),
    Column("after", _TEXT, nullable=False, comment="JSON of the columns that changed"),
)

TALLIES = Table(
    "gateway_tallies",
    METADATA,
    Column("seq", _ROW_NUMBER, primary_key=True, autoincrement=True),
    Column("at", BigInteger, nullable=False),
    Column("tally", _TEXT, nullable=False, comment="JSON: what one process has counted, for the one that alerts"),
)

COUNTS = Table(
    "gateway_counts",
    METADATA,
    Column("seq", _ROW_NUMBER, primary_key=True, autoincrement=True),
    Column("at", BigInteger, nullable=False),
    Column("counts", _TEXT, nullable=False, comment="JSON: what all processes have counted in a few seconds"),
)

MIGRATIONS = Table(
    "gateway_migrations",
    METADATA,
    Column("version", Integer, primary_key=True, autoincrement=False),
    Column("applied_at", BigInteger, nullable=False),
)

CURRENT_VERSION = 4
"""The version of the tables above; a later one adds a function to `migrations.STEPS`."""
