"""What a ScheduleLoop makes: tasks and futures that know their number, and jobs for threads. Standard library only."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Mapping
from contextvars import Context, copy_context
from typing import Any
from weakref import ref

from harness.loop.jobs import Devices
from harness.loop.lockstep import Pools
from harness.loop.refused_calls import RefusingLoop
from harness.loop.task_ids import NumberedFuture, NumberedTask, TaskIds, begins_at_once, has_begun

OnStep = Callable[[asyncio.Task[Any], Context], None]
"""Called after each step of a task, with the task and its context."""


class TaskLoop(RefusingLoop):
    """The part of a loop that makes things; needs the pools that the loop itself puts in place.

    Args:
        on_step: called after each step of a task; here, after the first one of a task that begins at once.
    """

    pools: Pools
    """The threads that do jobs."""

    def __init__(self, on_step: OnStep | None) -> None:
        super().__init__()
        self.uncontrolled = []
        self.unhandled_errors: list[Mapping[str, Any]] = []
        """Errors that nobody handled, as asyncio logs them."""
        self.task_ids = TaskIds()
        self.devices = Devices()
        self._on_step = on_step
        self._made: list[ref[asyncio.Task[Any]]] = []

    def create_future(self) -> asyncio.Future[Any]:
        """Return a future that hashes by its number."""
        return NumberedFuture(loop=self)

    def create_task(  # type: ignore[override]
        self,
        coro: Coroutine[Any, Any, Any] | Any,
        *,
        name: str | None = None,
        context: Context | None = None,
        **more: Any,
    ) -> asyncio.Task[Any]:
        """Return a task that hashes by its number; a factory's own kind of task does not."""
        if self._closed:
            self._check_closed()
        factory = self.get_task_factory()
        if factory is None and not more:
            task: asyncio.Task[Any] = NumberedTask(coro, loop=self, name=name, context=context)
            self._made.append(ref(task))
            return task  # nothing has happened yet
        if factory is not None and not begins_at_once(factory):
            task = super().create_task(coro, name=name, context=context, **more)
        else:
            eagerly = {} if factory is None else {"eager_start": True}
            task = NumberedTask(coro, loop=self, name=name, context=context, **eagerly, **more)
        self._made.append(ref(task))
        if self._on_step is not None and has_begun(task):
            self._on_step(task, copy_context() if context is None else context)
        return task

    def tasks(self) -> list[asyncio.Task[Any]]:
        """Return all tasks that are still there, in the order in which they were made; also those that have ended.

        `asyncio.all_tasks` leaves these out, and looks through the tasks of all loops that there have been.
        """
        made = [task for made in self._made if (task := made()) is not None]
        foreign = self.task_ids.foreign()
        return [*made, *(task for task in foreign if task not in made)] if foreign else made

    def run_in_executor(self, executor: Any, func: Any, *args: Any) -> Any:  # type: ignore[override]
        """Have a thread do it, in lock-step; which thread, and when it is done, is the scheduler's choice."""
        self._check_closed()
        return self.pools.submit(executor or self._default_executor, func, args)

    async def shutdown_default_executor(self, timeout: float | None = None) -> None:
        """End the threads."""
        self.pools.close()

    def default_exception_handler(self, context: Any) -> None:
        """Take in unhandled background error, and log it."""
        self.unhandled_errors.append(context)
        super().default_exception_handler(context)

    def has_part_in(self, ident: int) -> bool:
        """Return whether this thread takes part in the run: it is the loop's, or in lock-step."""
        return ident == self._thread_id or self.pools.holds(ident)

    def has_asyncgens(self) -> bool:
        """Whether an async generator that has begun is still there."""
        return bool(self._asyncgens)
