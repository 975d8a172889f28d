"""A process that leases all it can and says so, then waits to be killed."""

from __future__ import annotations

import sys
import time
from pathlib import Path

from gateway.store.database import open_database, parse_address
from gateway.store.leases import lease, own_name


def main(folder: str) -> None:
    database = open_database(parse_address("sqlite:///outbox.db", Path(folder)))
    now = time.time_ns() // 1000
    found = lease(database, {("send", "app"): 100}, now=now, until=now + 3_600_000_000, owner=own_name())
    print(len(found), own_name(), flush=True)
    sys.stdin.read()


if __name__ == "__main__":
    main(sys.argv[1])
