"""The error tree: what can go wrong in operation, each with what a handler needs to know.

A user's mistake in a file is not an exception but a `gateway.config.Diagnostic`; a bug is neither and
surfaces with its traceback.
"""

from __future__ import annotations


class GatewayError(Exception):
    """Something failed that the gateway knows about."""

    def __init__(self, message: str | None = None) -> None:
        super().__init__(message or (type(self).__doc__ or "").strip().splitlines()[0])

    @property
    def message(self) -> str:
        """Return the sentence that says what happened."""
        return str(self.args[0])


class ConfigurationError(GatewayError):
    """The configuration cannot be used."""


class StorageUnavailable(GatewayError):
    """The database cannot be written at the moment."""

    def __init__(self, message: str | None = None, *, retry_after: int = 5) -> None:
        super().__init__(message)
        self.retry_after = retry_after
        """Seconds after which a sender should try again."""


class MigrationRefused(GatewayError):
    """A table must be changed in a way that could lose data."""

    def __init__(self, message: str, *, sql: tuple[str, ...]) -> None:
        super().__init__(message)
        self.sql = sql
        """The statements an operator can run by hand."""


class NotFound(GatewayError):
    """There is no such thing."""


class Conflict(GatewayError):
    """The thing is not in a state that allows this."""
