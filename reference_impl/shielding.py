"""Finishing what must not be left half done, although whoever waits for it is cancelled.

Rule: a commit, a rollback or a close runs to its end, whatever happens to the task that asked for it; the
cancellation is delivered right after, never lost.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

T = TypeVar("T")


async def to_the_end(work: Coroutine[Any, Any, T]) -> T:
    """Run `work` to its end in a task of its own, then deliver a cancellation that came meanwhile.

    Returns:
        What `work` returned.

    Raises:
        CancelledError: the caller was cancelled meanwhile, once or repeatedly; the work is done all the same.
    """
    task = asyncio.ensure_future(work)
    cancelled: asyncio.CancelledError | None = None
    while not task.done():
        try:
            await asyncio.wait({task})
        except asyncio.CancelledError as error:
            cancelled = error
    if cancelled is not None:
        if not task.cancelled():
            task.exception()  # retrieved: it is superseded by the cancellation
        raise cancelled
    return task.result()
