"""Devices: what each was asked is done in order, one step a job, and tried again when it could not be done."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from test_loop_schedules import Way, everywhere, in_both_modes, run_on

from harness.loop.jobs import Devices
from harness.loop.loop import Job, ScheduleLoop
from harness.loop.scheduling import Mode
from harness.loop.strategies.fifo import Fifo


class TestDevices:
    @in_both_modes
    def test_the_trace_tells_whose_step_each_was(self, mode: Mode) -> None:
        """Each step of a task is there by its number, each job by that of its device; plain callbacks are not."""
        loop = ScheduleLoop(Fifo(), mode)

        async def program() -> None:
            await loop.run_in_executor(None, print)
            loop.call_soon(lambda: None)
            await loop.create_task(asyncio.sleep(0))

        loop.run_until_complete(program())
        loop.close()
        assert [1, -1, 1, 3, 3, 1] == loop.trace

    @everywhere
    def test_a_device_does_one_job_after_the_other(self, way: Way) -> None:
        """The jobs of one device keep their order; those of two come in any, but each after it was handed in."""

        async def program() -> list[str]:
            loop, done = asyncio.get_running_loop(), list[str]()
            assert isinstance(loop, ScheduleLoop)
            await asyncio.gather(*(work(loop, device, done) for device in (loop.devices.new(), loop.devices.new())))
            return done

        async def work(loop: ScheduleLoop, device: int, done: list[str]) -> None:
            futures = [loop.create_future() for _ in range(3)]
            for number, future in enumerate(futures):
                loop.devices.submit(Job(device, lambda n=number, f=future: f.set_result(done.append(f"{device} {n}"))))
            await asyncio.gather(*futures)

        seen = list(way.values(program))
        for done in seen:
            for device in (-1, -2):
                assert [f"{device} {n}" for n in range(3)] == [
                    entry for entry in done if entry.startswith(f"{device} ")
                ]
        assert way.strategy == "fifo" or len({tuple(done) for done in seen}) > 1

    @everywhere
    def test_a_job_that_is_tried_again_holds_up_those_behind_it(self, way: Way) -> None:
        """A job that cannot be done yet is tried again at its time; what the device was asked later comes after it."""

        async def program() -> tuple[list[float | str], float]:
            loop, told = asyncio.get_running_loop(), list[Any]()
            assert isinstance(loop, ScheduleLoop)
            device, first, second = loop.devices.new(), loop.create_future(), loop.create_future()

            def try_it() -> float | None:
                told.append(loop.time())
                return loop.time() + 1 if loop.time() < 2 else first.set_result("first")

            loop.devices.submit(Job(device, try_it, future=first))
            loop.devices.submit(Job(device, lambda: second.set_result(told.append("second")), future=second))
            await asyncio.gather(first, second)
            return told, loop.time()

        for told, now in way.values(program):
            assert ([0.0, 1.0, 2.0, "second"], 2.0) == (told, now)

    def test_a_job_that_is_held_up_is_done_no_sooner(self) -> None:
        """Than it would have been anyway, either."""
        devices = Devices()
        job = Job(devices.new(), lambda: None)
        devices.submit(job)
        devices.hold_up(job, until=5)
        devices.hold_up(job, until=2)
        assert ([], [job]) == (devices.heads(4), devices.heads(5))

    @in_both_modes
    def test_a_job_that_is_given_up_fails(self, mode: Mode) -> None:
        """Whoever waits for it gets the error, and it is not done."""

        async def program() -> str:
            loop = asyncio.get_running_loop()
            assert isinstance(loop, ScheduleLoop)
            future = loop.create_future()
            fail = lambda: future.set_exception(OSError("broken disk"))  # noqa: E731
            job = Job(loop.devices.new(), lambda: pytest.fail("done"), fail, future)
            loop.devices.submit(job)
            assert loop.devices.job_for(future) is job
            loop.devices.give_up(job)
            assert loop.devices.job_for(future) is None
            with pytest.raises(OSError, match="broken disk"):
                await future
            return "failed"

        assert "failed" == run_on(ScheduleLoop(Fifo(), mode), program)
