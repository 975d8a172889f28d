"""pgbouncer between gateways and a PostgreSQL server, in transaction mode: where the machine has the program."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

from servers.postgres import PostgresServer, as_somebody
from servers.processes import ProgramServer

CONFIGURATION = """
[databases]
* = host=127.0.0.1 port={server} user=postgres
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {port}
unix_socket_dir =
auth_type = any
pool_mode = transaction
default_pool_size = {size}
max_client_conn = 200
{more}
"""
PREPARED_SINCE = (1, 21)
"""Before, it knows nothing of prepared statements that outlive a transaction."""


def version() -> tuple[int, int] | None:
    """Return the version of the program on this machine's path, or None."""
    program = shutil.which("pgbouncer")
    if program is None:
        return None
    said = subprocess.run([program, "--version"], capture_output=True, text=True, check=True).stdout
    found = re.search(r"(\d+)\.(\d+)", said)
    assert found is not None, said
    return int(found[1]), int(found[2])


class Pooler(ProgramServer):
    """pgbouncer in front of a server."""

    name = "pgbouncer"

    def __init__(self, folder: Path, server: PostgresServer, *, size: int) -> None:
        """Take a folder that others may enter, the server, and how many connections to it each database may have."""
        super().__init__(folder)
        more = "max_prepared_statements = 200" if (version() or (0, 0)) >= PREPARED_SINCE else ""
        file = self.folder / "pgbouncer.ini"
        file.write_text(CONFIGURATION.format(server=server.port, port=self.port, size=size, more=more))
        if os.geteuid() == 0:
            # It refuses to run as root, as PostgreSQL does.
            shutil.chown(self.folder, 65534, 65534)

    def command(self) -> list[str]:
        return ["pgbouncer", "pgbouncer.ini"]

    def options(self) -> dict[str, Any]:
        return as_somebody()

    def url(self, address: str) -> str:
        """Return the address of a database of the server's by way of the pooler."""
        return re.sub(r":\d+/", f":{self.port}/", address)
