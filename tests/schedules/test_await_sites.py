"""Where a task waits: the innermost line of the program, but for asynchronous generators and awaitables of its own."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine, Generator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from harness.loop.await_sites import site_of
from harness.loop.control import controlled
from harness.loop.scheduling import Mode
from harness.loop.strategies.fifo import Fifo


async def plainly() -> None:
    await asyncio.sleep(1)


async def numbers() -> AsyncIterator[int]:
    await asyncio.sleep(1)
    yield 1


async def slow_to_close() -> AsyncIterator[int]:
    try:
        yield 1
    finally:
        await asyncio.sleep(1)


class Own:
    """Is awaited as many a driver's query is."""

    def __await__(self) -> Generator[Any, Any, None]:
        """Wait as `plainly` does."""
        return plainly().__await__()


@asynccontextmanager
async def session() -> AsyncIterator[None]:
    """Wait before the block."""
    await asyncio.sleep(1)
    yield


async def deeper() -> None:
    async with asyncio.timeout(2):
        await plainly()


async def in_an_own_awaitable() -> None:
    await Own()


async def in_a_loop() -> None:
    async for _ in numbers():
        pass


async def in_aclose() -> None:
    generator: Any = slow_to_close()
    await anext(generator)
    await generator.aclose()


async def in_a_context() -> None:
    async with session():
        pass


def line_of(function: Any, after: int) -> str:
    """Return a line of a function as a site, so many lines after its first."""
    return f"test_await_sites.py:{function.__code__.co_firstlineno + after}"


@pytest.mark.parametrize(
    ("waits", "site"),
    [
        (plainly, line_of(plainly, 1)),
        (deeper, line_of(plainly, 1)),
        (in_an_own_awaitable, line_of(in_an_own_awaitable, 1)),
        (in_a_loop, line_of(in_a_loop, 1)),
        (in_aclose, line_of(in_aclose, 3)),
        (in_a_context, line_of(in_a_context, 1)),
    ],
)
def test_it_is_the_innermost_line_of_the_program(waits: Callable[[], Coroutine[Any, Any, None]], site: str) -> None:
    """Not one of a library; of what is not looked into, the line that waits for it."""

    async def program() -> str:
        task = asyncio.create_task(waits())
        await asyncio.sleep(0.5)
        return site_of(task)

    with controlled() as control:
        came = control.run(lambda loop: program(), Fifo(), mode=Mode.STRICT)
    assert site == came.value.rpartition("/")[2]


def test_a_task_that_does_not_wait_has_none() -> None:
    """It has ended."""

    async def program() -> str:
        task = asyncio.create_task(asyncio.sleep(0))
        await task
        return site_of(task)

    with controlled() as control:
        assert "" == control.run(lambda loop: program(), Fifo()).value
