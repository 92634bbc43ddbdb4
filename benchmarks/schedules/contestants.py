"""Who runs schedules here: the harness, asyncio itself, and the libraries that explore schedules too.

Rules:

- Each contestant runs many schedules of a workload by its own public entry, in one call, so that what it sets up once
  is set up once.
- How fast it is, is measured on programs that do not raise; how soon it finds something, on the same programs raising.
- A library that is not installed, or does not support this Python, is passed over, with the reason.
- All run in one interpreter; the collector is off, and what was there before is frozen, for everybody.
"""

from __future__ import annotations

import asyncio
import importlib
import platform
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from benchmarks.schedules.workloads import Program, Workload
from harness.loop.control import controlled
from harness.loop.scheduling import Mode
from harness.loop.strategies import STRATEGIES
from harness.schedules.coroutines import explore

SEEDS_APART = 1_000_000
"""Between the seeds of two searches."""
NEEDS = {"simloop": (3, 12), "simloom": (3, 12), "frontrun": (3, 10)}
"""The oldest Python that each library says it supports."""
SLOWEST_S = 30.0
"""The most time that one search of a library gets that can be limited in no other way."""


class Missing(Exception):
    """A contestant cannot take part. Says why."""


@dataclass(frozen=True, slots=True)
class Searched:
    """What came of one search.

    Args:
        needed: schedules up to the first that went wrong; None when none did.
        schedules: that were run.
    """

    needed: int | None
    schedules: int


class Contestant(Protocol):
    """Runs schedules."""

    @property
    def name(self) -> str:
        """As in the tables."""

    @property
    def is_peer(self) -> bool:
        """Whether it is another project's, and explores."""

    @property
    def has_one_order(self) -> bool:
        """Whether a seed changes nothing, so that one search tells all."""

    def run(self, workload: Workload, schedules: int) -> int:
        """Run so many schedules; return how many were run, which is less where there are no others.

        Raises:
            Missing: it cannot take part.
        """

    def search(self, workload: Workload, seed: int, most: int) -> Searched:
        """Run schedules until one goes wrong, or `most` have been run."""


@dataclass(frozen=True, slots=True)
class Stock:
    """asyncio's own loop: a new one for each schedule, as `asyncio.run` makes it, or always the same."""

    name: str
    reused: bool = False
    is_peer: bool = False
    has_one_order: bool = True

    def run(self, workload: Workload, schedules: int) -> int:
        """Run so many schedules, which are one."""
        if not self.reused:
            for _ in range(schedules):
                asyncio.run(workload.run())
            return schedules
        with asyncio.Runner() as runner:
            for _ in range(schedules):
                runner.run(workload.run())
        return schedules

    def search(self, workload: Workload, seed: int, most: int) -> Searched:
        """Run it a few times: more would show the same."""
        tries = min(most, 20)
        for tried in range(tries):
            if asyncio.run(workload.run()):
                return Searched(tried + 1, tried + 1)
        return Searched(None, tries)


@dataclass(frozen=True, slots=True)
class Ours:
    """One strategy of the harness, on its loop (`Control.run`)."""

    strategy: str
    mode: Mode = Mode.PREEMPTIVE
    is_peer: bool = False
    has_one_order: bool = False

    @property
    def name(self) -> str:
        """Strategy and mode."""
        return f"harness, {self.strategy}" + (", strict" if self.mode is Mode.STRICT else "")

    def run(self, workload: Workload, schedules: int) -> int:
        """Run so many schedules."""
        return self._search(workload, 0, schedules, stops=False).schedules

    def search(self, workload: Workload, seed: int, most: int) -> Searched:
        """Run schedules until one goes wrong."""
        return self._search(workload, seed, most, stops=True)

    def _search(self, workload: Workload, seed: int, most: int, *, stops: bool) -> Searched:
        strategy = STRATEGIES[self.strategy]()
        with controlled() as control:
            for tried in range(most):
                scheduler = strategy.scheduler(seed * SEEDS_APART + tried)
                assert scheduler is not None, "a search never ends"
                ran = control.run(lambda loop: workload.run(), scheduler, mode=self.mode)
                if ran.error is not None or ran.uncontrolled:
                    raise ran.error or RuntimeError(ran.uncontrolled[0])
                strategy.observe(ran.schedule.choices, len(ran.trace))
                if stops and ran.value:
                    return Searched(tried + 1, tried + 1)
        return Searched(None, most)


@dataclass(frozen=True, slots=True)
class Explore:
    """The harness's `explore`, as anybody calls it; with everything that it looks at besides."""

    name: str = "harness, explore()"
    is_peer: bool = False
    has_one_order: bool = False

    def run(self, workload: Workload, schedules: int) -> int:
        """Run so many schedules."""
        return explore(workload.run, schedules=schedules).schedules

    def search(self, workload: Workload, seed: int, most: int) -> Searched:
        """Run schedules until one goes wrong."""
        found = explore(workload.run_and_raise, schedules=most, seed=seed, shrink_runs=0)
        return Searched(found.failure.attempt if found.failure else None, found.schedules)


def sweep(workload: Workload) -> tuple[Searched, int]:
    """Cancel each holder of W4 at each of its awaits; return what was found, and how many places there are."""
    whole = explore(workload.run, strategy="sweep", cancel="holder", schedules=1_000)
    found = explore(workload.run_and_raise, strategy="sweep", cancel="holder", schedules=1_000, shrink_runs=0)
    return Searched(found.failure.attempt if found.failure else None, whole.schedules), whole.coverage.places


@dataclass(frozen=True, slots=True)
class Simloop:
    """simloop: a simulated loop, with a network."""

    policy: str
    is_peer: bool = True
    has_one_order: bool = False

    @property
    def name(self) -> str:
        """With its policy."""
        return f"simloop, {self.policy}"

    def run(self, workload: Workload, schedules: int) -> int:
        """Run so many seeds."""
        report = _module("simloop").explore(workload.run, range(schedules), policy=self.policy)
        if report is not None:
            raise Missing(f"{type(report.exception).__name__}: {report.exception}")
        return schedules

    def search(self, workload: Workload, seed: int, most: int) -> Searched:
        """Run seeds until one fails."""
        start = seed * SEEDS_APART + 1
        report = _module("simloop").explore(workload.run_and_raise, range(start, start + most), policy=self.policy)
        return Searched(None, most) if report is None else Searched(report.seeds_passed + 1, report.seeds_passed + 1)


@dataclass(frozen=True, slots=True)
class Simloom:
    """simloom: a simulated world, with hosts and faults."""

    policy: str
    is_peer: bool = True
    has_one_order: bool = False

    @property
    def name(self) -> str:
        """With its scheduler."""
        return f"simloom, {self.policy}"

    def run(self, workload: Workload, schedules: int) -> int:
        """Run so many seeds."""
        explored = self._explore(workload.run, schedules, 0)
        if explored.failed:
            raise Missing(explored.summary())
        return int(explored.runs)

    def search(self, workload: Workload, seed: int, most: int) -> Searched:
        """Run seeds until one fails."""
        explored = self._explore(workload.run_and_raise, most, seed * SEEDS_APART)
        return Searched(explored.runs if explored.failed else None, explored.runs)

    def _explore(self, main: Callable[[], Any], runs: int, start: int) -> Any:
        scheduler = "pct:auto" if self.policy == "pct" else self.policy
        return _module("simloom").explore(main, runs=runs, start_seed=start, scheduler=scheduler, world=False)


@dataclass(frozen=True, slots=True)
class Frontrun:
    """frontrun: await points under its scheduler, at random or by partial order reduction (DPOR)."""

    strategy: str
    is_peer: bool = True

    @property
    def name(self) -> str:
        """With its strategy."""
        return f"frontrun, {self.strategy}"

    @property
    def has_one_order(self) -> bool:
        """DPOR has no seed."""
        return self.strategy == "dpor"

    def run(self, workload: Workload, schedules: int) -> int:
        """Run so many schedules; fewer when there are no others."""
        explored = self._explore(workload, lambda program: True, 0, schedules, SLOWEST_S)
        if not explored.num_explored:
            raise Missing(explored.inconclusive_reason or "no schedule came to its end")
        return int(explored.num_explored)

    def search(self, workload: Workload, seed: int, most: int) -> Searched:
        """Run schedules until one goes wrong, or time is up."""
        found = self._explore(workload, lambda program: not program.is_broken(), seed, most, SLOWEST_S)
        return Searched(found.num_explored if found.property_holds is False else None, found.num_explored)

    def _explore(
        self, workload: Workload, holds: Callable[[Program], bool], seed: int, most: int, limit_s: float
    ) -> Any:
        users = len(workload.make().users())
        given = {"max_attempts": most, "max_ops": 10_000, "seed": seed} if self.strategy == "random" else {}
        given |= {"max_executions": most, "reproduce_on_failure": 0} if self.strategy == "dpor" else {}
        return asyncio.run(
            _module("frontrun").explore(
                setup=lambda: _Turns(workload.make()),
                workers=[_worker(number) for number in range(users)],
                invariant=lambda turns: holds(turns.program),
                strategy=self.strategy,
                total_timeout=limit_s,
                detect_io=False,
                **given,
            )
        )


class _Turns:
    """A program and what its users do: the state that workers share."""

    def __init__(self, program: Program) -> None:
        self.program = program
        self.turns = program.users()


def _worker(number: int) -> Callable[[_Turns], Any]:
    async def worker(turns: _Turns) -> None:
        await turns.turns[number]()

    return worker


def _module(name: str) -> Any:
    needed = NEEDS[name]
    if sys.version_info < needed:
        raise Missing(f"needs Python {needed[0]}.{needed[1]}; this is {platform.python_version()}")
    try:
        return importlib.import_module(name)
    except ImportError as error:
        raise Missing(f"not installed ({error})") from error


CONTESTANTS: Sequence[Contestant] = (
    Stock("asyncio.run"),
    Stock("asyncio, one loop", reused=True),
    Ours("random"),
    Ours("sticky"),
    Ours("pct"),
    Ours("random", Mode.STRICT),
    Explore(),
    Simloop("random"),
    Simloop("pct"),
    Simloom("random"),
    Simloom("pct"),
    Frontrun("random"),
    Frontrun("dpor"),
)
