"""Which schedules are run, in which order: attempt 0, 1, 2, ... of one seed, the same however many processes share
them.

Rules:

- Scenes take turns. The first attempt of each is FIFO, which says how many awaits there are to be swept.
- Of the others in the portfolio, every second is a blow of the sweep (one strike at one await of one user, under FIFO)
  as long as there are any left; the rest are searches. A single search has no sweep.
- The sweep alone goes on until each blow has been made, once; then it begins anew.
- Searches take turns, too: each strategy in each mode. Every fourth has random blows: of the sweep, and one slow call
  at most: several in one transaction would keep others from a lock for longer than they wait.
- Schedule and blows have streams of their own: leaving a blow out changes no choice.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import zip_longest
from random import Random

from harness.loop.scheduling import Mode, Scheduler
from harness.loop.strategies.fifo import Fifo
from harness.loop.strategies.pct import Pct
from harness.loop.strategies.random_walk import RandomWalk
from harness.loop.strategies.sticky import Sticky
from harness.scenario.program import Blow, Strike
from harness.schedules.execution import Wait
from harness.schedules.scenes import Scene

PORTFOLIO = "portfolio"
SWEEP = "sweep"
BLOWS_EVERY = 4
"""Every so many searches have random blows."""
MOST_BLOWS = 3
"""Random blows of one schedule."""

_SEARCHES: Mapping[str, Callable[[int, int], Scheduler]] = {
    "sticky": lambda seed, choices: Sticky().scheduler(seed),
    "random": lambda seed, choices: RandomWalk().scheduler(seed),
    "pct": lambda seed, choices: Pct(choices).scheduler(seed),
    "fifo": lambda seed, choices: Fifo(),
}
"""Makes the scheduler of one search, from its seed and the choices that it is likely to have."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Choosing:
    """What may be tried.

    Args:
        strategy: `portfolio`, `sweep`, or the name of one search, which then makes every attempt but the first of each
            scene.
        modes: that searches may use.
        blows: whether there are any.
    """

    strategy: str = PORTFOLIO
    modes: tuple[Mode, ...] = tuple(Mode)
    blows: bool = True

    def searches(self) -> list[tuple[str, Mode]]:
        """Return every search that may be made."""
        names = ("sticky", "random", "pct") if self.strategy == PORTFOLIO else (self.strategy,)
        return [(name, mode) for name in names for mode in self.modes]


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """One schedule to be run.

    Args:
        number: 0, 1, 2, ...
        scene: to be performed.
        strategy: by name.
        mode, blows: of the schedule.
        scheduler: makes the choices.
    """

    number: int
    scene: Scene
    strategy: str
    mode: Mode
    blows: tuple[Blow, ...]
    scheduler: Scheduler

    @property
    def is_baseline(self) -> bool:
        """Whether it shows what its scene is like when nothing is chosen, and nothing befalls anybody."""
        return (Fifo.name, Mode.STRICT, ()) == (self.strategy, self.mode, self.blows)


@dataclass(frozen=True, slots=True, kw_only=True)
class Baseline:
    """What a scene is like under FIFO, without any blow.

    Args:
        scene: which.
        waits: where the tasks of each user come to wait, in order, by position.
        choices: how many there are in `asyncio-strict`.
    """

    scene: Scene
    waits: tuple[tuple[Wait, ...], ...]
    choices: int

    def sweep(self, source: Random) -> list[Blow]:
        """Return every strike at every await of every user: one for each line of the program first, then the rest.

        Args:
            source: shuffles both, so that a part of them is an even part.
        """
        seen: set[tuple[Strike, str]] = set()
        first: list[Blow] = []
        rest: list[Blow] = []
        blows = [
            (Blow(strike, user, at), (strike, wait.site))
            for user, waits in enumerate(self.waits)
            for at, wait in enumerate(waits, 1)
            for strike in self._strikes(user, wait)
        ]
        source.shuffle(blows)
        for blow, place in blows:
            (rest if place in seen else first).append(blow)
            seen.add(place)
        return first + rest

    def slow(self) -> list[Blow]:
        """Return a blow that makes slow what a user waits for, at each await where they wait for such a thing."""
        return [
            Blow(Strike.SLOW, user, at)
            for user, waits in enumerate(self.waits)
            for at, wait in enumerate(waits, 1)
            if wait.can_take_long
        ]

    def _strikes(self, user: int, wait: Wait) -> list[Strike]:
        """Return what can befall a user there, and could make a difference."""
        asked = {step.operation.name for step in self.scene.program.steps if step.operation and step.user == user}
        possible = {
            Strike.CANCEL: wait.is_asked,
            Strike.DISCONNECT: "follow" in asked,
            Strike.STOP: "start_run" in asked,
            Strike.FAIL: wait.can_fail,
        }
        return [strike for strike, can_be in possible.items() if can_be]


class Attempts:
    """The attempts of one seed.

    Args:
        scenes: of the target.
        choosing: what may be tried.
        seed: of schedules and blows.
        baseline: performs a scene under FIFO; called once for each scene whose second attempt is asked for.
    """

    def __init__(
        self, scenes: Sequence[Scene], choosing: Choosing, seed: int, baseline: Callable[[Scene], Baseline]
    ) -> None:
        self._scenes = scenes
        self._choosing = choosing
        self._seed = seed
        self._measure = baseline
        self._baselines: dict[str, tuple[Baseline, list[Blow]]] = {}

    def attempt(self, number: int) -> Attempt:
        """Return the attempt with this number."""
        scene = self._scenes[number % len(self._scenes)]
        turn = number // len(self._scenes)
        if turn == 0:
            return self._of(number, scene, "fifo", Mode.STRICT, ())
        if self._choosing.strategy == SWEEP:
            if not self._swept:
                return self._of(number, scene, SWEEP, Mode.STRICT, ())
            scene, blow = self._swept[(number - len(self._scenes)) % len(self._swept)]
            return self._of(number, scene, SWEEP, Mode.STRICT, (blow,))
        baseline, sweep = self._known(scene)
        turn -= 1
        if self._choosing.strategy != PORTFOLIO or not self._choosing.blows:
            return self._search(number, scene, turn, baseline)
        if turn % 2 == 0 and turn // 2 < len(sweep):
            return self._of(number, scene, SWEEP, Mode.STRICT, (sweep[turn // 2],))
        return self._search(number, scene, turn - min((turn + 1) // 2, len(sweep)), baseline)

    @cached_property
    def _swept(self) -> list[tuple[Scene, Blow]]:
        """The sweeps of all scenes in turn; one that comes to its end leaves its turns to the others."""
        turns = zip_longest(*([(scene, blow) for blow in self._known(scene)[1]] for scene in self._scenes))
        return [item for turn in turns for item in turn if item is not None]

    def size_of_sweep(self) -> int:
        """Return how many blows the sweep has, over the scenes that are known by now."""
        return sum(len(sweep) for _, sweep in self._baselines.values())

    def _known(self, scene: Scene) -> tuple[Baseline, list[Blow]]:
        known = self._baselines.get(scene.name)
        if known is None:
            baseline = self._measure(scene)
            sweep = baseline.sweep(self._source("sweep", scene.name))
            known = self._baselines[scene.name] = (baseline, sweep)
        return known

    def _search(self, number: int, scene: Scene, turn: int, baseline: Baseline) -> Attempt:
        searches = self._choosing.searches()
        strategy, mode = searches[turn % len(searches)]
        choices = baseline.choices if mode is Mode.STRICT else 2 * baseline.choices
        scheduler = _SEARCHES[strategy](self._source("schedule", number).getrandbits(64), choices)
        has_blows = self._choosing.blows and turn % BLOWS_EVERY == BLOWS_EVERY - 1
        blows = self._random_blows(number, scene) if has_blows else ()
        return Attempt(number=number, scene=scene, strategy=strategy, mode=mode, blows=blows, scheduler=scheduler)

    def _random_blows(self, number: int, scene: Scene) -> tuple[Blow, ...]:
        source = self._source("blows", number)
        baseline, sweep = self._known(scene)
        every = sweep + baseline.slow()
        drawn = source.sample(every, min(source.randint(1, MOST_BLOWS), len(every)))
        slow = [blow for blow in drawn if blow.strike is Strike.SLOW]
        return tuple(blow for blow in drawn if blow not in slow[1:])

    def _source(self, stream: str, what: object) -> Random:
        return Random(f"{self._seed}/{stream}/{what}")

    def _of(self, number: int, scene: Scene, strategy: str, mode: Mode, blows: tuple[Blow, ...]) -> Attempt:
        return Attempt(number=number, scene=scene, strategy=strategy, mode=mode, blows=blows, scheduler=Fifo())
