"""The schedules under which the loop is tested: both modes, every strategy, many seeds; small programs completely."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from harness.loop.loop import MOST_STEPS, ScheduleLoop
from harness.loop.scheduling import Mode, Scheduler, Strategy
from harness.loop.strategies import STRATEGIES
from harness.loop.strategies.exhaustive import Exhaustive
from harness.loop.strategies.fifo import Fifo

Program = Callable[[], Coroutine[Any, Any, Any]]

SEEDS = 12
"""Schedules of each strategy in each mode, unless a test says otherwise."""
SEARCHES = ("fifo", "random", "sticky", "pct")
MOST_SCHEDULES = 20_000
"""Of a program that is explored completely: more than that, and it is too large for a test."""


def run_on(loop: ScheduleLoop, program: Program) -> Any:
    """Run a program to its end on this loop, and close it."""
    try:
        return loop.run_until_complete(program())
    finally:
        loop.run_until_complete(_leave_nothing(loop))
        loop.close()


async def _leave_nothing(loop: ScheduleLoop) -> None:
    loop.in_order()
    left = [task for task in asyncio.all_tasks(loop) if task is not asyncio.current_task(loop)]
    for task in left:
        task.cancel()
    await asyncio.gather(*left, return_exceptions=True)


def run(program: Program, scheduler: Scheduler | None = None, mode: Mode = Mode.PREEMPTIVE) -> Any:
    """Run a program under one schedule, FIFO unless another is given."""
    return run_on(ScheduleLoop(scheduler or Fifo(), mode), program)


@dataclass(frozen=True, slots=True)
class Way:
    """One strategy in one mode."""

    mode: Mode
    strategy: str

    def __str__(self) -> str:
        return f"{self.strategy}-{self.mode.value}"

    def loop(self, seed: int, most_steps: int = MOST_STEPS) -> ScheduleLoop:
        """Return a loop under one schedule."""
        return self._loop(STRATEGIES[self.strategy](), seed, most_steps)

    def values(self, program: Program, seeds: int = SEEDS) -> Iterator[Any]:
        """Yield what the program returns, once for each seed; a failure says which."""
        strategy = STRATEGIES[self.strategy]()
        for seed in range(seeds):
            loop = self._loop(strategy, seed)
            try:
                yield run_on(loop, program)
            except BaseException as error:
                error.add_note(f"under {self}, seed {seed}")
                raise
            strategy.observe(len(loop.picks), len(loop.trace))

    def _loop(self, strategy: Strategy, seed: int, most_steps: int = MOST_STEPS) -> ScheduleLoop:
        scheduler = strategy.scheduler(seed)
        assert scheduler is not None, "these strategies go on for ever"
        return ScheduleLoop(scheduler, self.mode, most_steps=most_steps)


WAYS = tuple(Way(mode, strategy) for mode in Mode for strategy in SEARCHES)
everywhere = pytest.mark.parametrize("way", WAYS, ids=str)
in_both_modes = pytest.mark.parametrize("mode", list(Mode), ids=lambda mode: mode.value)


def every_value(program: Program, mode: Mode, bound: int = 100) -> list[Any]:
    """Return what the program returns in each of its schedules, or in those with at most so many preemptions."""
    strategy, values = Exhaustive(bound), []
    while (path := strategy.scheduler(0)) is not None:
        loop = ScheduleLoop(path, mode)
        values.append(run_on(loop, program))
        strategy.observe(len(loop.picks), len(loop.trace))
        assert len(values) <= MOST_SCHEDULES, "small enough to be explored completely"
    assert bound < 100 or strategy.left == 0, "all were seen"
    return values


async def _race() -> str:
    order: list[str] = []

    async def racer(name: str) -> None:
        for _ in range(2):
            order.append(name)
            await asyncio.sleep(0)

    await asyncio.gather(*(racer(name) for name in "abc"))
    return "".join(order)


@pytest.mark.parametrize("strategy", [name for name in SEARCHES if name != "fifo"])
def test_a_search_sees_many_orders(strategy: str) -> None:
    """A strategy that searches leaves FIFO, and not always in the same way: the tests that use it are not vacuous."""
    seen = set(Way(Mode.PREEMPTIVE, strategy).values(_race, seeds=30))
    assert len(seen) > 8


IN_ORDER = [way for way in WAYS if way.mode is Mode.STRICT or way.strategy == "fifo"]


@pytest.mark.parametrize("way", IN_ORDER, ids=str)
def test_a_strict_search_keeps_the_order_of_ready_tasks(way: Way) -> None:
    """Without timers or devices there is nothing to choose in the strict mode; FIFO chooses as asyncio does in both."""
    assert {"abcabc"} == set(way.values(_race))


def test_a_complete_exploration_sees_every_order() -> None:
    """Three tasks of two steps each have 6! / (2! 2! 2!) orders, and each is seen."""
    values = every_value(_race, Mode.PREEMPTIVE)
    assert 90 == len(set(values))
    assert ["abcabc"] == every_value(_race, Mode.STRICT)
