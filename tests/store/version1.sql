-- The tables as version 1 of the gateway made them, with an event in each state.
CREATE TABLE gateway_bodies (
  event INTEGER NOT NULL,
  headers TEXT NOT NULL,
  body BLOB NOT NULL,
  PRIMARY KEY (event)
);

CREATE TABLE gateway_changes (
  seq INTEGER NOT NULL,
  at BIGINT NOT NULL,
  actor TEXT NOT NULL,
  table_name TEXT NOT NULL,
  row_key TEXT NOT NULL,
  "before" TEXT,
  "after" TEXT NOT NULL,
  PRIMARY KEY (seq)
);

CREATE TABLE gateway_events (
  seq INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
  source TEXT NOT NULL,
  event_second BIGINT NOT NULL,
  event_id TEXT NOT NULL,
  type TEXT NOT NULL,
  "key" TEXT,
  status TEXT NOT NULL,
  attempts INTEGER DEFAULT '0' NOT NULL,
  occurred_at BIGINT,
  received_at BIGINT NOT NULL,
  next_attempt_at BIGINT,
  finished_at BIGINT,
  rule TEXT,
  result TEXT,
  error TEXT,
  response TEXT,
  duplicates INTEGER DEFAULT '0' NOT NULL,
  verified_by TEXT,
  request_id TEXT,
  CONSTRAINT gateway_events_identity UNIQUE (source, event_second, event_id)
);

CREATE INDEX gateway_events_dead ON gateway_events (status) WHERE status = 'dead';

CREATE INDEX gateway_events_open ON gateway_events (status, next_attempt_at) WHERE finished_at IS NULL;

CREATE TABLE gateway_migrations (
  version INTEGER NOT NULL,
  applied_at BIGINT NOT NULL,
  PRIMARY KEY (version)
);

CREATE TABLE gateway_traces (
  event BIGINT NOT NULL,
  attempt INTEGER NOT NULL,
  started_at BIGINT NOT NULL,
  microseconds INTEGER NOT NULL,
  status TEXT NOT NULL,
  trace TEXT NOT NULL,
  PRIMARY KEY (event, attempt)
)
 WITHOUT ROWID;

INSERT INTO gateway_migrations (version, applied_at) VALUES (1, 1760000000000000);
INSERT INTO gateway_events (source, event_second, event_id, type, status, attempts, received_at, next_attempt_at)
VALUES ('shop', 0, 'evt_ready', 'order', 'ready', 0, 1760000000000000, NULL),
       ('shop', 0, 'evt_waiting', 'order', 'waiting', 1, 1760000000000000, 1760000005000000);
INSERT INTO gateway_bodies (event, headers, body) VALUES (1, '{}', '{}'), (2, '{}', '{}');
