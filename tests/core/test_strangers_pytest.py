"""What an installation of the harness does to the test suites of others: nothing."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from mission_critical import gate_options

OWN_OPTIONS = """
def pytest_addoption(parser):
    for name in ("--target", "--users", "--allow-unknown", "--seed"):
        parser.addoption(name, default="mine")
"""
OWN_TEST = """
def test_options_are_mine(request):
    assert "theirs mine mine" == " ".join(request.config.getoption(name) for name in ("target", "users", "seed"))
"""


def ran(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run pytest as somebody does in a project that has nothing to do with the harness."""
    words = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", *arguments]
    return subprocess.run(words, cwd=folder, capture_output=True, text=True, check=False)


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project whose tests have options of their own, called as the gate's once were."""
    (tmp_path / "conftest.py").write_text(OWN_OPTIONS, encoding="utf-8")
    (tmp_path / "test_own.py").write_text(OWN_TEST, encoding="utf-8")
    return tmp_path


def test_a_strangers_options_are_the_strangers(project: Path) -> None:
    """A conftest may call its options --target and --users, and gets what was given for them."""
    answer = ran(project, "--target=theirs")
    assert 0 == answer.returncode, answer.stdout + answer.stderr
    assert "1 passed" in answer.stdout


def test_the_plugin_adds_options_with_its_name_and_nothing_else(project: Path) -> None:
    """What `pytest --help` lists more than without the plugin begins with --isolation-; it has no other hook."""
    options = re.compile(r"^  (-\S+)", re.MULTILINE)
    without = options.findall(ran(project, "--help", "-p", "no:isolation_gate").stdout)
    added = set(options.findall(ran(project, "--help").stdout)) - set(without)
    assert {"--isolation-target", "--isolation-users", "--isolation-seed", "--isolation-allow-unknown"} == {
        option.partition("=")[0] for option in added
    }
    assert ["pytest_addoption"] == [name for name in vars(gate_options) if name.startswith("pytest_")]


def test_the_gate_is_there_for_who_asks_for_it(project: Path) -> None:
    """Installed as a package, it runs from anybody's project, with its options."""
    target = "no_such_module:target"
    answer = ran(project, "--pyargs", "mission_critical", "-k", "test_claim", f"--isolation-target={target}")
    assert 2 == answer.returncode, answer.stdout + answer.stderr
    assert "no_such_module cannot be imported" in answer.stdout + answer.stderr
