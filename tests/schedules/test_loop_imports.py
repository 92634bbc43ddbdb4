"""The loop is a room that could stand alone."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import harness.loop

FOLDER = Path(harness.loop.__file__).parent
REPLACED = {"aiosqlite", "anyio", "time_machine"}
"""What the devices and the clock replace."""
LIST_LOADED = """
import sys
before = set(sys.modules)
import harness.loop.control, harness.loop.strategies
loaded = {name.partition(".")[0] for name in set(sys.modules) - before}
print(*sorted(name for name in loaded - sys.stdlib_module_names if not name.startswith("_")))
print(*sorted(name for name in sys.modules if name.startswith("harness.") and not name.startswith("harness.loop")))
"""


def test_importing_it_loads_the_standard_library_only() -> None:
    """Nothing that is installed, and no other room."""
    listed = subprocess.run([sys.executable, "-c", LIST_LOADED], capture_output=True, text=True, check=True)
    assert ["harness", ""] == listed.stdout.splitlines()


def test_it_names_nothing_but_the_standard_library_and_what_it_replaces() -> None:
    """Also where something is imported only when it is needed."""
    named = {
        name.partition(".")[0] if not name.startswith("harness") else ".".join(name.split(".")[:2])
        for path in FOLDER.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        for name in _imported(node)
    }
    assert REPLACED | {"harness.loop"} == named - sys.stdlib_module_names


def _imported(node: ast.AST) -> list[str]:
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    return [node.module] if isinstance(node, ast.ImportFrom) and node.module else []
