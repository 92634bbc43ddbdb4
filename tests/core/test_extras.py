"""What is said where something needs an extra that is not installed, and that it is said before anything is begun."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from harness_command import TINY

SOCKETIO_TARGET = """
from harness.adapter import Adapter, Channel, Route, nobody

adapter = Adapter(
    name="pushing",
    sign_in=nobody(),
    routes=[Route("write_note", "POST", "/notes", json={"text": "{canary}"}, makes="note")],
    channels=[Channel("events", "socketio", "/socket.io")],
    url="http://127.0.0.1:9",
)
"""
WITH_LOAD = TINY.replace("load = false\n", "")


def without(module: str, folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run a command of `harness` where a module cannot be imported."""
    program = f"import sys; sys.modules[{module!r}] = None; from harness.command.cli import main; main(sys.argv[1:])"
    words = [sys.executable, "-c", program, *arguments]
    return subprocess.run(words, cwd=folder, capture_output=True, text=True, check=False)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with a target that pushes over Socket.IO, and a plan with load."""
    (tmp_path / "pushing.py").write_text(SOCKETIO_TARGET, encoding="utf-8")
    (tmp_path / "load.toml").write_text(WITH_LOAD, encoding="utf-8")
    return tmp_path


@pytest.mark.parametrize(
    ("module", "extra", "arguments"),
    [
        ("locust", "load", ["verify", "--plan", "quick", "--out", "run"]),
        ("locust", "load", ["verify", "--plan", "load.toml", "--out", "run"]),
        ("locust", "load", ["mutants", "--suite", "load"]),
        ("distributed", "cluster", ["explore", "--cluster", "tcp://127.0.0.1:9", "--out", "run"]),
        ("socketio", "socketio", ["verify", "--target", "pushing.py", "--out", "run"]),
    ],
)
def test_a_missing_extra_is_named_before_anything_is_begun(
    folder: Path, module: str, extra: str, arguments: list[str]
) -> None:
    """One sentence says which is missing and how to install it; the exit code is 2, and there is no run folder."""
    answer = without(module, folder, *arguments)
    assert 2 == answer.returncode, answer.stderr
    assert "Traceback" not in answer.stderr
    assert f"pip install 'isolation-harness[{extra}]'" in answer.stderr
    assert 1 == len(answer.stderr.strip().splitlines()), answer.stderr
    assert not (folder / "run").exists()


def test_a_plan_without_load_does_without_locust(tmp_path: Path) -> None:
    """Where nothing needs the extra, nobody asks for it, and the report does not state its version."""
    (tmp_path / "tiny.toml").write_text(TINY, encoding="utf-8")
    answer = without("locust", tmp_path, "verify", "--plan", "tiny.toml", "--out", "run")
    assert (tmp_path / "run" / "report.html").exists(), answer.stderr
    assert "isolation-harness[" not in answer.stderr
