"""The machine: which core does what, and how much of it others used meanwhile."""

from __future__ import annotations

import itertools
import os
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO

_TICKS = os.sysconf("SC_CLK_TCK")
_CORES = sorted(os.sched_getaffinity(0))[:2]

SERVER_CORE = frozenset(_CORES[:1])
LOAD_CORE = frozenset(_CORES[-1:])
BOTH_CORES = frozenset(_CORES)

HAS_TWO_CORES = len(_CORES) == 2


def start_on(
    cores: frozenset[int],
    command: Sequence[str],
    *,
    cwd: Path,
    environment: Mapping[str, str],
    log: IO[bytes],
    share: Path | None = None,
) -> subprocess.Popen[bytes]:
    """Start a process on these cores, in a `share_of_a_core` if one is given; its threads and children stay there."""
    if share is not None:
        command = ["/bin/sh", "-c", 'echo $$ > "$0" && exec "$@"', str(share), *command]
    with running_on(cores):
        return subprocess.Popen(command, cwd=cwd, env={**os.environ, **environment}, stdout=log, stderr=log)


@contextmanager
def running_on(cores: frozenset[int]) -> Iterator[None]:
    """Keep this thread on these cores for a while."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, cores)
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


_GROUPS = Path("/sys/fs/cgroup")
_TURN = 10_000
"""Microseconds in which a group may use its share: about as long as a scheduler's own turns."""


@contextmanager
def share_of_a_core(share: float) -> Iterator[Path | None]:
    """Make a group of processes that gets so much of a core (0 to 1); yield the file that takes their numbers.

    It is None where the machine lets nobody make one. Sources: cpu.max of the kernel's cgroup-v2.rst, and
    scheduler/sched-bwc.rst for the version before.
    """
    name, quota = f"gateway-bench-{os.getpid()}-{next(_NUMBERS)}", int(share * _TURN)
    old = (_GROUPS / "cpu").is_dir()
    group = (_GROUPS / "cpu" if old else _GROUPS) / name
    limits = {"cpu.cfs_period_us": _TURN, "cpu.cfs_quota_us": quota} if old else {"cpu.max": f"{quota} {_TURN}"}
    try:
        group.mkdir()
    except OSError:
        yield None
        return
    try:
        for file, value in limits.items():
            (group / file).write_text(str(value))
    except OSError:
        group.rmdir()
        yield None
        return
    try:
        yield group / "cgroup.procs"
    finally:
        group.rmdir()


_NUMBERS = itertools.count()


def family_of(pid: int) -> list[int]:
    """Return a process and its descendants."""
    family = [pid]
    for member in family:
        for children in Path(f"/proc/{member}/task").glob("*/children"):
            family.extend(map(int, children.read_text().split()))
    return family


def peak_memory(pid: int) -> int:
    """Return the most memory, in bytes, that a process and its descendants have held at once (a bound for several)."""
    return sum(_peak_kilobytes(member) for member in family_of(pid)) * 1024


def busy_seconds() -> float:
    """Return the processor time that all processes of the machine have used since it was started."""
    ticks = [int(field) for field in Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:9]]
    return (sum(ticks) - ticks[3] - ticks[4]) / _TICKS


def family_seconds(pid: int) -> float:
    """Return the processor time that a process, its descendants and those that it has waited for have used."""
    return sum(_seconds(member) for member in family_of(pid))


def _seconds(pid: int) -> float:
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except FileNotFoundError:
        return 0.0
    # Source: proc(5); user, system, and both of the children that it has waited for.
    return sum(map(int, stat.rpartition(")")[2].split()[11:15])) / _TICKS


def own_seconds() -> float:
    """Return the processor time that this process and the children it has waited for have used."""
    times = os.times()
    return times.user + times.system + times.children_user + times.children_system


def _peak_kilobytes(pid: int) -> int:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM:"))
