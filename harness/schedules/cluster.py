"""Workers of a Dask cluster instead of processes of this machine. Needs the extra `cluster`.

The same orders, the same batches, merged in the same order: the result is the same. Each worker needs the same
versions of the harness and of the target.

How it works. `distributed.Client.get_executor` is an executor of `concurrent.futures`. On its worker a batch is run in
a child process, which hashes strings as every other does, and whose clock may be stopped without stopping the worker's.

Source: distributed.dask.org, "Futures" and "Executor".
"""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, Future
from contextlib import contextmanager
from importlib.metadata import version
from threading import Lock
from typing import Any

from harness.extras import need
from harness.schedules.workers import HASH_SEED

CONNECT_S = 10.0
"""How long the scheduler may take to answer."""


class ClusterError(Exception):
    """The cluster cannot be used. Says why, and what to do."""


@contextmanager
def cluster(address: str) -> Iterator[tuple[Executor, int]]:
    """Connect to a Dask scheduler; yield an executor on its workers, and how many there are.

    Raises:
        MissingExtra: Dask is not installed.
        ClusterError: it is not there, has no workers, or has some with another version.
    """
    need("cluster", "--cluster")
    from distributed import Client
    from distributed.comm.addressing import parse_address
    from distributed.comm.registry import get_backend

    try:
        get_backend(parse_address(address)[0])
        client: Any = Client(address, timeout=CONNECT_S, set_as_default=False)  # type: ignore[no-untyped-call]
    except (OSError, TimeoutError, ValueError) as error:
        raise ClusterError(f"no Dask scheduler answers at {address} ({error}): start one, or omit --cluster") from error
    with client:
        versions = client.run(version, "isolation-harness")
        if not versions:
            raise ClusterError(f"the cluster at {address} has no workers, so nothing would ever end: start some")
        if wrong := {name: found for name, found in versions.items() if found != version("isolation-harness")}:
            raise ClusterError(
                f"workers have other versions of isolation-harness: {wrong}. Install the same everywhere"
            )
        yield _ThroughChildren(client.get_executor(pure=False)), len(versions)


class _ThroughChildren(Executor):
    """Has each job done by the child process of the worker that gets it."""

    def __init__(self, executor: Executor) -> None:
        self._executor = executor

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        """Hand a job in."""
        return self._executor.submit(_in_the_child, fn, *args, **kwargs)


class _Child:
    """The child process of a worker."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._process: subprocess.Popen[bytes] | None = None

    def call(self, job: tuple[Any, ...]) -> Any:
        """Have the child do a job; whatever it raises is raised here."""
        with self._lock:
            if self._process is None or self._process.poll() is not None:
                self._process = subprocess.Popen(
                    [sys.executable, "-m", "harness.schedules.cluster"],
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    env={**os.environ, "PYTHONHASHSEED": HASH_SEED},
                )
            assert self._process.stdin is not None
            assert self._process.stdout is not None
            pickle.dump(job, self._process.stdin)
            self._process.stdin.flush()
            result, error = pickle.load(self._process.stdout)
        if error is not None:
            raise error
        return result


_child = _Child()


def _in_the_child(fn: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    return _child.call((fn, args, kwargs))


def main() -> None:
    """Do jobs until there are no more: the child."""
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what the target prints must not get between the answers
    while True:
        try:
            fn, args, kwargs = pickle.load(sys.stdin.buffer)
        except EOFError:
            return
        try:
            answer: tuple[Any, BaseException | None] = (fn(*args, **kwargs), None)
        except Exception as error:
            answer = (None, error)
        pickle.dump(answer, answers)
        answers.flush()


if __name__ == "__main__":
    main()
