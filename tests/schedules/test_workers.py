"""The processes that explore side by side, and how they end."""

from __future__ import annotations

import multiprocessing
import signal
import time

import pytest

from harness.schedules.workers import end


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
