"""The processes that explore side by side, and how they end."""

from __future__ import annotations

import multiprocessing
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from harness.schedules.workers import end

ROOT = Path(__file__).parents[2]


def interrupt(*_: object) -> None:
    """Do what the keyboard does."""
    raise KeyboardInterrupt


def test_who_interrupts_again_is_not_kept_waiting() -> None:
    """Workers that are still at it are ended, not waited for: the interpreter would wait for them when it exits."""
    worker = multiprocessing.get_context("spawn").Process(target=time.sleep, args=(600,))
    worker.start()
    before = signal.signal(signal.SIGALRM, interrupt)
    try:
        signal.setitimer(signal.ITIMER_REAL, 0.2)
        with pytest.raises(KeyboardInterrupt):
            end([worker])
        worker.join(60)
        assert -signal.SIGTERM == worker.exitcode
    finally:
        signal.signal(signal.SIGALRM, before)
        worker.kill()


def test_a_worker_closes_what_it_has_open_before_it_ends(tmp_path: Path) -> None:
    """Nothing is left to the end of the interpreter, which has torn down by then what closing needs."""
    target = ROOT / "docs" / "examples" / "notes_adapter.py"
    words = [sys.executable, "-m", "harness", "explore", f"{target}:fixed", "--schedules", "4", "--workers", "1"]
    done = subprocess.run(
        [*words, "--out", str(tmp_path / "run")], capture_output=True, text=True, cwd=tmp_path, check=False
    )
    assert (0, False) == (done.returncode, "Traceback" in done.stderr), done.stderr
