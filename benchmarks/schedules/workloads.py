"""The small programs on which schedules are measured: what their users do, and how one sees that something went wrong.

Rules:

- A program is made anew for each schedule, and keeps its state to itself.
- A program is told as users, who all go at once, and a check when they are through: the form that every contestant can
  run. Its users only ever wait by `asyncio.sleep(0)`, locks and queues, so that no contestant needs a device for it.
- A check never raises: how fast schedules are run is also measured on programs that go wrong in most of them.

W1 to W3 are those of `tests/schedules/explore_workloads.py`, and need as many schedules as the notes say. W4 has a
caller who gives up, as only one contestant can cancel by itself: in asyncio's own order that comes too late to matter.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Any, Protocol

TurnOf = Callable[[], Coroutine[Any, Any, None]]
"""What one user does."""


class Program(Protocol):
    """One run of a workload."""

    def users(self) -> Sequence[TurnOf]:
        """Return what each user does; all of them at once."""

    def is_broken(self) -> bool:
        """Whether anything went wrong; asked when all users are through."""


class WentWrong(AssertionError):
    """A schedule showed the bug of its program."""


@dataclass(frozen=True, slots=True)
class Workload:
    """A program to be measured on.

    Args:
        name: W1-2, ...
        what: in a line.
        make: makes a program, for one run.
    """

    name: str
    what: str
    make: Callable[[], Program]

    async def run(self) -> bool:
        """Run it once, on whatever loop is running; return whether anything went wrong."""
        program = self.make()
        await asyncio.gather(*(user() for user in program.users()))
        return program.is_broken()

    async def run_and_raise(self) -> None:
        """Run it once.

        Raises:
            WentWrong: something went wrong.
        """
        if await self.run():
            raise WentWrong(self.name)


class LostUpdate:
    """W1: each task reads the balance, waits, and writes one more."""

    def __init__(self, tasks: int) -> None:
        self._tasks = tasks
        self._balance = 0

    def users(self) -> Sequence[TurnOf]:
        """Return the deposits."""
        return [self._deposit] * self._tasks

    def is_broken(self) -> bool:
        """Whether a deposit was lost."""
        return self._balance != self._tasks

    async def _deposit(self) -> None:
        await asyncio.sleep(0)
        seen = self._balance
        await asyncio.sleep(0)
        self._balance = seen + 1
        await asyncio.sleep(0)


class CurrentUser:
    """W2: the current user is kept where all requests see it, set before an await and read after it."""

    def __init__(self, users: int = 10, awaits: int = 10) -> None:
        self._users, self._awaits = users, awaits
        self._current = -1
        self._is_mixed_up = False

    def users(self) -> Sequence[TurnOf]:
        """Return the requests."""
        return [self._request_of(user) for user in range(self._users)]

    def is_broken(self) -> bool:
        """Whether a request was taken for another user's."""
        return self._is_mixed_up

    def _request_of(self, user: int) -> TurnOf:
        async def request() -> None:
            for _ in range(self._awaits // 2):
                self._current = user
                await asyncio.sleep(0)
                if self._current != user:
                    self._is_mixed_up = True
                await asyncio.sleep(0)

        return request


class ThreeSteps:
    """W3: the last task is almost through before the fifth is half through before the first has begun."""

    def __init__(self, tasks: int = 10, awaits: int = 10) -> None:
        self._tasks, self._awaits = tasks, awaits
        self._order = [(tasks - 1, awaits - 2), (tasks // 2 - 1, awaits // 2), (0, 1)]
        self._passed = 0

    def users(self) -> Sequence[TurnOf]:
        """Return the workers."""
        return [self._worker_of(number) for number in range(self._tasks)]

    def is_broken(self) -> bool:
        """Whether the three came in the order that is a bug."""
        return self._passed == len(self._order)

    def _worker_of(self, number: int) -> TurnOf:
        async def worker() -> None:
            for step in range(self._awaits):
                if self._passed < len(self._order) and self._order[self._passed] == (number, step):
                    self._passed += 1
                await asyncio.sleep(0)

        return worker


class PooledConnection:
    """W4: who is cancelled between send and receive leaves an answer on the line, for whoever gets the connection next.

    Args:
        users: how many; the first has a caller who gives up.
        connections: they share.
        patience: steps after which that caller gives up; more than a request takes in asyncio's own order.
    """

    def __init__(self, users: int = 5, connections: int = 2, patience: int = 10) -> None:
        self._users, self._patience = users, patience
        self._free: asyncio.Queue[deque[str]] = asyncio.Queue()
        for _ in range(connections):
            self._free.put_nowait(deque())
        self._is_answered_wrong = False

    def users(self) -> Sequence[TurnOf]:
        """Return the holders, the first as its caller sees it."""
        return [self._caller, *(self._holder_of(user) for user in range(1, self._users))]

    def is_broken(self) -> bool:
        """Whether somebody got the answer to another's question."""
        return self._is_answered_wrong

    async def _caller(self) -> None:
        request = asyncio.create_task(self._holder_of(0)())
        for _ in range(self._patience):
            await asyncio.sleep(0)
        request.cancel()
        with suppress(asyncio.CancelledError):
            await request

    def _holder_of(self, user: int) -> TurnOf:
        async def holder() -> None:
            with suppress(asyncio.CancelledError):
                await asyncio.sleep(0)
                async with self._connection() as line:
                    for question in (f"{user}/first", f"{user}/second"):
                        line.append(question)
                        await asyncio.sleep(0)
                        await asyncio.sleep(0)
                        if line.popleft() != question:
                            self._is_answered_wrong = True

        return holder

    @asynccontextmanager
    async def _connection(self) -> AsyncIterator[deque[str]]:
        line = await self._free.get()
        await asyncio.sleep(0)
        try:
            yield line
        finally:
            self._free.put_nowait(line)


WORKLOADS: Sequence[Workload] = (
    Workload("W1-2", "lost update, 2 tasks of 3 awaits", lambda: LostUpdate(2)),
    Workload("W1-5", "lost update, 5 tasks of 3 awaits", lambda: LostUpdate(5)),
    Workload("W2", "10 users of 10 awaits, a shared current user", CurrentUser),
    Workload("W3", "an order of depth 3 among 10 tasks of 10 awaits", ThreeSteps),
    Workload("W4", "5 users, 2 pooled connections, and a caller who gives up", PooledConnection),
)
