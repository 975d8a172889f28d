"""What the gateway says of itself: log lines, what they may hold, metrics, request ids.

Modules log through `structlog.get_logger()`; the line of an accepted delivery, written once a request, goes
straight to `LogWriter.put`.
"""

from __future__ import annotations

from gateway.telemetry.lines import LogWriter, configure_logging
from gateway.telemetry.metrics import Durations, new_registry
from gateway.telemetry.redaction import REDACTED, Redactor, redact, register_secret
from gateway.telemetry.request_ids import RequestIds

__all__ = [
    "REDACTED",
    "Durations",
    "LogWriter",
    "Redactor",
    "RequestIds",
    "configure_logging",
    "new_registry",
    "redact",
    "register_secret",
]
