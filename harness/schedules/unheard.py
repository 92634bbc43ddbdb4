"""Errors of a run that nobody took: of a task that nobody awaits, of a callback. asyncio logs them, and goes on.

Rules:

- asyncio tells of a task's error when the task is freed. One that is still held when the program ends counts, too: so
  what is told does not depend on who holds it.
- Who sets an exception handler takes the errors.
- What happens when the run is cleaned up is not the program's doing.

Standard library only.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from traceback import extract_tb
from typing import Any

from harness.schedules.making import Making


def unheard(loop: Making, tasks: Iterable[asyncio.Task[Any]]) -> tuple[str, ...]:
    """Return the errors that nobody has taken by now, in words.

    Args:
        loop: of the run.
        tasks: of this loop that are still there, done or not.
    """
    told = [(str(context["message"]), context.get("exception")) for context in loop.unheard]
    held: list[Any] = [task for task in tasks if task._log_traceback]
    if held and loop.get_exception_handler() is None:
        held.sort(key=loop.numbers.of)
        told += [("Task exception was never retrieved", task.exception()) for task in held]  # and is not logged later
    return tuple(_in_words(message, error) for message, error in told)


def _in_words(message: str, error: BaseException | None) -> str:
    if error is None:
        return message
    raised = extract_tb(error.__traceback__)
    where = f" at {raised[-1].filename.rpartition('/')[2]}:{raised[-1].lineno}" if raised else ""
    return f"{message.partition(' <')[0].removeprefix('Numbered').rstrip('.')}: {error!r}{where}"
