"""The gateway as a whole: the one module that knows all others, builds them and wires them together."""

from __future__ import annotations

import asyncio
import os
import random
import sys
import time
from collections.abc import Callable, Sequence
from functools import partial
from typing import TypeVar

import structlog
from prometheus_client import CollectorRegistry

from gateway.admin.api import Api
from gateway.admin.loopback import Loopback
from gateway.building import build_program, build_source, clock, hide_secrets, retry_policy, settle_garbage_collector
from gateway.config.diagnostics import Findings
from gateway.config.reporters import report
from gateway.engine.link import EngineProcess
from gateway.engine.loop import Engine
from gateway.engine.program import Program
from gateway.engine.retention import Retention
from gateway.errors import GatewayError, StorageUnavailable
from gateway.processing import SharedEngine, build_reporter, build_watch, build_work, keep
from gateway.project import Project, load_project
from gateway.receiving.deliveries import Source
from gateway.receiving.health import Health
from gateway.receiving.limits import AddressList
from gateway.receiving.metrics import WriterMetrics
from gateway.receiving.paypal import PaypalVerifiers
from gateway.receiving.server import Handler, ReceivingServer
from gateway.receiving.space import DiskSpace
from gateway.receiving.writer import GroupWriter
from gateway.sending.courier import Courier
from gateway.sending.http import open_session
from gateway.sending.metrics import SendMetrics
from gateway.sending.targets import build_places
from gateway.store.database import Database, open_database, parse_address
from gateway.store.inbox import Delivery, Outcome, Receipt, append_deliveries, outcome_of, require_writable
from gateway.store.leadership import Leadership
from gateway.store.migrations import migrate
from gateway.store.readers import Readers
from gateway.store.signals import OUTBOX, READY, Listener, signal
from gateway.store.thread import DatabaseThread
from gateway.telemetry import LogWriter, new_registry

log = structlog.get_logger("gateway")

T = TypeVar("T")

ROLES = {
    "all": frozenset({"receive", "process", "send"}),
    "receive": frozenset({"receive"}),
    "process": frozenset({"process"}),
    "send": frozenset({"send"}),
}
"""What a process does, by the name of its role."""

SIGNAL_SECONDS = 0.005
"""Other processes are woken once for all that happens in so short a time."""


class Gateway:
    """One running gateway: receiving, storing, processing."""

    def __init__(
        self,
        project: Project,
        log_writer: LogWriter | None = None,
        *,
        role: str = "all",
        shares_port: bool = False,
        own_port: int | None = None,
    ) -> None:
        """Take a project that is free of errors, and one of ROLES.

        The port that the settings name may be shared with other processes; `own_port` is this one's alone, for
        health and metrics. A process that does not receive listens there only, if at all.
        """
        self.project = project
        self._does = ROLES[role]
        self._shares_port, self._own_port = shares_port, own_port
        self._signaled: set[str] = set()
        self._saying: set[asyncio.Task[None]] = set()
        self.registry: CollectorRegistry = new_registry()
        self._log_writer = log_writer
        self._reloading = asyncio.Lock()

    async def start(self) -> int:
        """Open and migrate the database, start processing, listen. Return the port, 0 where there is none.

        Raises StorageUnavailable, MigrationRefused, OSError when the address is in use.
        """
        settings = self.project.settings
        hide_secrets(self.project)
        database = open_database(parse_address(settings.database, settings.path.parent))
        migrate(database, self.project.tables.values())
        # A file that was opened on a read-only disk stays read-only when the disk is mended: better not to start.
        require_writable(database, 1)
        self.program = build_program(self.project, database)
        self._loop = asyncio.get_running_loop()
        self._session = open_session()
        self._paypal = PaypalVerifiers(self._session)
        self._writer = GroupWriter(self._commit, self._look_up, metrics=WriterMetrics(self.registry))
        self._space = DiskSpace(database.address.file, settings.server.min_free)
        self._leadership = Leadership(database.address)
        self._engine = self._choose_engine(database)
        work = self._engine.work if isinstance(self._engine, SharedEngine) else None
        self.database_thread = DatabaseThread(database, work)
        # A database in memory has one connection, which is the thread's own.
        self._readers = None if database.address.in_memory else Readers(database.address)
        self.health = Health(
            {"database": self._check_database, "rules": self._check_rules}, storing=lambda: not self._writer.failing
        )
        self.server = ReceivingServer(
            self._sources(),
            self._writer,
            self.health,
            self.registry,
            handlers={"/api/": self._admin()} if "receive" in self._does else {},
            trusted_proxies=AddressList(map(str, settings.server.trusted_proxies)),
            write_line=self._log_writer.put if self._log_writer and settings.log.level in {"debug", "info"} else None,
            more_metrics=self._more_metrics,
            max_connections=settings.server.max_connections,
            idle_timeout=settings.server.keep_alive.total_seconds(),
        )
        # Where many can write at once, sending does not wait for receiving.
        self._outbox_thread = self.database_thread
        if not database.one_writer and self._sends:
            self._outbox_thread = DatabaseThread(open_database(database.address))
            self._outbox_thread.start()
        self.courier = await self._build_courier()
        self.database_thread.start()
        await self._engine.start()
        if self._sends:
            await self.courier.start()
        self._listener = Listener(database.address, self._signals(), self._hear)
        self._listener.start()
        ports = [settings.server.port] if "receive" in self._does else []
        ports += [] if self._own_port is None else [self._own_port]
        self._port = await self.server.start(settings.server.host, *ports, shared=self._shares_port) if ports else 0
        settle_garbage_collector()
        return self._port

    @property
    def _sends(self) -> bool:
        return "send" in self._does and self.project.settings.engine.workers > 0

    @property
    def _processes(self) -> bool:
        return "process" in self._does and self.project.settings.engine.workers > 0

    def _signals(self) -> list[str]:
        """Return what other processes may tell this one."""
        return [READY] * self._processes + [OUTBOX] * self._sends

    def _hear(self, name: str) -> None:
        """Look at what another process has told of; called in the listener's thread."""
        self._loop.call_soon_threadsafe(self._engine.wake if name == READY else self.courier.wake)

    def _signal(self, name: str) -> None:
        """Wake the processes that do what this one does not."""
        if name not in self._signaled:
            self._signaled.add(name)
            self._loop.call_later(SIGNAL_SECONDS, self._begin_to_say, name)

    def _begin_to_say(self, name: str) -> None:
        task = self._loop.create_task(self._say(name))
        self._saying.add(task)
        task.add_done_callback(self._saying.discard)

    async def _say(self, name: str) -> None:
        self._signaled.discard(name)
        try:
            await self._outbox_thread.call(lambda database: signal(database, name))
        except StorageUnavailable:
            log.info("other processes were not woken: they look by themselves", signal=name)

    def _choose_engine(self, database: Database) -> SharedEngine | EngineProcess:
        settings = self.project.settings
        wanted = settings.engine.process
        if not self._processes:
            return SharedEngine(None, None)
        cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
        if database.address.in_memory or wanted == "shared" or (wanted == "auto" and cores < 2):
            engine = Engine(database, self.program, clock=clock, chance=random.random)
            reporter = build_reporter(self.project, self.registry, self._log_writer)
            work = build_work(self.project, engine, reporter, self._deliver)
            watch = build_watch(self.project, self.program, database, self.registry, self._leadership.holds)
            work.wrote_outbox = watch.told = self._wake_courier
            work.watch_by(watch, Retention(database, keep(self.project), clock=clock), self._leadership.holds)
            return SharedEngine(engine, work)
        command = [sys.executable, "-m", "gateway", "serve", "--as-engine", "--config", str(settings.path)]
        return EngineProcess(command, finished=self._writer.finished, wrote_outbox=self._wake_courier)

    def _wake_courier(self) -> None:
        """Have what is new in the outbox sent; called from any thread."""
        self._loop.call_soon_threadsafe(self.courier.wake if self._sends else partial(self._signal, OUTBOX))

    async def _build_courier(self) -> Courier:
        settings = self.project.settings
        return Courier(
            self._outbox_thread,
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
        if self._processes:
            self._engine.wake()
        else:
            self._signal(READY)

    def _admin(self) -> Handler:
        return Api(
            self,
            reader=self._readers or self.database_thread,
            writer=_Waking(self.database_thread, self._wake_engine),
            deliver=Loopback(lambda: (self.project.settings.server.host, self._port)),
            wait_for=self._wait_for,
            alerts=lambda: self._engine.alerts,
        )

    async def _wait_for(self, event: int, timeout: float) -> object:
        return await self._writer.outcome(event, timeout)

    def _sources(self) -> list[Source]:
        sources = self.project.settings.sources if "receive" in self._does else ()
        return [build_source(source, self.project, self.program, self._paypal) for source in sources]

    async def _commit(self, deliveries: list[Delivery]) -> Sequence[Receipt]:
        self._space.require()
        awaited = any(self.program.answers(delivery.source) for delivery in deliveries)
        receipts = await self.database_thread.call(lambda database: self._append(database, deliveries, awaited))
        if isinstance(self._engine, EngineProcess):
            self._engine.stored(awaited=awaited)
        elif not self._processes:
            self._signal(READY)
        return receipts

    def _append(self, database: Database, deliveries: list[Delivery], awaited: bool) -> Sequence[Receipt]:
        receipts = append_deliveries(database, deliveries)
        if isinstance(self._engine, SharedEngine):
            self._engine.stored(len(deliveries), awaited=awaited)
        return receipts

    def _deliver(self, outcomes: Sequence[Outcome]) -> None:
        self._loop.call_soon_threadsafe(self._writer.finished, outcomes)

    async def _look_up(self, event: int) -> Outcome | None:
        return await self.database_thread.call(lambda database: outcome_of(database, event))

    async def _check_database(self) -> None:
        self._space.require()
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
        """Take no more deliveries, answer those under way, finish the slice, close the database.

        All of them together have the time that the settings give.
        """
        ends = time.monotonic() + self.project.settings.server.drain.total_seconds()
        self._listener.stop()
        await self.server.drain(_left(ends))
        await self._engine.stop(_left(ends))
        await self.courier.stop(_left(ends))
        await self._session.close()
        if self._readers is not None:
            self._readers.close()
        if self._outbox_thread is not self.database_thread:
            await self._outbox_thread.stop()
        await self.database_thread.stop()
        self._leadership.close()


def _left(ends: float) -> float:
    return max(0.0, ends - time.monotonic())


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
