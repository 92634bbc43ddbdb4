"""Makes a failing schedule smaller in every way at once: users, steps, faults, and deviations from FIFO.

Rules:

- A smaller story is taken only when the same checker finds the same anomaly in it. Runs are deterministic: once is
  enough.
- With a step less, the recorded choices mean something else. So a smaller program is tried with them, in asyncio's own
  order, and with a few searches; the first schedule that shows the anomaly is taken, and made smaller in turn.
- A story that needs the preemptive mode is searched for in asyncio-strict, and told there if it shows.
- The budget is a number of runs, not of seconds: the same seed gives the same story on every machine.

Source: Zeller and Hildebrandt 2002, "Simplifying and isolating failure-inducing input" (delta debugging).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace

from harness.judging.verdict import Finding
from harness.loop.scheduling import Mode, Scheduler
from harness.loop.strategies.fifo import Fifo
from harness.loop.strategies.random_walk import RandomWalk
from harness.loop.strategies.recorded import Recorded
from harness.loop.strategies.sticky import Sticky
from harness.scenario.program import FaultPoint
from harness.schedules.scenario_runner import Execution, ScenarioRunner
from harness.schedules.scenes import Scene

SEARCHES = 4
"""Seeds that each search tries on a smaller program."""
STRICT_SEARCHES = 20
"""Seeds that each search tries to show a story in asyncio-strict."""
PASSING_SEARCHES = 3
"""Seeds that each search tries, in each mode, to pass where asyncio's own order fails."""
PASSING_RUNS = 30
"""Runs that may be made for that, whatever is left."""
EARLIER = 8
"""Awaits before the recorded one at which a fault is tried on a smaller program."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Smallest:
    """The smallest story that was found.

    Args:
        checker, anomaly: that it shows.
        execution: how it goes.
        passing: the nearest story in which the anomaly does not show: with a deviation or a fault less, or, where there
            is neither, with a few deviations; None when none was found.
        runs: how many were made to find it.
    """

    checker: str
    anomaly: str
    execution: Execution
    passing: Execution | None
    runs: int

    @property
    def finding(self) -> Finding:
        """What the checker says of it."""
        return _of(self.execution, self.checker, self.anomaly)[0]


def make_smallest(runner: ScenarioRunner, execution: Execution, checker: str, runs: int) -> Smallest:
    """Return a smaller story with the same anomaly, or the story itself.

    Args:
        runner: where to perform.
        execution: a run in which the checker found something.
        checker: by name; its first finding says which anomaly.
        runs: the most that may be made.
    """
    work = _Work(runner, execution, checker, runs)
    work.fewer_faults()
    work.shorter()
    with work.sparing(runs // 2):
        work.fewer_steps()
    work.strictly()
    work.shorter()
    work.fewer_deviations()
    return Smallest(
        checker=checker, anomaly=work.anomaly, execution=work.best, passing=work.passing(), runs=runs - work.left
    )


class _Work:
    """One story on its way to be smaller."""

    def __init__(self, runner: ScenarioRunner, execution: Execution, checker: str, runs: int) -> None:
        self.best = execution
        self.left = runs
        self.anomaly = execution.verdicts[checker].findings[0].anomaly
        self._runner = runner
        self._checker = checker

    def fewer_faults(self) -> None:
        """Leave out each fault that is not needed."""
        for point in self.best.interleaving.fault_points:
            rest = tuple(other for other in self.best.interleaving.fault_points if other != point)
            self._take(self._recorded(self.best.scene, rest))

    @contextmanager
    def sparing(self, runs: int) -> Iterator[None]:
        """Keep so many runs for what comes after."""
        spared = min(runs, self.left)
        self.left -= spared
        yield
        self.left += spared

    def shorter(self) -> None:
        """Go back to asyncio's own order from some point on: from the beginning, or as early as will do."""
        if self._take(self._in_order(self.best.scene, self.best.interleaving.fault_points)):
            return
        places = list(self.best.interleaving.deviations)
        low, high = 0, len(places)  # with the first `high` deviations it shows, with the first `low` it does not
        while low + 1 < high and self.left > 0:
            middle = (low + high) // 2
            if self._take(self._deviating(places[:middle])):
                high = middle
            else:
                low = middle

    def fewer_deviations(self) -> None:
        """Go back to asyncio's own order wherever that makes no difference."""
        size = max(1, len(self.best.interleaving.deviations) // 2)
        while size and self.left > 0:
            start, smaller = 0, False
            while start < len(self.best.interleaving.deviations) and self.left > 0:
                places = list(self.best.interleaving.deviations)
                kept = places[:start] + places[start + size :]
                if self._take(self._deviating(kept)):
                    smaller = True
                else:
                    start += size
            size = size if smaller and size > 1 else size // 2

    def fewer_steps(self) -> None:
        """Leave out whole users first, then steps, in ever smaller groups."""
        for user in range(len(self.best.scene.program.users)):
            kept = [place for place, step in enumerate(self.best.scene.program.steps) if step.user != user]
            if any(self.best.scene.program.steps[place].operation is not None for place in kept):
                self._try_scene(_only(self.best.scene, kept))
        size = max(1, len(self.best.scene.program.steps) // 4)
        while size and self.left > 0:
            start = 0
            while start < len(self.best.scene.program.steps) and self.left > 0:
                steps = range(len(self.best.scene.program.steps))
                kept = [place for place in steps if not start <= place < start + size]
                if not self._try_scene(_only(self.best.scene, kept)):
                    start += size
            size //= 2

    def strictly(self) -> None:
        """Show the story in an order that asyncio itself could choose, if that can be found."""
        if self.best.interleaving.mode == Mode.STRICT:
            return
        fault_points = self.best.interleaving.fault_points
        for scheduler in _searches(STRICT_SEARCHES):
            if self._take(self._run(self.best.scene, scheduler, Mode.STRICT, fault_points)):
                return

    def passing(self) -> Execution | None:
        """Return the nearest story without the anomaly: one deviation or fault less; without either, a few more."""
        how = self.best.interleaving
        places = list(how.deviations)
        self.left = max(self.left, 2)
        if places:
            return self._unless_shown(self._deviating(places[:-1]))
        if how.fault_points:
            return self._unless_shown(self._in_order(self.best.scene, how.fault_points[:-1]))
        self.left = PASSING_RUNS
        return self._elsewhere()

    def _elsewhere(self) -> Execution | None:
        """Asyncio's own order shows it: return one that does not, and deviates little."""
        scene = self.best.scene
        for mode in Mode:
            for scheduler in _searches(PASSING_SEARCHES):
                found = self._unless_shown(self._run(scene, scheduler, mode, ()))
                if found is not None:
                    return self._nearer(found, mode)
        return None

    def _nearer(self, passing: Execution, mode: Mode) -> Execution:
        """Leave out deviations, the last ones first, as long as it passes."""
        size = max(1, len(passing.interleaving.deviations) // 2)
        while size and self.left > 0:
            deviations = dict(passing.interleaving.deviations)
            stop = len(deviations)
            while stop > 0 and self.left > 0:
                places = list(deviations)
                kept = {place: deviations[place] for place in places[: max(0, stop - size)] + places[stop:]}
                tried = self._unless_shown(self._run(self.best.scene, Recorded(kept), mode, ())) if kept else None
                if tried is not None:
                    passing, deviations = tried, kept
                stop -= size
            size //= 2
        return passing

    def _try_scene(self, scene: Scene) -> bool:
        fault_points = self.best.interleaving.fault_points
        if not scene.first < scene.last:
            return False
        if self._take(self._recorded(scene, fault_points)):
            return True
        if self.best.interleaving.deviations:
            if self._take(self._in_order(scene, fault_points)):
                return True
            mode = Mode(self.best.interleaving.mode)
            return any(self._take(self._run(scene, one, mode, fault_points)) for one in _searches(SEARCHES))
        return any(self._take(self._in_order(scene, earlier)) for earlier in _earlier(fault_points))

    # One run each

    def _recorded(self, scene: Scene, fault_points: Sequence[FaultPoint]) -> Execution | None:
        how = self.best.interleaving
        return self._run(scene, Recorded(how.deviations), Mode(how.mode), fault_points)

    def _deviating(self, places: Sequence[int]) -> Execution | None:
        how = self.best.interleaving
        recorded = Recorded({place: how.deviations[place] for place in places})
        return self._run(self.best.scene, recorded, Mode(how.mode), how.fault_points)

    def _in_order(self, scene: Scene, fault_points: Sequence[FaultPoint]) -> Execution | None:
        return self._run(scene, Fifo(), Mode.STRICT, fault_points)

    def _run(
        self, scene: Scene, scheduler: Scheduler, mode: Mode, fault_points: Sequence[FaultPoint]
    ) -> Execution | None:
        if self.left <= 0:
            return None
        self.left -= 1
        return self._runner.perform(scene, scheduler, mode, fault_points)

    def _take(self, tried: Execution | None) -> bool:
        """Go on with a story that shows the anomaly; return whether it does."""
        if tried is None or not _of(tried, self._checker, self.anomaly):
            return False
        self.best = tried
        return True

    def _unless_shown(self, tried: Execution | None) -> Execution | None:
        return None if tried is None or tried.doubt or _of(tried, self._checker, self.anomaly) else tried


def _of(execution: Execution, checker: str, anomaly: str) -> list[Finding]:
    verdict = execution.verdicts.get(checker)
    return [finding for finding in verdict.findings if finding.anomaly == anomaly] if verdict is not None else []


def _only(scene: Scene, kept: Sequence[int]) -> Scene:
    """Return the scene with these steps only."""
    steps = tuple(scene.program.steps[place] for place in kept)
    first = sum(place < scene.first for place in kept)
    last = sum(place < scene.last for place in kept)
    return Scene(program=replace(scene.program, steps=steps), first=first, last=last)


def _searches(seeds: int) -> Iterator[Scheduler]:
    makers: tuple[Callable[[int], Scheduler], ...] = (Sticky().scheduler, RandomWalk().scheduler)
    for seed in range(seeds):
        for make in makers:
            yield make(seed)


def _earlier(fault_points: Sequence[FaultPoint]) -> Iterator[tuple[FaultPoint, ...]]:
    """Yield the faults with the last one at an earlier await: there are fewer of them in a smaller program."""
    if fault_points:
        *others, last = fault_points
        for at in range(last.at - 1, max(0, last.at - 1 - EARLIER), -1):
            yield (*others, replace(last, at=at))
