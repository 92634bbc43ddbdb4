"""Refuses what no schedule decides: sockets that connect or listen, processes, and threads that are not in lock-step.

How it works. An audit hook sees most of them in the thread that asks, before it happens, whatever library asks. Hooks
cannot be taken away, so there is one for the life of the process, and it does nothing between two runs. No event tells
of work for a pool whose threads or processes run already, of a process that multiprocessing spawns, nor of a thread
that waits; there, the method itself is replaced.

Source: the table of audit events (docs.python.org/3/library/audit_events.html).
"""

from __future__ import annotations

import _thread
import asyncio
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from functools import wraps
from multiprocessing.process import BaseProcess
from typing import Any

from harness.loop.loop import ScheduleLoop

_OUTSIDE = {
    "socket.connect": "the program opened a real socket",
    "socket.bind": "the program listened on a real socket",
    "socket.sendto": "the program sent from a real socket",
    "socket.sendmsg": "the program sent from a real socket",
    "socket.getaddrinfo": "the program asked for the address of a host",
    "socket.gethostbyname": "the program asked for the address of a host",
    "subprocess.Popen": "the program started another process",
    "os.system": "the program ran a command",
    "os.posix_spawn": "the program started another process",
    "os.exec": "the program became another one",
    "os.fork": "the program forked",
    "os.forkpty": "the program forked",
}
_METHODS: tuple[tuple[type, str, str], ...] = (
    (ThreadPoolExecutor, "submit", "the program gave work to a pool of threads without the loop (run_in_executor)"),
    (ProcessPoolExecutor, "submit", "the program gave work to other processes"),
    (BaseProcess, "start", "the program started another process"),
)
_METHODS_OF_JOBS: tuple[tuple[type, str, str], ...] = (
    (threading.Condition, "wait", "a job in a thread waits for another one, or for the loop"),
    (asyncio.BaseEventLoop, "run_forever", "a job in a thread runs an event loop of its own"),
)
_THREADS = frozenset({"_thread.start_new_thread", "_thread.start_joinable_thread"})
_START = _thread.start_new_thread
_LOCKSTEP_MODULES = ("harness.loop.",)


class _Guard:
    """The one audit hook of this process."""

    def __init__(self) -> None:
        self.loop: ScheduleLoop | None = None
        self.installed = False

    def install(self) -> None:
        self.installed = True
        sys.addaudithook(self)
        if sys.version_info < (3, 12):  # which raises no audit event for a thread
            _thread.start_new_thread = threading._start_new_thread = self._asked  # type: ignore[attr-defined]

    def _asked(self, function: Any, *args: Any) -> int:
        self("_thread.start_new_thread", (function, *args))
        return _START(function, *args)

    def __call__(self, event: str, args: tuple[Any, ...]) -> None:
        loop = self.loop
        if loop is None:
            return
        if event in _OUTSIDE:
            loop.refuse(_OUTSIDE[event])
        if event in _THREADS and not _in_lockstep(args[0]):
            loop.refuse(f"the program started a thread of its own, {_name(args[0])}")


def _in_lockstep(function: Any) -> bool:
    """Whether this is a thread of ours; `threading.Thread.start` hands its bound `_bootstrap` over."""
    thread = getattr(function, "__self__", None)
    target = getattr(thread, "_target", None)
    modules = (type(thread).__module__, getattr(target, "__module__", None) or "")
    return any(module.startswith(_LOCKSTEP_MODULES) for module in modules)


def _name(function: Any) -> str:
    thread = getattr(function, "__self__", None)
    return repr(getattr(thread, "name", getattr(function, "__qualname__", "unnamed")))


_GUARD = _Guard()


@contextmanager
def installed() -> Iterator[None]:
    """What no audit event tells of is seen, too, while this lasts."""
    with ExitStack() as stack:
        for owner, name, what in _METHODS:
            stack.enter_context(_replaced(owner, name, what, lambda loop, here, given: loop.has_part_in(here)))
        for owner, name, what in _METHODS_OF_JOBS:
            stack.enter_context(_replaced(owner, name, what, _waits_in_a_job))
        yield


def _waits_in_a_job(loop: ScheduleLoop, here: int, given: Sequence[Any]) -> bool:
    """Whether a thread in lock-step is about to wait; a time-out of 0 is a look, and no wait."""
    timeout = given[1] if len(given) > 1 else None
    return loop.pools.is_at_work(here) and (timeout is None or timeout > 0)


@contextmanager
def _replaced(
    owner: Any, name: str, what: str, is_refused: Callable[[ScheduleLoop, int, Sequence[Any]], bool]
) -> Iterator[None]:
    original = getattr(owner, name)

    @wraps(original)
    def asked(*args: Any, **kwargs: Any) -> Any:
        loop = _GUARD.loop
        if loop is not None and is_refused(loop, threading.get_ident(), (*args, *kwargs.values())):
            loop.refuse(what)
        return original(*args, **kwargs)

    setattr(owner, name, asked)
    try:
        yield
    finally:
        setattr(owner, name, original)


def guard(loop: ScheduleLoop | None) -> None:
    """Refuse, from here on, what no schedule decides; this loop remembers it. None ends that."""
    if not _GUARD.installed:
        _GUARD.install()
    _GUARD.loop = loop
