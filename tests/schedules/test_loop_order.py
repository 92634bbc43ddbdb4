"""The order in which the loop does things: callbacks, timers, time, and how it ends."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Any

import pytest
from test_loop_schedules import Way, every_value, everywhere, in_both_modes, run

from harness.loop.loop import Deadlock, Livelock, ScheduleLoop
from harness.loop.scheduling import Mode
from harness.loop.strategies.fifo import Fifo


def pausing(pauses: int, told: Callable[[str], object], name: str) -> Any:
    """Return a coroutine that tells each of its steps."""

    async def pause() -> None:
        for number in range(pauses):
            told(f"{name}{number}")
            await asyncio.sleep(0)

    return pause()


async def spin(until: Callable[[], bool]) -> None:
    """Poll without waiting."""
    for _ in iter(until, True):
        await asyncio.sleep(0)


class TestCallbacks:
    @everywhere
    def test_plain_callbacks_stay_in_order(self, way: Way) -> None:
        """None overtakes another, whoever puts them there, whatever tasks do meanwhile."""

        async def program() -> list[int]:
            loop, called, asked = asyncio.get_running_loop(), list[int](), 0

            def ask(more: int) -> None:
                nonlocal asked
                loop.call_soon(call, asked, more)
                asked += 1

            def call(number: int, more: int) -> None:
                called.append(number)
                for _ in range(more):
                    ask(more - 1)

            async def work() -> None:
                for _ in range(3):
                    ask(2)
                    await asyncio.sleep(0)

            await asyncio.gather(work(), work(), work())
            await asyncio.sleep(1)
            return called

        for called in way.values(program):
            assert list(range(45)) == called

    @in_both_modes
    def test_no_task_overtakes_a_callback_that_was_there_first(self, mode: Mode) -> None:
        """In every schedule, a callback comes before the steps that were put there after it."""

        async def program() -> tuple[int, int]:
            loop, told = asyncio.get_running_loop(), list[str]()
            before = asyncio.create_task(pausing(1, told.append, "before"))
            loop.call_soon(told.append, "callback")
            after = asyncio.create_task(pausing(2, told.append, "after"))
            await asyncio.gather(before, after)
            return told.index("callback"), told.index("after0")

        assert all(callback < after for callback, after in every_value(program, mode))

    @in_both_modes
    def test_a_cancelled_callback_is_not_called(self, mode: Mode) -> None:
        """Neither a callback nor a timer that was cancelled is called, and time does not pass to such a timer."""
        loop, moments, errors = ScheduleLoop(Fifo(), mode), list[float](), list[Any]()
        loop.on_time = moments.append
        loop.set_exception_handler(lambda *told: errors.append(told))

        async def program() -> None:
            loop.call_soon(pytest.fail, "called").cancel()
            loop.call_later(5, pytest.fail, "called").cancel()
            loop.call_later(10, pytest.fail, "called").cancel()
            await asyncio.sleep(10)

        loop.run_until_complete(program())
        loop.close()
        assert ([10.0], []) == (moments, errors)

    @everywhere
    def test_sets_are_walked_in_one_order(self, way: Way) -> None:
        """Sets of tasks and of futures have the same order in each run, wherever in memory these are."""

        async def program() -> list[int]:
            loop, kept = asyncio.get_running_loop(), KEPT
            futures = []
            for number in range(12):
                kept.append([object() for _ in range(len(kept) % 7)])
                futures.append(loop.create_future())
                loop.call_later(1, futures[-1].set_result, number)
            tasks = [loop.create_task(asyncio.sleep(1, number)) for number in range(12)]
            done, _ = await asyncio.wait({*futures, *tasks})
            return [each.result() for each in done]

        assert 1 == len({tuple(numbers) for numbers in way.values(program)})


KEPT: list[object] = []


class TestTimers:
    @everywhere
    def test_timers_come_at_their_times(self, way: Way) -> None:
        """Each is called when the loop's time is its own; the time of one that is past is now."""

        async def program() -> list[tuple[float, float]]:
            loop, called = asyncio.get_running_loop(), list[tuple[float, float]]()
            for when in (3, 1, 2, 0, 2.5, 1, -4):
                loop.call_at(when, lambda when=when: called.append((max(0, when), loop.time())))
            await asyncio.sleep(4)
            return called

        for called in way.values(program):
            assert 7 == len(called)
            assert sorted(called) == called
            assert all(when == now for when, now in called)

    @everywhere
    def test_timers_that_were_set_at_one_instant_keep_their_order(self, way: Way) -> None:
        """Those for one time, set one after the other without time passing, are called in that order."""

        async def program() -> list[int]:
            loop, called = asyncio.get_running_loop(), list[int]()
            for number in range(6):
                loop.call_later(1, called.append, number)
                await asyncio.sleep(0)
            await asyncio.sleep(2)
            return called

        for called in way.values(program):
            assert list(range(6)) == called

    @in_both_modes
    def test_timers_that_were_set_at_different_instants_come_in_either_order(self, mode: Mode) -> None:
        """Two that meet at one instant, set at different ones, are called in both orders."""

        async def program() -> str:
            loop, called = asyncio.get_running_loop(), list[str]()
            loop.call_later(2, called.append, "a")
            await asyncio.sleep(1)
            loop.call_later(1, called.append, "b")
            await asyncio.sleep(2)
            return "".join(called)

        assert {"ab", "ba"} == set(every_value(program, mode))

    @in_both_modes
    def test_a_cancelled_timer_is_no_choice(self, mode: Mode) -> None:
        """Of two timers that meet at one instant, one of them cancelled, nothing is to be chosen."""

        async def program() -> float:
            loop = asyncio.get_running_loop()
            timer = loop.call_later(2, loop.time)
            await asyncio.sleep(1)
            loop.call_at(timer.when(), pytest.fail, "called").cancel()
            await asyncio.sleep(2)
            return loop.time()

        assert [3.0] == every_value(program, mode)

    @in_both_modes
    def test_a_loop_that_was_held_up_calls_the_earlier_timer_first(self, mode: Mode) -> None:
        """Timers of different times that are all due keep the order of their times, as in asyncio."""

        async def program() -> str:
            loop, called = asyncio.get_running_loop(), list[str]()
            loop.call_later(3, called.append, "c")
            loop.call_later(1, called.append, "a")
            await asyncio.sleep(0.5)
            loop.call_later(1, called.append, "b")
            assert isinstance(loop, ScheduleLoop)
            loop.pass_time(5)
            await asyncio.sleep(1)
            return "".join(called)

        assert {"abc"} == set(every_value(program, mode))

    @in_both_modes
    def test_a_timer_that_is_due_comes_with_the_next_turn(self, mode: Mode) -> None:
        """`call_later(0)` comes after all that was ready, and what that made ready, as in asyncio."""

        async def program() -> list[str]:
            loop, told = asyncio.get_running_loop(), list[str]()
            tasks = [asyncio.create_task(pausing(2, told.append, name)) for name in "ab"]
            loop.call_soon(loop.call_later, 0, told.append, "timer")
            await asyncio.gather(*tasks)
            await asyncio.sleep(0.01)
            return told

        expected = ["a0", "b0", "a1", "b1", "timer"]
        assert expected == asyncio.run(program())
        assert expected == run(program, mode=mode)


class TestStopping:
    @in_both_modes
    @pytest.mark.parametrize("make", [None, ScheduleLoop], ids=["stock", "ours"])
    def test_what_was_ready_still_runs(self, make: Any, mode: Mode) -> None:
        """The turn in which `stop` is called is run to its end; what it made ready waits for the next run."""
        loop = make(Fifo(), mode) if make else asyncio.new_event_loop()
        told: list[str] = []
        tasks = [loop.create_task(pausing(3, told.append, "a"))]
        loop.call_soon(loop.stop)
        loop.call_soon(told.append, "callback")
        tasks.append(loop.create_task(pausing(3, told.append, "b")))
        loop.call_soon(loop.call_soon, told.append, "next turn")
        loop.run_forever()
        assert ["a0", "callback", "b0"] == told
        loop.stop()
        loop.run_forever()
        assert ["a1", "b1", "next turn"] == told[3:]
        loop.run_until_complete(asyncio.gather(*tasks))
        assert ["a2", "b2"] == told[6:]
        loop.close()

    @everywhere
    def test_nothing_is_lost_when_a_run_ends(self, way: Way) -> None:
        """A loop that runs one coroutine after the other goes on with the tasks that the first has left."""
        for seed in range(6):
            loop, told = way.loop(seed), list[str]()
            left = [loop.create_task(pausing(3, told.append, name)) for name in "abcd"]
            loop.run_until_complete(asyncio.sleep(0))
            loop.run_until_complete(asyncio.gather(*left))
            assert 12 == len(told)
            loop.close()

    @in_both_modes
    def test_a_future_that_is_not_done_is_said(self, mode: Mode) -> None:
        """`run_until_complete` of a loop that is stopped says so, and the loop can be run again."""
        loop = ScheduleLoop(Fifo(), mode)
        task = loop.create_task(asyncio.sleep(1, "slept"))
        loop.call_soon(loop.stop)
        with pytest.raises(RuntimeError, match="stopped before Future completed"):
            loop.run_until_complete(task)
        assert "slept" == loop.run_until_complete(task)
        loop.close()

    @in_both_modes
    def test_a_closed_loop_takes_nothing(self, mode: Mode) -> None:
        """After `close`, whatever is asked of the loop is an error."""
        loop = ScheduleLoop(Fifo(), mode)
        loop.close()
        loop.close()
        for ask in (loop.call_soon, lambda do: loop.call_later(1, do), lambda do: loop.run_in_executor(None, do)):
            with pytest.raises(RuntimeError, match="closed"):
                ask(print)


class TestEndlessRuns:
    @everywhere
    def test_a_deadlock_is_said(self, way: Way) -> None:
        """When everybody waits for somebody else, the run ends with a Deadlock that says who waits, and where."""

        async def program() -> None:
            one, other = asyncio.Lock(), asyncio.Lock()

            async def take(first: asyncio.Lock, second: asyncio.Lock) -> None:
                async with first:
                    await asyncio.sleep(1)
                    async with second:
                        pytest.fail("both have both locks")

            named = asyncio.create_task(take(other, one), name="named")
            await asyncio.gather(take(one, other), named)

        waiting = r"any of 3 tasks: program at .*test_loop_order.py:\d+, named at .*test_loop_order.py:\d+, take at "
        with pytest.raises(Deadlock, match=waiting):
            list(way.values(program, seeds=1))

    @everywhere
    def test_a_livelock_is_said(self, way: Way) -> None:
        """A run that goes on for ever ends after as many steps as it may have."""
        loop = way.loop(seed=1, most_steps=20_000)
        with pytest.raises(Livelock, match="does not come to an end"):
            loop.run_until_complete(spin(lambda: False))
        loop.close()

    @in_both_modes
    def test_whoever_polls_the_clock_sees_time_pass(self, mode: Mode) -> None:
        """A task that spins until a time has come does so at last, with a timer to pass to or without."""

        async def program() -> list[float]:
            loop = asyncio.get_running_loop()
            await spin(lambda: loop.time() >= 2)
            without, timer = loop.time(), loop.call_later(7, print)
            await spin(lambda: loop.time() > without)
            return [without, loop.time() - without, timer.when() - loop.time()]

        assert [2.0, 7.0, 0.0] == run(program, mode=mode)

    @in_both_modes
    def test_whoever_polls_a_device_sees_it_done(self, mode: Mode) -> None:
        """A task that spins until a device has done its job does not shut it out for ever, even under FIFO."""

        async def program() -> int:
            loop = asyncio.get_running_loop()
            job = loop.run_in_executor(None, lambda: 7)
            await spin(job.done)
            return job.result()

        assert 7 == run(program, mode=mode)

    @everywhere
    def test_whoever_polls_another_task_does_not_shut_it_out(self, way: Way) -> None:
        """No strategy stays for ever with a task that spins until another has ended: no priority is for ever."""

        async def program() -> int:
            helpers = [asyncio.create_task(pausing(5, str, "helper")) for _ in range(3)]
            await spin(lambda: all(helper.done() for helper in helpers))
            return sum(helper.done() for helper in helpers)

        assert {3} == set(way.values(program, seeds=20))

    @everywhere
    def test_no_real_time_passes(self, way: Way) -> None:
        """A week of waiting is over at once."""
        began = time.monotonic()
        list(way.values(lambda: asyncio.sleep(7 * 86_400), seeds=1))
        assert time.monotonic() - began < 5
