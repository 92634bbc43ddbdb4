"""What a device has been asked to do, and the ways in which a run ends that is none. Standard library only."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextvars import copy_context
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
