"""Threads in lock-step with the loop: a job runs in a real thread, and the loop stands still until it has ended.

Rules:

- Real threads, so that thread-locals and context variables behave as they do in a pool.
- A job is one step. What two jobs do to each other while both run is not explored.
- Which of the pool's threads gets a job is the scheduler's choice: the one that worked last (0), or another.
- An executor of the program's own begins its jobs in order, no more at once than it has workers: with one, they are
  done in order. The default pool, whose size is the machine's, begins all.
- A job that waits for the loop, or for another job, would wait for ever: nobody else moves. What waits by a condition
  (an event, a barrier, a queue, a future) is refused at once (`harness.loop.refusals`), anything else after
  WATCHDOG_S real seconds.

Standard library only.
"""

from __future__ import annotations

import asyncio
import threading
import weakref
from collections import defaultdict, deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from contextvars import Context
from functools import partial
from typing import TYPE_CHECKING, Any

from harness.loop.jobs import Job

if TYPE_CHECKING:
    from harness.loop.loop import ScheduleLoop

WATCHDOG_S = 10.0
"""Real seconds that a job may take."""
MOST_THREADS = 4
"""Threads of the default pool, whatever the machine has: the same choices everywhere."""
FIRST_THREAD = -1_000_000
"""The number of the first thread as an actor; threads count down from it, as devices do from -1."""


class LockstepThread:
    """One thread that does what it is told while the caller waits."""

    def __init__(self, name: str, prepare: Callable[[], None] | None = None) -> None:
        self._told = threading.Semaphore(0)
        self._done = threading.Semaphore(0)
        self._work: Callable[[], Any] | None = None
        self._outcome: tuple[Any, BaseException | None] = (None, None)
        self._prepare = prepare
        self.thread = threading.Thread(target=self._obey, name=name, daemon=True)

    def start(self) -> None:
        """Start it."""
        self.thread.start()

    def call(self, work: Callable[[], Any]) -> tuple[Any, BaseException | None] | None:
        """Have the thread do this; return (result, error), or None when it did not end in time."""
        self._work = work
        self._told.release()
        if not self._done.acquire(timeout=WATCHDOG_S):
            return None
        return self._outcome

    def end(self) -> None:
        """Let the thread end."""
        self._work = None
        self._told.release()

    def _obey(self) -> None:
        prepare = self._prepare
        while True:
            self._told.acquire()
            work = self._work
            if work is None:
                return
            try:
                if prepare is not None:
                    prepare()
                    prepare = None
                self._outcome = (work(), None)
            except BaseException as error:
                self._outcome = (None, error)
            del work
            self._done.release()


def name_of(function: Any) -> str:
    """Return the name of a function, or of what a partial one calls; in a context, too, as `asyncio.to_thread` does."""
    while isinstance(function, partial):
        runs_in_context = isinstance(getattr(function.func, "__self__", None), Context) and function.args
        function = function.args[0] if runs_in_context else function.func
    return getattr(function, "__name__", type(function).__name__)


class Pools:
    """The threads of a loop, by executor."""

    def __init__(self, loop: ScheduleLoop) -> None:
        self._loop: ScheduleLoop = weakref.proxy(loop)  # a loop that nobody holds is gone without a collection
        self._pools: dict[int, list[LockstepThread]] = {}
        self._kept: list[object] = []
        self._begun: dict[int, int] = defaultdict(int)
        self._waiting: dict[int, deque[Job]] = {}
        self._idents: set[int] = set()
        self._working: int | None = None
        self._opened = 0

    def holds(self, ident: int) -> bool:
        """Return whether this is one of the threads in lock-step."""
        return ident in self._idents

    def is_at_work(self, ident: int) -> bool:
        """Return whether this thread does a job right now, while everything else stands still."""
        return ident == self._working

    def at_work(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """Return what does the same, and lets it be known that this thread is at work."""

        def work(*args: Any, **kwargs: Any) -> Any:
            self._working = threading.get_ident()
            try:
                return function(*args, **kwargs)
            finally:
                self._working = None

        return work

    def admit(self, thread: threading.Thread) -> None:
        """Take in a thread that works in lock-step by other means."""
        if thread.ident is not None:
            self._idents.add(thread.ident)

    def submit(self, executor: Any, func: Callable[..., Any], args: Sequence[Any]) -> asyncio.Future[Any]:
        """Hand a job to the threads of this executor; return the future of its result."""
        if executor is not None and not hasattr(executor, "_max_workers"):
            self._loop.refuse(f"the program gave work to a {type(executor).__name__}")
        if executor is not None and hasattr(executor, "_processes"):
            self._loop.refuse("the program gave work to other processes")
        future = self._loop.create_future()

        def carry_out() -> None:
            result, error = self._in_a_thread(executor, self.at_work(partial(func, *args)))
            self._begin_next(executor)
            if future.cancelled():
                return
            if error is not None:
                future.set_exception(error)
            else:
                future.set_result(result)

        job = Job(self._loop.devices.new(), carry_out, future=future, label=f"{name_of(func)}() in a thread")
        if executor is not None and self._begun[id(executor)] >= executor._max_workers:
            self._waiting.setdefault(id(executor), deque()).append(job)
        else:
            self._begun[id(executor)] += 1
            self._loop.devices.submit(job)
        return future

    def _begin_next(self, executor: object) -> None:
        """A worker is free: the job that has waited longest comes next, unless it was cancelled while it waited."""
        waiting = self._waiting.setdefault(id(executor), deque())
        while waiting:
            job = waiting.popleft()
            if job.future is not None and not job.future.cancelled():
                self._loop.devices.submit(job)
                return
        self._begun[id(executor)] -= 1

    def close(self) -> None:
        """End all threads."""
        for threads in self._pools.values():
            for thread in threads:
                thread.end()
        self._pools.clear()
        self._idents.clear()
        self._begun.clear()
        self._waiting.clear()

    def _in_a_thread(self, executor: Any, work: Callable[[], Any]) -> tuple[Any, BaseException | None]:
        threads = self._pools.setdefault(id(executor), [])
        self._kept.append(executor)
        thread = self._chosen(executor, threads)
        outcome = thread.call(work)
        if outcome is None:
            threads.remove(thread)
            what = f"a job in {thread.thread.name!r} did not end within {WATCHDOG_S:g} s; it may wait for the loop"
            with suppress(RuntimeError):
                self._loop.refuse(what)
            return None, RuntimeError(what)
        return outcome

    def _chosen(self, executor: Any, threads: list[LockstepThread]) -> LockstepThread:
        """Return the thread for the next job, which is the last of the list from then on."""
        most = MOST_THREADS if executor is None else min(MOST_THREADS, executor._max_workers)
        options: list[LockstepThread | None] = [threads[-1]] if threads else []
        if len(threads) < most:
            options.append(None)
        elif len(threads) > 1:
            options.append(threads[0])
        chosen = options[self._loop.decide([FIRST_THREAD - place for place in range(len(options))])]
        if chosen is None:
            chosen = self._opened_for(executor)
        else:
            threads.remove(chosen)
        threads.append(chosen)
        return chosen

    def _opened_for(self, executor: Any) -> LockstepThread:
        self._opened += 1
        prepare = getattr(executor, "_initializer", None)
        if prepare is not None:
            prepare = _Preparing(prepare, executor._initargs)
        thread = LockstepThread(f"lock-step {self._opened}", prepare)
        thread.start()
        self.admit(thread.thread)
        return thread


class _Preparing:
    """An executor's initializer, with its arguments."""

    def __init__(self, function: Callable[..., None], args: Sequence[Any]) -> None:
        self._function, self._args = function, args

    def __call__(self) -> None:
        self._function(*self._args)
