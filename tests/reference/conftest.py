"""What these tests stand on: a real backend on a real file, and cancellation at a chosen await."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import AsyncIterator, Awaitable, Callable, Generator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from reference_impl.app import Backend, Settings


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """Settings of an application on a file of its own."""
    return Settings(database_url=f"sqlite+aiosqlite:///{tmp_path}/data.db", token_secret="s" * 32)


@pytest_asyncio.fixture
async def backend(settings: Settings) -> AsyncIterator[Backend]:
    """A running backend; whatever the test did, nothing may be held when it stops."""
    made = Backend(settings)
    async with made.running():
        yield made
    gc.collect()
    assert dict.fromkeys(made.held(), 0) == dict(made.held())


class CancelledAt:
    """Awaits `inner`, really cancelling the current task at its n-th suspension, and maybe again after."""

    def __init__(self, inner: Awaitable[Any], step: int, again: int = 0) -> None:
        self.inner, self.step, self.again, self.reached = inner, step, again, False

    def __await__(self) -> Generator[Any, Any, Any]:
        steps = self.inner.__await__()
        task = asyncio.current_task()
        assert task is not None
        count = 0
        send: Callable[[], Any] = lambda: steps.send(None)  # noqa: E731
        while True:
            try:
                waited_for = send()
            except StopIteration as stop:
                return stop.value
            count += 1
            if self.step <= count <= self.step + self.again:
                self.reached = True
                task.cancel()
            try:
                yield waited_for
                send = lambda: steps.send(None)  # noqa: E731
            except BaseException as error:
                caught = error
                send = lambda: steps.throw(caught)  # noqa: E731, B023


@pytest.fixture
def cancelled_at() -> type[CancelledAt]:
    """The awaitable that cancels at a chosen suspension."""
    return CancelledAt
