"""Runs a coroutine under one schedule, with everything that no schedule decides put in place or refused.

    with controlled() as control:
        ran = control.run(program(), scheduler, seed=7)

Rules:

- Only one run at a time, in the main thread of a process, and in no other event loop.
- A run leaves nothing behind: tasks that it left over are cancelled, in asyncio's own order, and its loop is closed.
- The garbage collector is off during a run, and works between runs: what it frees at some moment or other could matter.
- The devices of libraries that are not installed are left out.
"""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Callable, Collection, Coroutine, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from typing import Any

from harness.loop import refusals
from harness.loop.log_records import LogRecords
from harness.loop.loop import MOST_STEPS, OnStep, ScheduleLoop
from harness.loop.scheduling import Mode, Schedule, Scheduler
from harness.loop.sources import Sources
from harness.loop.task_ids import walked_in_order
from harness.loop.unhandled_errors import UnhandledErrors

DEVICES = {"aiosqlite": "harness.loop.sqlite_device", "anyio": "harness.loop.anyio_device"}
"""By library, what replaces its threads; loaded when something is to be run."""
MOST_OBJECTS = 50_000
"""Objects that may have come, and not gone, since the last garbage collection."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunResult:
    """What came of one run.

    Args:
        value: what the coroutine returned.
        error: what it raised; None when it returned.
        schedule: the choices that were made.
        trace: whose step each step was: the number of a task, or of a device, below 0.
        uncontrolled: what was refused because no schedule decides it; a run with any proves nothing.
        unhandled_errors: as asyncio would log them: of a task that nobody awaits, of a callback.
        virtual_s: how much virtual time passed.
    """

    value: Any
    error: BaseException | None
    schedule: Schedule
    trace: tuple[int, ...]
    uncontrolled: tuple[str, ...]
    unhandled_errors: tuple[str, ...]
    virtual_s: float


class Control:
    """Everything in place. `run` may be called any number of times."""

    def __init__(self, sources: Sources, records: LogRecords) -> None:
        self._sources = sources
        self._records = records

    def run(
        self,
        make: Callable[[ScheduleLoop], Coroutine[Any, Any, Any]],
        scheduler: Scheduler,
        *,
        mode: Mode = Mode.PREEMPTIVE,
        seed: int = 0,
        on_step: OnStep | None = None,
        most_steps: int = MOST_STEPS,
    ) -> RunResult:
        """Run one coroutine to its end.

        Args:
            make: makes it, given the loop that will run it.
            scheduler, mode: decide what comes when.
            seed: of the data: time, ids and random numbers as the program sees them.
            on_step: see ScheduleLoop.
            most_steps: see ScheduleLoop.
        """
        loop = ScheduleLoop(scheduler, mode, on_step, most_steps)
        value: Any = None
        error: BaseException | None = None
        self._sources.begin(loop, seed)
        refusals.guard(loop)
        try:
            value = loop.run_until_complete(make(loop))
        except Exception as raised:
            error = raised
        except (asyncio.CancelledError, SystemExit) as raised:  # the program's own end is not that of the exploration
            error = raised
        finally:
            schedule = Schedule.of(mode, loop.picks)
            trace, virtual_s = tuple(loop.trace), loop.time()
            try:
                tasks = loop.tasks()
                unreported = UnhandledErrors(loop, tasks)
                _clean_up(loop, [task for task in tasks if not task.done()])
                errors = unreported.errors()
            finally:
                self._records.end()
                self._sources.end()
                refusals.guard(None)
        _collect()
        return RunResult(
            value=value,
            error=error,
            schedule=schedule,
            trace=trace,
            uncontrolled=tuple(loop.uncontrolled),
            unhandled_errors=errors,
            virtual_s=virtual_s,
        )


def _collect() -> None:
    if gc.get_count()[0] > MOST_OBJECTS:
        gc.collect()
        gc.freeze()  # what is left is there to stay: it need not be looked at again


def _clean_up(loop: ScheduleLoop, left: Collection[asyncio.Task[Any]]) -> None:
    """Cancel what is left, as `asyncio.run` does."""
    loop.in_order()
    with suppress(RuntimeError, SystemExit):  # a program that cannot even be cleaned up has said so by its own error
        while left:
            in_order = sorted(left, key=loop.task_ids.of)
            for task in in_order:
                task.cancel()
            with suppress(SystemExit):  # a task group hands on that of its tasks, and leaves others behind
                loop.run_until_complete(asyncio.gather(*in_order, return_exceptions=True))
                break
            left = asyncio.all_tasks(loop)
        if loop.has_asyncgens():
            loop.run_until_complete(loop.shutdown_asyncgens())
    loop.close()


def check_libraries() -> None:
    """Find out, before anything is begun, whether the libraries whose insides are replaced are known.

    Raises:
        UnknownVersion: one is not.
    """
    for library, device in DEVICES.items():
        if find_spec(library) is not None:
            import_module(device).check()


@contextmanager
def controlled() -> Iterator[Control]:
    """Put everything in place for as long as this lasts.

    Raises:
        UnknownVersion: a library is not as its device knows it.
    """
    check_libraries()
    sources, records = Sources(), LogRecords()
    with ExitStack() as stack:
        stack.enter_context(sources.installed())
        stack.enter_context(refusals.installed())
        stack.enter_context(walked_in_order())
        for library, device in DEVICES.items():
            if find_spec(library) is not None:
                stack.enter_context(import_module(device).installed())
        stack.enter_context(_no_collector())
        stack.enter_context(records.installed())
        yield Control(sources, records)


@contextmanager
def _no_collector() -> Iterator[None]:
    enabled = gc.isenabled()
    gc.freeze()
    gc.disable()
    try:
        yield
    finally:
        gc.unfreeze()
        if enabled:
            gc.enable()
