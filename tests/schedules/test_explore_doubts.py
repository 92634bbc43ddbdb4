"""When `explore` says that nothing was shown, and why."""

from __future__ import annotations

import asyncio
import logging
import logging.handlers
import socket
import weakref
from asyncio import gather, sleep
from itertools import count

import pytest
from explore_workloads import pooled_connection, three_steps

from harness.judging.verdict import Outcome
from harness.loop.jobs import Uncontrolled
from harness.schedules import Mode, Schedule, explore, replay
from harness.schedules.coroutines import NothingShown

FIFO = Schedule(Mode.STRICT)
"""Asyncio's own order."""


async def two_tasks() -> None:
    """Something with a choice."""
    await gather(sleep(0), sleep(0))


def doubted(program, **chosen) -> str:
    """Return what `check` says of a program that is UNKNOWN, and did not fail."""
    explored = explore(program, **chosen)
    assert (Outcome.UNKNOWN, None) == (explored.outcome, explored.failure)
    with pytest.raises(NothingShown) as raised:
        explored.check()
    return str(raised.value)


class TestNothingShown:
    def test_a_failure_that_does_not_show_again_is_none(self) -> None:
        """It is told, with its error, but no replay is promised: who knows what decided it."""
        runs = count(1)

        async def program() -> None:
            await two_tasks()
            assert next(runs) != 9, "the ninth time"

        explored = explore(program)
        assert explored.failure is not None
        assert (Outcome.UNKNOWN, 0) == (explored.outcome, explored.failure.runs)
        with pytest.raises(NothingShown, match="did not show again when its choices were run again") as raised:
            explored.check()
        said = str(raised.value)
        assert (True, True, False) == ("the ninth time" in said, "not repeatable" in said, "Replay" in said)

    def test_what_no_schedule_decides_is_refused(self) -> None:
        """A socket: refused, told, and not taken for a failure of the program; the exploration ends early."""

        async def program() -> None:
            await two_tasks()
            await asyncio.open_connection("127.0.0.1", 9)

        assert "create_connection" in doubted(program)
        assert explore(program).schedules < 10
        with pytest.raises(Uncontrolled):
            replay(program, FIFO)

    def test_refused_and_swallowed_is_refused(self) -> None:
        """Also where the program goes on."""

        async def program() -> None:
            await two_tasks()
            try:
                await asyncio.open_connection("127.0.0.1", 9)
            except RuntimeError:
                await sleep(0)

        assert "create_connection" in doubted(program)
        with pytest.raises(Uncontrolled):
            replay(program, FIFO)

    def test_without_a_choice_nothing_is_shown(self) -> None:
        """Awaits that do not suspend leave nothing to explore."""

        async def program() -> None:
            async def at_once() -> None:
                return None

            await at_once()

        assert "no schedule had a choice" in doubted(program)

    def test_a_pattern_that_fits_nobody_is_told(self) -> None:
        """With the names there are; also where another pattern fits."""
        told = doubted(pooled_connection(2, careful=True), cancel=["holder", "holdr"])
        assert "no task that waits is called 'holdr'" in told
        assert "there are holder, holder#2, main" in told

    def test_cancellations_that_end_the_program_show_nothing(self) -> None:
        """A program that ends with its cancelled task has not judged."""

        async def program() -> None:
            await gather(*(asyncio.create_task(two_tasks()) for _ in range(2)))

        assert "before the program could judge" in doubted(program, strategy="sweep", cancel="*")

    def test_a_program_that_pytest_is_to_skip_is_skipped(self) -> None:
        """And neither failed, nor passed."""

        async def program() -> None:
            await two_tasks()
            pytest.skip("not here")

        with pytest.raises(pytest.skip.Exception, match="not here"):
            explore(program)

    def test_a_program_that_is_not_the_same_twice_is_doubted(self) -> None:
        """The step from which on two runs of one schedule differ is named, with the tasks."""
        runs = count(1)

        async def program() -> None:
            async def short() -> None:
                await sleep(0)

            async def long() -> None:
                await sleep(0)
                await sleep(0)

            await gather(*(short() if next(runs) % 4 == 1 else long() for _ in range(3)))

        differs = "schedule 1 (fifo), run twice, differs from step 2 on: short went first, then long"
        assert differs in doubted(program)


class TestErrorsNobodyTook:
    def test_a_task_that_dies_unheard_is_told(self) -> None:
        """The program passes, and asyncio would only log it; whether the task is freed by then, or not."""
        held: list[object] = []

        async def dies() -> None:
            await two_tasks()
            raise ValueError("unhandled")

        async def program() -> None:
            held.append(asyncio.create_task(dies()))
            asyncio.create_task(dies())  # noqa: RUF006
            await two_tasks()
            await sleep(1)

        error = "Task exception was never retrieved: ValueError('unhandled') at test_explore_doubts.py:"
        assert f"nobody handled an error, so it passed: {error}" in doubted(program)

    def test_an_error_that_somebody_is_about_to_take_is_none(self) -> None:
        """When the program ends in the turn in which it is raised."""

        async def dies() -> None:
            for _ in range(3):
                await sleep(0)
            raise ValueError("heard in time")

        async def takes() -> None:
            with pytest.raises(ValueError, match="in time"):
                await asyncio.create_task(dies())

        async def program() -> None:
            taking = asyncio.create_task(takes())
            await gather(two_tasks(), two_tasks())
            assert not taking.cancelled()

        assert Outcome.HOLDS is explore(program, schedules=100).outcome

    def test_who_listens_for_errors_takes_them(self) -> None:
        """A program with an exception handler of its own, also those of tasks that are still held at the end."""
        held: list[object] = []

        async def dies() -> None:
            raise ValueError("listened to")

        async def program() -> None:
            asyncio.get_running_loop().set_exception_handler(lambda loop, context: None)
            held.append(asyncio.create_task(dies()))
            asyncio.create_task(dies())  # noqa: RUF006
            await two_tasks()

        assert Outcome.HOLDS is explore(program, schedules=20).outcome

    def test_an_error_in_a_schedule_that_was_cut_short_is_none(self) -> None:
        """What a cancellation left undone shows nothing."""

        async def dies() -> None:
            raise ValueError("left alone")

        async def works() -> None:
            try:
                await two_tasks()
            except asyncio.CancelledError:
                asyncio.create_task(dies())  # noqa: RUF006
                await sleep(0)
                raise

        async def program() -> None:
            await gather(asyncio.create_task(works(), name="works"), two_tasks())

        assert "left alone" not in doubted(program, strategy="sweep", cancel="works")

    def test_errors_in_odd_words_are_told_the_same_each_time(self) -> None:
        """A context without a message, an error without a repr, addresses; nothing stays refused afterwards."""

        class Odd(Exception):
            def __repr__(self) -> str:
                raise RuntimeError("no words")

        def deliver(to: object) -> None:
            raise KeyError(to)

        async def program() -> None:
            loop = asyncio.get_running_loop()
            loop.call_exception_handler({"exception": Odd()})
            loop.call_soon(deliver, object())
            await two_tasks()

        doubts = explore(program, schedules=20).doubts
        assert 2 == len(doubts)
        assert "nobody handled an error, so it passed: Error: Odd" in doubts[0]
        assert "Exception in callback: KeyError(<object object at 0x>) at test_explore_doubts.py:" in doubts[1]
        with socket.socket() as listening:
            listening.bind(("127.0.0.1", 0))

    def test_errors_that_nobody_took_hide_no_failure(self) -> None:
        """However many there are: the program may still fail."""
        runs = count(1)

        async def dies(number: int) -> None:
            raise ValueError(number)

        async def program() -> None:
            asyncio.create_task(dies(next(runs)))  # noqa: RUF006
            await three_steps()()

        assert Outcome.VIOLATED is explore(program).outcome

    def test_an_error_that_somebody_took_is_none(self) -> None:
        """Gathered, awaited later, or asked for."""

        async def dies() -> None:
            await two_tasks()
            raise ValueError("heard")

        async def program() -> None:
            with pytest.raises(ValueError, match="heard"):
                await gather(dies(), dies())
            task = asyncio.create_task(dies())
            await asyncio.wait([task])
            assert task.exception()

        assert Outcome.HOLDS is explore(program, schedules=20).outcome


class TestLogRecords:
    def test_log_records_reach_who_looks_at_them(self, caplog: pytest.LogCaptureFixture) -> None:
        """And not the terminal."""
        log = logging.getLogger("of the program")

        async def program() -> None:
            await two_tasks()
            caplog.clear()
            log.error("told")
            assert ["told"] == caplog.messages

        assert Outcome.HOLDS is explore(program, schedules=20).outcome

    def test_log_records_leave_neither_frames_behind_nor_the_process(self) -> None:
        """A handler keeps them after the run, without what the frames held; libraries' handlers get none."""

        class Big:
            pass

        kept: list[logging.LogRecord] = []
        freed: list[weakref.ref[Big]] = []

        class Keeping(logging.Handler):
            def emit(self, record: logging.LogRecord) -> None:
                assert record.exc_info
                kept.append(record)

        log = logging.getLogger("of another program")
        log.handlers = [Keeping(), logging.handlers.SocketHandler("127.0.0.1", 9)]

        async def program() -> None:
            await two_tasks()
            big = Big()
            freed.append(weakref.ref(big))
            try:
                raise KeyError
            except KeyError:
                log.exception("told")

        assert Outcome.HOLDS is explore(program, schedules=20).outcome
        assert 20 <= len(kept)
        assert [] == [big for one in freed if (big := one()) is not None]
