"""What asyncio documents of tasks holds under every schedule: groups, timeouts, shields, waiting, contexts."""

from __future__ import annotations

import asyncio
import time
import weakref
from collections import Counter
from contextvars import ContextVar, copy_context
from typing import Any

import pytest
from test_loop_schedules import Way, every_value, everywhere, in_both_modes, run_on

from harness.loop.loop import ScheduleLoop
from harness.loop.scheduling import Mode, Schedule
from harness.loop.strategies.recorded import Recorded

WHO: ContextVar[str] = ContextVar("who", default="nobody")


async def fail(pauses: int = 1) -> None:
    """Fail after some steps."""
    for _ in range(pauses):
        await asyncio.sleep(0)
    raise ValueError("broken")


async def aborted_group(members: int = 4) -> list[str]:
    """Abort a group of that many members that wait for ever, by one that fails; each tells that it was cancelled."""
    told: list[str] = []

    async def member(number: int) -> None:
        try:
            for _ in range(number % 3):
                await asyncio.sleep(0)
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            await asyncio.sleep(0)
            told.append(f"{number} cancelled")
            raise

    with pytest.raises(ExceptionGroup) as caught:
        async with asyncio.TaskGroup() as group:
            for number in range(members):
                group.create_task(member(number))
            group.create_task(fail(4))
    assert ["broken"] == [str(error) for error in caught.value.exceptions]
    return told


class TestTaskGroup:
    @everywhere
    def test_an_error_cancels_the_siblings(self, way: Way) -> None:
        """Each sibling that has begun is cancelled before the group is left, and the error comes out of it."""
        for told in way.values(aborted_group):
            numbers = [entry.split()[0] for entry in told]
            assert len(set(numbers)) == len(numbers)
            if way.strategy == "fifo":
                assert [f"{number} cancelled" for number in range(4)] == sorted(told)

    @everywhere
    def test_an_aborted_group_replays(self, way: Way) -> None:
        """The same choices give the same trace, 20 times of 20: its set of tasks is walked in one order."""
        first = way.loop(seed=7)
        told = run_on(first, lambda: aborted_group(8))
        deviations = Schedule.of(way.mode, first.picks).deviations
        for _ in range(20):
            again = ScheduleLoop(Recorded(deviations), way.mode)
            assert told == run_on(again, lambda: aborted_group(8))
            assert first.trace == again.trace

    @everywhere
    def test_nobody_is_left_when_the_group_is_left(self, way: Way) -> None:
        """A group waits for the tasks that its tasks add to it."""

        async def program() -> list[int]:
            ended: list[int] = []

            async def member(depth: int, group: asyncio.TaskGroup) -> None:
                if depth:
                    group.create_task(member(depth - 1, group))
                    group.create_task(member(depth - 1, group))
                await asyncio.sleep(0)
                ended.append(depth)

            async with asyncio.TaskGroup() as group:
                group.create_task(member(2, group))
            return sorted(ended)

        for ended in way.values(program):
            assert [0, 0, 0, 0, 1, 1, 2] == ended


class TestTimeouts:
    @everywhere
    def test_a_timeout_cancels_at_its_time_and_no_real_time_passes(self, way: Way) -> None:
        """An hour's timeout ends a wait of two hours after an hour of virtual time, at once."""

        async def program() -> float:
            loop = asyncio.get_running_loop()
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(3600):
                    await asyncio.sleep(7200)
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(asyncio.Event().wait(), timeout=3600)
            async with asyncio.timeout(3600):
                await asyncio.sleep(1)
            return loop.time()

        began = time.monotonic()
        assert {7201.0} == set(way.values(program))
        assert time.monotonic() - began < 10

    @in_both_modes
    def test_a_timeout_against_an_answer_is_one_or_the_other(self, mode: Mode) -> None:
        """In every schedule an earlier answer comes; at the very instant either comes, whole; a later one does not."""

        async def program() -> list[str]:
            told: list[str] = []
            for after_s in (1.5, 2, 2.5):
                answer = asyncio.get_running_loop().create_future()

                async def reply(answer: asyncio.Future[str] = answer, after_s: float = after_s) -> None:
                    await asyncio.sleep(1)
                    await asyncio.sleep(after_s - 1)
                    if not answer.done():
                        answer.set_result("answer")

                replying = asyncio.create_task(reply())
                try:
                    async with asyncio.timeout(2):
                        told.append(await answer)
                except TimeoutError:
                    told.append("timeout")
                assert (told[-1] == "timeout") is answer.cancelled()
                assert 0 == asyncio.current_task().cancelling()  # type: ignore[union-attr]
                await replying
            return told

        for early, at_once, late in every_value(program, mode):
            assert ("answer", "timeout") == (early, late)
            assert at_once in ("answer", "timeout")

    @everywhere
    def test_an_inner_timeout_leaves_the_outer_one_alone(self, way: Way) -> None:
        """Only the timeout that has come raises; the other goes on, and may be moved."""

        async def program() -> float:
            async with asyncio.timeout(10) as outer:
                with pytest.raises(TimeoutError):
                    async with asyncio.timeout(1):
                        await asyncio.sleep(5)
                outer.reschedule(asyncio.get_running_loop().time() + 20)
                await asyncio.sleep(15)
                assert not outer.expired()
            return asyncio.get_running_loop().time()

        assert {16.0} == set(way.values(program))


class TestShield:
    @everywhere
    def test_what_is_shielded_goes_on(self, way: Way) -> None:
        """Whoever waits is cancelled; what it waited for ends undisturbed."""

        async def program() -> str:
            async def work() -> str:
                await asyncio.sleep(2)
                return "ended"

            inner = asyncio.create_task(work())

            async def wait() -> None:
                await asyncio.shield(inner)

            outer = asyncio.create_task(wait())
            await asyncio.sleep(1)
            outer.cancel()
            await asyncio.wait([outer])
            assert outer.cancelled()
            return await inner

        assert {"ended"} == set(way.values(program))


class TestGathering:
    @everywhere
    def test_results_come_in_the_order_of_asking(self, way: Way) -> None:
        """Whoever ends first, `gather` gives the results as it was given the coroutines."""

        async def echo(number: int) -> int:
            await asyncio.sleep(3 - number)
            return number

        async def program() -> list[Any]:
            return await asyncio.gather(echo(2), fail(), echo(0), return_exceptions=True)

        for two, error, zero in way.values(program):
            assert (2, "broken", 0) == (two, str(error), zero)

    @everywhere
    def test_an_error_does_not_stop_the_others(self, way: Way) -> None:
        """The first error comes out of `gather` at once; what else was gathered goes on to its end."""

        async def program() -> list[str]:
            told: list[str] = []

            async def work() -> None:
                await asyncio.sleep(1)
                told.append("ended")

            with pytest.raises(ValueError, match="broken"):
                await asyncio.gather(work(), fail())
            told.append("caught")
            await asyncio.sleep(2)
            return told

        for told in way.values(program):
            assert ["caught", "ended"] == told

    @everywhere
    def test_as_completed_gives_each_once_the_earliest_first(self, way: Way) -> None:
        """Results come in the order in which they were there."""

        async def echo(number: int) -> int:
            await asyncio.sleep(number)
            return number

        async def program() -> list[int]:
            return [await each for each in asyncio.as_completed([echo(3), echo(1), echo(2)])]

        for numbers in way.values(program):
            assert [1, 2, 3] == numbers

    @everywhere
    def test_wait_comes_back_with_the_first(self, way: Way) -> None:
        """`FIRST_COMPLETED` gives one or more that are done, and the others pending; `ALL_COMPLETED` gives all."""

        async def program() -> tuple[set[int], int]:
            async def echo(number: int) -> int:
                await asyncio.sleep(number)
                return number

            tasks = {asyncio.create_task(echo(number)) for number in (1, 2, 3)}
            done, pending = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            assert tasks == done | pending
            everything, none = await asyncio.wait(tasks)
            assert (tasks, set()) == (everything, none)
            return {task.result() for task in done}, len(pending)

        for done, pending in way.values(program):
            assert ({1}, 2) == (done, pending)


class TestCancellation:
    @in_both_modes
    def test_a_cancellation_is_delivered_once_or_comes_too_late(self, mode: Mode) -> None:
        """In every schedule a cancelled task either raises at its await, exactly once, or had already ended."""

        async def program() -> str:
            raised = 0

            async def work() -> str:
                nonlocal raised
                try:
                    await asyncio.sleep(0)
                    await asyncio.sleep(0)
                except asyncio.CancelledError:
                    raised += 1
                    raise
                return "ended"

            task = asyncio.create_task(work())
            await asyncio.sleep(0)
            accepted = task.cancel()
            await asyncio.wait([task])
            assert accepted is task.cancelled()
            assert raised <= 1
            return ["ended", "not begun", "cancelled"][raised + accepted]

        outcomes = Counter(every_value(program, mode))
        expected = {"cancelled"} if mode is Mode.STRICT else {"ended", "not begun", "cancelled"}
        assert expected == set(outcomes)


class TestAsyncGenerators:
    @everywhere
    def test_a_generator_that_is_left_early_is_closed(self, way: Way) -> None:
        """`aclose` runs its `finally`; one that is dropped is closed by the loop, as soon as somebody waits."""

        async def program() -> list[str]:
            told: list[str] = []

            async def numbers(name: str) -> Any:
                try:
                    for number in range(3):
                        yield number
                        await asyncio.sleep(0)
                finally:
                    await asyncio.sleep(0)
                    told.append(name)

            async def first_of(name: str) -> None:
                async for _ in numbers(name):
                    break

            closed = numbers("closed")
            assert 0 == await anext(closed)
            await closed.aclose()
            assert ["closed"] == told
            await asyncio.gather(first_of("dropped"), first_of("dropped"))
            await asyncio.sleep(1)
            return told

        for told in way.values(program):
            assert ["closed", "dropped", "dropped"] == told


class TestContexts:
    @everywhere
    def test_a_task_has_a_copy_of_its_makers_context(self, way: Way) -> None:
        """What a task sets, neither its maker nor its siblings see; what its maker sets later, it does not see."""

        async def program() -> list[str]:
            async def work(name: str) -> str:
                before = WHO.get()
                WHO.set(name)
                await asyncio.sleep(0)
                return f"{before} {WHO.get()}"

            WHO.set("maker")
            tasks = [asyncio.create_task(work(name)) for name in "ab"]
            WHO.set("maker, later")
            seen = await asyncio.gather(*tasks)
            return [*seen, WHO.get()]

        for seen in way.values(program):
            assert ["maker a", "maker b", "maker, later"] == seen

    @everywhere
    def test_a_callback_has_the_context_that_it_was_given(self, way: Way) -> None:
        """`call_soon` and `call_later` keep the context of the call, or take another that is given."""

        async def program() -> list[str]:
            loop, seen = asyncio.get_running_loop(), list[str]()

            def look() -> None:
                seen.append(WHO.get())

            other = copy_context()
            other.run(WHO.set, "other")
            WHO.set("caller")
            loop.call_soon(look)
            loop.call_soon(look, context=other)
            loop.call_later(1, look)
            WHO.set("later")
            await asyncio.sleep(2)
            return seen

        for seen in way.values(program):
            assert ["caller", "other", "caller"] == seen


class TestTasksOfAFactory:
    @everywhere
    def test_they_are_scheduled_as_others_are_and_not_kept(self, way: Way) -> None:
        """Tasks that a factory makes take part in the choices; one that has failed unheard is told, and forgotten."""

        async def program() -> tuple[str, int, bool]:
            loop, told, order = asyncio.get_running_loop(), list[str](), list[str]()
            loop.set_exception_handler(lambda _, context: told.append(context["message"]))
            loop.set_task_factory(lambda loop, coro, **more: asyncio.Task(coro, loop=loop, **more))

            async def step(name: str) -> None:
                for _ in range(2):
                    order.append(name)
                    await asyncio.sleep(0)

            await asyncio.gather(*(step(name) for name in "abc"))
            failing = weakref.ref(loop.create_task(fail()))
            await asyncio.sleep(1)
            return "".join(order), told.count("Task exception was never retrieved"), failing() is None

        seen = list(way.values(program))
        assert {(1, True)} == {(told, forgotten) for _, told, forgotten in seen}
        in_order = way.mode is Mode.STRICT or way.strategy == "fifo"
        assert ({order for order, *_ in seen} == {"abcabc"}) is in_order
