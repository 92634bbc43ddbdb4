"""Processes of this machine that explore side by side.

Rules:

- Every process hashes strings alike (PYTHONHASHSEED=0), so that sets of them are walked alike everywhere.
- An interrupt is for the process that gives out the work. A worker does not hear of it; it ends with what it has in
  hand, or is ended when that takes more than GRACE_S.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
from collections.abc import Iterable, Iterator
from concurrent.futures import Executor, ProcessPoolExecutor
from contextlib import contextmanager
from multiprocessing.connection import wait
from multiprocessing.process import BaseProcess
from time import monotonic

HASH_SEED = "0"
GRACE_S = 5.0
"""How long a worker may take to end when somebody has had enough."""


@contextmanager
def processes(workers: int) -> Iterator[Executor]:
    """Yield so many of them."""
    others = set(multiprocessing.active_children())
    context = multiprocessing.get_context("spawn")
    with fixed_hashes():
        pool = ProcessPoolExecutor(workers, mp_context=context, initializer=_ignore_interrupts)
        try:
            yield pool
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            end(set(multiprocessing.active_children()) - others)
            raise
        pool.shutdown(wait=True, cancel_futures=True)


def _ignore_interrupts() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def end(workers: Iterable[BaseProcess]) -> None:
    """Wait for them to end; end those that do not."""
    left = {worker.sentinel: worker for worker in workers}
    until = monotonic() + GRACE_S
    try:
        while left and (ended := wait(list(left), timeout=max(0.0, until - monotonic()))):
            for sentinel in ended:
                del left[sentinel]  # type: ignore[arg-type]  # sentinels were given, so sentinels come back
    finally:  # also when somebody interrupts again
        for worker in left.values():
            worker.terminate()


@contextmanager
def fixed_hashes() -> Iterator[None]:
    """Processes that are started while this lasts hash strings alike."""
    before = os.environ.get("PYTHONHASHSEED")
    os.environ["PYTHONHASHSEED"] = HASH_SEED
    try:
        yield
    finally:
        if before is None:
            del os.environ["PYTHONHASHSEED"]
        else:
            os.environ["PYTHONHASHSEED"] = before
