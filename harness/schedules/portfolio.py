"""Which schedules are run, in which order: attempt 0, 1, 2, ... of one seed, the same however many processes share
them.

Rules:

- Scenes take turns. The first attempt of each is FIFO, which says how many awaits there are to be swept.
- Of the others in the portfolio, every second is a fault of the sweep (one fault at one await of one user, under FIFO)
  as long as there are any left; the rest are searches. A single search has no sweep.
- The sweep alone goes on until each fault has been injected once; then it begins anew.
- Searches take turns, too: each strategy in each mode. Every fourth has random faults: of the sweep, and one slow call
  at most: several in one transaction would keep others from a lock for longer than they wait.
- Schedule and faults have streams of their own: leaving a fault out changes no choice.
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
from harness.scenario.program import Fault, FaultPoint
from harness.schedules.scenario_runner import Wait
from harness.schedules.scenes import Scene

PORTFOLIO = "portfolio"
SWEEP = "sweep"
FAULTS_EVERY = 4
"""Every so many searches have random faults."""
MOST_FAULTS = 3
"""Random faults of one schedule."""

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
        faults: whether there are any.
    """

    strategy: str = PORTFOLIO
    modes: tuple[Mode, ...] = tuple(Mode)
    faults: bool = True

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
        mode, fault_points: of the schedule.
        scheduler: makes the choices.
    """

    number: int
    scene: Scene
    strategy: str
    mode: Mode
    fault_points: tuple[FaultPoint, ...]
    scheduler: Scheduler

    @property
    def is_baseline(self) -> bool:
        """Whether it shows what its scene is like when nothing is chosen, and nothing befalls anybody."""
        return (Fifo.name, Mode.STRICT, ()) == (self.strategy, self.mode, self.fault_points)


@dataclass(frozen=True, slots=True, kw_only=True)
class Baseline:
    """What a scene is like under FIFO, without any fault.

    Args:
        scene: which.
        waits: where the tasks of each user come to wait, in order, by position.
        choices: how many there are in `asyncio-strict`.
    """

    scene: Scene
    waits: tuple[tuple[Wait, ...], ...]
    choices: int

    def sweep(self, source: Random) -> list[FaultPoint]:
        """Return every fault at every await of every user: one for each line of the program first, then the rest.

        Args:
            source: shuffles both, so that a part of them is an even part.
        """
        seen: set[tuple[Fault, str]] = set()
        first: list[FaultPoint] = []
        rest: list[FaultPoint] = []
        fault_points = [
            (FaultPoint(fault, user, at), (fault, wait.site))
            for user, waits in enumerate(self.waits)
            for at, wait in enumerate(waits, 1)
            for fault in self._possible_faults(user, wait)
        ]
        source.shuffle(fault_points)
        for point, place in fault_points:
            (rest if place in seen else first).append(point)
            seen.add(place)
        return first + rest

    def slow(self) -> list[FaultPoint]:
        """Return a fault that makes slow what a user waits for, at each await where they wait for such a thing."""
        return [
            FaultPoint(Fault.SLOW, user, at)
            for user, waits in enumerate(self.waits)
            for at, wait in enumerate(waits, 1)
            if wait.can_take_long
        ]

    def _possible_faults(self, user: int, wait: Wait) -> list[Fault]:
        """Return what can befall a user there, and could make a difference."""
        asked = self.scene.asked_by(user)
        possible = {
            Fault.CANCEL: wait.is_asked,
            Fault.DISCONNECT: any(known.subscribes or known.opens for known in asked),
            Fault.STOP: any(known.starts for known in asked),
            Fault.FAIL: wait.can_fail,
        }
        return [fault for fault, can_be in possible.items() if can_be]


class Attempts:
    """The attempts of one seed.

    Args:
        scenes: of the target.
        choosing: what may be tried.
        seed: of schedules and faults.
        baseline: performs a scene under FIFO; called once for each scene whose second attempt is asked for.
    """

    def __init__(
        self, scenes: Sequence[Scene], choosing: Choosing, seed: int, baseline: Callable[[Scene], Baseline]
    ) -> None:
        self._scenes = scenes
        self._choosing = choosing
        self._seed = seed
        self._measure = baseline
        self._baselines: dict[str, tuple[Baseline, list[FaultPoint]]] = {}

    def attempt(self, number: int) -> Attempt:
        """Return the attempt with this number."""
        scene = self._scenes[number % len(self._scenes)]
        turn = number // len(self._scenes)
        if turn == 0:
            return self._of(number, scene, "fifo", Mode.STRICT, ())
        if self._choosing.strategy == SWEEP:
            if not self._swept:
                return self._of(number, scene, SWEEP, Mode.STRICT, ())
            scene, point = self._swept[(number - len(self._scenes)) % len(self._swept)]
            return self._of(number, scene, SWEEP, Mode.STRICT, (point,))
        baseline, sweep = self._known(scene)
        turn -= 1
        if self._choosing.strategy != PORTFOLIO or not self._choosing.faults:
            return self._search(number, scene, turn, baseline)
        if turn % 2 == 0 and turn // 2 < len(sweep):
            return self._of(number, scene, SWEEP, Mode.STRICT, (sweep[turn // 2],))
        return self._search(number, scene, turn - min((turn + 1) // 2, len(sweep)), baseline)

    @cached_property
    def _swept(self) -> list[tuple[Scene, FaultPoint]]:
        """The sweeps of all scenes in turn; one that comes to its end leaves its turns to the others."""
        turns = zip_longest(*([(scene, point) for point in self._known(scene)[1]] for scene in self._scenes))
        return [item for turn in turns for item in turn if item is not None]

    def size_of_sweep(self) -> int:
        """Return how many faults the sweep has, over the scenes that are known by now."""
        return sum(len(sweep) for _, sweep in self._baselines.values())

    def _known(self, scene: Scene) -> tuple[Baseline, list[FaultPoint]]:
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
        has_faults = self._choosing.faults and turn % FAULTS_EVERY == FAULTS_EVERY - 1
        fault_points = self._random_faults(number, scene) if has_faults else ()
        return Attempt(
            number=number, scene=scene, strategy=strategy, mode=mode, fault_points=fault_points, scheduler=scheduler
        )

    def _random_faults(self, number: int, scene: Scene) -> tuple[FaultPoint, ...]:
        source = self._source("faults", number)
        baseline, sweep = self._known(scene)
        every = sweep + baseline.slow()
        drawn = source.sample(every, min(source.randint(1, MOST_FAULTS), len(every)))
        slow = [point for point in drawn if point.fault is Fault.SLOW]
        return tuple(point for point in drawn if point not in slow[1:])

    def _source(self, stream: str, what: object) -> Random:
        return Random(f"{self._seed}/{stream}/{what}")

    def _of(
        self, number: int, scene: Scene, strategy: str, mode: Mode, fault_points: tuple[FaultPoint, ...]
    ) -> Attempt:
        return Attempt(
            number=number, scene=scene, strategy=strategy, mode=mode, fault_points=fault_points, scheduler=Fifo()
        )
