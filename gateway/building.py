"""Making the gateway's parts from what an operator has written: the programs that run, the sources that receive."""

from __future__ import annotations

import gc
import time
from pathlib import Path

from gateway.config.diagnostics import Findings
from gateway.config.reporters import report
from gateway.config.responses import Response
from gateway.engine.program import Program, Respond, link_lookups, link_source, link_tables
from gateway.engine.responding import link_response, pending_response
from gateway.engine.retry import RetryPolicy
from gateway.errors import ConfigurationError
from gateway.project import Project, load_project
from gateway.providers import Preset, Verifier, build_envelope, build_verifier, preset_named
from gateway.providers.building import scheme_name
from gateway.providers.paypal_certificates import CertificateUnreadable
from gateway.providers.verification import AwaitedVerifier
from gateway.receiving.deliveries import Source
from gateway.receiving.limits import AddressList, RateLimit
from gateway.receiving.paypal import PaypalVerifiers
from gateway.settings import ParkSettings, RetrySettings, SourceSettings
from gateway.store.ahead import may_read_ahead
from gateway.store.database import Database, parse_address
from gateway.store.reflection import reflect_existing
from gateway.telemetry import register_secret


def clock() -> int:
    """Return the present moment in microseconds since the epoch."""
    return time.time_ns() // 1000


def build_program(project: Project, database: Database) -> Program:
    """Link a project's rules to a database whose tables are migrated."""
    tables = link_tables(reflect_existing(database, project.tables), database.dialect)
    sources = {
        source.name: link_source(
            source.name,
            project.rules_of(source),
            tables,
            source.settings,
            unmatched=source.unmatched,
            respond=_respond(source, project.responses[source.name]),
            strict=source.ordering == "strict",
        )
        for source in project.settings.sources
    }
    policy = retry_policy(project.settings.retry, project.settings.park)
    return Program(
        sources=sources,
        tables=tables,
        retry=policy,
        by_key=link_lookups(tables),
        reads_ahead=may_read_ahead(database, list(tables)),
    )


def retry_policy(settings: RetrySettings, park: ParkSettings) -> RetryPolicy:
    """Return the retry policy that the settings describe."""
    return RetryPolicy(
        first=settings.first.total_seconds(),
        factor=settings.factor,
        most=settings.max.total_seconds(),
        jitter=settings.jitter,
        give_up_after=settings.give_up_after.total_seconds(),
        park_for=park.give_up_after.total_seconds(),
    )


def _respond(source: SourceSettings, response: Response) -> Respond | None:
    return link_response(response) if source.respond == "result" else None


def build_source(
    source: SourceSettings, project: Project, program: Program, paypal: PaypalVerifiers | None = None
) -> Source:
    """Return what receiving has to know of a source; `paypal` has the verifiers that fetch certificates or ask.

    Raises ConfigurationError when what it is verified by cannot be read.
    """
    preset = preset_named(source.provider)
    verifier, awaited = _verifiers(source, preset, paypal)
    linked = program.sources[source.name]
    rate = source.rate_limit
    enforced = project.enforced.get(source.name)
    return Source(
        name=source.name,
        path=source.path,
        verifier=verifier,
        awaited=awaited,
        envelope=build_envelope(source.event, preset),
        max_body=source.max_body,
        body_timeout=project.settings.server.body_timeout.total_seconds(),
        allowed=AddressList(map(str, source.allow_ips)) if source.allow_ips else None,
        rate_limit=None if rate is None else RateLimit(rate.count, rate.period.total_seconds()),
        respond=source.respond,
        handles=linked.handles if source.unmatched == "reject" else None,
        violation=enforced.violation if enforced is not None else None,
        rejects_violations=source.schema == "reject",
        errors=project.responses[source.name].errors,
        dedupe_window=int(source.dedupe_window.total_seconds()),
        pending=pending_response(linked),
        health_service=source.health_service,
        stale_after=None if source.stale_after is None else source.stale_after.total_seconds(),
    )


def _verifiers(
    source: SourceSettings, preset: Preset | None, paypal: PaypalVerifiers | None
) -> tuple[Verifier | None, AwaitedVerifier | None]:
    verify = source.verify
    if verify is None:
        return None, None
    if scheme_name(verify, preset) != "paypal":
        return build_verifier(verify, preset), None
    assert paypal is not None, "a certificate may have to be fetched"
    try:
        return None, paypal.get(source.name, verify)
    except (OSError, CertificateUnreadable) as error:
        raise ConfigurationError(f"source `{source.name}`, `trust`: {error}") from error


def require_project(path: Path) -> Project:
    """Read a configuration that must be free of errors.

    Raises ConfigurationError with all findings as text.
    """
    findings = Findings()
    project = load_project(path, findings)
    if project is None or findings.has_errors:
        raise ConfigurationError(report(findings, "full"))
    return project


def hide_secrets(project: Project) -> None:
    """Keep a project's secrets out of every log line from now on."""
    for secret in project.settings.secrets:
        register_secret(secret.reveal())
    password = parse_address(project.settings.database, project.settings.path.parent).password
    if password is not None:
        register_secret(password)


def settle_garbage_collector() -> None:
    """Keep what was loaded at start out of every later collection, and collect less often."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 50)
