"""A coroutine of anyone's own as a subject: run under one schedule, perhaps with a task cancelled at one of its awaits.

Rules:

- A task is called by the name that the program gave it, or else by its coroutine function; the second of a name has
  `#2` behind it, in the order in which they were made. asyncio's own `Task-17` counts on from run to run.
- The main task, which runs the program itself, is never cancelled: it is the one that judges.
- A run in which somebody was cancelled, and that then ended in CancelledError, was cut short: it did not fail, nor does
  it show anything else.

How it works. Looking where tasks wait costs more than their steps do. So a run is watched only where somebody wants to
know: the others have no listener at all.
"""

from __future__ import annotations

import asyncio
import inspect
import os
import sys
import sysconfig
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from contextvars import Context
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import cached_property
from pathlib import Path
from random import Random
from typing import Any, NamedTuple

from harness.loop.control import Control, RunResult
from harness.loop.loop import ScheduleLoop
from harness.loop.scheduling import Mode, Scheduler
from harness.loop.strategies.fifo import Fifo
from harness.loop.wait_states import name_of
from harness.schedules.execution import (
    Baseline,
    Coverage,
    Execution,
    FaultPoints,
    Site,
    Watcher,
    digest,
    lines_first,
)

Program = Callable[[], Awaitable[object]]
"""What is explored: called without arguments, once for each schedule."""

MAIN = "main"
PROGRAM = "program"
"""Who finds that a program failed: the program itself."""
MOST_STEPS = 20_000
"""Steps of one run, unless another number is given; more than that is taken for a livelock."""
CUT_SHORT = "a cancellation ended it before it could judge"
_NOT_OF_THE_PROGRAM = (
    str(Path(__file__).parents[1]) + os.sep,
    *dict.fromkeys(sysconfig.get_path(name) + os.sep for name in ("stdlib", "platstdlib", "purelib", "platlib")),
)


class Cancelled(NamedTuple):
    """A cancellation: of which task, at which of its awaits, and where that is in the program.

    Args:
        task: its name.
        at: 1, 2, ...
        site: `folder/file.py:line`, or `""` when it is not known.
    """

    task: str
    at: int
    site: str = ""

    def __str__(self) -> str:
        where = f" ({self.site})" if self.site else ""
        return f"{self.task} is cancelled at its await {self.at}{where}"

    def fits(self, pattern: str) -> bool:
        """Return whether the task is called like this pattern, with its `#2` or without."""
        return any(fnmatchcase(name, pattern) for name in (self.task, self.task.partition("#")[0]))


class _NoProgram(Exception):
    """What was to be explored is no coroutine."""


class TaskWatcher(Watcher):
    """Names the tasks of one run; each is a participant."""

    def __init__(self, cancelled: Cancelled | None, looks: bool) -> None:
        super().__init__({} if cancelled is None else {cancelled[:2]: cancelled}, looks)
        self.awaits: list[Cancelled] = []
        """Every await of every task but the main one, in order, where it may be cancelled."""
        self.cancelled: Cancelled | None = None
        """The cancellation, once it was injected."""
        self._made: list[asyncio.Task[Any]] = []
        self._names: dict[asyncio.Task[Any], str] = {}
        self._named: Counter[str] = Counter()

    def begin(self, loop: ScheduleLoop) -> None:
        """Take in which tasks are made, from the first one on."""
        self.loop = loop
        self._watching = True
        create = loop.create_task

        def create_task(*args: Any, **kwargs: Any) -> asyncio.Task[Any]:
            task = create(*args, **kwargs)
            if self._watching and task not in self._names:  # one that began at once may have been asked its name
                self._made.append(task)
            return task

        loop.create_task = create_task  # type: ignore[method-assign]

    def end(self) -> None:
        """The program has ended: what is cleaned up is not its doing."""
        self._watching = False
        assert self.loop is not None, "begun"
        vars(self.loop).pop("create_task", None)  # it refers to the loop, which would wait for the garbage collector

    def name_of(self, task: asyncio.Task[Any], context: Context | None = None) -> str:
        """Return how a task is called."""
        name = self._names.get(task)
        if name is None:
            if task not in self._made:
                self._made.append(task)
            for made in self._made:
                if made not in self._names:
                    self._names[made] = self._new_name(made)
            name = self._names[task]
        return name

    def names(self) -> dict[int | str, str]:
        """Return how tasks are called, by number."""
        assert self.loop is not None, "begun"
        return {self.loop.task_ids.of(task): self.name_of(task) for task in self._made}

    def participant(self, task: asyncio.Task[Any], context: Context) -> str:
        """Return whose step this was."""
        return self.name_of(task)

    def look(self, participant: str, site: Site, task: asyncio.Task[Any], context: Context) -> None:
        """Remember an await."""
        if participant != MAIN:
            self.awaits.append(Cancelled(participant, self._awaits[participant], site))

    def inject(self, point: Any, site: Site, task: asyncio.Task[Any], context: Context) -> str:
        """Inject a fault; return its name, or `""` when that was impossible."""
        self.cancelled = Cancelled(point.task, point.at, site)
        task.cancel()
        return "cancel"

    def _new_name(self, task: asyncio.Task[Any]) -> str:
        name = MAIN if not self._names else name_of(task)
        self._named[name] += 1
        return name if self._named[name] == 1 else f"{name}#{self._named[name]}"


@dataclass(frozen=True, slots=True, kw_only=True)
class CoroutineExecution(Execution):
    """What came of one run of a program.

    Args:
        error: in which it ended; None when it returned.
        cancelled: the cancellation that was injected; None when none was.
        awaits: at which a task may be cancelled, where it was watched.
    """

    error: BaseException | None
    cancelled: Cancelled | None
    awaits: Sequence[Cancelled] | None

    @property
    def value(self) -> object:
        """What the program returned."""
        return self.result.value[0] if self.result.error is None else None

    @property
    def cut_short(self) -> bool:
        """Whether the cancellation ended it before it could judge."""
        return self.doubt == CUT_SHORT

    @property
    def unhandled_errors(self) -> tuple[str, ...]:
        """Errors that nobody handled, of a run that passes: others are part of its failure."""
        return self.result.unhandled_errors if self.passes(PROGRAM) else ()


@dataclass(frozen=True, kw_only=True)
class Coroutine:
    """A program, run again and again.

    Args:
        control: everything in place.
        program: is run.
        seed: of the data: time and random numbers as the program sees them, the same in each run.
        most_steps: of each run.
        patterns: of the names of tasks that may be cancelled.
    """

    control: Control
    program: Program
    seed: int = 0
    most_steps: int = MOST_STEPS
    patterns: Sequence[str] = ()
    steps: Sequence[int] = ()

    @cached_property
    def name(self) -> str:
        """How the program is called."""
        name = str(getattr(self.program, "__name__", ""))
        return name if name.isidentifier() else "program"

    def only(self, kept: Sequence[int]) -> None:
        """A coroutine has no steps that could be left out."""

    def earlier(self, fault_points: FaultPoints) -> Sequence[FaultPoints]:
        """A coroutine is never made smaller."""
        return ()

    def baseline(self, execution: Execution, modes: Sequence[Mode], source: Random) -> Baseline:
        """Return where tasks may be cancelled, and the choices of each mode; a program is cheap to run once more."""
        assert isinstance(execution, CoroutineExecution), "of a coroutine"
        awaits = execution.awaits or ()
        fitting = [place for place in awaits if any(place.fits(pattern) for pattern in self.patterns)]
        choices = {modes[0]: execution.schedule.choices}
        for mode in modes[1:]:
            choices[mode] = self.run(Fifo(), mode, watch=False).schedule.choices
        there = {mode: count for mode, count in choices.items() if count}
        return Baseline(sweep=lines_first([(place, place.site) for place in fitting]), others=(), choices=there)

    def run(
        self,
        scheduler: Scheduler,
        mode: Mode,
        fault_points: FaultPoints = (),
        *,
        watch: bool = True,
        listen: Callable[[Watcher], None] | None = None,
    ) -> CoroutineExecution:
        """Run it once.

        Raises:
            TypeError: the program is none.
        """
        watcher = TaskWatcher(next(iter(fault_points), None), watch) if watch or fault_points or listen else None

        def make(loop: ScheduleLoop) -> Any:
            if watcher is not None:
                watcher.begin(loop)
            if watcher is not None and listen is not None:
                listen(watcher)
            return _to_its_end(self.program, watcher)

        on_step = watcher.step if watcher is not None and (watch or fault_points) else None
        result = self.control.run(
            make, scheduler, mode=mode, seed=self.seed, on_step=on_step, most_steps=self.most_steps
        )
        error = result.value[1] if result.error is None else result.error
        if isinstance(error, _NoProgram):
            raise TypeError(str(error))
        return _execution(result, error, watcher)


def _execution(result: RunResult, error: BaseException | None, watcher: TaskWatcher | None) -> CoroutineExecution:
    cancelled = watcher.cancelled if watcher is not None else None
    coverage = watcher.coverage if watcher is not None else Coverage()
    coverage.traces.add(digest(result.trace))
    doubt = result.uncontrolled[0] if result.uncontrolled else ""
    if cancelled is not None and isinstance(error, asyncio.CancelledError):
        doubt = CUT_SHORT
    return CoroutineExecution(
        result=result,
        scenario="",
        fault_points=() if cancelled is None else (cancelled,),
        coverage=coverage,
        symptoms=((PROGRAM, kind_of(error)),) if error is not None and not doubt else (),
        doubt=doubt,
        ending=() if error is None else (kind_of(error),),
        names=watcher.names() if watcher is not None else {},
        error=error,
        cancelled=cancelled,
        awaits=watcher.awaits if watcher is not None and watcher.looks else None,
    )


async def _to_its_end(program: Program, watcher: TaskWatcher | None) -> tuple[object, BaseException | None]:
    """Return what the program returned or raised, also where that is no Exception: pytest's own failures are none."""
    try:
        made = program()
        if not inspect.isawaitable(made):
            raise _NoProgram(
                f"{getattr(program, '__name__', program)!r} returned {made!r}, which cannot be awaited: give an async "
                "function without arguments (or a lambda that calls one with them)"
            )
        return await made, None
    except (asyncio.CancelledError, KeyboardInterrupt, GeneratorExit):
        raise
    except BaseException as error:
        if (test := sys.modules.get("pytest")) is not None and isinstance(error, test.skip.Exception):
            raise  # this is said to pytest, not to us
        return None, error
    finally:
        if watcher is not None:
            watcher.end()


def kind_of(error: BaseException | None) -> tuple[Any, ...]:
    """Return what two errors have in common that are one failure: their types, and the lines that raised them."""
    if error is None:
        return ()
    if isinstance(error, BaseExceptionGroup):
        return (type(error).__name__, *sorted({kind_of(inner) for inner in error.exceptions}, key=repr))
    return (type(error).__name__, *_raised_at(error))


def place_of(error: BaseException) -> str:
    """Return the line of the program that raised an error, as `file.py:line`; `""` when none did."""
    path, line = _raised_at(error)
    return f"{Path(path).name}:{line}" if path else ""


def _raised_at(error: BaseException) -> tuple[str, int]:
    """Return the innermost line that belongs neither to the harness nor to a library."""
    traceback, where = error.__traceback__, ("", 0)
    while traceback is not None:
        path = traceback.tb_frame.f_code.co_filename
        if not path.startswith(_NOT_OF_THE_PROGRAM):
            where = (path, traceback.tb_lineno)
        traceback = traceback.tb_next
    return where
