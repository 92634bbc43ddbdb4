"""Which schedules of a coroutine are tried, in which order; the same for the same seed.

Rules:

- The first attempt is FIFO: asyncio's own order. It says which awaits there are to be cancelled at.
- Next comes the sweep: one cancellation at each of these awaits, under FIFO; one for each line of the program first.
- Then searches take turns: mostly sticky walks, with PCT and random walks between, in each mode. Every third has a
  cancellation at random, if there may be any.
- A mode in which a run had nothing to choose has no other schedule than that one, and is left.

The turns were measured (`benchmarks/schedules`): of 100 schedules that need a depth of 3 among ten tasks, a sticky walk
hits five, PCT one or two, and a random walk hardly any; but each of these finds what the others do not.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from itertools import islice
from random import Random

from harness.loop.scheduling import Mode, Scheduler, Strategy
from harness.loop.strategies import STRATEGIES
from harness.loop.strategies.exhaustive import Exhaustive
from harness.loop.strategies.fifo import Fifo
from harness.schedules.coroutine_runs import Cancelled, Run

PORTFOLIO, SWEEP, FIFO, EXHAUSTIVE = "portfolio", "sweep", Fifo.name, Exhaustive.name
NAMES = (PORTFOLIO, SWEEP, *STRATEGIES)
"""What may be given as the strategy."""
TURNS = ("sticky", "sticky", "sticky", "pct", "sticky", "sticky", "sticky", "random")
"""The searches of the portfolio."""
CANCEL_EVERY = 3
"""Every so many searches have a cancellation."""
APART = 1 << 32
"""Between the seeds of the schedules of two explorations."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """One schedule to be run.

    Args:
        number: 1, 2, ...
        strategy: by name.
        mode, cancel: of the schedule.
        scheduler: makes the choices.
    """

    number: int
    strategy: str
    mode: Mode
    cancel: Cancelled | None
    scheduler: Scheduler


class Attempts:
    """The attempts of one exploration. Ask for the next; run it; tell what came of it.

    Args:
        strategy: one of NAMES.
        seed: of schedules and cancellations.
        most: how many may be made.
        bound: of exhaustive schedules.
        modes: to be tried; FIFO and the sweep are tried in the first.
        cancel: patterns of the names of tasks that may be cancelled.
    """

    def __init__(
        self, *, strategy: str, seed: int, most: int, bound: int, modes: Sequence[Mode], cancel: Sequence[str]
    ) -> None:
        self.sweep: list[Cancelled] = []
        """Every await at which somebody may be cancelled, once the first attempt has been told."""
        self.left: int | None = None
        """How many branches were not followed, when the strategy is exhaustive."""
        self.misfits = 0
        """How many branches were not there any more when they were followed."""
        self._strategy = strategy
        self._seed = seed
        self._most = most
        self._bound = bound
        self._modes = modes
        self._cancel = cancel
        self._ran: Run | None = None
        self._searches: dict[tuple[str, Mode], Strategy] = {}
        self._choices: dict[Mode, int] = {}

    def __iter__(self) -> Iterator[Attempt]:
        if self._strategy == EXHAUSTIVE:
            yield from self._exhaustive()
        else:
            yield from islice(self._others(), self._most)

    def observe(self, attempt: Attempt, run: Run) -> None:
        """Take in what came of the attempt that was asked for last."""
        self._ran = run
        if attempt.number == 1 and run.watcher is not None:
            self.sweep = _lines_first([place for place in run.watcher.awaits if self.fits(place, self._cancel)])
        if run.cancelled is None:
            self._choices[attempt.mode] = max(run.schedule.choices, self._choices.get(attempt.mode, 0))
        search = self._searches.get((attempt.strategy, attempt.mode))
        if search is not None:
            search.observe(run.schedule.choices, len(run.trace))

    @staticmethod
    def fits(place: Cancelled, patterns: Sequence[str]) -> bool:
        """Return whether the task of this await is called like one of the patterns, with its `#2` or without."""
        plain = place.task.partition("#")[0]
        return any(fnmatchcase(name, pattern) for pattern in patterns for name in (place.task, plain))

    def _others(self) -> Iterator[Attempt]:
        yield Attempt(number=1, strategy=FIFO, mode=self._modes[0], cancel=None, scheduler=Fifo())
        if self._strategy == FIFO:
            return
        number = 1
        if self._strategy in (PORTFOLIO, SWEEP):
            for number, place in enumerate(self.sweep, 2):
                yield Attempt(number=number, strategy=SWEEP, mode=self._modes[0], cancel=place, scheduler=Fifo())
        if self._strategy != SWEEP:
            yield from self._search(number)

    def _search(self, number: int) -> Iterator[Attempt]:
        names = TURNS if self._strategy == PORTFOLIO else (self._strategy,)
        turn = 0
        while modes := [mode for mode in self._modes if self._choices.get(mode) != 0]:
            name, mode = names[turn // len(modes) % len(names)], modes[turn % len(modes)]
            number += 1
            if (name, mode) not in self._searches:
                self._searches[name, mode] = STRATEGIES[name]()
            scheduler = self._searches[name, mode].scheduler(self._seed * APART + number)
            assert scheduler is not None, "a walk never comes to its end"
            cancel = self._random_cancel(number, turn)
            yield Attempt(number=number, strategy=name, mode=mode, cancel=cancel, scheduler=scheduler)
            turn += 1

    def _random_cancel(self, number: int, turn: int) -> Cancelled | None:
        if not self.sweep or turn % CANCEL_EVERY != CANCEL_EVERY - 1:
            return None
        return Random(f"{self._seed}/cancel/{number}").choice(self.sweep)

    def _exhaustive(self) -> Iterator[Attempt]:
        """Walk the tree of each mode in turn; what one leaves of its share of the attempts goes to the next."""
        trees = [Exhaustive(self._bound) for _ in self._modes]
        number = 0
        for place, (mode, tree) in enumerate(zip(self._modes, trees, strict=True)):
            until = number + (self._most - number) // (len(trees) - place)
            while number < until and (path := tree.scheduler(number)) is not None:
                number += 1
                followed = _Followed(path)
                yield Attempt(number=number, strategy=EXHAUSTIVE, mode=mode, cancel=None, scheduler=followed)
                assert self._ran is not None, "told"
                tree.observe(self._ran.schedule.choices, len(self._ran.trace))
                self.misfits += followed.misfits
                self.left = sum(one.left for one in trees)


class _Followed:
    """Follows a path as far as its options are there."""

    def __init__(self, path: Scheduler) -> None:
        self._path = path
        self.misfits = 0

    def choose(self, actors: Sequence[int]) -> int:
        pick = self._path.choose(actors)
        if pick >= len(actors):
            self.misfits += 1
            return 0
        return pick


def _lines_first(places: Sequence[Cancelled]) -> list[Cancelled]:
    """Return one place for each line of the program first, then the rest."""
    seen: set[str] = set()
    first: list[Cancelled] = []
    rest: list[Cancelled] = []
    for place in places:
        (rest if place.site in seen else first).append(place)
        seen.add(place.site)
    return first + rest
