"""The actions that steps can name: one file each, listed here."""

from __future__ import annotations

from gateway.actions import (
    cache,
    cancel,
    delete,
    ending,
    find,
    insert,
    log,
    notify,
    publish,
    require,
    run,
    schedule,
    send,
    stripe,
    update,
    upsert,
)
from gateway.config.steps import ActionSpec

ACTIONS: tuple[ActionSpec, ...] = (
    find.SPEC,
    insert.SPEC,
    upsert.SPEC,
    update.SPEC,
    delete.SPEC,
    require.SPEC,
    stripe.SPEC,
    send.SPEC,
    notify.SPEC,
    cache.SPEC,
    publish.SPEC,
    schedule.SPEC,
    cancel.SPEC,
    log.SPEC,
    run.SPEC,
    ending.FINISH,
    ending.FAIL,
)
"""Every action, in the order of the documentation."""

ACTIONS_BY_NAME = {action.name: action for action in ACTIONS}
