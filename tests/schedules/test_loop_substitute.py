"""Puts a ScheduleLoop in the place of asyncio's own loops, and runs CPython's tests on it; any Python from 3.11 on can.

Execution as a script: `test_loop_substitute.py STRATEGY MODE MODULE...`, with the names of tests to leave out on its
input, as a JSON list. Prints, by module, how many tests were run, on how many loops, and which failed.

Three things of CPython's tests are replaced, none of the tests themselves:

- asyncio's default policy makes a ScheduleLoop, and so does `asyncio.BaseEventLoop()`, which some tests call.
- The clock that tests advance by a generator (`test_utils.TestLoop`) is the loop's own, which passes to the next timer;
  the generator still checks for when each timer is set.
- `loop._ready`, by which some tests see whether there is anything to run, shows what is.

Standard library only.
"""

from __future__ import annotations

import asyncio
import gc
import io
import json
import signal
import sys
import unittest
from asyncio import base_events, unix_events
from collections.abc import Callable, Generator
from pathlib import Path
from typing import Any

if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parents[2]))

from harness.loop.loop import ScheduleLoop
from harness.loop.scheduling import Mode
from harness.loop.strategies import STRATEGIES
from harness.loop.strategies.fifo import Fifo

LOOPS: list[str] = []
"""One entry for each loop that was made."""

Times = Generator[float | None, float, None]


class SubstituteLoop(ScheduleLoop):
    """A ScheduleLoop as CPython's tests expect one: it may be given the times at which timers will be set."""

    make_scheduler: Callable[[], Any] = Fifo
    used_mode = Mode.PREEMPTIVE

    def __init__(self, times: Callable[[], Times] | None = None) -> None:
        super().__init__(type(self).make_scheduler(), self.used_mode)
        LOOPS.append("made")
        self._times = None if times is None else times()
        if self._times is not None:
            next(self._times)

    @property
    def _ready(self) -> list[Any]:
        return [*self._open, *self._rest]

    @_ready.setter
    def _ready(self, value: Any) -> None:
        """It is what it is."""

    def call_at(self, when: float, callback: Any, *args: Any, context: Any = None) -> asyncio.TimerHandle:
        """Set a timer, if it is for the time that the test expects."""
        if self._times is not None:
            try:
                self._times.send(when)
            except StopIteration:
                self._times = None
        return super().call_at(when, callback, *args, context=context)

    def advance_time(self, seconds: float) -> None:
        """Let time pass."""
        self.pass_time(seconds)


def install(strategy: str, mode: Mode) -> None:
    """Make a SubstituteLoop wherever CPython's tests make a loop."""
    from test.test_asyncio import utils

    source, seeds = STRATEGIES[strategy](), iter(range(1_000_000))
    SubstituteLoop.make_scheduler = staticmethod(lambda: source.scheduler(next(seeds)))
    SubstituteLoop.used_mode = mode
    utils.TestLoop = SubstituteLoop
    unix_events._UnixDefaultEventLoopPolicy._loop_factory = SubstituteLoop  # type: ignore[attr-defined]
    asyncio.BaseEventLoop = base_events.BaseEventLoop = SubstituteLoop  # type: ignore[misc]


def without(tests: unittest.TestSuite, names: list[str]) -> unittest.TestSuite:
    """Leave out the tests with these names: `Class.test`, or `test` alone in whatever class."""
    kept = unittest.TestSuite()
    for test in tests:
        if isinstance(test, unittest.TestSuite):
            kept.addTest(without(test, names))
        elif not {".".join(test.id().split(".")[-2:]), test.id().rpartition(".")[2]} & set(names):
            kept.addTest(test)
    return kept


def results(module: str, left_out: list[str]) -> dict[str, Any]:
    """Run the tests of one module."""
    made = len(LOOPS)
    tests = without(unittest.defaultTestLoader.loadTestsFromName(module), left_out)
    result = unittest.TextTestRunner(stream=io.StringIO()).run(tests)
    failed = {test.id(): trace[-2000:] for test, trace in (*result.failures, *result.errors)}
    return {"run": result.testsRun, "loops": len(LOOPS) - made, "failed": failed}


def main(strategy: str, mode: str, *modules: str) -> None:
    """Run the tests of these modules."""
    # A shell that starts a job in the background has it ignore this signal, which CPython's tests of it rely on.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    install(strategy, Mode(mode))
    gc.freeze()  # many of these tests collect garbage, thrice each
    left_out = json.load(sys.stdin)
    print(json.dumps({module: results(module, left_out) for module in modules}))


def test_a_substitute_checks_the_times_of_timers() -> None:
    """A timer that is set for another time than the test expects is an error; time passes to it by itself."""

    def times() -> Times:
        assert 1 == (yield None)
        assert 3 == (yield 1)
        yield None

    loop = SubstituteLoop(times)
    loop.run_until_complete(asyncio.sleep(1))
    loop.run_until_complete(asyncio.sleep(2))
    assert 3 == loop.time()
    loop.close()
    unexpected = SubstituteLoop(times)
    with_error = unexpected.create_task(asyncio.sleep(2))
    unexpected.run_until_complete(asyncio.wait([with_error]))
    assert isinstance(with_error.exception(), AssertionError)
    unexpected.close()


if __name__ == "__main__":
    main(*sys.argv[1:])
