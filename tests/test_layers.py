"""Imports go one way: a package knows only those before it."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent / "gateway"

LAYERS = (
    {"errors", "records"},
    {"telemetry"},
    {"expressions"},
    {"providers"},
    {"config"},
    {"settings"},
    {"store"},
    {"actions"},
    {"project"},
    {"engine"},
    {"receiving", "sending", "admin", "connecting"},
    {"building"},
    {"processing"},
    {"app"},
    {"testing"},
    {"editor"},
    {"cli"},
)
LEVEL = {name: level for level, names in enumerate(LAYERS) for name in names}


def layer(path: Path) -> str:
    return path.relative_to(ROOT).parts[0].removesuffix(".py")


def imported(path: Path) -> set[str]:
    """Return the gateway's packages that a module imports, also inside functions."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        modules = []
        if isinstance(node, ast.ImportFrom) and node.module:
            modules = [node.module] if node.module != "gateway" else [f"gateway.{alias.name}" for alias in node.names]
        elif isinstance(node, ast.Import):
            modules = [alias.name for alias in node.names]
        names.update(m.split(".")[1] for m in modules if m.startswith("gateway.") and not m.startswith("gateway.__"))
    return names


MODULES = [
    path for path in sorted(ROOT.rglob("*.py")) if path.parent != ROOT or path.stem not in {"__init__", "__main__"}
]


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_module_imports_only_what_stands_before_it(path: Path) -> None:
    own = LEVEL[layer(path)]
    late = {name for name in imported(path) if LEVEL[name] > own or (LEVEL[name] == own and name != layer(path))}
    assert not late
