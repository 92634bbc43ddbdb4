"""Who waits, and where, in words: for whoever tells a schedule. Standard library only."""

from __future__ import annotations

import asyncio
import inspect
import re
from collections.abc import Sequence
from typing import Any

from harness.loop.await_sites import site_of
from harness.loop.lockstep import FIRST_THREAD
from harness.loop.timers import FIRST_TIMER

MOST_NAMED = 5
"""Tasks that are named; the rest are counted."""
_UNNAMED = re.compile(r"Task-\d+|None")
"""asyncio's own names, which count on from run to run; `None` is what 3.13.0 calls a task that begins at once."""


def name_of(task: asyncio.Task[Any]) -> str:
    """Return the name that the program gave a task, or else that of its coroutine function."""
    name = task.get_name()
    if _UNNAMED.fullmatch(name):
        return str(getattr(task.get_coro(), "__qualname__", "task")).rpartition("<locals>.")[2]
    return name


def resumed_from(task: asyncio.Task[Any]) -> str:
    """Return from where a task goes on: ` at its start`, ` after folder/file.py:line`, or `""`."""
    coroutine: Any = task.get_coro()
    if inspect.iscoroutine(coroutine) and inspect.getcoroutinestate(coroutine) == inspect.CORO_CREATED:
        return " at its start"
    return f" after {site}" if (site := site_of(task)) else ""


def name_of_other(actor: int) -> str:
    """Return who this is that is neither a task nor a device: a timer, or a thread that gets a job."""
    if actor >= FIRST_TIMER:
        return f"timer {actor - FIRST_TIMER + 1} of those that fall due"
    return "the thread that worked last" if actor == FIRST_THREAD else "another thread"


def stuck(tasks: Sequence[asyncio.Task[Any]]) -> str:
    """Return who waits for ever, and where."""
    named = ", ".join(f"{name_of(task)} at {site_of(task)}" for task in tasks[:MOST_NAMED])
    more = f" and {len(tasks) - MOST_NAMED} more" if len(tasks) > MOST_NAMED else ""
    return f"nothing can wake any of {len(tasks)} tasks: {named}{more}"
