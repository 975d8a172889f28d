"""The gateway as a whole: the one module that knows all others, builds them and wires them together."""

from __future__ import annotations

import asyncio
import gc
import random
import time
from collections.abc import Sequence
from pathlib import Path

import structlog
from prometheus_client import CollectorRegistry

from gateway.admin.api import Api
from gateway.admin.loopback import Loopback
from gateway.config.diagnostics import Findings
from gateway.config.reporters import report
from gateway.config.responses import Response
from gateway.engine.loop import Engine
from gateway.engine.program import Program, Respond, SourceProgram, link_lookups, link_rules, link_tables
from gateway.engine.reporting import Reporter
from gateway.engine.responding import link_response, pending_response
from gateway.engine.retry import RetryPolicy
from gateway.engine.worker import EngineWork
from gateway.errors import ConfigurationError, GatewayError
from gateway.project import Project, load_project
from gateway.providers import build_envelope, build_verifier, preset_named
from gateway.receiving.deliveries import Source
from gateway.receiving.health import Health
from gateway.receiving.limits import AddressList, RateLimit
from gateway.receiving.metrics import WriterMetrics
from gateway.receiving.server import Handler, ReceivingServer
from gateway.receiving.writer import GroupWriter
from gateway.settings import RetrySettings, SourceSettings
from gateway.store.database import Database, open_database, parse_address
from gateway.store.inbox import Delivery, Outcome, Receipt, append_deliveries, outcome_of, require_writable
from gateway.store.migrations import migrate, reflect_existing
from gateway.store.readers import Readers
from gateway.store.thread import DatabaseThread
from gateway.telemetry import LogWriter, new_registry, register_secret

log = structlog.get_logger("gateway")


def clock() -> int:
    """Return the present moment in microseconds since the epoch."""
    return time.time_ns() // 1000


def build_program(project: Project, database: Database) -> Program:
    """Link a project's rules to a database whose tables are migrated."""
    tables = link_tables(reflect_existing(database, project.tables), database.dialect)
    sources = {
        source.name: SourceProgram(
            name=source.name,
            rules=tuple(
                rule for file in project.rules_of(source) for rule in link_rules(file, tables, source.settings)
            ),
            unmatched=source.unmatched,
            respond=_respond(source, project.responses[source.name]),
        )
        for source in project.settings.sources
    }
    policy = retry_policy(project.settings.retry)
    return Program(sources=sources, tables=tables, retry=policy, by_key=link_lookups(tables))


def retry_policy(settings: RetrySettings) -> RetryPolicy:
    """Return the retry policy that the settings describe."""
    return RetryPolicy(
        first=settings.first.total_seconds(),
        factor=settings.factor,
        most=settings.max.total_seconds(),
        jitter=settings.jitter,
        give_up_after=settings.give_up_after.total_seconds(),
    )


def _respond(source: SourceSettings, response: Response) -> Respond | None:
    return link_response(response) if source.respond == "result" else None


def build_source(source: SourceSettings, project: Project, program: Program) -> Source:
    """Return what receiving has to know of a source."""
    preset = preset_named(source.provider)
    verifier = None if source.verify is None else build_verifier(source.verify, preset)
    linked = program.sources[source.name]
    rate = source.rate_limit
    return Source(
        name=source.name,
        path=source.path,
        verifier=verifier,
        envelope=build_envelope(source.event, preset),
        max_body=source.max_body,
        body_timeout=project.settings.server.body_timeout.total_seconds(),
        allowed=AddressList(map(str, source.allow_ips)) if source.allow_ips else None,
        rate_limit=None if rate is None else RateLimit(rate.count, rate.period.total_seconds()),
        respond=source.respond,
        handles=linked.handles if source.unmatched == "reject" else None,
        errors=project.responses[source.name].errors,
        dedupe_window=int(source.dedupe_window.total_seconds()),
        pending=pending_response(linked),
    )


class Gateway:
    """One running gateway: receiving, storing, processing."""

    def __init__(self, project: Project, log_writer: LogWriter | None = None) -> None:
        """Take a project that is free of errors."""
        self.project = project
        self.registry: CollectorRegistry = new_registry()
        self._log_writer = log_writer
        self._reloading = asyncio.Lock()
        self.database_thread: DatabaseThread
        self.server: ReceivingServer

    async def start(self) -> int:
        """Open and migrate the database, start processing, listen. Return the port.

        Raises StorageUnavailable, MigrationRefused, OSError when the address is in use.
        """
        settings = self.project.settings
        for secret in settings.secrets:
            register_secret(secret.reveal())
        database = open_database(parse_address(settings.database, settings.path.parent))
        migrate(database, self.project.tables.values())
        self.program = build_program(self.project, database)
        self._loop = asyncio.get_running_loop()
        self._writer = GroupWriter(self._commit, self._look_up, metrics=WriterMetrics(self.registry))
        self._engine = Engine(database, self.program, clock=clock, chance=random.random)
        put = None if self._log_writer is None else self._log_writer.put
        reporter = Reporter(self.registry, put=put, level=settings.log.level)
        self._work = EngineWork(
            self._engine,
            clock=clock,
            report=reporter.report,
            deliver=self._deliver,
        )
        self.database_thread = DatabaseThread(database, self._work)
        self.health = Health(
            {"database": self._check_database, "rules": self._check_rules}, storing=lambda: not self._writer.failing
        )
        self.server = ReceivingServer(
            self._sources(),
            self._writer,
            self.health,
            self.registry,
            handlers={"/api/": self._admin(database)},
            trusted_proxies=AddressList(map(str, settings.server.trusted_proxies)) or None,
            write_line=self._log_writer.put if self._log_writer and settings.log.level in {"debug", "info"} else None,
            max_connections=settings.server.max_connections,
            idle_timeout=settings.server.keep_alive.total_seconds(),
        )
        self.database_thread.start()
        self._port = await self.server.start(settings.server.host, settings.server.port)
        _settle_garbage_collector()
        return self._port

    def _admin(self, database: Database) -> Handler:
        # A database in memory has one connection, which is the thread's own.
        self._readers = None if database.address.file is None else Readers(database.address)
        return Api(
            self,
            reader=self._readers or self.database_thread,
            writer=self.database_thread,
            deliver=Loopback(lambda: (self.project.settings.server.host, self._port)),
            wait_for=self._wait_for,
        )

    async def _wait_for(self, event: int, timeout: float) -> object:
        return await self._writer.outcome(event, timeout)

    def _sources(self) -> list[Source]:
        return [build_source(source, self.project, self.program) for source in self.project.settings.sources]

    async def _commit(self, deliveries: list[Delivery]) -> Sequence[Receipt]:
        return await self.database_thread.call(lambda database: append_deliveries(database, deliveries))

    def _deliver(self, outcomes: Sequence[Outcome]) -> None:
        self._loop.call_soon_threadsafe(self._writer.finished, outcomes)

    async def _look_up(self, event: int) -> Outcome | None:
        return await self.database_thread.call(lambda database: outcome_of(database, event))

    async def _check_database(self) -> None:
        size = self.project.settings.server.max_body if self._writer.failing else 0
        await self.database_thread.call(lambda database: require_writable(database, size))

    async def _check_rules(self) -> None:
        if self._work.trouble is not None:
            raise GatewayError(self._work.trouble)

    async def reload(self) -> bool:
        """Read the configuration again and use it; keep the old one, and say why, when the new one is wrong."""
        async with self._reloading:
            findings = Findings()
            project = load_project(self.project.settings.path, findings)
            if project is None or findings.has_errors:
                log.error(
                    "the configuration is wrong: the one before stays in use", findings=report(findings, "concise")
                )
                return False
            try:
                await self._use(project)
            except GatewayError as error:
                log.error("the configuration cannot be used: the one before stays in use", error=error.message)
                return False
            log.info("the configuration was read again", rules=[file.digest for file in project.files.values()])
            return True

    async def _use(self, project: Project) -> None:
        for secret in project.settings.secrets:
            register_secret(secret.reveal())
        self.program = await self.database_thread.call(lambda database: self._relink(project, database))
        self.project = project
        self.server.load(self._sources())

    def _relink(self, project: Project, database: Database) -> Program:
        migrate(database, project.tables.values())
        self._engine.program = build_program(project, database)
        return self._engine.program

    async def drain(self) -> None:
        """Take no more deliveries, answer those under way, finish the slice, close the database."""
        await self.server.drain(self.project.settings.server.drain.total_seconds())
        if self._readers is not None:
            self._readers.close()
        await self.database_thread.stop()


def _settle_garbage_collector() -> None:
    """Keep what was loaded at start out of every later collection, and collect less often."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 50)


def require_project(path: Path) -> Project:
    """Read a configuration that must be free of errors.

    Raises ConfigurationError with all findings as text.
    """
    findings = Findings()
    project = load_project(path, findings)
    if project is None or findings.has_errors:
        raise ConfigurationError(report(findings, "full"))
    return project
