"""Waiting for what becomes of an event."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any, TypeVar

import click

from gateway.config.units import parse_duration

F = TypeVar("F", bound=Callable[..., Any])


def wait_option(default: str) -> Callable[[F], F]:
    """Give a command the option that says how long it waits."""
    return click.option(
        "--wait", default=default, show_default=True, callback=_duration, help="How long to wait for the end: 30s, 2m."
    )


def is_settled(status: str, next_attempt_at: object) -> bool:
    """Say whether nothing more happens to an event at once: it has ended, or waits for a row or its next try."""
    return status != "ready" and not (status == "waiting" and next_attempt_at is None)


def _duration(_context: click.Context, _parameter: click.Parameter, text: str) -> timedelta:
    try:
        return parse_duration(text)
    except ValueError as error:
        raise click.BadParameter(str(error)) from error
