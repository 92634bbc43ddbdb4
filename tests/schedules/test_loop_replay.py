"""Recorded choices give the same run again; FIFO, and everything that is strict, gives the order of asyncio itself."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import aiosqlite
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from test_loop_programs import AT_ONCE, WORDS, Script, World, perform
from test_loop_schedules import WAYS, Way, run

from harness.loop.control import Control, RunResult, controlled
from harness.loop.scheduling import Mode, Schedule
from harness.loop.strategies import STRATEGIES
from harness.loop.strategies.fifo import Fifo
from harness.loop.strategies.recorded import Recorded


async def thread(world: World, who: str) -> None:
    """Have a job done by a thread."""
    world.log.append(f"{who} had {await asyncio.to_thread(lambda: len(world.log))}")


class Bench:
    """Where programs are performed that also use threads, and fight for a database."""

    def __init__(self, control: Control, file: Path) -> None:
        self.control, self.file = control, file
        self.words: dict[str, Any] = {**WORDS, "thread": thread, "write": self.write, "read": self.read}
        with closing(sqlite3.connect(file)) as connection:
            connection.execute("PRAGMA journal_mode = MEMORY")
            connection.execute("CREATE TABLE said (who)")

    def ran(self, script: Script, scheduler: Any, mode: Mode) -> RunResult:
        """Perform a program on an empty database."""
        with closing(sqlite3.connect(self.file, isolation_level=None)) as connection:
            connection.execute("PRAGMA synchronous = OFF")
            connection.execute("DELETE FROM said")
        return self.control.run(lambda loop: perform(script, self.words), scheduler, mode=mode, seed=1)

    def searched(self, script: Script, way: Way, seed: int) -> RunResult:
        """Perform it under one schedule of a search."""
        return self.ran(script, STRATEGIES[way.strategy]().scheduler(seed), way.mode)

    async def write(self, world: World, who: str) -> None:
        """Add a row in a transaction of its own, which waits for those of others."""
        async with aiosqlite.connect(self.file, isolation_level=None) as connection:
            await connection.execute("PRAGMA synchronous = OFF")
            await connection.execute("BEGIN IMMEDIATE")
            await world.stay(f"{who} writes", 1)
            await connection.execute("INSERT INTO said VALUES (?)", (who,))
            await connection.execute("COMMIT")

    async def read(self, world: World, who: str) -> None:
        """Read all rows."""
        async with aiosqlite.connect(self.file) as connection, connection.execute("SELECT who FROM said") as cursor:
            world.log.append(f"{who} read {[who async for (who,) in cursor]}")


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    """Put everything in place once for all tests here."""
    with controlled() as control:
        yield Bench(control, tmp_path_factory.mktemp("replay") / "said.db")


def scripts(words: Any, most_words: int = 5) -> st.SearchStrategy[Script]:
    """Generate programs of two to four tasks."""
    return st.lists(st.lists(st.sampled_from(sorted(words)), min_size=1, max_size=most_words), min_size=2, max_size=4)


OUTER_WORDS = (*WORDS, "thread", "write", "read")


class TestReplay:
    @given(script=scripts(OUTER_WORDS), way=st.sampled_from(WAYS), seed=st.integers(0, 2**32))
    @settings(max_examples=80, deadline=None)
    def test_recorded_choices_give_the_same_run(self, bench: Bench, script: Script, way: Way, seed: int) -> None:
        """Value, error, trace, time and choices of a replay are those that were recorded, whoever made the choices."""
        first = bench.searched(script, way, seed)
        assert ((), None) == (first.uncontrolled, first.error)
        recorded = Recorded(first.schedule.deviations)
        assert first == bench.ran(script, recorded, way.mode)
        assert 0 == recorded.misfits
        assert first == bench.searched(script, way, seed)

    def test_these_programs_meet_busy_databases_and_threads(self, bench: Bench) -> None:
        """What is replayed above is not trivial: writers wait for each other, and rows are read in other orders."""
        script = [["write", "read"], ["write", "thread", "read"], ["thread", "write"]]
        ways = [Way(mode, "random") for mode in Mode]
        runs = [bench.searched(script, way, seed) for way in ways for seed in range(12)]
        assert 15 < len({one.trace for one in runs})
        assert 5 < len({tuple(one.value) for one in runs})
        assert any(one.virtual_s > 0 for one in runs)

    @given(script=scripts(WORDS), seed=st.integers(0, 2**32))
    @settings(max_examples=40, deadline=None)
    def test_no_choices_at_all_are_fifo(self, bench: Bench, script: Script, seed: int) -> None:
        """A schedule without deviations is FIFO's; one that was recorded for another program still ends."""
        fifo = bench.ran(script, Fifo(), Mode.PREEMPTIVE)
        assert {} == fifo.schedule.deviations
        assert fifo == bench.ran(script, Recorded({}), Mode.PREEMPTIVE)
        other = Schedule.of(Mode.PREEMPTIVE, [seed % 7, 3, 0, 5, 9])
        assert bench.ran(script, Recorded(other.deviations), Mode.PREEMPTIVE).error is None


class StockLoop(asyncio.SelectorEventLoop):
    """asyncio's own loop, but for its clock, which jumps to the next timer.

    Timers are set a picosecond apart, as on a real clock; asyncio's clock resolution takes those of one instant as one.
    """

    def __init__(self) -> None:
        super().__init__()
        self._clock = 0.0
        self._timers = 0
        selector: Any = self._selector  # type: ignore[attr-defined]
        select = selector.select

        def jump(timeout: float | None) -> Any:
            assert timeout is not None, "somebody can go on"
            self._clock = round(self._clock + timeout, 6)
            return select(0)

        selector.select = jump

    def time(self) -> float:
        """Return the virtual time."""
        return self._clock

    def call_at(self, when: float, callback: Any, *args: Any, context: Any = None) -> asyncio.TimerHandle:
        """Set a timer."""
        self._timers += 1
        return super().call_at(when + self._timers * 1e-12, callback, *args, context=context)


def stock(script: Script) -> list[str]:
    """Perform a program as asyncio does."""
    with asyncio.Runner(loop_factory=StockLoop) as runner:
        return runner.run(perform(script))


class TestAsyncioItself:
    @given(script=scripts(AT_ONCE, most_words=8))
    @settings(max_examples=60, deadline=None)
    def test_fifo_is_the_order_of_asyncio(self, script: Script) -> None:
        """A program that waits for no clock does the same under FIFO, in either mode, as with `asyncio.run`."""
        expected = asyncio.run(perform(script))
        assert expected == run(lambda: perform(script), mode=Mode.STRICT)
        assert expected == run(lambda: perform(script), mode=Mode.PREEMPTIVE)

    @given(script=scripts(WORDS, most_words=8))
    @settings(max_examples=80, deadline=None)
    def test_fifo_sets_off_timers_as_asyncio_does(self, script: Script) -> None:
        """So does one that sleeps and waits, as with asyncio's own loop when its clock jumps over the waiting."""
        expected = stock(script)
        assert expected == run(lambda: perform(script), mode=Mode.STRICT)
        assert expected == run(lambda: perform(script), mode=Mode.PREEMPTIVE)

    @given(script=scripts(AT_ONCE, most_words=8), strategy=st.sampled_from(sorted(STRATEGIES)), seed=st.integers(0, 99))
    @settings(max_examples=80, deadline=None)
    def test_strict_never_leaves_the_order_of_ready_tasks(self, script: Script, strategy: str, seed: int) -> None:
        """Whatever the scheduler would choose, a program that relies on FIFO of what is ready sees asyncio's order."""
        scheduler = STRATEGIES[strategy]().scheduler(seed)
        assert asyncio.run(perform(script)) == run(lambda: perform(script), scheduler, Mode.STRICT)
