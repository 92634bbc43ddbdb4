"""What a device has been asked to do, and the ways in which a run ends that is none. Standard library only."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from contextvars import copy_context
from itertools import count
from typing import Any


class Deadlock(RuntimeError):
    """Nobody can do anything any more, and what the loop was to run has not ended."""


class Livelock(RuntimeError):
    """The run does not come to an end."""


class Uncontrolled(RuntimeError):
    """Something was asked for whose outcome no schedule decides. Says what, and what to do."""


class Job:
    """Something that a device is to do, and will have done at a moment of the scheduler's choosing.

    Args:
        device: does its jobs one after the other.
        carry_out: does it; returns the time before which it cannot be tried again, or None when it is done.
        fail: ends it with this error instead; None when it cannot fail in that way.
        future: what waits for it; None when nothing does.
        label: what it is, in words.

    The context is that of whoever handed it in.
    """

    __slots__ = ("carry_out", "context", "device", "fail", "future", "label", "not_before")

    def __init__(
        self,
        device: int,
        carry_out: Callable[[], float | None],
        fail: Callable[[], None] | None = None,
        future: asyncio.Future[Any] | None = None,
        label: str = "a job",
    ) -> None:
        self.device = device
        self.carry_out = carry_out
        self.fail = fail
        self.future = future
        self.label = label
        self.not_before = 0.0
        self.context = copy_context()

    def __str__(self) -> str:
        return self.label


class Devices:
    """Everything outside that does one job after the other: a connection's thread, a worker of an executor."""

    def __init__(self) -> None:
        self.jobs: list[Job] = []
        """What they have been asked to do, in the order in which it was handed in."""
        self._numbers = count(-1, -1)

    def new(self) -> int:
        """Return the number of a new device, which is below 0."""
        return next(self._numbers)

    def submit(self, job: Job) -> None:
        """Hand a job to its device."""
        self.jobs.append(job)

    def job_for(self, future: object) -> Job | None:
        """Return the job that this future waits for, if a device has it."""
        return next((job for job in self.jobs if job.future is future), None)

    def job_of(self, device: int) -> Job | None:
        """Return the job that this device would have done next."""
        return next((job for job in self.jobs if job.device == device), None)

    def give_up(self, job: Job) -> None:
        """Let a job fail instead of being done."""
        self.jobs.remove(job)
        assert job.fail is not None, "asked only of jobs that can fail"
        job.fail()

    def hold_up(self, job: Job, until: float) -> None:
        """Let a job, and what its device has to do after it, be done no sooner than at this time."""
        job.not_before = max(job.not_before, until)

    def heads(self, now: float) -> list[Job]:
        """Return the first job of each device that can be tried at this time, in the order of handing in."""
        return [job for job in self.first() if job.not_before <= now]

    def first(self) -> Iterable[Job]:
        """Return the first job of each device."""
        firsts: dict[int, Job] = {}
        for job in self.jobs:
            firsts.setdefault(job.device, job)
        return firsts.values()
