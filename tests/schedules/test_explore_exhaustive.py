"""What `exhaustive` means: every order of steps, and a count of what was left out."""

from __future__ import annotations

from asyncio import gather, sleep
from itertools import count, permutations
from math import comb

from explore_workloads import lost_update
from hypothesis import given
from hypothesis.strategies import integers

from harness.judging.verdict import Outcome
from harness.loop.strategies.exhaustive import Exhaustive
from harness.schedules import Mode, explore

EVERY = 1_000
"""A bound that cuts nothing off."""


@given(choices=integers(0, 6), options=integers(2, 4), bound=integers(0, 4))
def test_schedules_and_what_the_bound_cuts_off_are_as_many_as_there_are(choices: int, options: int, bound: int) -> None:
    """At each of n choices one of w: with k deviations there are C(n, k) (w - 1)^k schedules, each run once."""
    walk = Exhaustive(bound)
    walked = []
    while (path := walk.scheduler(0)) is not None:
        walked.append(tuple(path.choose(range(options)) for _ in range(choices)))
        walk.observe(choices, choices)
    at_each = [comb(choices, deviations) * (options - 1) ** deviations for deviations in range(bound + 2)]
    assert (sum(at_each[:-1]), at_each[-1]) == (len(walked), walk.left)
    assert len(walked) == len(set(walked))
    assert all(sum(map(bool, picks)) <= bound for picks in walked)


def test_every_order_of_steps_is_seen() -> None:
    """Two tasks of three steps: all 20 orders, and nothing left."""
    seen = set()

    async def program() -> None:
        order: list[str] = []

        async def worker(name: str) -> None:
            for _ in range(3):
                await sleep(0)
                order.append(name)

        await gather(worker("a"), worker("b"))
        seen.add("".join(order))

    explored = explore(program, strategy="exhaustive", bound=EVERY, schedules=10_000)
    assert {"".join(order) for order in permutations("aaabbb")} == seen
    assert (Outcome.HOLDS, 0) == (explored.outcome, explored.left)


def test_a_correct_program_holds_in_all_of_them() -> None:
    """With a lock no update is lost, in any order there is."""
    explored = explore(lost_update(2, locked=True), strategy="exhaustive", bound=EVERY, schedules=10_000)
    assert (Outcome.HOLDS, 0) == (explored.outcome, explored.left)
    explored.check()


def test_what_the_bound_cuts_off_is_counted() -> None:
    """Three steps ahead of FIFO: not seen with two deviations, which leaves branches; seen with three."""

    async def program() -> None:
        order: list[str] = []

        async def worker(name: str) -> None:
            for _ in range(4):
                await sleep(0)
                order.append(name)

        await gather(worker("a"), worker("b"))
        assert ["b", "b", "b", "b"] != order[:4]

    shallow = explore(program, strategy="exhaustive", bound=2, schedules=10_000)
    assert (Outcome.HOLDS, None) == (shallow.outcome, shallow.failure)
    assert shallow.left
    deep = explore(program, strategy="exhaustive", bound=4, schedules=10_000)
    assert deep.failure is not None
    assert (Mode.PREEMPTIVE, "exhaustive") == (deep.failure.mode, deep.failure.strategy)


def test_what_the_number_of_schedules_leaves_is_counted() -> None:
    """Ended early, there are branches left, and those of the mode that was not begun count."""
    explored = explore(lost_update(3, locked=True), strategy="exhaustive", bound=EVERY, schedules=10)
    assert 10 == explored.schedules
    assert explored.left
    alone = explore(lost_update(3, locked=True), strategy="exhaustive", schedules=1, modes=[Mode.PREEMPTIVE])
    both = explore(lost_update(3, locked=True), strategy="exhaustive", schedules=1)
    assert alone.left is not None
    assert alone.left + 1 == both.left


def test_a_program_that_changes_leaves_a_doubt() -> None:
    """Where a branch is gone when it is followed, not every order was seen, and nothing is claimed."""
    runs = count()

    async def program() -> None:
        await gather(*(sleep(0) for _ in range(4 if next(runs) < 10 else 2)))

    explored = explore(program, strategy="exhaustive", bound=EVERY, schedules=40)
    assert Outcome.UNKNOWN is explored.outcome
    assert ["branches were gone when they were followed"] == [doubt.split(":")[0] for doubt in explored.doubts]
