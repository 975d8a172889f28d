"""How long a person waits for `gateway validate` and `gateway --help`."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path
from statistics import median
from time import perf_counter

from bench.projects import write_project
from bench.servers import GATEWAY, ROOT
from bench.sizes import Run
from bench.table import Row, under

TIMES = 7

FILES = 100

MOST_VALIDATE = 0.6
MOST_HUNDRED = 3.0
MOST_HELP = 0.2
"""Seconds."""

_VARIABLE = re.compile(r"\$\{env:(\w+)\}")


class CommandFailure(Exception):
    """A command did not end well."""


def measure(run: Run) -> Iterator[Row]:
    """Time each command some times, after once for the file cache."""
    yield under(MOST_VALIDATE, _seconds("validate"), "s", what="gateway validate, the shipped files")
    hundred = run.folder / "hundred"
    lines = write_project(hundred, FILES)
    seconds = _seconds("validate", folder=hundred, times=3)
    yield under(MOST_HUNDRED, seconds, "s", what=f"gateway validate, {FILES} rules files, {lines:,} lines")
    yield under(MOST_HELP, _seconds("--help"), "s", what="gateway --help")


def _environment() -> dict[str, str]:
    """Return an environment in which every variable that the shipped configuration names is set."""
    names = _VARIABLE.findall((ROOT / "gateway.yaml").read_text())
    return {**dict.fromkeys(names, "value-for-the-bench-0123456789abcdef"), **os.environ}


def _seconds(*arguments: str, folder: Path = ROOT, times: int = TIMES) -> float:
    _time([GATEWAY, *arguments], folder)
    return median(_time([GATEWAY, *arguments], folder) for _ in range(times))


def _time(command: Sequence[str], folder: Path) -> float:
    started = perf_counter()
    ended = subprocess.run(command, cwd=folder, env=_environment(), capture_output=True, text=True, check=False)
    seconds = perf_counter() - started
    if ended.returncode:
        raise CommandFailure(f"`gateway {command[1]}` ended with {ended.returncode}: {ended.stdout}{ended.stderr}")
    return seconds
