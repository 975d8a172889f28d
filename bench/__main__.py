"""`python -m bench`: measure, and print the table of targets with the peers of the same run.

Exits 0 when every target is met, 1 when one is not, 2 when something could not be measured.
"""

from __future__ import annotations

import argparse
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from time import perf_counter

from bench.backlog import BacklogFailure
from bench.load import LoadFailure
from bench.machine import HAS_TWO_CORES, busy_seconds, own_seconds
from bench.progress import ProgressFailure
from bench.scenarios import SCENARIOS
from bench.scenarios.commands import CommandFailure
from bench.servers import ServerFailure
from bench.sizes import FULL, QUICK, Run
from bench.table import Row, print_table

QUIET = 0.1
"""Cores that others may use without being mentioned."""

FAILURES = (BacklogFailure, CommandFailure, LoadFailure, ProgressFailure, ServerFailure)


def main() -> int:
    """Run the scenarios that were asked for."""
    parser = _parser()
    asked = parser.parse_args()
    if unknown := [name for name in asked.scenarios if name not in SCENARIOS]:
        parser.error(f"there is no scenario `{unknown[0]}`, expected some of: {', '.join(SCENARIOS)}")
    if not HAS_TWO_CORES:
        print("one core only: load and server share it, ratios mean little", file=sys.stderr)
    rows: list[Row] = []
    others = 0.0
    failed = False
    with _scratch(asked.keep) as folder:
        run = Run(sizes=FULL if asked.full else QUICK, folder=folder)
        for name in asked.scenarios or SCENARIOS:
            try:
                found, used = _measure(name, run)
            except FAILURES as failure:
                failed = True
                rows.append(Row(what=name, measured="could not be measured", passed=False))
                print(f"{name}: {failure}", file=sys.stderr)
            else:
                rows += found
                others = max(others, used)
    print_table(rows)
    if others > QUIET:
        print(f"other processes used up to {others:.2f} cores meanwhile: measure again when the machine is quiet")
    return 2 if failed else 1 if any(row.passed is False for row in rows) else 0


def _measure(name: str, run: Run) -> tuple[list[Row], float]:
    """Run a scenario; return its rows, and how many cores other processes used meanwhile."""
    print(f"measuring {name} …", file=sys.stderr, end=" ", flush=True)
    started, busy, own = perf_counter(), busy_seconds(), own_seconds()
    rows = list(SCENARIOS[name](run))
    seconds = perf_counter() - started
    others = max(0.0, (busy_seconds() - busy - (own_seconds() - own)) / seconds)
    print(f"{seconds:.0f} s, other processes used {others:.2f} cores", file=sys.stderr)
    return rows, others


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m bench", description="Measure the gateway beside its peers.")
    parser.add_argument("scenarios", nargs="*", metavar="scenario", help=f"some of: {', '.join(SCENARIOS)}")
    parser.add_argument("--full", action="store_true", help="the targets' own sizes: a million events, half an hour")
    parser.add_argument("--keep", type=Path, help="an empty folder for databases and logs, kept afterwards")
    return parser


@contextmanager
def _scratch(keep: Path | None) -> Iterator[Path]:
    if keep is not None:
        keep.mkdir(parents=True, exist_ok=True)
        yield keep.resolve()
        return
    folder = Path(tempfile.mkdtemp(prefix="gateway-bench-", dir=os.environ.get("TMPDIR")))
    try:
        yield folder
    finally:
        shutil.rmtree(folder)


if __name__ == "__main__":
    sys.exit(main())
