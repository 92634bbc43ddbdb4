"""What the distribution declares that it needs, against what its code imports."""

from __future__ import annotations

import ast
import subprocess
import sys
import tomllib
from collections.abc import Iterator, Mapping
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
SHIPPED = ("harness", "mission_critical", "reference_impl", "docs/examples")
OURS = {"harness", "mission_critical", "reference_impl", "fixed_notes", "leaky_notes"}
OF_EXTRAS: Mapping[str, str] = {
    "harness/load/": "load",
    "harness/schedules/cluster.py": "cluster",
    "harness/wire/channels.py": "socketio",
}
"""Folders and files that may import what an extra brings."""
WITHOUT_EXTRAS = """
import sys, pkgutil, importlib, harness, mission_critical, reference_impl
for name in ("locust", "gevent", "uvloop", "httptools", "distributed", "socketio", "aiohttp", "rich"):
    sys.modules[name] = None
for package in (harness, mission_critical, reference_impl):
    for module in pkgutil.walk_packages(package.__path__, package.__name__ + "."):
        if not module.name.startswith(tuple(sys.argv[1:])):
            importlib.import_module(module.name)
"""
NOT_IMPORTED = ["harness.__main__", "harness.load.conductor", "harness.load.crew", "harness.load.event_socket"]
NOT_IMPORTED += ["harness.load.habits", "harness.load.locustfile", "harness.load.person"]


def declared(requirements: list[str]) -> set[str]:
    """Return the names of distributions."""
    return {canonicalize_name(Requirement(text).name) for text in requirements}


def imports() -> Iterator[tuple[str, str]]:
    """Yield file and top-level module of each third-party import of what is shipped, at whatever depth it stands."""
    for folder in SHIPPED:
        for path in (ROOT / folder).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
                if isinstance(node, ast.ImportFrom) and not node.level and node.module:
                    names = [node.module]
                for name in {name.partition(".")[0] for name in names} - OURS - sys.stdlib_module_names:
                    yield str(path.relative_to(ROOT)), name


def test_whatever_is_imported_is_declared() -> None:
    """Each third-party module comes with a base dependency, or with the extra that its importer belongs to."""
    base = declared(PROJECT["dependencies"])
    brought = packages_distributions()
    undeclared = []
    for file, module in imports():
        extras = [extra for beginning, extra in OF_EXTRAS.items() if file.startswith(beginning)]
        allowed = base.union(*(declared(PROJECT["optional-dependencies"][extra]) for extra in extras))
        if not allowed & {canonicalize_name(name) for name in brought.get(module, ())}:
            undeclared.append(f"{file} imports {module}")
    assert [] == sorted(undeclared)


def test_the_base_loads_without_the_extras() -> None:
    """Every module but those that run inside Locust can be imported where no extra is installed."""
    words = [sys.executable, "-c", WITHOUT_EXTRAS, *NOT_IMPORTED]
    answer = subprocess.run(words, capture_output=True, text=True, check=False)
    assert 0 == answer.returncode, answer.stderr


@pytest.mark.parametrize("heavy", ["locust", "gevent", "distributed", "scipy", "numpy", "rich", "uvloop"])
def test_the_base_is_small(heavy: str) -> None:
    """What few need is no base dependency."""
    assert heavy not in declared(PROJECT["dependencies"])


def test_all_has_every_extra_for_users_and_dev_has_all() -> None:
    """`isolation-harness[all]` names each extra, and so whoever develops has them."""
    extras = PROJECT["optional-dependencies"]
    (everything,) = (Requirement(text) for text in extras["all"])
    assert set(extras) - {"all", "dev"} == everything.extras
    assert "isolation-harness[all]" in extras["dev"]
