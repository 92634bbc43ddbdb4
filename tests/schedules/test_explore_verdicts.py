"""What `explore` says: how it tells a failure, when it says that nothing was shown, and what it refuses."""

from __future__ import annotations

import asyncio
import threading
from asyncio import gather, sleep
from collections.abc import Iterator
from itertools import count

import pytest
from explore_workloads import lost_update, pooled_connection, three_steps

from harness.judging.verdict import Outcome
from harness.loop.jobs import Deadlock, Livelock
from harness.schedules import Mode, explore, replay
from harness.schedules.coroutines import FailingSchedule


async def two_tasks() -> None:
    """Something with a choice."""
    await gather(sleep(0), sleep(0))


async def too_early() -> None:
    """Fails only if the reader gets two steps ahead of the writer, and that is not asyncio's own order."""
    state, seen = "new", ""

    async def writer() -> None:
        nonlocal state
        await sleep(0)
        state = "ready"

    async def reader() -> None:
        nonlocal seen
        await sleep(0)
        await sleep(0)
        seen = state

    await gather(writer(), reader())
    if seen != "ready":
        raise AssertionError(f"it is {seen}")


def said_by(program, **chosen) -> list[str]:
    """Return the lines in which `check` tells a failure."""
    with pytest.raises(FailingSchedule) as raised:
        explore(program, **chosen).check()
    return str(raised.value).splitlines()


class TestMessage:
    def test_a_failure_is_told_whole(self) -> None:
        """The error and its line, the mode, the deviations in words, the nearest schedule that passes, the replay."""
        told = said_by(too_early)
        assert told == [
            f"AssertionError: it is new (at {line('raise AssertionError(')})",
            "too_early fails in preemptive, 2 deviations from asyncio's own order:",
            "  1. choices 0 to 1: reader takes 2 steps on end, the first at its start, the last after "
            f"{line('await sleep(0)', 2)}; asyncio would let writer",
            "It passes without the deviation at choice 1: Schedule(Mode.PREEMPTIVE, {0: 1})",
            told[4],
            "Replay: from harness.schedules import Mode, Schedule, replay",
            "        replay(too_early, Schedule(Mode.PREEMPTIVE, {0: 1, 1: 1}))",
        ]
        assert told[4].startswith("Found by schedule ")

    def test_a_cancellation_is_told(self) -> None:
        """Which task, at which of its awaits, and where that is; that it is needed; and the replay has it."""
        told = said_by(pooled_connection(), cancel="holder")
        assert "  1. holder is cancelled at its await 3 (explore_workloads.py:88)" in told
        assert "The same schedule passes without the cancellation." in told
        assert "        replay(program, Schedule(Mode.STRICT), cancel=('holder', 3))" in told

    def test_timers_of_one_instant_are_told_apart(self) -> None:
        """By their order; no number of the loop's own is told."""

        async def program() -> None:
            order: list[str] = []

            async def sleeper(name: str, *naps: float) -> None:
                for nap in naps:
                    await sleep(nap)
                order.append(name)

            await gather(sleeper("two naps", 1, 1), sleeper("one nap", 2))
            if order != ["one nap", "two naps"]:
                raise AssertionError(order)

        told = said_by(program)[2]
        first, second = (f"timer {number} of those that fall due" for number in (1, 2))
        assert f"  1. choice 0: {second} goes first; asyncio would let {first}" == told

    def test_where_asyncios_own_order_fails_one_is_told_that_passes(self) -> None:
        """With as few deviations as it takes."""
        told = said_by(lost_update())
        assert "program fails in asyncio-strict, 0 deviations from asyncio's own order, without any fault." in told
        assert "It passes in preemptive, 1 deviation from asyncio's own order:" in told

    def test_where_only_the_mode_makes_the_difference_that_is_told(self) -> None:
        """The same choices, none of them a deviation, in the other mode."""

        async def program() -> None:
            await two_tasks()
            assert asyncio.get_running_loop()._mode is Mode.STRICT  # type: ignore[attr-defined]

        assert "It passes in asyncio-strict, 0 deviations from asyncio's own order." in said_by(program)

    def test_threads_are_told_apart(self) -> None:
        """A job by its function, also through `to_thread`; a thread by whether it worked last."""

        async def program() -> None:
            local = threading.local()

            def leave() -> None:
                local.user = "alice"

            await asyncio.to_thread(leave)
            if await asyncio.to_thread(getattr, local, "user", "nobody") == "nobody":
                raise AssertionError("the other thread")
            done: list[str] = []
            await gather(asyncio.to_thread(done.append, "one"), asyncio.to_thread(leave))

        told = said_by(program)[2]
        assert "  1. choice 0: another thread goes first; asyncio would let the thread that worked last" == told

    def test_where_nothing_near_passes_it_says_so(self) -> None:
        """A program that always fails."""

        async def program() -> None:
            await two_tasks()
            raise ValueError("always")

        assert "No schedule near to it was found to pass." in said_by(program)

    def test_the_error_of_the_program_is_the_cause(self) -> None:
        """pytest shows the program's own traceback below."""
        with pytest.raises(FailingSchedule) as raised:
            explore(three_steps()).check()
        assert type(raised.value.__cause__) is AssertionError

    def test_seed_and_steps_are_in_the_replay_where_they_matter(self) -> None:
        """As given to `explore`."""
        failure = explore(lost_update(), seed=9, most_steps=77).failure
        assert failure is not None
        assert "replay(program, Schedule(Mode.STRICT), seed=9, most_steps=77)" == failure.replay

    def test_tasks_are_called_by_their_names(self) -> None:
        """By the name they were given, else by their function; the second of a name is told apart; never `Task-7`."""

        async def job() -> None:
            await sleep(0)
            await sleep(0)

        async def program() -> None:
            async with asyncio.TaskGroup() as group:
                for name in ("given", None, "given", None):
                    group.create_task(job(), name=name)

        explored = explore(program, schedules=5, cancel="nobody")
        assert explored.doubts[0].endswith("there are given, given#2, job, job#2, main")


def line(text: str, nth: int = 1) -> str:
    """Return `file:line` of the n-th line of this file that has this text in it."""
    with open(__file__, encoding="utf-8") as file:
        numbers = [number for number, content in enumerate(file, 1) if text in content]
    return f"test_explore_verdicts.py:{numbers[nth - 1]}"


class TestFailures:
    def test_a_deadlock_is_a_failure(self) -> None:
        """Two locks taken in two orders: some schedule never ends."""

        async def program() -> None:
            left, right = asyncio.Lock(), asyncio.Lock()

            async def take(one: asyncio.Lock, other: asyncio.Lock) -> None:
                async with one:
                    await sleep(0)
                    async with other:
                        await sleep(0)

            await take(left, right)
            await gather(take(left, right), take(right, left))

        failure = explore(program).failure
        assert failure is not None
        with pytest.raises(Deadlock):
            replay(program, failure.schedule)

    def test_a_livelock_is_a_failure(self) -> None:
        """A task that polls for what never comes."""

        async def program() -> None:
            for _ in count():
                await sleep(0)

        explored = explore(program, most_steps=5_000)
        assert explored.failure is not None
        assert "Livelock" in explored.failure.error
        with pytest.raises(Livelock):
            replay(program, explored.failure.schedule, most_steps=5_000)

    def test_pytests_own_failures_are_failures(self) -> None:
        """`pytest.fail` and `pytest.raises` raise what is no Exception."""

        async def program() -> None:
            await two_tasks()
            with pytest.raises(KeyError):
                await sleep(0)

        assert Outcome.VIOLATED is explore(program).outcome

    def test_cancelling_oneself_is_a_failure(self) -> None:
        """Without a cancellation of ours, a program that ends in CancelledError has failed."""

        async def program() -> None:
            await two_tasks()
            raise asyncio.CancelledError

        assert Outcome.VIOLATED is explore(program).outcome


class TestSweep:
    def cancelled(self, cancel: object, **chosen) -> Iterator[str]:
        """Sweep over three tasks that say where they were cancelled."""
        seen: list[str] = []

        async def work(name: str) -> None:
            for step in ("one", "two"):
                try:
                    await sleep(0)
                except asyncio.CancelledError:
                    seen.append(f"{name} {step}")
                    raise

        async def program() -> None:
            async with asyncio.TaskGroup() as group:
                for name in ("reader", "writer", "other"):
                    group.create_task(work(name), name=name)

        explored = explore(program, strategy="sweep", cancel=cancel)
        assert Outcome.HOLDS is explored.outcome
        assert len(seen) == explored.coverage.cancelled == explored.coverage.places == explored.schedules - 1
        assert [site.split(":")[0] for site in explored.coverage.swept] == ["test_explore_verdicts.py"]
        yield from sorted(seen)

    def test_each_await_of_each_task_has_its_schedule(self) -> None:
        """One cancellation in each; the main task is spared."""
        every = [f"{name} {step}" for name in ("other", "reader", "writer") for step in ("one", "two")]
        assert every == list(self.cancelled("*"))

    def test_only_tasks_of_the_patterns_are_cancelled(self) -> None:
        """Patterns are those of file names."""
        assert ["reader one", "reader two"] == list(self.cancelled("read*"))
        assert 4 == len(list(self.cancelled(["reader", "?riter"])))

    def test_each_line_of_the_program_comes_first(self) -> None:
        """Two schedules after FIFO's are enough for two lines, however many tasks wait at each."""

        async def work() -> None:
            await sleep(0)
            await sleep(0)

        async def program() -> None:
            await asyncio.gather(*(asyncio.create_task(work()) for _ in range(3)), return_exceptions=True)

        explored = explore(program, strategy="sweep", cancel="*", schedules=3)
        assert (6, 2) == (explored.coverage.places, len(explored.coverage.swept))


class TestArguments:
    def test_all_that_is_wrong_is_told_at_once(self) -> None:
        """Strategy, number and modes."""
        with pytest.raises(ValueError, match=r"'bfs'.*0 schedules.*modes are some of"):
            explore(two_tasks, strategy="bfs", schedules=0, modes=())

    @pytest.mark.parametrize(
        ("strategy", "cancel"), [("fifo", "*"), ("exhaustive", "*"), ("sweep", ())], ids=["fifo", "exhaustive", "sweep"]
    )
    def test_cancellations_and_strategy_go_together(self, strategy: str, cancel: str) -> None:
        """What would be ignored, or has nothing to do, is refused."""
        with pytest.raises(ValueError, match="cancel"):
            explore(two_tasks, strategy=strategy, cancel=cancel)

    def test_a_program_is_awaited(self) -> None:
        """What returns nothing to await is no program."""
        with pytest.raises(TypeError, match="cannot be awaited"):
            explore(lambda: 3)  # type: ignore[arg-type,return-value]

    def test_a_loop_of_its_own_is_needed(self) -> None:
        """Inside a coroutine there is one already."""

        async def inside() -> None:
            explore(two_tasks)

        with pytest.raises(RuntimeError, match="loop is running already"):
            asyncio.run(inside())

    def test_strategies_make_what_they_are_called(self) -> None:
        """FIFO makes one schedule, the others as many as there may be."""
        assert [1, 40, 40, 40, 40] == [
            explore(lost_update(2, locked=True), strategy=strategy, schedules=40, modes=["preemptive"]).schedules
            for strategy in ("fifo", "sticky", "random", "pct", "portfolio")
        ]


def test_how_the_number_of_new_traces_falls_is_told() -> None:
    """Small programs have few orders: after a while there are no new ones."""
    explored = explore(two_tasks, schedules=100)
    growth = explored.coverage.growth
    assert [1, 2, 4, 8, 16, 32, 64, 100] == [schedules for schedules, _ in growth]
    assert growth[-1] == (100, explored.coverage.traces)
    traces, before = growth[-1][1], growth[-2][1]
    assert f"holds in 100 schedules, {traces} traces ({traces - before} of them new in the last 36)" == str(explored)
