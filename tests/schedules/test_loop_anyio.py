"""anyio under every schedule: task groups, cancel scopes, streams and worker threads behave as it documents."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextvars import ContextVar
from typing import Any

import anyio
import anyio.from_thread
import anyio.to_thread
import pytest
from test_loop_schedules import SEEDS, Way, everywhere, in_both_modes

from harness.loop import anyio_device
from harness.loop.control import Control, RunResult, controlled
from harness.loop.scheduling import Mode
from harness.loop.strategies import STRATEGIES
from harness.loop.strategies.fifo import Fifo
from harness.loop.strategies.recorded import Recorded

WHO: ContextVar[str] = ContextVar("who", default="nobody")
Program = Callable[[], Any]


@pytest.fixture(scope="module")
def control() -> Iterator[Control]:
    """Put everything in place once for all tests here."""
    with controlled() as installed:
        yield installed


def runs(control: Control, way: Way, program: Program, seeds: int = SEEDS) -> Iterator[RunResult]:
    """Run a program under many schedules; each must be controlled, and end."""
    strategy = STRATEGIES[way.strategy]()
    for seed in range(seeds):
        scheduler = strategy.scheduler(seed)
        assert scheduler is not None
        ran = control.run(lambda loop: program(), scheduler, mode=way.mode, seed=seed, most_steps=50_000)
        assert ((), None) == (ran.uncontrolled, ran.error), f"under {way}, seed {seed}"
        strategy.observe(ran.schedule.choices, len(ran.trace))
        yield ran


async def aborted_groups() -> list[str]:
    """Abort two nested groups by one failure; each member tells how it ends, and cleans up slowly."""
    told: list[str] = []

    async def member(name: str) -> None:
        try:
            for _ in range(6):
                await anyio.lowlevel.checkpoint()
            told.append(f"{name} ends")
        except anyio.get_cancelled_exc_class():
            with anyio.CancelScope(shield=True):
                await anyio.sleep(1)
            told.append(f"{name} cancelled")
            raise

    async def inner() -> None:
        async with anyio.create_task_group() as group:
            for name in "cd":
                group.start_soon(member, name)

    async def fail() -> None:
        await anyio.lowlevel.checkpoint()
        raise ValueError("broken")

    with pytest.raises(ExceptionGroup) as caught:
        async with anyio.create_task_group() as group:
            for name in "ab":
                group.start_soon(member, name)
            group.start_soon(inner)
            group.start_soon(fail)
    assert ["broken"] == [str(error) for error in caught.value.exceptions]
    return told


class TestScopes:
    @everywhere
    def test_an_error_cancels_the_siblings_and_theirs(self, control: Control, way: Way) -> None:
        """Every member that has begun ends or is cancelled, and has cleaned up, before the group is left."""
        for ran in runs(control, way, aborted_groups):
            names = [entry.split()[0] for entry in ran.value]
            assert len(set(names)) == len(names)
            if way.strategy == "fifo":
                assert [f"{name} cancelled" for name in "abcd"] == sorted(ran.value)

    @everywhere
    def test_an_aborted_group_replays(self, control: Control, way: Way) -> None:
        """The same choices give the same trace, 20 times of 20."""
        first = next(runs(control, way, aborted_groups))
        for _ in range(20):
            recorded = Recorded(first.schedule.deviations)
            again = control.run(lambda loop: aborted_groups(), recorded, mode=way.mode)
            assert (first.trace, first.value, 0) == (again.trace, again.value, recorded.misfits)

    @everywhere
    def test_deadlines_pass_in_virtual_time(self, control: Control, way: Way) -> None:
        """`move_on_after` goes on at its time, `fail_after` raises at its own, and a shield holds both off."""

        async def program() -> list[Any]:
            with anyio.move_on_after(10) as scope:
                await anyio.sleep(100)
            told: list[Any] = [scope.cancelled_caught, anyio.current_time()]
            with pytest.raises(TimeoutError):
                with anyio.fail_after(5):
                    with anyio.CancelScope(shield=True):
                        await anyio.sleep(20)
                    await anyio.sleep(20)
            return [*told, anyio.current_time()]

        for ran in runs(control, way, program):
            assert [True, 10, 30] == ran.value

    @everywhere
    def test_a_cancellation_that_is_delivered_again_and_again_lets_others_step(
        self, control: Control, way: Way
    ) -> None:
        """anyio cancels anew with each turn, by a callback that puts itself back: no schedule shuts the tasks out."""

        async def program() -> str:
            release = anyio.Event()

            async def stubborn() -> None:
                for _ in range(3):
                    try:
                        await anyio.sleep(100)
                    except anyio.get_cancelled_exc_class():
                        pass
                with anyio.CancelScope(shield=True):
                    await release.wait()

            async def helper() -> None:
                for _ in range(5):
                    await anyio.lowlevel.checkpoint()
                release.set()

            async with anyio.create_task_group() as outer, anyio.create_task_group() as group:
                group.start_soon(stubborn)
                await anyio.sleep(1)
                outer.start_soon(helper)
                group.cancel_scope.cancel()
            return "released"

        for ran in runs(control, way, program, seeds=30):
            assert "released" == ran.value


class TestStreams:
    @everywhere
    def test_what_is_sent_is_received_once_in_order(self, control: Control, way: Way) -> None:
        """A stream without a buffer hands every item over to its one receiver, each sender's in order."""

        async def program() -> list[tuple[str, int]]:
            send, receive = anyio.create_memory_object_stream[tuple[str, int]]()
            got: list[tuple[str, int]] = []

            async def produce(name: str, sending: Any) -> None:
                async with sending:
                    for number in range(3):
                        await sending.send((name, number))

            async def consume(receiving: Any) -> None:
                async with receiving:
                    async for item in receiving:
                        got.append(item)

            async with anyio.create_task_group() as group, send, receive:
                for name in "ab":
                    group.start_soon(produce, name, send.clone())
                group.start_soon(consume, receive.clone())
            return got

        for ran in runs(control, way, program):
            assert sorted((name, number) for name in "ab" for number in range(3)) == sorted(ran.value)
            for name in "ab":
                assert [0, 1, 2] == [number for sender, number in ran.value if sender == name]


class TestWorkerThreads:
    @everywhere
    def test_a_job_gives_its_result_and_sees_its_context(self, control: Control, way: Way) -> None:
        """It runs in another thread, in a copy of its task's context; its error comes out of the await."""

        async def program() -> list[str]:
            told: list[str] = []

            def job() -> str:
                assert threading.current_thread() is not threading.main_thread()
                seen = WHO.get()
                WHO.set("job")
                return seen

            async def work(name: str) -> None:
                WHO.set(name)
                told.append(f"{await anyio.to_thread.run_sync(job)} {WHO.get()}")

            async with anyio.create_task_group() as group:
                for name in "abc":
                    group.start_soon(work, name)
            with pytest.raises(ZeroDivisionError):
                await anyio.to_thread.run_sync(lambda: 1 // 0)
            return sorted(told)

        for ran in runs(control, way, program):
            assert ["a a", "b b", "c c"] == ran.value

    @everywhere
    def test_a_limiter_limits(self, control: Control, way: Way) -> None:
        """With one token one job is in a thread at a time, and the jobs come in the order of asking in strict mode."""

        async def program() -> list[str]:
            limiter, done = anyio.CapacityLimiter(1), list[str]()

            async def work(name: str) -> None:
                await anyio.to_thread.run_sync(done.append, name, limiter=limiter)
                assert limiter.borrowed_tokens <= 1

            async with anyio.create_task_group() as group:
                for name in "abc":
                    group.start_soon(work, name)
            return done

        for ran in runs(control, way, program):
            assert ["a", "b", "c"] == sorted(ran.value)
            if way.mode is Mode.STRICT:
                assert ["a", "b", "c"] == ran.value

    @in_both_modes
    def test_a_job_that_calls_back_into_the_loop_is_refused(self, control: Control, mode: Mode) -> None:
        """`anyio.from_thread` needs the loop, which stands still: that run proves nothing."""

        async def program() -> None:
            await anyio.to_thread.run_sync(anyio.from_thread.run_sync, print)

        ran = control.run(lambda loop: program(), Fifo(), mode=mode)
        assert ["a job in an anyio worker thread called back into the loop (anyio.from_thread)"] == list(
            ran.uncontrolled
        )

    @in_both_modes
    def test_a_job_that_does_not_end_is_given_up(
        self, control: Control, mode: Mode, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """The await fails after the watchdog's time, and the run proves nothing."""
        monkeypatch.setattr(anyio_device, "WATCHDOG_S", 0.05)
        stuck = threading.Lock()
        stuck.acquire()

        async def program() -> None:
            await anyio.to_thread.run_sync(stuck.acquire)

        ran = control.run(lambda loop: program(), Fifo(), mode=mode)
        stuck.release()
        assert "did not end within 0.05 s" in str(ran.error)
        assert 1 == len(ran.uncontrolled)
