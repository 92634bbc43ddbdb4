"""Time and randomness as the program under a schedule sees them: from the loop's clock and the seed of the data.

Rules:

- `time.time`, `datetime.now` and their kin tell the virtual time since EPOCH (through time-machine, which changes them
  for everybody, also for who imported them by name); `time.monotonic` and `time.perf_counter` since 0; `time.sleep`
  lets virtual time pass.
- A thread that takes no part in the run, as a heartbeat that was there before it, has real monotonic clocks and sleeps
  really. The calendar and `random` are everybody's.
- `random` (its module functions), `os.urandom`, and with it `uuid.uuid4` and `secrets`, come from the seed.
- Not controlled: `random.Random()` and numpy without a seed, `id()`, the order of sets of the program's own objects.
  What comes of them shows when a schedule is run twice.

How it works. Wrappers are installed once, for as long as schedules are run, and do what they replaced between two runs.
"""

from __future__ import annotations

import os
import random
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from harness.loop.loop import ScheduleLoop

EPOCH_S = 1_767_225_600.0
"""The wall clock at the beginning of each run: 2026-01-01, UTC."""

_CLOCKS = {"monotonic": 1.0, "perf_counter": 1.0, "monotonic_ns": 1e9, "perf_counter_ns": 1e9}


class Sources:
    """What the program sees, once `installed`; `begin` starts it anew."""

    def __init__(self) -> None:
        self._loop: ScheduleLoop | None = None
        self._thread = 0
        self._seed = 0
        self._bytes: random.Random | None = None
        self._calendar: Any = None

    @contextmanager
    def installed(self) -> Iterator[None]:
        """Put the wrappers in place; take them away at the end."""
        import time_machine  # which loads an extension; importing the loop loads the standard library only

        replaced: list[tuple[Any, str, Any]] = []

        def put(module: Any, name: str, wrapper: Any) -> None:
            replaced.append((module, name, getattr(module, name)))
            setattr(module, name, wrapper)

        for name, factor in _CLOCKS.items():
            put(time, name, self._clock(getattr(time, name), factor))
        put(time, "sleep", self._sleep(time.sleep))
        urandom = self._urandom(os.urandom)
        put(os, "urandom", urandom)
        put(random, "_urandom", urandom)
        state = random.getstate()
        try:
            with time_machine.travel(EPOCH_S, tick=False) as self._calendar:
                yield
        finally:
            random.setstate(state)
            for module, name, original in reversed(replaced):
                setattr(module, name, original)

    def begin(self, loop: ScheduleLoop, seed: int) -> None:
        """Start anew, for a run on this loop with this seed of the data."""
        self._loop, self._thread = loop, threading.get_ident()
        self._seed, self._bytes = seed, None
        random.seed(seed)
        loop.on_time = self._on_time
        self._on_time(0.0)

    def end(self) -> None:
        """Between two runs everything is as it is outside, but for the calendar, which stands still."""
        self._loop = None

    def _run_here(self) -> ScheduleLoop | None:
        """Return the loop of the run in which this thread takes part; None when it takes part in none."""
        loop, here = self._loop, threading.get_ident()
        return loop if loop is not None and (here == self._thread or loop.pools.holds(here)) else None

    def _on_time(self, now_s: float) -> None:
        self._calendar.move_to(EPOCH_S + now_s)

    def _clock(self, real: Callable[[], float], factor: float) -> Callable[[], float]:
        def clock() -> float:
            loop = self._run_here()
            if loop is None:
                return real()
            return loop.time() if factor == 1.0 else int(loop.time() * factor)

        return clock

    def _sleep(self, real: Callable[[float], None]) -> Callable[[float], None]:
        def sleep(seconds: float) -> None:
            loop = self._run_here()
            if loop is None:
                real(seconds)
            else:
                loop.pass_time(seconds)

        return sleep

    def _urandom(self, real: Callable[[int], bytes]) -> Callable[[int], bytes]:
        def urandom(size: int) -> bytes:
            if self._run_here() is None:
                return real(size)
            if self._bytes is None:  # made when it is needed, which most small programs never do
                self._bytes = random.Random(self._seed)
            return self._bytes.randbytes(size)

        return urandom
