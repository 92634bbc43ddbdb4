"""Tasks, futures and handles of a ScheduleLoop: they know their number, by which a run is the same each time.

asyncio and TaskGroup keep tasks in sets; hashed by address, as usual, those are walked in another order in each run.

Standard library only.
"""

from __future__ import annotations

import asyncio
from contextvars import Context, copy_context
from itertools import count
from typing import Any, Protocol


class Numbering(Protocol):
    """A loop, as far as it gives numbers."""

    numbers: count[int]

    def number_of(self, task: asyncio.Task[Any]) -> int:
        """Return the number of a task."""


class NumberedTask(asyncio.Task[Any]):
    """A task that hashes by its number, so that sets of tasks are walked in the same order in each run."""

    def __init__(self, coro: Any, *, loop: Any, **kwargs: Any) -> None:
        self.number: int = next(loop.numbers)
        super().__init__(coro, loop=loop, **kwargs)

    def __hash__(self) -> int:
        return self.number


class NumberedFuture(asyncio.Future[Any]):
    """A future that hashes by its number."""

    def __init__(self, *, loop: Any) -> None:
        self.number: int = next(loop.numbers)
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


class Step:
    """A step of a task that is ready. No handle: a task has no use for one, and it costs time."""

    __slots__ = ("actor", "args", "callback", "context", "task")

    def __init__(
        self, callback: Any, args: tuple[Any, ...], context: Context, task: asyncio.Task[Any], actor: int
    ) -> None:
        self.callback = callback
        self.args = args
        self.context = context
        self.task = task
        self.actor = actor


class NumberedTimer(asyncio.TimerHandle):
    """A timer; when it falls due, its callback is a plain one."""

    __slots__ = ()
    _cancelled: bool


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
