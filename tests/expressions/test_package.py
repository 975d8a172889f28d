import subprocess
import sys

import gateway.expressions


def test_importing_stays_cheap():
    heavy = {"re2", "jsonschema", "zoneinfo", "_hashlib", "difflib", "yaml", "asyncio", "sqlalchemy"}
    code = "import sys, gateway.expressions; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert heavy & set(loaded.stdout.split()) == set()


def test_every_exported_name_exists():
    for name in gateway.expressions.__all__:
        assert hasattr(gateway.expressions, name)
