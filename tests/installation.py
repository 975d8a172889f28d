"""The shipped configuration with all that it talks to: Stripe, Redis, NATS, people's mail, and an application."""

from __future__ import annotations

import re
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from running import Gateway, eventually
from servers import MailServer, NatsServer, Receiver, RedisServer, StripeServer
from servers.certificates import PaypalCertificates
from servers.receiver import Received
from servers.stripe import API_KEY

APP_SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
"""What messages to the application are signed with."""

SECRET_BEFORE = "whsec_the_one_before_the_rotation"
"""What Stripe still signs subscriptions with, beside the new secret."""

QUICK_RETRIES = "retry: {first: 100ms, factor: 2, max: 1s, jitter: 0%, give_up_after: 1h}\n"


class Installation:
    """A gateway on an empty database and the servers around it; a `quick` one tries again without much patience."""

    def __init__(self, folder: Path, *, quick: bool = False) -> None:
        self._stack = ExitStack()
        self.stripe = StripeServer(folder)
        self.redis = RedisServer(folder)
        self.nats = NatsServer(folder)
        self.mail = MailServer()
        self.app = Receiver(APP_SECRET)
        self.paypal = PaypalCertificates(folder / "paypal")
        (folder / "gateway").mkdir()
        self.gateway = Gateway(folder / "gateway", environment=self._environment())
        if quick:
            self.configure("retry", QUICK_RETRIES)

    def _environment(self) -> dict[str, str]:
        return {
            "STRIPE_API_KEY": API_KEY,
            "STRIPE_WEBHOOK_SECRET_OLD": SECRET_BEFORE,
            "STRIPE_API_BASE": self.stripe.url,
            "REDIS_URL": self.redis.url,
            "ADMIN_CHANNEL": self.mail.channel(),
            "APP_URL": self.app.url,
            "APP_WEBHOOK_SECRET": APP_SECRET,
            "NATS_URL": self.nats.url,
            **self.paypal.environment,
        }

    def configure(self, key: str, text: str) -> None:
        """Put something else for a key of gateway.yaml, which stands on one line of it or not at all."""
        path = self.gateway.folder / "gateway.yaml"
        kept = re.sub(rf"^{key}:.*\n", "", path.read_text(), flags=re.MULTILINE)
        path.write_text(f"{kept}\n{text}")

    def row(self, table: str, key: str) -> dict[str, Any]:
        """Return a row that is there."""
        row = self.gateway.row(table, key)
        assert row is not None, f"no {key} in {table}"
        return row

    def put(self, table: str, key: str, **columns: object) -> None:
        """Put a row, as the application does whose tables these are."""
        reply = self.gateway.api("PUT", f"/api/tables/{table}/{key}", columns)
        assert reply.status == 200, reply.body

    def told(self, text: str) -> None:
        """Wait until somebody was sent a mail that says something."""
        eventually(lambda: any(text in f"{mail.subject}\n{mail.text}" for mail in self.mail.mails))

    def sent(self, path: str, text: str) -> Received:
        """Wait until the application was sent something that says something; return it."""
        eventually(lambda: any(text.encode() in one.body for one in self.app.at(path)))
        return next(one for one in self.app.at(path) if text.encode() in one.body)

    def __enter__(self) -> Self:
        with ExitStack() as starting:
            for server in (self.stripe, self.redis, self.nats, self.mail, self.app):
                starting.enter_context(server)
            starting.callback(self._end)
            self.gateway.start()
            self._stack = starting.pop_all()
        return self

    def _end(self) -> None:
        if self.gateway.process is not None and self.gateway.process.poll() is None:
            assert self.gateway.stop() == 0

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._stack.close()
