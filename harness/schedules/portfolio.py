"""Which schedules are run, in which order: attempt 0, 1, 2, ... of one seed, the same however many processes share
them.

Rules:

- Subjects take turns. The first attempt of each is FIFO, which says how many awaits there are to be swept.
- Of the others in the portfolio, every `sweep_every`th injects one fault of the sweep (one fault at one await, under
  FIFO) as long as there are any left; the rest are searches. A single search has no sweep.
- The sweep alone ends when each of its faults was injected once.
- Searches take turns, too: each strategy in each mode. Every `faults_every`th has random faults: of the sweep, and one
  slow call at most: several in one transaction would keep others from a lock for longer than they wait.
- Schedule and faults have streams of their own: leaving a fault out changes no choice.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import zip_longest
from random import Random
from typing import Any

from harness.loop.scheduling import Mode, Scheduler
from harness.loop.strategies.exhaustive import BOUND, Exhaustive
from harness.loop.strategies.fifo import Fifo
from harness.loop.strategies.pct import Pct
from harness.loop.strategies.random_walk import RandomWalk
from harness.loop.strategies.sticky import Sticky
from harness.schedules.execution import Baseline, FaultPoints, Subject

PORTFOLIO, SWEEP, FIFO, EXHAUSTIVE = "portfolio", "sweep", Fifo.name, Exhaustive.name

_SEARCHES: Mapping[str, Callable[[int, int], Scheduler]] = {
    "sticky": lambda seed, choices: Sticky().scheduler(seed),
    "random": lambda seed, choices: RandomWalk().scheduler(seed),
    "pct": lambda seed, choices: Pct(choices).scheduler(seed),
    "fifo": lambda seed, choices: Fifo(),
}
"""Makes the scheduler of one search, from its seed and the choices that it is likely to have."""
STRATEGIES = (PORTFOLIO, SWEEP, *_SEARCHES, EXHAUSTIVE)
"""What may be given as the strategy."""

APART = 1 << 32
"""Between the counted seeds of two explorations."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Choosing:
    """What may be tried.

    Args:
        strategy: one of STRATEGIES; a single search makes every attempt but the first of each subject.
        modes: that searches may use; FIFO and the sweep use the first.
        faults: whether there are any.
        bound: the most deviations from FIFO of one exhaustive schedule.
        searches: of the portfolio, in turn.
        sweep_every: so many attempts of the portfolio have one of the sweep; with 1, all of it comes first.
        faults_every: so many searches have one with random faults.
        most_faults: of these in one schedule.
        counts_seeds: whether searches get consecutive seeds, in place of drawn ones: a program may take less time than
            drawing one does.
    """

    strategy: str = PORTFOLIO
    modes: tuple[Mode, ...] = tuple(Mode)
    faults: bool = True
    bound: int = BOUND
    searches: tuple[str, ...] = ("sticky", "random", "pct")
    sweep_every: int = 2
    faults_every: int = 4
    most_faults: int = 3
    counts_seeds: bool = False


@dataclass(frozen=True, slots=True)
class Attempt:
    """One schedule to be run.

    Args:
        number: 0, 1, 2, ...
        subject: to be run.
        strategy: by name.
        mode, fault_points: of the schedule.
        scheduler: makes the choices.
        is_baseline: whether it shows what its subject is like under FIFO, without a fault.
    """

    number: int
    subject: Subject
    strategy: str
    mode: Mode
    fault_points: FaultPoints
    scheduler: Scheduler
    is_baseline: bool = False

    def __str__(self) -> str:
        return f"schedule {self.number + 1} ({self.strategy})"


class Attempts:
    """The attempts of one seed.

    Args:
        subjects: to be explored.
        choosing: what may be tried.
        seed: of schedules and faults.
        measure: returns the baseline of a subject; called once for each whose second attempt is asked for.
    """

    def __init__(
        self,
        subjects: Sequence[Subject],
        choosing: Choosing,
        seed: int,
        measure: Callable[[Subject, Random], Baseline],
    ) -> None:
        self._subjects = subjects
        self._choosing = choosing
        self._seed = seed
        self._measure = measure
        self._baselines: dict[str, Baseline] = {}

    def attempt(self, number: int) -> Attempt | None:
        """Return the attempt with this number; None when there is nothing left to try."""
        turn, place = divmod(number, len(self._subjects))
        subject = self._subjects[place]
        if turn == 0:
            return Attempt(number, subject, FIFO, self._choosing.modes[0], (), Fifo(), is_baseline=True)
        if self._choosing.strategy == SWEEP:
            left = self._swept[number - len(self._subjects) :]
            return self._one_fault(number, *left[0]) if left else None
        turn -= 1
        if self._choosing.strategy != PORTFOLIO or not self._choosing.faults:
            return self._search(number, subject, turn)
        sweep, every = self._baseline(subject).sweep, self._choosing.sweep_every
        if turn % every == 0 and turn // every < len(sweep):
            return self._one_fault(number, subject, sweep[turn // every])
        return self._search(number, subject, turn - min(-(-turn // every), len(sweep)))

    @cached_property
    def _swept(self) -> list[tuple[Subject, Any]]:
        """The sweeps of all subjects in turn; one that has come to its end leaves its turns to the others."""
        turns = zip_longest(*([(one, point) for point in self._baseline(one).sweep] for one in self._subjects))
        return [item for turn in turns for item in turn if item is not None]

    def size_of_sweep(self) -> int:
        """Return how many faults the sweep has, over the subjects that are known by now."""
        return sum(len(baseline.sweep) for baseline in self._baselines.values())

    def _baseline(self, subject: Subject) -> Baseline:
        known = self._baselines.get(subject.name)
        if known is None:
            known = self._baselines[subject.name] = self._measure(subject, self._source("sweep", subject.name))
        return known

    def _search(self, number: int, subject: Subject, turn: int) -> Attempt | None:
        choosing, choices = self._choosing, self._baseline(subject).choices
        modes = [mode for mode in choosing.modes if mode in choices]
        if not modes:
            return None
        names = choosing.searches if choosing.strategy == PORTFOLIO else (choosing.strategy,)
        strategy, mode = names[turn // len(modes) % len(names)], modes[turn % len(modes)]
        scheduler = _SEARCHES[strategy](self._schedule_seed(number), choices[mode])
        has_faults = choosing.faults and turn % choosing.faults_every == choosing.faults_every - 1
        points = self._random_faults(number, subject) if has_faults else ()
        return Attempt(number, subject, strategy, mode, points, scheduler)

    def _schedule_seed(self, number: int) -> int:
        if self._choosing.counts_seeds:
            return self._seed * APART + number + 1
        return self._source("schedule", number).getrandbits(64)

    def _random_faults(self, number: int, subject: Subject) -> FaultPoints:
        source = self._source("faults", number)
        baseline = self._baseline(subject)
        every = [*baseline.sweep, *baseline.others]
        drawn = source.sample(every, min(source.randint(1, self._choosing.most_faults), len(every)))
        slow = [point for point in drawn if point in baseline.others]
        return tuple(point for point in drawn if point not in slow[1:])

    def _source(self, stream: str, what: object) -> Random:
        return Random(f"{self._seed}/{stream}/{what}")

    def _one_fault(self, number: int, subject: Subject, point: Any) -> Attempt:
        return Attempt(number, subject, SWEEP, self._choosing.modes[0], (point,), Fifo())
