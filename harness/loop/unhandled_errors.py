"""Errors of a run that nobody took: of a task that nobody awaits, of a callback. asyncio logs them, and goes on.

Rules:

- asyncio tells of a task's error when the task is freed. One that is still held at the end counts, too: so what is told
  does not depend on who holds it.
- Who is about to take an error when the program ends still may, while the run is cleaned up; what else happens then is
  not the program's doing.
- Who sets an exception handler takes the errors.
- The words are the same in each run: no addresses.

Standard library only.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Sequence
from traceback import extract_tb
from typing import Any

from harness.loop.factories import TaskLoop

_ADDRESS = re.compile(r"0x[0-9a-f]+")
_KINDS = ("Exception in callback", "Task exception was never retrieved", "Future exception was never retrieved")
"""How asyncio's messages begin that go on with what differs from run to run."""


class UnhandledErrors:
    """The errors of one run: made when the program has ended, asked when the run has been cleaned up.

    Args:
        loop: of the run.
        tasks: of this loop that are still there, done or not.
    """

    def __init__(self, loop: TaskLoop, tasks: Sequence[asyncio.Task[Any]]) -> None:
        self._reported = [
            (str(context.get("message") or "Error"), context.get("exception")) for context in loop.unhandled_errors
        ]
        listens = loop.get_exception_handler() is None
        self._held: list[Any] = [task for task in tasks if task._log_traceback] if listens else []

    def errors(self) -> tuple[str, ...]:
        """Return them in words."""
        untaken = [task for task in self._held if task._log_traceback]
        held = [(_KINDS[1], task.exception()) for task in untaken]  # which takes it: it is not logged later
        return tuple(_in_words(message, error) for message, error in [*self._reported, *held])


def _in_words(message: str, error: BaseException | None) -> str:
    plain = message.replace("NumberedTask", "Task").replace("NumberedFuture", "Future")
    kind = next((known for known in _KINDS if plain.startswith(known)), plain)
    if error is None:
        return _ADDRESS.sub("0x", kind)
    try:
        said = repr(error)
    except Exception:  # an error that cannot say what it is
        said = type(error).__name__
    raised = extract_tb(error.__traceback__)
    where = f" at {raised[-1].filename.rpartition('/')[2]}:{raised[-1].lineno}" if raised else ""
    return _ADDRESS.sub("0x", f"{kind}: {said}{where}")
