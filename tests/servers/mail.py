"""A mail server that keeps what it is given."""

from __future__ import annotations

from dataclasses import dataclass
from email import message_from_bytes, policy
from email.message import EmailMessage
from types import TracebackType
from typing import Any, Self

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session
from running import free_port


@dataclass(frozen=True)
class Mail:
    """A mail as it was handed over."""

    sender: str
    recipients: tuple[str, ...]
    message: EmailMessage

    @property
    def subject(self) -> str:
        return str(self.message["Subject"])

    @property
    def text(self) -> str:
        part = self.message.get_body(("plain", "html"))
        return "" if part is None else str(part.get_content())


class MailServer:
    """An SMTP server in a thread of its own; `refusing` makes it say no for now."""

    def __init__(self) -> None:
        self.port = free_port()
        self.mails: list[Mail] = []
        self.refusing = False
        self._controller: Controller | None = None

    def channel(self, recipient: str = "admins@example.org") -> str:
        """Return the Apprise address of somebody who reads their mail here."""
        return f"mailto://127.0.0.1:{self.port}?from=gateway@example.org&to={recipient}&mode=insecure"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802 - aiosmtpd's
        """Keep a mail."""
        if self.refusing:
            return "451 try again later"
        content: Any = envelope.content
        message = message_from_bytes(content, policy=policy.default)
        self.mails.append(Mail(str(envelope.mail_from), tuple(envelope.rcpt_tos), message))
        return "250 OK"

    def start(self) -> Self:
        """Listen, and return when it answers."""
        self._controller = Controller(self, hostname="127.0.0.1", port=self.port)
        self._controller.start()
        return self

    def stop(self) -> None:
        """Stop listening; `start` goes on at the same port."""
        if self._controller is not None:
            self._controller.stop()
            self._controller = None

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.stop()
