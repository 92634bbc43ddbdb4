"""A target that does with each operation what a test says, and how a program is carried out on it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Any

from harness.history.model import (
    Event,
    EventKind,
    Header,
    OnPush,
    Operation,
    Promises,
    Refused,
    Unreachable,
    User,
    Value,
)
from harness.history.recorder import Recorder
from harness.performing.connections import Deadlines
from harness.performing.performance import promises_of
from harness.performing.runner import Runner
from harness.scenario.program import Do, Step
from harness.targets.bundled import BUNDLED

USERS = (User(0, "alice"), User(1, "bob"))
SETTLE = Step(Do.SETTLE)
PATIENT = Deadlines(call_s=30, run_s=30, release_s=30)
INVOKE, OK, FAIL, INFO, PUSH, PROBE = EventKind


class Small:
    """A target that does with each operation what the test says, and remembers its clients."""

    name = "small"

    def __init__(self, **answers: Callable[[Any, Operation], Any]) -> None:
        self.answers = answers
        known = BUNDLED.promises
        self.promises = Promises(operations={name: known.operations[name] for name in answers}, pushes=known.pushes)
        self.clients: list[SmallClient] = []
        self.asked: list[Operation] = []

    async def connect(self, user: User, on_push: OnPush) -> SmallClient:
        """Open a connection."""
        self.clients.append(SmallClient(self, on_push))
        return self.clients[-1]

    async def close(self) -> None:
        """Hold nothing."""


class SmallClient:
    """One connection; keeps what it was given to push through."""

    def __init__(self, target: Small, push: OnPush) -> None:
        self.target, self.push = target, push

    async def invoke(self, operation: Operation) -> Value:
        """Do what the test says."""
        self.target.asked.append(operation)
        answer = self.target.answers[operation.name](self, operation)
        return await answer if asyncio.iscoroutine(answer) else answer

    async def close(self) -> None:
        """Drop the connection, and push once more: too late."""
        self.push("late", {})


def refuse(client: object, operation: Operation) -> Value:
    """Say a definite no."""
    raise Refused(404, "no such note")


def fail(client: object, operation: Operation) -> Value:
    """Fail without saying whether it happened."""
    raise ValueError("broken pipe")


def vanish(client: object, operation: Operation) -> Value:
    """Be gone."""
    raise Unreachable("start it")


async def forever(client: object, operation: Operation) -> Value:
    """Never answer."""
    await asyncio.Event().wait()


def played(target: Any, *steps: Step, deadlines: Deadlines = PATIENT, users: tuple[User, ...] = USERS) -> list[Event]:
    """Carry the steps out on the target; return the history."""
    events: list[Event] = []

    async def play() -> None:
        header = Header(target="t", suite="tests", seed=1, users=len(users), promises=promises_of(target))
        runner = Runner(target, users, header, Recorder(events.append), deadlines)
        try:
            await runner.begin()
            for step in steps:
                await runner.perform(step)
        finally:
            await runner.close()

    asyncio.run(play())
    return events


def told(events: Sequence[Event], *kinds: EventKind) -> list[tuple[EventKind, str, Value]]:
    """Return kind, name and value of the events of these kinds."""
    return [(event.kind, event.name, event.value) for event in events if event.kind in kinds]
