"""Jobs in threads: real ones, in lock-step with the loop, begun and ended when the schedule says so."""

from __future__ import annotations

import asyncio
import threading
from concurrent.futures import Executor, Future, ProcessPoolExecutor, ThreadPoolExecutor
from contextvars import ContextVar
from functools import partial
from typing import Any

import pytest
from test_loop_schedules import Way, every_value, everywhere, in_both_modes, run

from harness.loop import lockstep
from harness.loop.control import controlled
from harness.loop.loop import ScheduleLoop, Uncontrolled
from harness.loop.scheduling import Mode
from harness.loop.strategies.fifo import Fifo
from harness.loop.strategies.recorded import Recorded
from harness.schedules.coroutine import Coroutine

WHO: ContextVar[str] = ContextVar("who", default="nobody")


def broken() -> None:
    """Fail."""
    raise ValueError("broken")


class TestJobs:
    @everywhere
    def test_a_job_gives_its_result_or_its_error(self, way: Way) -> None:
        """What the function returns or raises comes out of the await; it ran in another thread than the loop."""

        async def program() -> tuple[Any, ...]:
            loop = asyncio.get_running_loop()
            results = await asyncio.gather(
                asyncio.to_thread(sum, (1, 2)),
                loop.run_in_executor(None, threading.get_ident),
                asyncio.to_thread(broken),
                return_exceptions=True,
            )
            return tuple(results)

        for three, ident, error in way.values(program):
            assert 3 == three
            assert threading.get_ident() != ident
            assert "broken" == str(error)

    @everywhere
    def test_the_loop_stands_still_while_a_job_works(self, way: Way) -> None:
        """No task steps between the beginning of a job and its end, and no two jobs overlap."""

        async def program() -> list[str]:
            told: list[str] = []

            def job(name: str) -> None:
                told.append(f"{name} begins")
                threading.Event().wait(0.0005)
                told.append(f"{name} ends")

            async def step() -> None:
                for _ in range(6):
                    told.append("step")
                    await asyncio.sleep(0)

            await asyncio.gather(step(), *(asyncio.to_thread(job, name) for name in "abc"))
            return told

        for told in way.values(program, seeds=4):
            for name in "abc":
                assert told.index(f"{name} begins") + 1 == told.index(f"{name} ends")

    @in_both_modes
    def test_jobs_are_done_in_any_order(self, mode: Mode) -> None:
        """Three jobs of the default pool end in each of their six orders."""

        async def program() -> str:
            done: list[str] = []
            await asyncio.gather(*(asyncio.to_thread(done.append, name) for name in "abc"))
            return "".join(done)

        assert {"abc", "acb", "bac", "bca", "cab", "cba"} == set(every_value(program, mode, bound=2))

    @in_both_modes
    def test_no_more_jobs_are_begun_than_an_executor_has_workers(self, mode: Mode) -> None:
        """With one worker jobs are done in order; with two, the first to be done is one of the first two."""

        async def program(workers: int, default: bool) -> str:
            done, pool, loop = list[str](), ThreadPoolExecutor(workers), asyncio.get_running_loop()
            if default:
                loop.set_default_executor(pool)
            await asyncio.gather(
                *(loop.run_in_executor(None if default else pool, done.append, name) for name in "abc")
            )
            return "".join(done)

        assert {"abc"} == set(every_value(lambda: program(1, default=False), mode))
        assert {"abc"} == set(every_value(lambda: program(1, default=True), mode))
        assert {"abc", "acb", "bac", "bca"} == set(every_value(lambda: program(2, default=False), mode, bound=2))

    @everywhere
    def test_a_job_that_is_cancelled_before_it_begins_is_not_done(self, way: Way) -> None:
        """What waits for a worker and is cancelled never runs; what has begun runs to its end, unheard."""

        async def program() -> tuple[list[str], list[bool]]:
            done, pool, loop = list[str](), ThreadPoolExecutor(1), asyncio.get_running_loop()
            jobs = [loop.run_in_executor(pool, done.append, name) for name in ("begun", "waiting", "last")]
            jobs[0].cancel()
            jobs[1].cancel()
            await jobs[2]
            return done, [job.cancelled() for job in jobs]

        for done, cancelled in way.values(program):
            assert (["begun", "last"], [True, True, False]) == (done, cancelled)


def test_the_order_of_two_threads_is_a_trace_of_its_own() -> None:
    """Who is done first makes another trace, also with the first two devices, whose numbers hash alike."""

    async def program() -> None:
        loop = asyncio.get_running_loop()
        await asyncio.wait([loop.run_in_executor(None, len, "") for _ in range(2)])

    with controlled() as control:
        subject = Coroutine(control=control, program=program)
        one, other = (subject.run(Recorded(deviations), Mode.STRICT) for deviations in ({}, {0: 1}))
    swapped = {-1: -2, -2: -1}
    trace = one.result.trace
    assert trace != other.result.trace == tuple(swapped.get(actor, actor) for actor in trace)
    assert one.coverage.traces != other.coverage.traces


class TestWhatAThreadKeeps:
    @everywhere
    def test_to_thread_works_in_a_copy_of_the_context(self, way: Way) -> None:
        """The job sees what its task has set; what the job sets, the task does not see; a bare job sees no task's."""

        async def program() -> list[str]:
            async def work(name: str) -> list[str]:
                WHO.set(name)
                seen = await asyncio.to_thread(lambda: (WHO.get(), WHO.set("job"))[0])
                bare = await asyncio.get_running_loop().run_in_executor(None, WHO.get)
                return [seen, bare, WHO.get()]

            return [" ".join(seen) for seen in await asyncio.gather(work("a"), work("b"))]

        for seen in way.values(program):
            assert ["a nobody a", "b nobody b"] == seen

    @in_both_modes
    def test_a_thread_local_leaks_in_some_schedule_and_not_in_all(self, mode: Mode) -> None:
        """The next job may get the thread of the last, with all that it left there, or another."""

        async def program() -> str:
            local = threading.local()
            await asyncio.to_thread(setattr, local, "user", "alice")
            return await asyncio.to_thread(getattr, local, "user", "nobody")

        assert {"alice", "nobody"} == set(every_value(program, mode))

    @everywhere
    def test_a_pool_prepares_each_thread_once(self, way: Way) -> None:
        """The initializer runs in each thread before its first job, and there are no more threads than workers."""

        async def program() -> tuple[list[int], set[int]]:
            prepared: list[int] = []
            pool = ThreadPoolExecutor(2, initializer=lambda: prepared.append(threading.get_ident()))
            loop = asyncio.get_running_loop()
            used = await asyncio.gather(*(loop.run_in_executor(pool, threading.get_ident) for _ in range(8)))
            return prepared, set(used)

        seen = list(way.values(program))
        for prepared, used in seen:
            assert sorted(used) == sorted(prepared)
        assert max(len(used) for _, used in seen) == (1 if way.strategy == "fifo" else 2)


class TestRefusals:
    @in_both_modes
    def test_a_job_that_waits_for_the_loop_is_given_up(self, mode: Mode, monkeypatch: pytest.MonkeyPatch) -> None:
        """It fails with a clear error after the watchdog's time, the loop remembers it, and the program goes on."""
        monkeypatch.setattr(lockstep, "WATCHDOG_S", 0.05)
        loop = ScheduleLoop(Fifo(), mode)

        async def work() -> str:
            return "worked"

        async def program() -> str:
            def job() -> str:
                return asyncio.run_coroutine_threadsafe(work(), loop).result()

            with pytest.raises(RuntimeError, match=r"did not end within 0.05 s; it may wait for the loop"):
                await asyncio.to_thread(job)
            return await asyncio.to_thread(lambda: "goes on")

        assert "goes on" == loop.run_until_complete(program())
        assert ["a job in 'lock-step 1' did not end within 0.05 s; it may wait for the loop"] == loop.uncontrolled
        loop.close()

    @in_both_modes
    def test_a_job_may_tell_the_loop_something(self, mode: Mode) -> None:
        """`call_soon_threadsafe` works from a thread in lock-step; what it asks for comes after the job."""

        async def program() -> list[str]:
            loop, told = asyncio.get_running_loop(), list[str]()

            def job() -> None:
                loop.call_soon_threadsafe(told.append, "told")
                told.append("job ends")

            await asyncio.to_thread(job)
            return told

        assert ["job ends", "told"] == run(program, mode=mode)

    @in_both_modes
    def test_any_other_thread_is_refused_and_remembered(self, mode: Mode) -> None:
        """A thread that is not in lock-step gets an error when it calls into the loop, which remembers its name."""
        loop, errors = ScheduleLoop(Fifo(), mode), list[BaseException]()

        def call() -> None:
            with pytest.raises(Uncontrolled) as caught:
                loop.call_soon_threadsafe(print)
            errors.append(caught.value)

        async def program() -> None:
            stranger = threading.Thread(target=call, name="stranger")
            stranger.start()
            stranger.join()

        loop.run_until_complete(program())
        assert ["thread 'stranger' called into the loop"] == loop.uncontrolled
        assert 1 == len(errors)
        loop.close()

    @pytest.mark.parametrize("make", [partial(ProcessPoolExecutor, 1), lambda: Borrowed()], ids=["processes", "other"])
    def test_an_executor_of_another_kind_is_refused(self, make: Any) -> None:
        """Only pools of threads can work in lock-step."""
        loop = ScheduleLoop(Fifo())

        async def program() -> None:
            await asyncio.get_running_loop().run_in_executor(make(), sum, (1, 2))

        with pytest.raises(Uncontrolled, match="no schedule decides"):
            loop.run_until_complete(program())
        assert 1 == len(loop.uncontrolled)
        loop.close()


class Borrowed(Executor):
    """An executor of which nothing is known."""

    def submit(self, *_: Any, **__: Any) -> Future[Any]:
        """Must not be asked."""
        pytest.fail("asked")
