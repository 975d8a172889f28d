"""The gateway as a whole: the one module that knows all others, builds them and wires them together."""

from __future__ import annotations

import asyncio
import gc
import os
import random
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeVar

import aiohttp
import structlog
from prometheus_client import CollectorRegistry, generate_latest

from gateway.admin.api import Api
from gateway.admin.loopback import Loopback
from gateway.config.diagnostics import Findings
from gateway.config.reporters import report
from gateway.config.responses import Response
from gateway.engine.alerts import build_alerts
from gateway.engine.child import EngineChild, tell_outbox, tell_outcomes
from gateway.engine.consistency import project_checks
from gateway.engine.link import EngineProcess
from gateway.engine.loop import Engine
from gateway.engine.program import Program, Respond, link_lookups, link_source, link_tables
from gateway.engine.reporting import Reporter
from gateway.engine.responding import link_response, pending_response
from gateway.engine.retention import Keep, Retention
from gateway.engine.retry import RetryPolicy
from gateway.engine.watch_metrics import WatchMetrics
from gateway.engine.watching import AlertNow, Watch, WatchedWork
from gateway.engine.worker import Deliver
from gateway.errors import ConfigurationError, GatewayError
from gateway.project import Project, load_project
from gateway.providers import Preset, Verifier, build_envelope, build_verifier, preset_named
from gateway.providers.building import scheme_name
from gateway.providers.paypal_certificates import CertificateUnreadable
from gateway.providers.verification import AwaitedVerifier
from gateway.receiving.deliveries import Source
from gateway.receiving.health import Health
from gateway.receiving.limits import AddressList, RateLimit
from gateway.receiving.metrics import WriterMetrics
from gateway.receiving.paypal import build_paypal
from gateway.receiving.server import Handler, ReceivingServer
from gateway.receiving.writer import GroupWriter
from gateway.sending.courier import Courier
from gateway.sending.http import open_session
from gateway.sending.metrics import SendMetrics
from gateway.sending.targets import build_places
from gateway.settings import ParkSettings, RetrySettings, SourceSettings
from gateway.store.database import Database, open_database, parse_address
from gateway.store.inbox import Delivery, Outcome, Receipt, append_deliveries, outcome_of, require_writable
from gateway.store.migrations import migrate
from gateway.store.readers import Readers
from gateway.store.reflection import reflect_existing
from gateway.store.thread import DatabaseThread
from gateway.telemetry import LogWriter, new_registry, register_secret

log = structlog.get_logger("gateway")

T = TypeVar("T")

# Nobody waits for the engine's commits: rarer checkpoints write the same page less often, a tenth of a backlog's time.
ENGINE_CHECKPOINT_PAGES = 1000


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
    return Program(sources=sources, tables=tables, retry=policy, by_key=link_lookups(tables))


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
    source: SourceSettings, project: Project, program: Program, session: aiohttp.ClientSession | None = None
) -> Source:
    """Return what receiving has to know of a source; certificates are fetched by the session.

    Raises ConfigurationError when what it is verified by cannot be read.
    """
    preset = preset_named(source.provider)
    verifier, awaited = _verifiers(source, preset, session)
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
    source: SourceSettings, preset: Preset | None, session: aiohttp.ClientSession | None
) -> tuple[Verifier | None, AwaitedVerifier | None]:
    verify = source.verify
    if verify is None:
        return None, None
    if scheme_name(verify, preset) != "paypal":
        return build_verifier(verify, preset), None
    assert session is not None, "a certificate may have to be fetched"
    try:
        return None, build_paypal(verify, session)
    except (OSError, CertificateUnreadable) as error:
        raise ConfigurationError(f"source `{source.name}`, `trust`: {error}") from error


class SharedEngine:
    """The engine in the process that receives, on the same connection; or none, where events wait for another."""

    def __init__(self, engine: Engine | None, work: WatchedWork | None) -> None:
        self._engine = engine
        self.work = work

    @property
    def trouble(self) -> str | None:
        """Return why events cannot be processed at the moment, or None."""
        return None if self.work is None else self.work.trouble

    @property
    def alerts(self) -> Sequence[AlertNow]:
        """Return how the alerts stood when the engine last looked."""
        return () if self.work is None else self.work.alerts

    async def start(self) -> None:
        """Do nothing: the database's thread runs the work."""

    def wake(self) -> None:
        """Do nothing: whatever was stored went through the same thread."""

    async def reload(self) -> None:
        """Do nothing: `use` is called in the database's thread."""

    def use(self, project: Project, program: Program) -> None:
        """Run events by another program from the next slice on, and watch by another project."""
        if self._engine is not None:
            self._engine.program = program
        if self.work is not None and self.work.watch is not None:
            load_watch(self.work.watch, project, program)
        if self.work is not None and self.work.retention is not None:
            self.work.retention.keep = keep(project)

    def stored(self, deliveries: int) -> None:
        """Note that one commit has stored so many deliveries; called in the database's thread."""
        if self.work is not None:
            self.work.stored(deliveries)

    async def metrics(self) -> bytes:
        """Return nothing: they are in the process's own registry."""
        return b""

    async def stop(self, seconds: float) -> None:
        """Do nothing: the database's thread ends with its last slice."""


class Gateway:
    """One running gateway: receiving, storing, processing."""

    def __init__(self, project: Project, log_writer: LogWriter | None = None) -> None:
        """Take a project that is free of errors."""
        self.project = project
        self.registry: CollectorRegistry = new_registry()
        self._log_writer = log_writer
        self._reloading = asyncio.Lock()

    async def start(self) -> int:
        """Open and migrate the database, start processing, listen. Return the port.

        Raises StorageUnavailable, MigrationRefused, OSError when the address is in use.
        """
        settings = self.project.settings
        hide_secrets(self.project)
        database = open_database(parse_address(settings.database, settings.path.parent))
        migrate(database, self.project.tables.values())
        self.program = build_program(self.project, database)
        self._loop = asyncio.get_running_loop()
        self._session = open_session()
        self._writer = GroupWriter(self._commit, self._look_up, metrics=WriterMetrics(self.registry))
        self._engine = self._choose_engine(database)
        work = self._engine.work if isinstance(self._engine, SharedEngine) else None
        self.database_thread = DatabaseThread(database, work)
        self.health = Health(
            {"database": self._check_database, "rules": self._check_rules}, storing=lambda: not self._writer.failing
        )
        self.server = ReceivingServer(
            self._sources(),
            self._writer,
            self.health,
            self.registry,
            handlers={"/api/": self._admin(database)},
            trusted_proxies=AddressList(map(str, settings.server.trusted_proxies)),
            write_line=self._log_writer.put if self._log_writer and settings.log.level in {"debug", "info"} else None,
            more_metrics=self._more_metrics,
            max_connections=settings.server.max_connections,
            idle_timeout=settings.server.keep_alive.total_seconds(),
        )
        self.courier = await self._build_courier()
        self.database_thread.start()
        await self._engine.start()
        if settings.engine.workers:
            await self.courier.start()
        self._port = await self.server.start(settings.server.host, settings.server.port)
        settle_garbage_collector()
        return self._port

    def _choose_engine(self, database: Database) -> SharedEngine | EngineProcess:
        settings = self.project.settings
        wanted = settings.engine.process
        if settings.engine.workers == 0:
            return SharedEngine(None, None)
        cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
        if database.address.in_memory or wanted == "shared" or (wanted == "auto" and cores < 2):
            engine = Engine(database, self.program, clock=clock, chance=random.random)
            reporter = build_reporter(self.project, self.registry, self._log_writer)
            work = build_work(self.project, engine, reporter, self._deliver)
            work.watch = build_watch(self.project, self.program, database, self.registry)
            work.wrote_outbox = work.watch.told = self._wake_courier
            work.retention = Retention(database, keep(self.project), clock=clock)
            return SharedEngine(engine, work)
        command = [sys.executable, "-m", "gateway", "serve", "--role", "process", "--config", str(settings.path)]
        return EngineProcess(command, finished=self._writer.finished, wrote_outbox=self._wake_courier)

    def _wake_courier(self) -> None:
        self._loop.call_soon_threadsafe(self.courier.wake)

    async def _build_courier(self) -> Courier:
        settings = self.project.settings
        return Courier(
            self.database_thread,
            build_places(settings, self._session),
            retry_policy(settings.retry, settings.park),
            metrics=SendMetrics(self.registry),
            answered=self._wake_engine,
            clock=clock,
            lease_seconds=settings.engine.lease.total_seconds(),
        )

    async def _more_metrics(self) -> bytes:
        await self.courier.measure(self._readers or self.database_thread)
        return await self._engine.metrics()

    def _wake_engine(self) -> None:
        self._engine.wake()

    def _admin(self, database: Database) -> Handler:
        # A database in memory has one connection, which is the thread's own.
        self._readers = None if database.address.in_memory else Readers(database.address)
        return Api(
            self,
            reader=self._readers or self.database_thread,
            writer=_Waking(self.database_thread, self._engine.wake),
            deliver=Loopback(lambda: (self.project.settings.server.host, self._port)),
            wait_for=self._wait_for,
            alerts=lambda: self._engine.alerts,
        )

    async def _wait_for(self, event: int, timeout: float) -> object:
        return await self._writer.outcome(event, timeout)

    def _sources(self) -> list[Source]:
        sources = self.project.settings.sources
        return [build_source(source, self.project, self.program, self._session) for source in sources]

    async def _commit(self, deliveries: list[Delivery]) -> Sequence[Receipt]:
        receipts = await self.database_thread.call(lambda database: self._append(database, deliveries))
        self._engine.wake()
        return receipts

    def _append(self, database: Database, deliveries: list[Delivery]) -> Sequence[Receipt]:
        receipts = append_deliveries(database, deliveries)
        if isinstance(self._engine, SharedEngine):
            self._engine.stored(len(deliveries))
        return receipts

    def _deliver(self, outcomes: Sequence[Outcome]) -> None:
        self._loop.call_soon_threadsafe(self._writer.finished, outcomes)

    async def _look_up(self, event: int) -> Outcome | None:
        return await self.database_thread.call(lambda database: outcome_of(database, event))

    async def _check_database(self) -> None:
        size = self.project.settings.server.max_body if self._writer.failing else 0
        await self.database_thread.call(lambda database: require_writable(database, size))

    async def _check_rules(self) -> None:
        if self._engine.trouble is not None:
            raise GatewayError(self._engine.trouble)

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
        hide_secrets(project)
        program = await self.database_thread.call(lambda database: self._relink(project, database))
        await self._engine.reload()
        self.program, self.project = program, project
        self.server.load(self._sources())
        settings = project.settings
        self.courier.use(build_places(settings, self._session), retry_policy(settings.retry, settings.park))

    def _relink(self, project: Project, database: Database) -> Program:
        migrate(database, project.tables.values())
        program = build_program(project, database)
        if isinstance(self._engine, SharedEngine):
            self._engine.use(project, program)
        return program

    async def drain(self) -> None:
        """Take no more deliveries, answer those under way, finish the slice, close the database."""
        seconds = self.project.settings.server.drain.total_seconds()
        await self.server.drain(seconds)
        await self._engine.stop(seconds)
        await self.courier.stop(seconds)
        await self._session.close()
        if self._readers is not None:
            self._readers.close()
        await self.database_thread.stop()


class _Waking:
    """The database's thread, for writes that may make an event ready."""

    def __init__(self, thread: DatabaseThread, wake: Callable[[], None]) -> None:
        self._thread = thread
        self._wake = wake

    async def call(self, run: Callable[[Database], T]) -> T:
        """Run a function on the database; its exceptions are raised here."""
        result = await self._thread.call(run)
        self._wake()
        return result


def process_events(project: Project, log_writer: LogWriter) -> None:
    """Run the engine alone, for the process that receives, until standard input ends.

    Raises StorageUnavailable when the database cannot be opened.
    """
    hide_secrets(project)
    settings = project.settings
    database = open_database(parse_address(settings.database, settings.path.parent))
    database.checkpoint_every(ENGINE_CHECKPOINT_PAGES)
    engine = Engine(database, build_program(project, database), clock=clock, chance=random.random)
    registry = CollectorRegistry()
    reporter = build_reporter(project, registry, log_writer)
    work = build_work(project, engine, reporter, tell_outcomes)
    work.watch = watch = build_watch(project, engine.program, database, registry)
    work.wrote_outbox = watch.told = tell_outbox
    work.retention = retention = Retention(database, keep(project), clock=clock)

    def reload() -> None:
        again = require_project(settings.path)
        hide_secrets(again)
        engine.program = build_program(again, database)
        load_watch(watch, again, engine.program)
        retention.keep = keep(again)

    settle_garbage_collector()
    EngineChild(work, reload=reload, metrics=lambda: generate_latest(registry).decode()).run()
    watch.close()
    database.close()


def build_reporter(project: Project, registry: CollectorRegistry, log_writer: LogWriter | None) -> Reporter:
    """Return what counts and logs the engine's work."""
    put = None if log_writer is None else log_writer.put
    return Reporter(registry, put=put, level=project.settings.log.level)


def build_work(project: Project, engine: Engine, reporter: Reporter, deliver: Deliver) -> WatchedWork:
    """Return what runs the engine's slices; `deliver` is told how events ended that somebody may wait for."""
    largest = project.settings.engine.slice
    return WatchedWork(engine, clock=clock, report=reporter.report, deliver=deliver, largest=largest)


def build_watch(project: Project, program: Program, database: Database, registry: CollectorRegistry) -> Watch:
    """Return what looks at the engine's work: alerts, checks that look by themselves, what waits."""
    watch = Watch(database, clock=clock)
    WatchMetrics(registry, lambda: watch.last)
    load_watch(watch, project, program)
    return watch


def keep(project: Project) -> Keep:
    """Return how long the settings keep finished events."""
    settings = project.settings.retention
    return Keep(
        done=settings.done.total_seconds(), ignored=settings.ignored.total_seconds(), dead=settings.dead.total_seconds()
    )


def load_watch(watch: Watch, project: Project, program: Program) -> None:
    """Watch by a project from now on."""
    settings = project.settings
    watch.load(
        [source.name for source in settings.sources],
        build_alerts(settings.alerts, settings.park),
        project_checks(project, program.tables),
        park_seconds=settings.park.alert_after.total_seconds(),
    )


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


def require_project(path: Path) -> Project:
    """Read a configuration that must be free of errors.

    Raises ConfigurationError with all findings as text.
    """
    findings = Findings()
    project = load_project(path, findings)
    if project is None or findings.has_errors:
        raise ConfigurationError(report(findings, "full"))
    return project
