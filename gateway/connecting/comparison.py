"""Everything outside at once: the database in a thread, each provider over connections of its own."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable

from gateway.config.diagnostics import Findings
from gateway.connecting.asking import Asking
from gateway.connecting.database import look_at_database
from gateway.connecting.listed import LISTINGS, look_at_listed
from gateway.connecting.paypal import look_at_paypal
from gateway.connecting.places import Places, places_of
from gateway.connecting.stripe import look_at_stripe
from gateway.project import Project


def compare_with_outside(project: Project, findings: Findings) -> list[str]:
    """Compare a project with its database and its providers; return what was looked at, in words."""
    return asyncio.run(_compare(project, findings))


async def _compare(project: Project, findings: Findings) -> list[str]:
    places = places_of(project, findings)
    asking = Asking()
    try:
        looked_at = await asyncio.gather(
            asyncio.to_thread(look_at_database, project, findings, places),
            look_at_stripe(project, asking, places),
            *_asked(project, asking, places),
        )
    finally:
        await asking.close()
    return [line for lines in looked_at for line in lines]


def _asked(project: Project, asking: Asking, places: Places) -> list[Awaitable[list[str]]]:
    sources = project.settings.sources
    return [
        *(look_at_paypal(project, one, asking, places) for one in sources if one.provider == "paypal"),
        *(look_at_listed(project, one, asking, places) for one in sources if one.provider in LISTINGS),
    ]
