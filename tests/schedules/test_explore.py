"""What `explore` finds, and how it tells it: the four programs on which schedulers are measured, and correct ones."""

from __future__ import annotations

import asyncio
import random
from asyncio import gather, sleep
from statistics import median

import pytest
from explore_workloads import current_user, lost_update, pooled_connection, three_steps

from harness.judging.verdict import Outcome
from harness.schedules import Mode, Schedule, explore, replay
from harness.schedules.coroutines import Failure
from harness.schedules.shrinking import LIVELOCK_RUNS

SEEDS = range(20)
SWEPT = 34
"""Schedules that it takes to cancel each holder at each await of W4, FIFO included."""


def failure_of(program, **chosen) -> Failure:
    """Explore a program that fails; return how."""
    explored = explore(program, **chosen)
    assert (Outcome.VIOLATED, ()) == (explored.outcome, explored.doubts)
    assert explored.failure is not None
    return explored.failure


class TestWhatFails:
    def test_lost_update_shows_in_the_first_schedule(self) -> None:
        """W1 fails in asyncio's own order: strictly, with no deviation; some order passes."""
        for tasks in (2, 5):
            failure = failure_of(lost_update(tasks))
            assert (1, "fifo", Mode.STRICT, {}) == (
                failure.attempt,
                failure.strategy,
                failure.mode,
                failure.schedule.deviations,
            )
            assert failure.passing is not None
            assert failure.passing.schedule.deviations
            assert replay(lost_update(tasks), failure.passing.schedule) is None

    def test_shared_current_user_shows_in_the_first_schedule(self) -> None:
        """W2 fails in asyncio's own order."""
        assert 1 == explore(current_user()).schedules

    def test_ordering_of_depth_three_shows_soon(self) -> None:
        """W3: in the median of 20 seeds within 25 schedules; never in asyncio's own order."""
        needed = [failure_of(three_steps(), seed=seed, shrink_runs=0).attempt for seed in SEEDS]
        assert median(needed) <= 25
        assert 1 < min(needed)

    def test_cancelled_holder_shows_in_the_sweep(self) -> None:
        """W4: one cancellation under FIFO is enough, at an await between send and receive."""
        failure = failure_of(pooled_connection(), cancel="holder")
        assert failure.attempt <= SWEPT
        assert ("sweep", Mode.STRICT, {}) == (failure.strategy, failure.mode, failure.schedule.deviations)
        assert failure.cancelled is not None
        assert ("holder", 3) == failure.cancelled[:2]
        assert failure.passing is not None
        assert failure.passing.cancelled is None
        whole = explore(pooled_connection(careful=True), strategy="sweep", cancel="holder")
        assert (SWEPT, SWEPT - 1) == (whole.schedules, whole.coverage.places)

    def test_cancelled_holder_shows_in_searches_too(self) -> None:
        """W4 without its sweep: a cancellation at random shows it."""
        for strategy in ("sticky", "random", "pct"):
            assert failure_of(pooled_connection(), strategy=strategy, cancel="*").cancelled is not None

    def test_a_failure_that_asyncio_could_show_is_told_so(self) -> None:
        """Found in the preemptive mode or not, what a completion order of threads shows is told in asyncio-strict."""

        async def program() -> None:
            done: list[int] = []
            await gather(*(asyncio.to_thread(done.append, number) for number in range(3)))
            assert [0, 1, 2] == done

        for modes in (tuple(Mode), (Mode.PREEMPTIVE, Mode.STRICT), (Mode.STRICT,)):
            assert Mode.STRICT is failure_of(program, modes=modes, strategy="random").mode
        assert Mode.PREEMPTIVE is failure_of(program, modes=(Mode.PREEMPTIVE,), strategy="random").mode


class TestWhatHolds:
    def test_a_lock_mends_the_lost_update(self) -> None:
        """The same program with a lock holds in every schedule, of many traces."""
        explored = explore(lost_update(5, locked=True), schedules=300)
        assert (Outcome.HOLDS, 300, None) == (explored.outcome, explored.schedules, explored.failure)
        assert 100 < explored.coverage.traces
        explored.check()

    def test_a_careful_pool_withstands_every_cancellation(self) -> None:
        """No single cancellation, and none in 300 schedules, makes a careful pool give a wrong answer."""
        explored = explore(pooled_connection(careful=True), schedules=300, cancel="*")
        assert Outcome.HOLDS is explored.outcome
        assert (SWEPT - 1, 0) == (explored.coverage.places, explored.coverage.cut_short)
        assert SWEPT < explored.coverage.cancelled

    def test_the_pool_holds_as_long_as_nobody_is_cancelled(self) -> None:
        """W4 is a bug of cancellation only: without it, nothing shows."""
        assert Outcome.HOLDS is explore(pooled_connection(), schedules=200).outcome

    def test_only_what_can_differ_is_tried(self) -> None:
        """In asyncio-strict, tasks that only yield have one order: one schedule is all there is, and shows nothing."""
        explored = explore(lost_update(2, locked=True), modes=[Mode.STRICT])
        assert (1, 0, Outcome.UNKNOWN) == (explored.schedules, explored.coverage.choices, explored.outcome)


class TestSameAgain:
    @pytest.mark.parametrize(
        ("program", "cancel"),
        [(three_steps(), ()), (pooled_connection(), "*"), (pooled_connection(careful=True), "*")],
        ids=["W3", "W4", "careful"],
    )
    def test_the_same_seed_gives_the_same_exploration(self, program, cancel) -> None:
        """Schedules, failure, smallest schedule, words and coverage: everything."""
        first, second = (explore(program, schedules=150, seed=7, cancel=cancel) for _ in range(2))
        assert first == second

    def test_another_seed_gives_other_schedules(self) -> None:
        """W3 is found by another schedule."""
        assert 1 < len({failure_of(three_steps(), seed=seed, shrink_runs=0).attempt for seed in range(5)})

    def test_a_failure_shows_again_each_time(self) -> None:
        """20 of 20: each smallest schedule fails again with the program's own error, and its neighbour passes."""
        shown = []
        for seed in SEEDS:
            failure = failure_of(three_steps(), seed=seed)
            with pytest.raises(AssertionError) as raised:
                replay(three_steps(), failure.schedule, seed=seed)
            shown.append(type(raised.value) is AssertionError)
            assert failure.passing is not None
            replay(three_steps(), failure.passing.schedule, seed=seed)
        assert [True] * 20 == shown

    def test_a_cancellation_falls_again_where_it_fell(self) -> None:
        """20 of 20: the replay of W4 raises again."""
        failure = failure_of(pooled_connection(), cancel="holder")
        for _ in SEEDS:
            with pytest.raises(AssertionError):
                replay(pooled_connection(), failure.schedule, cancel=failure.cancelled)

    def test_the_expression_in_the_message_is_the_replay(self) -> None:
        """Whoever copies it gets the failure again."""
        for chosen, program in (({"seed": 3}, three_steps()), ({"cancel": "*"}, pooled_connection())):
            failure = failure_of(program, **chosen)
            with pytest.raises(AssertionError):
                eval(failure.replay, {"replay": replay, "Schedule": Schedule, "Mode": Mode, "program": program})

    def test_data_is_the_same_in_each_schedule(self) -> None:
        """Random numbers come from the seed, whatever the order of steps."""
        seen = set()

        async def program() -> None:
            await gather(sleep(0), sleep(0))
            seen.add(random.random())

        explore(program, schedules=20, seed=1)
        assert 1 == len(seen)
        explore(program, schedules=20, seed=2)
        assert 2 == len(seen)

    def test_another_program_is_not_passed_off_as_the_replay(self) -> None:
        """A schedule whose choices, options or cancellation are not there says so, unless the program fails anyway."""

        async def other() -> None:
            await gather(sleep(0), sleep(0))

        assert replay(other, Schedule(Mode.PREEMPTIVE)) is None
        for schedule, cancel in (
            (Schedule(Mode.PREEMPTIVE, {40: 1}), None),
            (Schedule(Mode.PREEMPTIVE, {0: 7}), None),
            (Schedule(Mode.STRICT), ("holder", 3)),
        ):
            with pytest.raises(LookupError, match="not the one that was explored"):
                replay(other, schedule, cancel=cancel)


class TestSmallest:
    def test_two_stretches_are_left_of_a_hundred_deviations(self) -> None:
        """W3 needs the last task to run ahead, then the fifth: 13 deviations, of a hundred that were found."""
        failures = [failure_of(three_steps(), seed=seed) for seed in range(9)]
        assert 90 < min(len(failure.found.deviations) for failure in failures)
        assert 13 == min(len(failure.schedule.deviations) for failure in failures)
        assert (13, 2) == (
            median(len(failure.schedule.deviations) for failure in failures),
            median(len(failure.explanation) for failure in failures),
        )
        assert max(failure.runs for failure in failures) <= 200

    def test_a_cancellation_that_is_not_needed_is_left_out(self) -> None:
        """What fails without it is told without it."""

        async def program() -> None:
            order: list[str] = []

            async def step(name: str) -> None:
                await sleep(0)
                order.append(name)

            await gather(*(step(name) for name in "abcd"), return_exceptions=True)
            assert ["b", "a"] != order[:2]

        found = [(seed, failure_of(program, cancel="*", seed=seed, shrink_runs=0)) for seed in SEEDS]
        needless = [seed for seed, failure in found if failure.cancelled is not None]
        assert needless
        assert {None} == {failure_of(program, cancel="*", seed=seed).cancelled for seed in needless}

    def test_what_does_not_come_to_an_end_is_tried_a_few_times_only(self) -> None:
        """Each try takes as many steps as a run may."""

        async def program() -> None:
            order: list[str] = []

            async def step(name: str) -> None:
                await sleep(0)
                await sleep(0)
                order.append(name)

            await gather(*(step(name) for name in "abcdefgh"))
            while order[:2] == ["h", "e"]:  # noqa: ASYNC110
                await sleep(0)

        assert 0 < failure_of(program, most_steps=1_000).runs <= 2 * LIVELOCK_RUNS

    def test_what_is_said_to_pass_passes(self) -> None:
        """Also where the runs did not suffice to leave out all that is not needed."""
        near = [failure_of(three_steps(), seed=seed, shrink_runs=runs).passing for seed in SEEDS for runs in (3, 10)]
        passing = [one for one in near if one is not None]
        assert passing
        for one in passing:
            replay(three_steps(), one.schedule)

    def test_another_failure_is_no_smaller_one(self) -> None:
        """While a schedule is made smaller, an error of another line does not count."""

        async def program() -> None:
            order: list[str] = []

            async def step(name: str) -> None:
                await sleep(0)
                order.append(name)

            await gather(*(step(name) for name in "abc"))
            assert "cba" != "".join(order), "backwards"
            assert order[0] != "c", "last first"

        found = [failure_of(program, seed=seed, shrink_runs=0).where for seed in SEEDS]
        assert 2 == len(set(found))
        assert found == [failure_of(program, seed=seed).where for seed in SEEDS]
