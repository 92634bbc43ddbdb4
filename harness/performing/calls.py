"""The calls of one program: each a task of its own, from its INVOKE to its completion; see `harness.performing.runner`.

Rules:

- An INVOKE is recorded before anything of its call happens, and every INVOKE has one completion, unless the target is
  gone.
- What a call names is looked up when it begins: of one that begins later, what is known then.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from harness.history.calling import CALLING, Calling
from harness.history.model import Client, Credential, EventKind, Operation, Refused, Unreachable, User, Value
from harness.history.semantics import GIVEN, OBJECTS, SENT, Semantics
from harness.performing.adapted_client import AdaptedClient
from harness.performing.connections import Device
from harness.performing.conversations import Answered, Tell
from harness.scenario.program import USUAL, RequestOptions
from harness.scenario.symbols import Unresolvable

if TYPE_CHECKING:
    from harness.performing.runner import Runner

Work = Callable[[], Coroutine[Any, Any, Value]]
"""Carries a call out; returns its answer, or what came of it as `Answered`."""


def task_name(call: int) -> str:
    """Return how the task of a call is named, before it has begun."""
    return f"call {call}"


@dataclass(frozen=True, slots=True)
class UnderWay:
    """A call that has not been answered: who asks what, over which device, and the task that carries it out."""

    position: int
    device: int
    operation: str
    task: asyncio.Task[None]


@dataclass(frozen=True, slots=True)
class _Call:
    """What is asked, by whom, over which device, and how; its operation has symbols until it begins."""

    number: int
    position: int
    user: User
    device: int
    operation: Operation
    known: Semantics
    how: RequestOptions


class Calls:
    """The calls of one program."""

    def __init__(self, runner: Runner) -> None:
        self._runner = runner
        self.under_way: dict[int, UnderWay] = {}
        self.left_out = 0
        self._open: set[int] = set()

    async def ask(self, position: int, device: int, operation: Operation, how: RequestOptions = USUAL) -> None:
        """Begin a call; who asks for what the target does not offer, or for an object that was never made, does not."""
        runner = self._runner
        known = runner.operations.get(operation.name)
        if known is None:
            return
        call = _Call(0, position, runner.users[position], device, operation, known, how)
        if how.at_s:
            call = replace(call, number=runner.recorder.next_call())
            self._start(call, self._later(call, runner.since_s + how.at_s))
        elif (resolved := self._resolved(call)) is not None:
            connection = await runner.connect(position, device)
            resolved = replace(resolved, number=runner.recorder.next_call())
            self._start(resolved, self._begun(resolved, connection))

    def of(self, position: int, device: int) -> list[int]:
        """Return the calls of a user that are under way over a device."""
        return [
            call
            for call, under_way in self.under_way.items()
            if (under_way.position, under_way.device) == (position, device)
        ]

    def newest_of(self, position: int) -> int | None:
        """Return the user's newest call under way."""
        return next((call for call, known in reversed(self.under_way.items()) if known.position == position), None)

    async def answered(self) -> None:
        """Return when every call has been answered.

        Raises:
            Unreachable: the target has gone away.
        """
        while self.under_way:
            self._runner.check_reachable()
            await asyncio.wait([known.task for known in self.under_way.values()])

    # One call

    def _start(self, call: _Call, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work, name=task_name(call.number))
        self.under_way[call.number] = UnderWay(call.position, call.device, call.operation.name, task)
        task.add_done_callback(lambda _: self.under_way.pop(call.number, None))

    def _resolved(self, call: _Call) -> _Call | None:
        """Return the call with ids in place of symbols, or None, counted, when it names an object never made."""
        try:
            operation = self._runner.symbols.resolved(call.user, call.operation, call.known, call.how.size)
        except Unresolvable:
            self.left_out += 1
            return None
        return replace(call, operation=operation)

    async def _later(self, call: _Call, at_s: float) -> None:
        await asyncio.sleep(max(0.0, at_s - asyncio.get_running_loop().time()))
        resolved = self._resolved(call)
        if resolved is None:
            return
        try:
            connection = await self._runner.connect(call.position, call.device)
        except Unreachable as error:
            self._runner.lose(error)
            return
        await self._begun(resolved, connection)

    def _begun(self, call: _Call, connection: Device) -> Coroutine[Any, Any, None]:
        """Record that a call begins, and return what carries it out."""
        operation = call.operation
        asked: dict[str, Value] = {}
        if operation.objects:
            asked[OBJECTS] = dict(operation.objects)
        if operation.given:
            asked[GIVEN] = dict(operation.given)
        sent, work = _prepared(connection.client, operation, call.how, lambda answered: self._completed(call, answered))
        if sent is not None:
            asked[SENT] = sent
        self._open.add(call.number)
        self._record(EventKind.INVOKE, call, asked)
        if call.how.leaves_early:
            self._runner.nemesis.hang_up(call.user, call.number)
        if call.known.opens:
            connection.opened[operation.name] = operation
        if call.known.subscribes:
            taken = str(operation.objects.get(call.known.argument))
            connection.subscriptions.setdefault((operation.name, taken), (operation, {}))
        return self._carry_out(call, work)

    async def _carry_out(self, call: _Call, work: Work) -> None:
        runner = self._runner
        CALLING.set(Calling(call.number, call.user.id))
        try:
            async with asyncio.timeout(runner.deadlines.call_s):
                value = await work()
            answered = value if isinstance(value, Answered) else Answered(EventKind.OK, {"body": value})
        except Unreachable as error:
            # Nothing is recorded: a target that is gone has answered neither well nor badly.
            runner.lose(error)
            return
        except Refused as refusal:
            answered = Answered(EventKind.FAIL, {"status": refusal.status, "text": refusal.text})
        except asyncio.CancelledError:
            if runner.is_closing:
                return  # nobody waits for the answer any more: that is no error of the target
            answered = Answered(EventKind.INFO, {"error": "cancelled"})
        except Exception as error:
            answered = Answered(EventKind.INFO, {"error": f"{type(error).__name__}: {error}"})
        self._completed(call, answered)

    def _completed(self, call: _Call, answered: Answered) -> None:
        """Record what came of a call, once."""
        if call.number not in self._open:
            return
        self._open.remove(call.number)
        runner = self._runner
        self._record(answered.kind, call, answered.value)
        if answered.kind is EventKind.OK and call.user.credential is Credential.VALID:
            runner.symbols.learn(call.position, call.user, call.operation, call.known, answered.value)
        elif answered.kind is EventKind.INFO:
            runner.symbols.miss(call.known)
        runner.news.set()

    def _record(self, kind: EventKind, call: _Call, value: Value) -> None:
        self._runner.recorder.record(
            kind, call.operation.name, value, user=call.user.id, device=call.device, call=call.number
        )


def _prepared(client: Client, operation: Operation, how: RequestOptions, tell: Tell) -> tuple[Value, Work]:
    """Return what will be sent, where the client can say so, and what carries the call out.

    A call that cannot be made into a request is asked all the same, and comes to nothing: nobody could say why it is
    missing otherwise.
    """
    if not isinstance(client, AdaptedClient):
        return None, lambda: client.invoke(operation)
    try:
        prepared = client.prepare(operation, how, tell)
    except Exception as error:
        return None, _raising(error)
    return prepared.sent, prepared.carry_out


def _raising(error: Exception) -> Work:
    async def work() -> Value:
        raise error

    return work
