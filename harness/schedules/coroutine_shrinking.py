"""Makes the schedule in which a coroutine failed smaller: without the cancellation, with fewer deviations from FIFO.

Rules:

- A smaller schedule is taken only when the program fails in it in the same way: see `kind_of`.
- A failure that needs the preemptive mode is searched for in asyncio-strict, and told there if it shows.
- The budget is a number of runs, not of seconds: the same seed gives the same schedule on every machine.

How it works. A deviation is a position among the options there are: with one less, all later ones mean other tasks. So
what is left out first are stretches, in which one task goes on for some steps; single deviations come last.

Source: Zeller and Hildebrandt 2002, "Simplifying and isolating failure-inducing input" (delta debugging).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import TypeVar

from harness.loop.jobs import Livelock
from harness.loop.scheduling import PLAIN, Mode, Scheduler
from harness.loop.strategies.fifo import Fifo
from harness.loop.strategies.random_walk import RandomWalk
from harness.loop.strategies.recorded import Recorded
from harness.loop.strategies.sticky import Sticky
from harness.schedules.coroutine_runs import Cancelled, Rehearsal, Run, kind_of

_T = TypeVar("_T")

LIVELOCK_RUNS = 10
"""The most runs for a program that does not come to an end: each takes as many steps as it may."""
PASSING_SEARCHES = 5
"""Seeds that each search tries to pass where asyncio's own order fails."""
STRICT_SEARCHES = 10
"""Seeds that each search tries to show a failure in asyncio-strict."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Smallest:
    """The smallest schedule that was found.

    Args:
        run: how it goes.
        passing: the nearest schedule that was found to pass; None when there is none.
        runs: how many were made to find it.
    """

    run: Run
    passing: Run | None
    runs: int


def make_smallest(rehearsal: Rehearsal, found: Run, runs: int, modes: Sequence[Mode] = tuple(Mode)) -> Smallest:
    """Return a smaller schedule with the same failure, or the one that was found.

    Args:
        rehearsal: runs the program.
        found: a run that failed.
        runs: the most that may be made; to find the nearest schedule that passes takes up to as many again.
        modes: that may be tried.
    """
    kind = kind_of(found.error)
    if isinstance(found.error, Livelock):
        runs = min(runs, LIVELOCK_RUNS)
    work = _Work(rehearsal, found, runs, modes, lambda run: run.failed and kind_of(run.error) == kind)
    work.without_cancellation()
    work.smaller()
    if work.without_cancellation():
        work.smaller()
    work.strictly()
    smallest, made = work.best, work.made
    near = _Near(rehearsal, smallest, runs, modes)
    passing = near.passing() if runs else None
    return Smallest(run=smallest, passing=passing, runs=made + near.made)


class _Work:
    """One schedule on its way to be smaller, and still as wanted."""

    def __init__(
        self, rehearsal: Rehearsal, start: Run, runs: int, modes: Sequence[Mode], wanted: Callable[[Run], bool]
    ) -> None:
        self.best = start
        self.made = 0
        self._left = runs
        self._modes = modes
        self._wanted = wanted
        self._rehearsal = rehearsal
        self._stretches: list[tuple[int, int]] = []

    def without_cancellation(self) -> bool:
        """Leave the cancellation out, if it is not needed; return whether it was there, and is not any more."""
        cancelled, schedule = self.best.cancelled, self.best.schedule
        return cancelled is not None and self._take(self._run(Recorded(schedule.deviations), schedule.mode, None))

    def smaller(self) -> None:
        """Go back to asyncio's own order wherever that makes no difference."""
        if self.best.schedule.deviations and not self._take(self._run(Fifo(), self._modes[0], self.best.cancelled)):
            self._find_stretches()
            before = None
            while before != self._stretches:
                before = self._stretches
                self._stretches = self._reduced(self._stretches, self._staying)
                self._shorter_stretches()
            self._fewer_deviations()

    def _find_stretches(self) -> None:
        """Take the schedule as stretches in which one task goes on: with a deviation less, others mean other tasks."""
        noted = _Noting(Recorded(self.best.schedule.deviations))
        if self._take(self._run(noted, self.best.schedule.mode, self.best.cancelled)):
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

    def _fewer_deviations(self) -> None:
        self._reduced(list(self.best.schedule.deviations), self._deviating)

    def _reduced(self, items: list[_T], run: Callable[[list[_T]], Run | None]) -> list[_T]:
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

    def strictly(self) -> None:
        """Show the failure in an order that asyncio itself could choose, if that can be found."""
        if self.best.schedule.mode is Mode.STRICT or Mode.STRICT not in self._modes:
            return
        for scheduler in _searches(STRICT_SEARCHES):
            tried = self._run(scheduler, Mode.STRICT, self.best.cancelled)
            if tried is None or not tried.schedule.choices:
                return
            if self._take(tried):
                self.smaller()
                return

    # One run each

    def _staying(self, stretches: Sequence[tuple[int, int]]) -> Run | None:
        return self._run(_Staying(stretches), self.best.schedule.mode, self.best.cancelled)

    def _deviating(self, places: Sequence[int]) -> Run | None:
        schedule = self.best.schedule
        return self._run(Recorded(schedule.only(places).deviations), schedule.mode, self.best.cancelled)

    def _run(self, scheduler: Scheduler, mode: Mode, cancel: Cancelled | None) -> Run | None:
        if self._left <= 0:
            return None
        self._left -= 1
        self.made += 1
        return self._rehearsal.run(scheduler, mode, cancel)

    def _take(self, tried: Run | None) -> bool:
        """Go on with a schedule that is as wanted; return whether it is."""
        if tried is None or not self._wanted(tried):
            return False
        self.best = tried
        return True


class _Near:
    """Looks for the schedule that passes and is nearest to one that fails."""

    def __init__(self, rehearsal: Rehearsal, failing: Run, runs: int, modes: Sequence[Mode]) -> None:
        self.made = 0
        self._rehearsal = rehearsal
        self._failing = failing
        self._left = runs
        self._modes = modes

    def passing(self) -> Run | None:
        """Return it: with one deviation less, or without the cancellation; where there is neither, with some more."""
        schedule, cancelled = self._failing.schedule, self._failing.cancelled
        places = list(schedule.deviations)
        for place in reversed(places):
            rest = schedule.only([other for other in places if other != place])
            if (tried := self._passes(Recorded(rest.deviations), schedule.mode, cancelled)) is not None:
                return tried
        if cancelled is not None:
            return self._passes(Recorded(schedule.deviations), schedule.mode, None)
        return None if places else self._deviating()

    def _deviating(self) -> Run | None:
        """Asyncio's own order fails: look for one that passes, and deviates little."""
        for mode in self._modes:
            for scheduler in _searches(PASSING_SEARCHES):
                found = self._run(scheduler, mode, None)
                if found is not None and _is_passing(found):
                    work = _Work(self._rehearsal, found, self._left, self._modes, _is_passing)
                    work.smaller()
                    self.made += work.made
                    return work.best
                if found is None or not found.schedule.choices:
                    break
        return None

    def _passes(self, scheduler: Scheduler, mode: Mode, cancel: Cancelled | None) -> Run | None:
        tried = self._run(scheduler, mode, cancel)
        return tried if tried is not None and _is_passing(tried) else None

    def _run(self, scheduler: Scheduler, mode: Mode, cancel: Cancelled | None) -> Run | None:
        if self._left <= 0:
            return None
        self._left -= 1
        self.made += 1
        return self._rehearsal.run(scheduler, mode, cancel)


def _is_passing(run: Run) -> bool:
    return run.proves and not run.failed


def _searches(seeds: int) -> Iterator[Scheduler]:
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
