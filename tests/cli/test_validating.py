"""`gateway validate` stays light: nobody waits for what it does not need."""

from __future__ import annotations

import gc
import subprocess
import sys
from pathlib import Path

from click.testing import CliRunner

from gateway.cli import validate

ROOT = Path(__file__).parents[2]
HEAVY = (
    "aiohttp", "apprise", "asyncio", "asyncpg", "cryptography", "jsonschema", "nats", "prometheus_client", "psycopg",
    "redis", "rich", "sqlalchemy", "stripe", "structlog", "uvloop", "watchfiles",
)  # fmt: skip


def test_it_imports_nothing_heavy() -> None:
    program = (
        "import sys; from gateway.cli import main\n"
        "try: main(['validate', 'rules'])\n"
        f"except SystemExit as end: print(end.code, [name for name in {HEAVY!r} if name in sys.modules])"
    )
    ran = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True)
    assert ran.stdout.splitlines()[-1] == "0 []", ran.stdout


def test_garbage_is_looked_for_as_before_when_it_is_done(tmp_path: Path) -> None:
    (tmp_path / "rules.yaml").write_text("version: 1\nrules: [{name: all, on: '*', do: [{log: seen}]}]\n")
    before = gc.get_threshold()
    assert CliRunner().invoke(validate.command, [str(tmp_path / "rules.yaml")]).exit_code == 0
    assert gc.get_threshold() == before
