"""Real servers for tests, each on a free port of 127.0.0.1."""

from __future__ import annotations

from servers.mail import MailServer
from servers.nats import NatsServer
from servers.network import Cable, distant_server
from servers.pooler import Pooler
from servers.postgres import PostgresServer, in_memory
from servers.receiver import Receiver
from servers.redis import RedisServer
from servers.stripe import StripeServer
from servers.wire import Wire

__all__ = [
    "Cable", "MailServer", "NatsServer", "Pooler", "PostgresServer", "Receiver", "RedisServer", "StripeServer", "Wire",
    "distant_server", "in_memory",
]  # fmt: skip
