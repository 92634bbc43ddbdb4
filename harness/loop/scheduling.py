"""What a schedule is: who may take the next step, who took it, and in which mode. Standard library only.

Rules:

- An **actor** is a task (a number above 0), a device (below 0), or PLAIN: whatever comes next in asyncio's own order.
- A scheduler is asked only where there is something to choose, and answers with a position among the options. Position
  0 is always what asyncio itself would do next (FIFO), so a schedule is fully told by its deviations from 0.
- A strategy gives one scheduler after another. It gets numbers from the stream of the schedule alone; data and faults
  have streams of their own.

Source: the schedulers of shuttle (awslabs/shuttle), adapted to one thread of coroutines.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol

PLAIN = 0
"""The actor of a plain callback, and of a whole turn of the loop in `asyncio-strict`."""


class Mode(StrEnum):
    """How far a schedule may leave asyncio's own order."""

    STRICT = "asyncio-strict"
    """Only what asyncio itself could do: the ready queue is FIFO; completions of I/O, timers and threads vary."""
    PREEMPTIVE = "preemptive"
    """Tasks that are ready are picked in any order, too. More than asyncio does today, no more than it documents."""


class Scheduler(Protocol):
    """Makes the choices of one schedule."""

    def choose(self, actors: Sequence[int]) -> int:
        """Return the position of the option to take.

        Args:
            actors: whose step each option is; two or more, FIFO's choice first.
        """


class Strategy(Protocol):
    """A way to search the schedules of a program."""

    @property
    def name(self) -> str:
        """As in reports and `--strategy`."""

    def scheduler(self, seed: int) -> Scheduler | None:
        """Return the scheduler of the next schedule; None when there is none left."""

    def observe(self, choices: int, steps: int) -> None:
        """Take in how many choices and steps the schedule had."""


@dataclass(frozen=True, slots=True)
class Schedule:
    """The choices of one run, as deviations from FIFO.

    Args:
        mode: see Mode.
        deviations: position of the choice -> position of the option taken; what is left out was 0.
        choices: how many there were in all.
    """

    mode: Mode
    deviations: Mapping[int, int] = field(default_factory=dict)
    choices: int = 0

    @classmethod
    def of(cls, mode: Mode, picks: Sequence[int]) -> Schedule:
        """Return the schedule in which these options were taken."""
        deviations = {place: pick for place, pick in enumerate(picks) if pick}
        return cls(mode, deviations, len(picks))

    def only(self, places: Sequence[int]) -> Schedule:
        """Return this schedule with the deviations at these places, and FIFO elsewhere."""
        kept = {place: self.deviations[place] for place in places}
        return Schedule(self.mode, kept, self.choices)
