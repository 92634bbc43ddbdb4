"""One run of a coroutine under one schedule, perhaps with a task cancelled at one of its awaits.

Rules:

- A task is called by the name that the program gave it, or else by its coroutine function; the second of a name has
  `#2` behind it, in the order in which they were made. asyncio's own `Task-17` counts on from run to run.
- An await is a step after which the task has not ended: it waits. Awaits of a task are counted 1, 2, ...
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
from array import array
from collections import Counter
from collections.abc import Awaitable, Callable
from contextvars import Context
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path
from typing import Any, NamedTuple

from harness.loop.await_sites import site_of
from harness.loop.control import Control
from harness.loop.loop import ScheduleLoop
from harness.loop.scheduling import Mode, Schedule, Scheduler
from harness.loop.wait_states import name_of

Program = Callable[[], Awaitable[object]]
"""What is explored: called without arguments, once for each schedule."""

MAIN = "main"
MOST_STEPS = 20_000
"""Steps of one run, unless told otherwise; more than that is taken for a livelock."""
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


class _NoProgram(Exception):
    """What was to be explored is no coroutine."""


class Watcher:
    """Names the tasks of one run, counts their awaits, and cancels one where it is told to.

    Args:
        cancel: the cancellation to let fall; None for none.
        looks: whether to look where tasks wait.
    """

    def __init__(self, cancel: Cancelled | None = None, looks: bool = True) -> None:
        self.awaits: list[Cancelled] = []
        """Every await of every task but the main one, in order, where it may be cancelled."""
        self.sites: set[str] = set()
        self.pairs: set[tuple[str, str]] = set()
        self.fallen: Cancelled | None = None
        """The cancellation, once it has fallen."""
        self.loop: ScheduleLoop | None = None
        self._cancel = cancel
        self._looks = looks
        self._watching = False
        self._made: list[asyncio.Task[Any]] = []
        self._names: dict[asyncio.Task[Any], str] = {}
        self._named: Counter[str] = Counter()
        self._counts: Counter[str] = Counter()
        self._last: tuple[str, str] = ("", "")

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

    def name_of(self, task: asyncio.Task[Any]) -> str:
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

    def names(self) -> dict[int, str]:
        """Return how tasks are called, by number."""
        assert self.loop is not None, "begun"
        return {self.loop.task_ids.of(task): self.name_of(task) for task in self._made}

    def step(self, task: asyncio.Task[Any], context: Context) -> None:
        """Take in that a task has made a step."""
        if not self._watching or task.done():
            return
        name = self.name_of(task)
        self._counts[name] += 1
        place = Cancelled(name, self._counts[name])
        if self._looks:
            place = self._look(task, place)
        if self._cancel is not None and place[:2] == self._cancel[:2]:
            self.fallen = Cancelled(place.task, place.at, place.site or site_of(task))
            task.cancel()

    def _look(self, task: asyncio.Task[Any], place: Cancelled) -> Cancelled:
        site = site_of(task)
        self.sites.add(site)
        last, before = self._last
        if last and last != place.task:
            self.pairs.add((before, site))
        self._last = (place.task, site)
        place = Cancelled(place.task, place.at, site)
        if place.task != MAIN:
            self.awaits.append(place)
        return place

    def _new_name(self, task: asyncio.Task[Any]) -> str:
        name = MAIN if not self._names else name_of(task)
        self._named[name] += 1
        return name if self._named[name] == 1 else f"{name}#{self._named[name]}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """What came of one run.

    Args:
        schedule: the choices that were made.
        error: in which it failed; None when it did not.
        cut_short: whether the cancellation ended it before it could judge.
        uncontrolled: what was refused because no schedule decides it; a run with any proves nothing.
        unhandled_errors: errors that nobody took, as of a task that nobody awaits.
        trace: whose step each step was.
        cancelled: the cancellation that has fallen; None when none has.
        value: what the program returned.
        watcher: who watched; None when nobody did.
    """

    schedule: Schedule
    error: BaseException | None
    cut_short: bool
    uncontrolled: tuple[str, ...]
    unhandled_errors: tuple[str, ...]
    trace: tuple[int, ...]
    cancelled: Cancelled | None
    value: object
    watcher: Watcher | None

    @property
    def proves(self) -> bool:
        """Whether it came to an end at which the program could judge, with everything under control."""
        return not self.cut_short and not self.uncontrolled

    @property
    def failed(self) -> bool:
        """Whether the program failed."""
        return self.error is not None and self.proves

    def digest(self) -> int:
        """Return what tells its trace from others, in this process."""
        return hash(array("q", self.trace).tobytes())  # of a tuple, -1 and -2 hash alike: two devices


class Rehearsal:
    """Runs one program, again and again.

    Args:
        control: everything in place.
        program: is run.
        seed: of the data: time and random numbers as the program sees them, the same in each run.
        most_steps: of each run.
    """

    def __init__(self, control: Control, program: Program, seed: int = 0, most_steps: int = MOST_STEPS) -> None:
        self.seed = seed
        self.most_steps = most_steps
        self._control = control
        self._program = program

    @property
    def name(self) -> str:
        """How the program is called."""
        name = str(getattr(self._program, "__name__", ""))
        return name if name.isidentifier() else "program"

    def run(
        self,
        scheduler: Scheduler,
        mode: Mode,
        cancel: Cancelled | None = None,
        watch: bool = False,
        listen: Callable[[Watcher], None] | None = None,
    ) -> Run:
        """Run it once.

        Args:
            scheduler, mode: decide what comes when.
            cancel: a cancellation to let fall.
            watch: whether to look where tasks wait.
            listen: told of the watcher before anything happens; who only wants to know names need not look.

        Raises:
            TypeError: the program is none.
        """
        steps = watch or cancel is not None
        watcher = Watcher(cancel, watch) if steps or listen is not None else None

        def make(loop: ScheduleLoop) -> Any:
            if watcher is not None:
                watcher.begin(loop)
            if watcher is not None and listen is not None:
                listen(watcher)
            return _to_its_end(self._program, watcher)

        on_step = watcher.step if watcher is not None and steps else None
        ran = self._control.run(make, scheduler, mode=mode, seed=self.seed, on_step=on_step, most_steps=self.most_steps)
        value, error = ran.value if ran.error is None else (None, ran.error)
        if isinstance(error, _NoProgram):
            raise TypeError(str(error))
        cancelled = watcher.fallen if watcher is not None else None
        return Run(
            schedule=ran.schedule,
            error=error,
            cut_short=cancelled is not None and isinstance(error, asyncio.CancelledError),
            uncontrolled=ran.uncontrolled,
            unhandled_errors=ran.unhandled_errors,
            trace=ran.trace,
            cancelled=cancelled,
            value=value,
            watcher=watcher,
        )


async def _to_its_end(program: Program, watcher: Watcher | None) -> tuple[object, BaseException | None]:
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


def kind_of(error: BaseException | None) -> tuple[object, ...]:
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


def first_difference(one: Run, other: Run) -> str | None:
    """Return the first step in which two watched runs of one schedule differ, or None."""
    assert one.watcher is not None, "watched"
    assert other.watcher is not None, "watched"
    names, other_names = one.watcher.names(), other.watcher.names()
    here = [_actor(actor, names) for actor in one.trace]
    there = [_actor(actor, other_names) for actor in other.trace]
    for step, (first, then) in enumerate(zip_longest(here, there, fillvalue="nobody"), 1):
        if first != then:
            return f"step {step} on: {first} went first, then {then}"
    for step, (number, numbered) in enumerate(zip(one.trace, other.trace, strict=True), 1):
        if number != numbered:
            return f"step {step} on: more was made before it in one run than in the other"
    if kind_of(one.error) != kind_of(other.error):
        return f"its end, although every step was the same: first {one.error!r}, then {other.error!r}"
    return None


def _actor(actor: int, names: dict[int, str]) -> str:
    return names.get(actor, f"task {actor}") if actor > 0 else f"device {-actor}"
