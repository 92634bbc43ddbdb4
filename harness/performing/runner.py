"""The only caller of a target. Performs the steps of a program, and records whatever comes of them.

How it works. Each ask becomes a task of its own, so that the calls of all users interleave. A step waits for nothing
but itself, except JOIN, which ends when every call has been answered, and SETTLE, which ends when

1. every call has been answered, or has passed its deadline (then it is an INFO);
2. all work that can end has ended, as its owner sees it (asked for where no event says so);
3. every connection has been read up to a fence, where clients can set one;
4. what the target holds is back at its level, or the deadline has passed.

Only then does it record SETTLED, so that whatever is missing then is lost, not late. What could not be seen to its end
is recorded as a DOUBT: work that the target itself does not call ended, a connection that could not be fenced.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Mapping
from typing import Any

from harness.history.model import (
    Credential,
    EventKind,
    Header,
    Operation,
    Refused,
    Target,
    Unreachable,
    User,
    Value,
)
from harness.history.probes import DISCONNECTED
from harness.history.recorder import Recorder
from harness.history.semantics import SEEN, at
from harness.performing.adapted_client import AdaptedClient
from harness.performing.calls import Calls
from harness.performing.calls import task_name as task_name
from harness.performing.connections import Deadlines, Device, RefusedClient
from harness.performing.nemesis import Nemesis
from harness.performing.settling import Settling
from harness.scenario.program import Do, Fault, Step
from harness.scenario.symbols import Symbols


class Runner:
    """Carries out one program against one target.

    Args:
        target: already open; the runner closes its clients, never the target.
        users: as the target knows them.
        header: of the history.
        recorder: where events go.
        deadlines: see there.
    """

    def __init__(
        self,
        target: Target,
        users: tuple[User, ...],
        header: Header,
        recorder: Recorder,
        deadlines: Deadlines | None = None,
    ) -> None:
        self.target = target
        self.users = users
        self.recorder = recorder
        self.deadlines = deadlines or Deadlines()
        self.symbols = Symbols(header.seed)
        self.devices: dict[tuple[int, int], Device] = {}
        self.calls = Calls(self)
        self.news = asyncio.Event()
        self.since_s = 0.0
        self.operations = header.promises.operations
        self.pushes = header.promises.pushes
        self.nemesis = Nemesis(target, recorder)
        self._connecting: dict[tuple[int, int], asyncio.Lock] = {}
        self._dropped: dict[tuple[int, int], Device] = {}
        self.is_closing = False
        self._aside: set[asyncio.Task[None]] = set()
        self._unreachable: Unreachable | None = None
        self._settling = Settling(self)

    async def begin(self) -> None:
        """Record what the target holds before anybody asks for anything."""
        await self._settling.begin()
        self.since_s = _now_s()

    async def perform(self, step: Step) -> None:
        """Carry out one step.

        Raises:
            Unreachable: a user cannot connect, or the target has gone away.
        """
        self.check_reachable()
        match step.do:
            case Do.CONNECT:
                await self.connect(step.user, step.device)
            case Do.ASK if step.operation is not None:
                await self.calls.ask(step.user, step.device, step.operation, step.how)
            case Do.JOIN:
                await self._settling.join()
                self.since_s = _now_s()
            case Do.TICK:
                for _ in range(step.amount):
                    await asyncio.sleep(0)
            case Do.SETTLE:
                await self.settle()
            case Do.COMPARE:
                await self._settling.compare()
            case Do.CANCEL:
                if (newest := self.calls.newest_of(step.user)) is not None:
                    self._cancel(step.user, newest)
            case Do.DISCONNECT if step.operation is not None:
                await self._drop(step.user, step.device, step.operation.name)
            case Do.DISCONNECT:
                await self._disconnect(step.user, step.device)
            case Do.SLOW:
                await self.nemesis.slow(self.users[step.user], step.amount)

    async def settle(self) -> None:
        """Wait as the module says, then record the probes and SETTLED."""
        while self._aside:
            await asyncio.wait(set(self._aside))
        await self._settling.settle()
        self.since_s = _now_s()

    @property
    def left_out(self) -> int:
        """How many steps were left out, as they named an object that was never made."""
        return self.calls.left_out

    def is_under_way(self, call: int) -> bool:
        """Return whether this call has not been answered yet."""
        return call in self.calls.under_way

    def inject(self, fault: Fault, position: int, call: int) -> bool:
        """Inject this fault into a user's request right now; return whether it could.

        Args:
            fault: what.
            position: of the user.
            call: the request, or the one that began what is under way.
        """
        match fault:
            case Fault.CANCEL:
                if not self.is_under_way(call):
                    return False
                self._cancel(position, call)
            case Fault.DISCONNECT:
                if (position, 0) not in self.devices:
                    return False
                self._do_aside(self._disconnect(position, 0))
            case Fault.STOP:
                ending = next((known for known in self.operations.values() if known.ends), None)
                if ending is None:
                    return False
                newest = {ending.argument: f"${ending.takes}:{self.users[position].number}:-1"}
                self._do_aside(self.calls.ask(position, 0, Operation(ending.name, newest)))
            case Fault.FAIL | Fault.SLOW:
                self.nemesis.announce(fault, self.users[position], call)
        return True

    def _do_aside(self, work: Coroutine[Any, Any, object]) -> None:
        """Do this beside the program; settling waits for it."""

        async def beside() -> None:
            try:
                await work
            except Unreachable as error:
                self.lose(error)

        task = asyncio.ensure_future(beside())
        self._aside.add(task)
        task.add_done_callback(self._aside.discard)

    def _cancel(self, position: int, call: int) -> None:
        self.nemesis.cancel(self.users[position], call, self.calls.under_way[call].task)

    async def close(self) -> None:
        """Cancel what is still under way and drop every connection."""
        self.is_closing = True
        tasks: list[asyncio.Task[Any]] = [known.task for known in self.calls.under_way.values()]
        tasks += self._aside
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        devices = list(self.devices.values())
        self.devices.clear()
        for device in devices:
            device.alive = False
        await asyncio.gather(*(device.client.close() for device in devices), return_exceptions=True)

    def lose(self, error: Unreachable) -> None:
        """Take in that the target has gone away, whoever has found it out."""
        self._unreachable = error
        self.news.set()

    def check_reachable(self) -> None:
        """See that the target has not gone away.

        Raises:
            Unreachable: it has.
        """
        if self._unreachable is not None:
            raise self._unreachable

    # Connections

    async def connect(self, position: int, number: int) -> Device:
        """Return a user's connection of this number; open it if it is not.

        Raises:
            Unreachable: it cannot be opened.
        """
        async with self._connecting.setdefault((position, number), asyncio.Lock()):
            known = self.devices.get((position, number))
            device = known or await self._connected(position, number)
        if known is None and (before := self._dropped.pop((position, number), None)) is not None:
            await self._restore(position, number, device, before)
        return device

    async def _connected(self, position: int, number: int) -> Device:
        user, device = self.users[position], Device()
        on_push = self._listener(user, device, number)
        try:
            device.client = await asyncio.wait_for(self.target.connect(user, on_push), self.deadlines.connect_s)
        except (Unreachable, asyncio.CancelledError):
            raise
        except Refused as refusal:
            if user.credential is Credential.VALID:
                raise self._cannot_connect(user, refusal) from refusal
            device.client = RefusedClient(refusal)
        except Exception as error:
            raise self._cannot_connect(user, error) from error
        if isinstance(device.client, AdaptedClient) and user.credential is Credential.VALID:
            device.client.channels.on_made = lambda kind, name: self.symbols.learn_object(kind, user, name)
        self.devices[position, number] = device
        return device

    async def _restore(self, position: int, number: int, device: Device, before: Device) -> None:
        """Open the channels of a dropped connection again, and subscribe to what it had, from where it was."""
        for operation in before.opened.values():
            await self.calls.ask(position, number, operation)
        for (name, taken), (operation, seen) in before.subscriptions.items():
            device.subscriptions[name, taken] = operation, dict(seen)
            resumed = {SEEN: dict(seen)} if seen and self.operations[name].resumes else {}
            await self.calls.ask(position, number, Operation(name, operation.objects, resumed))

    def _cannot_connect(self, user: User, error: Exception) -> Unreachable:
        return Unreachable(
            f"{user.id} cannot connect to {self.target.name} ({error!r}), so there is nothing to verify: "
            "start the target, or mend the connect() of its target file"
        )

    def _listener(self, user: User, device: Device, number: int) -> Callable[[str, Value], None]:
        def on_push(topic: str, value: Value) -> None:
            if device.alive:
                self.recorder.record(EventKind.PUSH, topic, value, user=user.id, device=number)
                if isinstance(value, Mapping):
                    self._note_push(device, value)
                self.news.set()

        return on_push

    def _note_push(self, device: Device, value: Mapping[str, Value]) -> None:
        for pushes in self.pushes:
            name, seq = at(value, pushes.id), at(value, pushes.seq) if pushes.seq else None
            if not isinstance(name, str | int):
                continue
            if isinstance(seq, int):
                within = str(at(value, pushes.within_id)) if pushes.within_id else ""
                for (_, taken), (_, seen) in device.subscriptions.items():
                    if taken == within:
                        seen[str(name)] = max(seq, seen.get(str(name), -1))
            kind = at(value, pushes.type) if pushes.type else None
            if isinstance(kind, str) and kind in pushes.last:
                self.symbols.end(str(name))

    async def _disconnect(self, position: int, number: int) -> None:
        device = self.devices.pop((position, number), None)
        if device is None:
            return
        user = self.users[position]
        self.nemesis.disconnect(user, self.calls.of(position, number))
        device.alive = False
        self.recorder.record(EventKind.PROBE, DISCONNECTED, user=user.id, device=number)
        self._dropped[position, number] = device
        await device.client.close()

    async def _drop(self, position: int, number: int, channel: str) -> None:
        """Drop one channel of a connection."""
        device = self.devices.get((position, number))
        if device is None or not isinstance(device.client, AdaptedClient):
            return
        user = self.users[position]
        over = {channel, *(name for name, known in self.operations.items() if known.over == channel)}
        suffering = self.calls.of(position, number)
        self.nemesis.disconnect(user, [call for call in suffering if self.calls.under_way[call].operation in over])
        device.opened.pop(channel, None)
        for name, taken in [place for place in device.subscriptions if place[0] in over]:
            del device.subscriptions[name, taken]
        self.recorder.record(EventKind.PROBE, DISCONNECTED, {"channel": channel}, user=user.id, device=number)
        await device.client.channels.drop(channel)


def _now_s() -> float:
    return asyncio.get_running_loop().time()
