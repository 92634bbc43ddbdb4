"""anyio in lock-step: its worker threads (sync routes of Starlette) do one job at a time, while the loop stands still.

Rules:

- anyio chooses the thread, as it always does; the scheduler chooses when a job is done.
- The children of a cancel scope are kept in the order in which they came, so that a cancellation reaches them alike in
  each run; anyio keeps them in a set, by address.

How it works. A worker that is made on a ScheduleLoop gets a queue that hands a job to the loop; when it is picked, the
thread gets it, and the loop waits until the thread has reported.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, MutableSet
from contextlib import contextmanager, suppress
from queue import Queue
from typing import TYPE_CHECKING, Any

from anyio._backends import _asyncio as backend

from harness.loop.lockstep import WATCHDOG_S, name_of
from harness.loop.loop import Job, ScheduleLoop
from harness.loop.versions import expect

KNOWN = "4.12 to 4.16"
"""Versions of anyio with which the tests of this device were run."""

if TYPE_CHECKING:
    _Worker = backend.WorkerThread
else:
    _Worker = getattr(backend, "WorkerThread", object)  # check() tells who has another anyio


class _JobQueue:
    """The queue of one worker thread: what is put goes to the loop, what is got comes from it."""

    def __init__(self, loop: ScheduleLoop, worker: LockstepWorker) -> None:
        self._loop = loop
        self._worker = worker
        self._number = loop.devices.new()
        self._told: Queue[Any] = Queue()
        self.reported = threading.Event()

    def put_nowait(self, item: Any) -> None:
        """Take a job; None ends the thread."""
        if item is None:
            self._told.put(None)
            return
        self._loop.devices.submit(
            Job(self._number, lambda: self._carry_out(item), future=item[3], label=f"{name_of(item[1])}() in a thread")
        )

    def get(self) -> Any:
        """Wait for a job; called by the thread."""
        return self._told.get()

    def task_done(self) -> None:
        """Nobody joins this queue."""

    def _carry_out(self, item: Any) -> None:
        self._loop.pools.admit(self._worker)
        self.reported.clear()
        context, function, *rest = item
        self._told.put((context, self._loop.pools.at_work(function), *rest))
        if not self.reported.wait(WATCHDOG_S):
            what = f"a job in an anyio worker thread did not end within {WATCHDOG_S:g} s; it may wait for the loop"
            with suppress(RuntimeError):
                self._loop.refuse(what)
            if not item[3].done():
                item[3].set_exception(RuntimeError(what))


class LockstepWorker(_Worker):
    """A worker thread of anyio that works in lock-step when it is made on a ScheduleLoop."""

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self.daemon = True
        if isinstance(self.loop, ScheduleLoop):
            self.queue: Any = _JobQueue(self.loop, self)
            self.loop = _Reporting(self.loop, self, self.queue.reported)  # type: ignore[assignment]


class _Reporting:
    """The loop as the thread sees it: there is nothing it may do but report."""

    def __init__(self, loop: ScheduleLoop, worker: LockstepWorker, reported: threading.Event) -> None:
        self._loop = loop
        self._worker = worker
        self._reported = reported

    def call_soon_threadsafe(self, callback: Callable[..., Any], *args: Any, **_: Any) -> None:
        """Report a result.

        Raises:
            Uncontrolled: it is none, but work for the loop, which waits for this very thread.
        """
        if callback != self._worker._report_result:
            self._loop.refuse("a job in an anyio worker thread called back into the loop (anyio.from_thread)")
        self._loop.call_soon_threadsafe(callback, *args)
        self._reported.set()

    def is_closed(self) -> bool:
        """Whether the loop is closed."""
        return self._loop.is_closed()


class _InOrder(MutableSet[Any]):
    """A set that is walked in the order in which its items came."""

    def __init__(self) -> None:
        self._items: dict[Any, None] = {}

    def __contains__(self, item: object) -> bool:
        return item in self._items

    def __iter__(self) -> Iterator[Any]:
        return iter(self._items)

    def __len__(self) -> int:
        return len(self._items)

    def add(self, value: Any) -> None:
        """Add an item."""
        self._items[value] = None

    def discard(self, value: Any) -> None:
        """Take an item out, if it is there."""
        self._items.pop(value, None)


def check() -> None:
    """Find out whether anyio is as this device knows it.

    Raises:
        UnknownVersion: it is not.
    """
    worker, scope = getattr(backend, "WorkerThread", None), getattr(backend, "CancelScope", None)
    begin, run = getattr(worker, "__init__", None), getattr(worker, "run", None)
    report = getattr(worker, "_report_result", None)
    expect(
        "anyio",
        KNOWN,
        [
            *((begin, name) for name in ("loop", "queue")),
            *((run, name) for name in ("context", "func", "args", "future", "_report_result")),
            (report, "future"),
            (getattr(scope, "__init__", None), "_child_scopes"),
        ],
    )


@contextmanager
def installed() -> Iterator[None]:
    """What anyio makes on a ScheduleLoop works in lock-step and in one order, while this lasts."""
    worker, begin = backend.WorkerThread, backend.CancelScope.__init__

    def begin_in_order(self: Any, *args: Any, **kwargs: Any) -> None:
        begin(self, *args, **kwargs)
        self._child_scopes = _InOrder()

    backend.WorkerThread = LockstepWorker  # type: ignore[misc, assignment]
    backend.CancelScope.__init__ = begin_in_order  # type: ignore[method-assign]
    try:
        yield
    finally:
        backend.WorkerThread = worker  # type: ignore[misc]
        backend.CancelScope.__init__ = begin  # type: ignore[method-assign]
