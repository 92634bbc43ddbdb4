"""A controlled run: what leaves the process is refused, time and chance come from the seed, nothing is left behind."""

from __future__ import annotations

import asyncio
import datetime
import os
import random
import secrets
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from typing import Any
from weakref import ref

import pytest
from test_loop_schedules import Way, everywhere, in_both_modes

from harness.loop import control as control_module
from harness.loop.control import Control, RunResult, controlled
from harness.loop.loop import Deadlock, ScheduleLoop
from harness.loop.scheduling import Mode
from harness.loop.strategies import STRATEGIES
from harness.loop.strategies.fifo import Fifo
from harness.schedules.coroutine import Coroutine
from harness.schedules.execution import Watcher


@pytest.fixture(scope="module")
def control() -> Iterator[Control]:
    """Put everything in place once for all tests here."""
    with controlled() as installed:
        yield installed


def ran(control: Control, program: Callable[[], Any], way: Way | None = None, seed: int = 0) -> RunResult:
    """Run a program once, FIFO unless another way is given."""
    if way is None:
        return control.run(lambda loop: program(), Fifo(), seed=seed)
    scheduler = STRATEGIES[way.strategy]().scheduler(seed)
    assert scheduler is not None
    return control.run(lambda loop: program(), scheduler, mode=way.mode, seed=seed)


async def chance() -> list[object]:
    """Ask everything that is random, or tells the time."""
    await asyncio.sleep(1.5)
    rolls = [random.random(), random.randrange(10**9), random.choice(range(10**9))]
    ids = [uuid.uuid4(), secrets.token_hex(8), secrets.randbelow(10**9), os.urandom(8)]
    return [*rolls, *ids, random.SystemRandom().random()]


async def clocks() -> list[object]:
    """Ask for the time at once, and every clock after a second and a half of virtual time."""
    began = time.time()
    await asyncio.sleep(1)
    time.sleep(0.5)  # noqa: ASYNC251
    now = datetime.datetime.now(datetime.UTC)
    since = [time.monotonic(), time.perf_counter(), time.monotonic_ns()]
    return [began, *since, time.time(), time.time_ns(), now.isoformat()]


class TestSources:
    @everywhere
    def test_chance_depends_on_the_seed_of_the_data_alone(self, control: Control, way: Way) -> None:
        """One seed gives the same numbers and ids, whatever the schedule; another gives others."""
        assert (
            ran(control, chance, seed=3).value == control.run(lambda _: chance(), Fifo(), mode=way.mode, seed=3).value
        )
        first, other = ran(control, chance, way, seed=3).value, ran(control, chance, way, seed=4).value
        assert first == ran(control, chance, way, seed=3).value
        assert all(here != there for here, there in zip(first, other, strict=True))

    @everywhere
    def test_clocks_tell_virtual_time(self, control: Control, way: Way) -> None:
        """They begin anew with each run, in 2026, and a blocking sleep passes virtual time, not real time."""
        expected = [
            1_767_225_600.0,
            1.5,
            1.5,
            1_500_000_000,
            1_767_225_601.5,
            1_767_225_601_500_000_000,
            "2026-01-01T00:00:01.500000+00:00",
        ]
        assert expected == ran(control, clocks, way).value
        assert expected == ran(control, clocks, way, seed=9).value

    def test_a_timeout_sees_a_program_that_blocks(self, control: Control) -> None:
        """Virtual time that blocking code has let pass makes timers due."""

        async def program() -> str:
            try:
                async with asyncio.timeout(1):
                    time.sleep(2)  # noqa: ASYNC251
                    await asyncio.sleep(0)
                    await asyncio.sleep(0)
            except TimeoutError:
                return "timeout"
            return "in time"

        assert "timeout" == ran(control, program).value

    def test_a_thread_that_takes_no_part_has_its_own_time(self, control: Control) -> None:
        """A heartbeat that was there before the run sleeps really, and lets no virtual time pass."""
        asked, rested = threading.Event(), threading.Event()
        slept_s: list[float] = []

        def rest() -> None:
            asked.wait()
            began = time.monotonic()
            time.sleep(0.01)
            slept_s.append(time.monotonic() - began)
            rested.set()

        async def program() -> float:
            asked.set()
            rested.wait()
            return asyncio.get_running_loop().time()

        heartbeat = threading.Thread(target=rest)
        heartbeat.start()
        assert 0.0 == ran(control, program).value
        heartbeat.join()
        assert 0.01 <= slept_s[0]

    def test_everything_is_restored(self) -> None:
        """Afterwards clocks run, ids differ, and `random` goes on where it was."""
        random.seed(5)
        expected = [random.random() for _ in range(2)]
        random.seed(5)
        before = (random.random(), time.monotonic, time.sleep, os.urandom, asyncio.events.new_event_loop)
        with controlled() as control:
            ids = {ran(control, chance, seed=1).value[3] for _ in range(2)}
        assert 1 == len(ids)
        assert expected == [before[0], random.random()]
        assert before[1:] == (time.monotonic, time.sleep, os.urandom, asyncio.events.new_event_loop)
        assert asyncio.run(chance_now()) != asyncio.run(chance_now())
        assert time.time() > 1_577_836_800
        assert (time.time(), datetime.datetime.now()) < (time.time() + 1, datetime.datetime.now())


async def chance_now() -> list[object]:
    """Ask for ids."""
    return [uuid.uuid4(), secrets.token_hex(8), os.urandom(8)]


def test_what_as_completed_is_given_begins_in_order(control: Control) -> None:
    """Coroutines have no number, and asyncio makes a set of them."""

    async def program() -> list[int]:
        begun: list[int] = []

        async def work(number: int) -> None:
            begun.append(number)

        for one in asyncio.as_completed([work(number) for number in range(40)]):
            await one
        return begun

    assert [*range(40)] == ran(control, program).value


class Cycle:
    """Garbage that only the collector can free."""

    def __init__(self) -> None:
        self.itself = self


class TestWhatIsLeft:
    @in_both_modes
    def test_tasks_that_are_left_over_are_cancelled(self, control: Control, mode: Mode) -> None:
        """They get to their `finally`, after the trace has ended; asynchronous generators are closed, too."""
        told: list[str] = []

        async def stay(name: str) -> None:
            try:
                await asyncio.sleep(100)
            finally:
                await asyncio.sleep(1)
                told.append(name)

        async def numbers() -> Any:
            try:
                yield 1
            finally:
                told.append("generator")

        async def program(loop: ScheduleLoop) -> None:
            tasks.extend(loop.create_task(stay(name)) for name in "ab")
            generators.append(numbers())
            await anext(generators[0])
            await asyncio.sleep(1)

        tasks: list[asyncio.Task[None]] = []
        generators: list[Any] = []
        came = control.run(program, Fifo(), mode=mode)
        assert ["a", "b", "generator"] == told
        assert [True, True] == [task.cancelled() for task in tasks]
        assert (1.0, None) == (came.virtual_s, came.error)

    def test_a_watched_run_is_gone_when_it_has_ended(self, control: Control) -> None:
        """Its loop does not wait for the garbage collector, although a watcher listens to it, and it to the watcher."""
        loops: list[ref[ScheduleLoop]] = []

        def listen(watcher: Watcher) -> None:
            assert watcher.loop is not None
            loops.append(ref(watcher.loop))

        Coroutine(control=control, program=lambda: asyncio.sleep(1)).run(Fifo(), Mode.PREEMPTIVE, listen=listen)
        assert [None] == [loop() for loop in loops]

    def test_garbage_is_collected_between_runs(self, control: Control, monkeypatch: pytest.MonkeyPatch) -> None:
        """As soon as there is enough of it: thousands of runs do not fill the memory."""
        left: list[ref[Any]] = []

        async def program() -> None:
            for _ in range(200):
                cycle = Cycle()
                left.append(ref(cycle))

        monkeypatch.setattr(control_module, "MOST_OBJECTS", 1_000_000_000)
        ran(control, program)
        assert 200 == sum(cycle() is not None for cycle in left)
        monkeypatch.setattr(control_module, "MOST_OBJECTS", 100)
        ran(control, program)
        assert not any(cycle() for cycle in left)

    @everywhere
    def test_a_deadlock_is_the_error_of_the_run(self, control: Control, way: Way) -> None:
        """What cannot end is ended, and the next run is not disturbed."""
        came = ran(control, lambda: asyncio.Event().wait(), way)
        assert isinstance(came.error, Deadlock)
        assert "rested" == ran(control, lambda: asyncio.sleep(1, "rested"), way).value

    @everywhere
    def test_an_error_of_the_program_is_the_error_of_the_run(self, control: Control, way: Way) -> None:
        """Its exception comes back as it is, also when it was cancelled."""

        async def fail() -> None:
            await asyncio.sleep(1)
            raise ValueError("broken")

        async def cancelled() -> None:
            raise asyncio.CancelledError("gone")

        assert "broken" == str(ran(control, fail, way).error)
        assert isinstance(ran(control, cancelled, way).error, asyncio.CancelledError)
