"""Makes a failing schedule smaller in every way: faults, users, steps, and deviations from FIFO.

Rules:

- A smaller schedule is taken only when it shows the same symptom. Runs are deterministic: once is enough.
- With a step less, the recorded choices mean something else. So a smaller program is tried with them, in asyncio's own
  order, and with a few searches; the first schedule that shows the symptom is taken, and made smaller in turn.
- A symptom that needs the preemptive mode is searched for in asyncio-strict, and explained there if it shows.
- The budget is a number of runs, not of seconds: the same seed gives the same schedule on every machine.

How it works. A deviation is a position among the options there are: with one less, all later ones mean other tasks. So
what is left out first are stretches, in which one task goes on for some steps; single deviations come last.

Source: Zeller and Hildebrandt 2002, "Simplifying and isolating failure-inducing input" (delta debugging).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import groupby
from typing import Any, TypeVar

from harness.loop.jobs import Livelock
from harness.loop.scheduling import PLAIN, Mode, Scheduler
from harness.loop.strategies.fifo import Fifo
from harness.loop.strategies.random_walk import RandomWalk
from harness.loop.strategies.recorded import Recorded
from harness.loop.strategies.sticky import Sticky
from harness.schedules.execution import Execution, FaultPoints, Subject, Symptom

_T = TypeVar("_T")

LIVELOCK_RUNS = 10
"""The most runs for a program that does not come to an end: each takes as many steps as it may."""
SEARCHES = 4
"""Seeds that each search tries on a smaller program."""
STRICT_SEARCHES = 20
"""Seeds that each search tries to show a symptom in asyncio-strict."""
PASSING_SEARCHES = 5
"""Seeds that each search tries, in each mode, to pass where asyncio's own order fails."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Shrunk:
    """The smallest schedule that was found.

    Args:
        symptom: that it shows.
        execution: how it goes.
        passing: the nearest in which the symptom does not show: with a deviation or a fault less, or, where there is
            neither, with a few deviations; None when none was found.
        runs: how many were made to find it.
    """

    symptom: Symptom
    execution: Any
    passing: Any
    runs: int


def shrink(
    subject: Subject, execution: Execution, symptom: Symptom, runs: int, modes: Sequence[Mode] = tuple(Mode)
) -> tuple[Subject, Shrunk]:
    """Return a smaller schedule with the same symptom, or the one that was found; and what it is of.

    Args:
        subject: what failed.
        execution: the schedule in which it did.
        symptom: that it showed.
        runs: the most that may be made; to find the nearest schedule that passes takes up to as many again.
        modes: that may be tried.
    """
    if isinstance(execution.result.error, Livelock):
        runs = min(runs, LIVELOCK_RUNS)
    work = _Work(subject, execution, runs, modes, lambda tried: symptom in tried.symptoms)
    work.fewer_faults()
    work.shorter()
    with work.sparing(runs // 2):
        work.fewer_steps()
    work.strictly()
    work.fewer_deviations()
    if work.fewer_faults():
        work.fewer_deviations()
    passing, made = _passing(work, symptom[0], runs)
    return work.subject, Shrunk(symptom=symptom, execution=work.best, passing=passing, runs=work.made + made)


class _Work:
    """One schedule on its way to be smaller, and still as wanted."""

    def __init__(
        self,
        subject: Subject,
        start: Execution,
        runs: int,
        modes: Sequence[Mode],
        wanted: Callable[[Execution], bool],
    ) -> None:
        self.subject = subject
        self.best = start
        self.made = 0
        self.modes = modes
        self._left = runs
        self._wanted = wanted
        self._stretches: list[tuple[int, int]] = []

    @contextmanager
    def sparing(self, runs: int) -> Iterator[None]:
        """Keep so many runs for what comes after."""
        spared = min(runs, self._left)
        self._left -= spared
        yield
        self._left += spared

    def fewer_faults(self) -> bool:
        """Leave out each fault that is not needed; return whether there was one."""
        smaller = False
        for point in self.best.fault_points:
            rest = tuple(other for other in self.best.fault_points if other != point)
            smaller |= self._take(self._recorded(self.subject, rest))
        return smaller

    def shorter(self) -> None:
        """Go back to asyncio's own order from some point on: from the beginning, or as early as will do.

        Only the schedule of a scene is so long that it is worth while to look for that point.
        """
        places = list(self.best.schedule.deviations)
        if not places or self._take(self._in_order(self.subject, self.best.fault_points)) or not self.subject.steps:
            return
        low, high = 0, len(places)  # with the first `high` deviations it shows, with the first `low` it does not
        while low + 1 < high and self._left > 0:
            middle = (low + high) // 2
            if self._take(self._deviating(places[:middle])):
                high = middle
            else:
                low = middle

    def fewer_steps(self) -> None:
        """Leave out all steps of a user first, then steps in ever smaller groups."""
        for user in dict.fromkeys(self.subject.steps):
            self._try_steps([place for place, of in enumerate(self.subject.steps) if of != user])
        size = max(1, len(self.subject.steps) // 4)
        while size and self._left > 0:
            start = 0
            while start < len(self.subject.steps) and self._left > 0:
                steps = range(len(self.subject.steps))
                if not self._try_steps([place for place in steps if not start <= place < start + size]):
                    start += size
            size //= 2

    def strictly(self) -> None:
        """Show the symptom in an order that asyncio itself could choose, if that can be found."""
        if self.best.schedule.mode is Mode.STRICT or Mode.STRICT not in self.modes:
            return
        for scheduler in searches(STRICT_SEARCHES):
            tried = self._run(self.subject, scheduler, Mode.STRICT, self.best.fault_points)
            if self._take(tried) or tried is None or not tried.schedule.choices:
                return

    def fewer_deviations(self) -> None:
        """Go back to asyncio's own order wherever that makes no difference."""
        self.shorter()
        if not self.best.schedule.deviations:
            return
        self._find_stretches()
        before = None
        while before != self._stretches:
            before = self._stretches
            self._stretches = self._reduced(self._stretches, self._staying)
            self._shorter_stretches()
        self._reduced(list(self.best.schedule.deviations), self._deviating)

    def _find_stretches(self) -> None:
        """Take the schedule as stretches in which one task goes on: with a deviation less, others mean other tasks."""
        self._stretches = []
        noted = _Noting(Recorded(self.best.schedule.deviations))
        if self._take(self._run(self.subject, noted, self.best.schedule.mode, self.best.fault_points)):
            self._stretches = [(actor, len(list(steps))) for actor, steps in groupby(noted.chosen)]

    def _shorter_stretches(self) -> None:
        """Let each task that goes on do so for fewer steps."""
        for place in reversed(range(len(self._stretches))):
            actor, steps = self._stretches[place]
            for fewer in dict.fromkeys((1, steps // 2, steps - 1)):
                tried = [*self._stretches[:place], (actor, fewer), *self._stretches[place + 1 :]]
                if 0 < fewer < steps and self._take(self._staying(tried)):
                    self._stretches = tried
                    break

    def _reduced(self, items: list[_T], run: Callable[[list[_T]], Execution | None]) -> list[_T]:
        """Leave out, in ever smaller groups, the last ones first, what is not needed; return the rest."""
        size = max(1, len(items) // 2)
        while size and self._left > 0:
            stop = len(items)
            while stop > 0 and self._left > 0:
                tried = items[: max(0, stop - size)] + items[stop:]
                if self._take(run(tried)):
                    items = tried
                stop -= size
            size //= 2
        return items

    def _try_steps(self, kept: Sequence[int]) -> bool:
        subject, points = self.subject.only(kept), self.best.fault_points
        if subject is None:
            return False
        for tried in self._smaller(subject, points):
            if self._take(tried):
                self.subject = subject
                return True
        return False

    def _smaller(self, subject: Subject, points: FaultPoints) -> Iterator[Execution | None]:
        """Yield schedules of a smaller program that could show the symptom."""
        schedule = self.best.schedule
        yield self._recorded(subject, points)
        if not schedule.deviations:
            yield from (self._in_order(subject, earlier) for earlier in subject.earlier(points))
            return
        yield self._in_order(subject, points)
        yield from (self._run(subject, one, schedule.mode, points) for one in searches(SEARCHES))

    def leave_one_out(self) -> bool:
        """Leave out a deviation or fault; where there is neither, add a few deviations; return whether that did it."""
        schedule, points = self.best.schedule, self.best.fault_points
        places = list(schedule.deviations)
        for place in reversed(places):
            if self._take(self._deviating([other for other in places if other != place])):
                return True
        if points:
            return self._take(self._recorded(self.subject, points[:-1]))
        return not places and self._deviate()

    def _deviate(self) -> bool:
        for mode in self.modes:
            for scheduler in searches(PASSING_SEARCHES):
                tried = self._run(self.subject, scheduler, mode, ())
                if self._take(tried):
                    self.fewer_deviations()
                    return True
                if tried is None or not tried.schedule.choices:
                    break
        return False

    # One run each

    def _recorded(self, subject: Subject, points: FaultPoints) -> Execution | None:
        return self._run(subject, Recorded(self.best.schedule.deviations), self.best.schedule.mode, points)

    def _in_order(self, subject: Subject, points: FaultPoints) -> Execution | None:
        return self._run(subject, Fifo(), self.modes[0], points)

    def _staying(self, stretches: Sequence[tuple[int, int]]) -> Execution | None:
        return self._run(self.subject, _Staying(stretches), self.best.schedule.mode, self.best.fault_points)

    def _deviating(self, places: Sequence[int]) -> Execution | None:
        schedule = self.best.schedule
        recorded = Recorded(schedule.only(places).deviations)
        return self._run(self.subject, recorded, schedule.mode, self.best.fault_points)

    def _run(self, subject: Subject, scheduler: Scheduler, mode: Mode, points: FaultPoints) -> Execution | None:
        if self._left <= 0:
            return None
        self._left -= 1
        self.made += 1
        return subject.run(scheduler, mode, points, watch=False)

    def _take(self, tried: Execution | None) -> bool:
        """Go on with a schedule that is as wanted; return whether it is."""
        if tried is None or not self._wanted(tried):
            return False
        self.best = tried
        return True


def _passing(work: _Work, name: str, runs: int) -> tuple[Execution | None, int]:
    """Return the nearest schedule in which this one finds nothing, and how many runs it took to find it.

    It has a deviation less, or a fault; where there is neither, some more deviations.
    """
    near = _Work(work.subject, work.best, runs, work.modes, lambda tried: tried.passes(name))
    return (near.best if near.leave_one_out() else None), near.made


def searches(seeds: int) -> Iterator[Scheduler]:
    """Yield walks that find most."""
    for seed in range(seeds):
        yield Sticky().scheduler(seed)
        yield RandomWalk().scheduler(seed)


class _Noting:
    """Notes whose step was chosen, each time."""

    def __init__(self, scheduler: Scheduler) -> None:
        self.chosen: list[int] = []
        self._scheduler = scheduler

    def choose(self, actors: Sequence[int]) -> int:
        pick = self._scheduler.choose(actors)
        self.chosen.append(actors[pick])
        return pick


class _Staying:
    """Lets one after another go on for some steps, as soon as each is ready; until then, and afterwards, FIFO.

    Plain callbacks are not waited for: they are ready at once, or not meant.
    """

    def __init__(self, stretches: Sequence[tuple[int, int]]) -> None:
        self._waiting = [actor for actor, steps in reversed(stretches) for _ in range(steps)]

    def choose(self, actors: Sequence[int]) -> int:
        waiting = self._waiting
        while waiting and waiting[-1] == PLAIN and PLAIN not in actors:
            waiting.pop()
        return actors.index(waiting.pop()) if waiting and waiting[-1] in actors else 0
