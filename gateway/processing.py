"""The engine and what watches it, as they stand in a process: beside the receiver, or in one of their own."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence

from prometheus_client import CollectorRegistry, generate_latest

from gateway.building import build_program, clock, hide_secrets, require_project, settle_garbage_collector
from gateway.engine.alerts import build_alerts
from gateway.engine.child import EngineChild, tell_outbox, tell_outcomes
from gateway.engine.consistency import project_checks
from gateway.engine.loop import Engine
from gateway.engine.program import Program
from gateway.engine.reporting import Reporter
from gateway.engine.retention import Keep, Retention
from gateway.engine.watch_metrics import WatchMetrics
from gateway.engine.watching import AlertNow, Watch, WatchedWork, always
from gateway.engine.worker import Deliver, EngineWork
from gateway.engine.workers import Worker, Workers
from gateway.project import Project
from gateway.store.database import Database, open_database, parse_address
from gateway.store.leadership import Leadership
from gateway.telemetry import LogWriter

# Nobody waits for the engine's commits: rarer checkpoints write the same page less often, a tenth of a backlog's time.
ENGINE_CHECKPOINT_PAGES = 1000


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
        """Have the engine look at once: what made an event ready went through the same thread."""
        if self.work is not None:
            self.work.hurry()

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

    def stored(self, deliveries: int, *, awaited: bool) -> None:
        """Note that one commit has stored so many deliveries, and whether somebody waits for what becomes of one.

        Called in the database's thread.
        """
        if self.work is not None:
            self.work.stored(deliveries)
            if awaited:
                self.work.hurry()

    async def metrics(self) -> bytes:
        """Return nothing: they are in the process's own registry."""
        return b""

    async def stop(self, seconds: float) -> None:
        """Do nothing: the database's thread ends with its last slice."""


def process_events(project: Project, log_writer: LogWriter) -> None:
    """Run the engine alone, for the process that started this one, until standard input ends.

    Raises StorageUnavailable when the database cannot be opened.
    """
    hide_secrets(project)
    settings = project.settings
    address = parse_address(settings.database, settings.path.parent)
    database = open_database(address)
    database.checkpoint_every(ENGINE_CHECKPOINT_PAGES)
    program = build_program(project, database)
    registry, leadership = CollectorRegistry(), Leadership(address)
    reporter = build_reporter(project, registry, log_writer)
    engines = [Engine(database, program, clock=clock, chance=random.random)]
    work = build_work(project, engines[0], reporter, tell_outcomes)
    watch = build_watch(project, program, database, registry, leadership.holds)
    work.wrote_outbox = watch.told = tell_outbox
    retention = Retention(database, keep(project), clock=clock)
    work.watch_by(watch, retention, leadership.holds)

    def one_more(number: int) -> Worker:
        own = open_database(address)
        engines.append(Engine(own, program, clock=clock, chance=random.random))
        more = EngineWork(
            engines[-1], clock=clock, report=reporter.report, deliver=tell_outcomes, largest=settings.engine.slice
        )
        more.wrote_outbox, more.ran = tell_outbox, watch.note
        return Worker(more, own, number)

    def reload() -> None:
        again = require_project(settings.path)
        hide_secrets(again)
        program = build_program(again, database)
        for engine in engines:
            engine.program = program
        load_watch(watch, again, program)
        retention.keep = keep(again)

    workers = Workers(0 if database.one_writer else settings.engine.workers - 1, one_more)
    settle_garbage_collector()
    EngineChild(
        work,
        workers,
        reload=reload,
        metrics=lambda: generate_latest(registry).decode(),
        takes_turns=database.one_writer,
    ).run()
    watch.close()
    leadership.close()
    database.close()


def build_reporter(project: Project, registry: CollectorRegistry, log_writer: LogWriter | None) -> Reporter:
    """Return what counts and logs the engine's work."""
    put = None if log_writer is None else log_writer.put
    return Reporter(registry, put=put, level=project.settings.log.level)


def build_work(project: Project, engine: Engine, reporter: Reporter, deliver: Deliver) -> WatchedWork:
    """Return what runs the engine's slices; `deliver` is told how events ended that somebody may wait for."""
    largest = project.settings.engine.slice
    return WatchedWork(engine, clock=clock, report=reporter.report, deliver=deliver, largest=largest)


def build_watch(
    project: Project,
    program: Program,
    database: Database,
    registry: CollectorRegistry,
    leads: Callable[[], bool] = always,
) -> Watch:
    """Return what looks at the engine's work: alerts, checks that look by themselves, what waits."""
    watch = Watch(database, clock=clock, leads=leads)
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
