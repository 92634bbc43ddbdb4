"""The programs on which schedulers are measured (W1 to W4 of the notes), and correct ones that look like them."""

from __future__ import annotations

import asyncio
from asyncio import gather, sleep
from collections import deque
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager, nullcontext
from typing import Any

Program = Callable[[], Awaitable[None]]


def lost_update(tasks: int = 2, *, locked: bool = False) -> Program:
    """W1: each task reads the balance, waits, and writes one more. With a lock it is correct."""

    async def program() -> None:
        balance = 0
        lock: AbstractAsyncContextManager[Any] = asyncio.Lock() if locked else nullcontext()

        async def deposit() -> None:
            nonlocal balance
            await sleep(0)
            async with lock:
                seen = balance
                await sleep(0)
                balance = seen + 1
            await sleep(0)

        await gather(*(deposit() for _ in range(tasks)))
        assert balance == tasks

    return program


def current_user(users: int = 10, awaits: int = 10) -> Program:
    """W2: the current user is kept where all requests see it, set before an await and read after it."""

    async def program() -> None:
        current = -1
        mixed_up = []

        async def request(user: int) -> None:
            nonlocal current
            for _ in range(awaits // 2):
                current = user
                await sleep(0)
                if current != user:
                    mixed_up.append(user)
                await sleep(0)

        await gather(*(request(user) for user in range(users)))
        assert [] == mixed_up

    return program


def three_steps(tasks: int = 10, awaits: int = 10) -> Program:
    """W3: fails only if the last task is almost through before the fifth is half through before the first has begun."""
    order = [(tasks - 1, awaits - 2), (tasks // 2 - 1, awaits // 2), (0, 1)]

    async def program() -> None:
        passed = 0

        async def worker(number: int) -> None:
            nonlocal passed
            for step in range(awaits):
                if passed < len(order) and order[passed] == (number, step):
                    passed += 1
                await sleep(0)

        await gather(*(worker(number) for number in range(tasks)))
        assert passed < len(order)

    return program


class Connection:
    """Answers what was sent to it, in order; what was not received stays in line."""

    def __init__(self) -> None:
        self._line: deque[str] = deque()

    async def send(self, question: str) -> None:
        """Ask; the answer is on its way when this returns."""
        self._line.append(f"answer to {question}")
        await sleep(0)

    async def receive(self) -> str:
        """Return the next answer."""
        await sleep(0)
        return self._line.popleft()

    def is_clean(self) -> bool:
        """Whether nothing is in line."""
        return not self._line


class Pool:
    """Lends connections, and takes them back."""

    def __init__(self, size: int, *, careful: bool) -> None:
        self._free: asyncio.Queue[Connection] = asyncio.Queue()
        self._careful = careful
        for _ in range(size):
            self._free.put_nowait(Connection())

    @asynccontextmanager
    async def connection(self) -> Any:
        """Lend a connection; a careful pool throws one away that has something in line."""
        connection = await self._free.get()
        await sleep(0)
        try:
            yield connection
        finally:
            if self._careful and not connection.is_clean():
                connection = Connection()
            self._free.put_nowait(connection)


def pooled_connection(users: int = 5, *, careful: bool = False) -> Program:
    """W4: fails only if a holder is cancelled between send and receive. With a careful pool it is correct."""

    async def program() -> None:
        pool = Pool(2, careful=careful)
        wrong = []

        async def holder(user: int) -> None:
            await sleep(0)
            async with pool.connection() as connection:
                for question in (f"{user}/first", f"{user}/second"):
                    await connection.send(question)
                    if (answer := await connection.receive()) != f"answer to {question}":
                        wrong.append((question, answer))

        await gather(*(holder(user) for user in range(users)), return_exceptions=True)
        assert [] == wrong

    return program
