"""Tasks, futures and handles of a ScheduleLoop: they know their number, by which a run is the same each time.

asyncio and TaskGroup keep tasks in sets; hashed by address, as usual, those are walked in another order each time.
`asyncio.as_completed` makes a set of coroutines, too, which have no number: see `walked_in_order`.

Standard library only.
"""

from __future__ import annotations

import asyncio
import builtins
import inspect
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from contextvars import Context, copy_context
from itertools import count
from typing import Any
from weakref import WeakKeyDictionary


class TaskIds:
    """Of tasks and futures, in the order in which they are made: 1, 2, ..."""

    def __init__(self) -> None:
        self.next: Callable[[], int] = count(1).__next__
        self._foreign: WeakKeyDictionary[asyncio.Task[Any], int] = WeakKeyDictionary()

    def foreign(self) -> list[asyncio.Task[Any]]:
        """Return the tasks that are not of ours, and still there."""
        return list(self._foreign) if self._foreign else []

    def of(self, task: asyncio.Task[Any]) -> int:
        """Return the number of a task, also of one that a factory made; give it one at its first step."""
        if not isinstance(task, NumberedTask):
            return self._foreign.get(task) or self._foreign.setdefault(task, self.next())
        task.number = task.number or self.next()
        return task.number


class NumberedTask(asyncio.Task[Any]):
    """A task that hashes by its number, so that sets of tasks are walked in the same order in each run.

    It gets one when its first step is put on the queue, or when it is first put into a set.
    """

    number: int = 0

    def __hash__(self) -> int:
        return self.number or self.get_loop().task_ids.of(self)  # type: ignore[attr-defined]  # it is a ScheduleLoop


def begins_at_once(factory: object) -> bool:
    """Whether this is asyncio's own factory of tasks that begin at once (Python 3.12)."""
    return factory is not None and factory is getattr(asyncio, "eager_task_factory", None)


def has_begun(task: asyncio.Task[Any]) -> bool:
    """Whether a task that was made just now has made its first step, and waits."""
    coroutine: Any = task.get_coro()
    return not task.done() and inspect.iscoroutine(coroutine) and coroutine.cr_suspended


class NumberedFuture(asyncio.Future[Any]):
    """A future that hashes by its number."""

    def __init__(self, *, loop: Any) -> None:
        self.number: int = loop.task_ids.next()
        super().__init__(loop=loop)

    def __hash__(self) -> int:
        return self.number


class NumberedHandle(asyncio.Handle):
    """A plain callback. Says what asyncio's handle says, without its debug mode, which costs time."""

    __slots__ = ()
    _cancelled: bool

    def __init__(self, callback: Any, args: tuple[Any, ...], loop: Any, context: Context | None) -> None:
        self._context = copy_context() if context is None else context
        self._loop = loop
        self._callback = callback
        self._args = args
        self._cancelled = False
        self._repr = None
        self._source_traceback = None


Step = tuple[int, asyncio.Task[Any], Context, Callable[..., Any], tuple[Any, ...]]
"""A step of a task that is ready: its number, the task, and what is called in which context. It has no handle."""


class NumberedTimer(asyncio.TimerHandle):
    """A timer; when it falls due, its callback is a plain one."""

    __slots__ = ()
    _cancelled: bool


@contextmanager
def walked_in_order() -> Iterator[None]:
    """Coroutines that asyncio itself makes a set of are walked in the order in which they were given.

    How it works. `as_completed` calls `set` on what it is given; a global name of its module comes before the built-in.
    """

    def in_order(given: Iterable[Any] = ()) -> Any:
        items = dict.fromkeys(given)
        return items if any(map(asyncio.iscoroutine, items)) else builtins.set(items)

    module: Any = asyncio.tasks
    before = getattr(module, "set", builtins.set)
    module.set = in_order
    try:
        yield
    finally:
        module.set = before


def _kinds_of_step() -> tuple[type, type, str]:
    """Return how this Python's tasks put their steps on the queue: type of a first step, type and name of a wake-up."""
    seen: list[Any] = []

    class Spy(asyncio.BaseEventLoop):
        def call_soon(self, callback: Any, *args: Any, **_: Any) -> Any:  # type: ignore[override]
            seen.append(callback)
            return super().call_soon(callback, *args)

    loop = Spy()

    async def wait(future: asyncio.Future[None]) -> None:
        await future

    future: asyncio.Future[None] = loop.create_future()
    task: asyncio.Task[Any] = asyncio.Task(wait(future), loop=loop)
    try:
        first = seen[0]
        loop._ready.popleft()._run()  # type: ignore[attr-defined]
        future.set_result(None)
        wake = seen[-1]
        loop._ready.popleft()._run()  # type: ignore[attr-defined]
        assert task.done(), "two steps end this task"
    finally:
        loop.close()
    return type(first), type(wake), wake.__name__


STEP, WAKE, WAKE_NAME = _kinds_of_step()
