"""What injects faults: cancellation, disconnect, slow query. Errors inside an agent are asked for (agent `faulty`).

Each fault is recorded before it happens, with the calls that may suffer from it: an error in any other call is not
explained by the fault.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable

from harness.history.model import EventKind, Faulty, Target, User
from harness.history.probes import FAULT
from harness.history.recorder import Recorder
from harness.scenario.program import Fault


class Nemesis:
    """Injects faults into one execution, and records each."""

    __slots__ = ("_recorder", "_target")

    def __init__(self, target: Target, recorder: Recorder) -> None:
        self._target = target
        self._recorder = recorder

    def cancel(self, user: User, call: int, task: asyncio.Task[None]) -> None:
        """Cancel a call under way."""
        self._say("cancel", user, [call])
        task.cancel()

    def announce(self, fault: Fault, user: User, call: int) -> None:
        """Announce that what a call waits for is to fail, or to take long; who decides what happens when does it."""
        self._say("failed query" if fault is Fault.FAIL else "slow query", user, [call])

    def disconnect(self, user: User, calls: Iterable[int]) -> None:
        """Announce that the user's connection is about to be dropped; the runner drops it."""
        self._say("disconnect", user, list(calls))

    def hang_up(self, user: User, call: int) -> None:
        """Announce that the client of a call will not wait for all of its answer."""
        self._say("hang-up", user, [call])

    async def slow(self, user: User, delay_ms: int) -> None:
        """Slow this user's database statements, where the target allows it."""
        if isinstance(self._target, Faulty):
            if delay_ms:
                self._say("slow query", user, [])
            await self._target.slow(user, delay_ms / 1000)

    def _say(self, fault: str, user: User, calls: list[int]) -> None:
        self._recorder.faults += 1
        self._recorder.record(EventKind.PROBE, FAULT, {"fault": fault, "calls": calls}, user=user.id)
