"""The only caller of a target. Performs the steps of a program, and records whatever comes of them.

How it works. Each ask becomes a task of its own, so that the calls of all users interleave. A step waits for nothing
but itself, except SETTLE, which ends when

1. every call has been answered, or has passed its deadline (then it is an INFO);
2. every run that can end has ended, as its owner sees it (`read_run` where no event says so);
3. every connection has been read up to a fence, where clients can set one;
4. what the target holds is back at its level, or the deadline has passed.

Only then does it record SETTLED, so that whatever is missing then is lost, not late. What could not be seen to its end
is recorded as a DOUBT: a run that the target itself does not call ended, a connection that could not be fenced.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from harness.history.calling import CALLING, Calling
from harness.history.model import (
    Client,
    Credential,
    EventKind,
    Header,
    Heap,
    Operation,
    Probe,
    Probing,
    Refused,
    Resources,
    Target,
    Unreachable,
    User,
    Value,
)
from harness.history.recorder import Recorder
from harness.history.vocabulary import DISCONNECTED, DOUBT, LAST_EVENTS, RESOURCES, SETTLED
from harness.performing.connections import Device, Shut
from harness.performing.nemesis import Nemesis
from harness.scenario.memory import Memory, Unresolvable
from harness.scenario.program import Do, Fault, Step


@dataclass(frozen=True, slots=True)
class Deadlines:
    """How long the runner waits, in seconds, before it takes silence for an answer."""

    call_s: float = 10.0
    run_s: float = 5.0
    release_s: float = 2.0
    connect_s: float = 10.0


def task_name(call: int) -> str:
    """Return how the task of a call is named, before it has begun."""
    return f"call {call}"


class Runner:
    """Carries out one program against one target.

    Args:
        target: already open; the runner closes its clients, never the target.
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
        self._target = target
        self._users = users
        self._promises = header.promises
        self._recorder = recorder
        self._deadlines = deadlines or Deadlines()
        self._nemesis = Nemesis(target, recorder)
        self._memory = Memory(header.seed)
        self._devices: dict[tuple[int, int], Device] = {}
        self._dropped: dict[tuple[int, int], dict[str, dict[str, int]]] = {}
        self._calls: dict[int, tuple[int, int, asyncio.Task[None]]] = {}
        self._news = asyncio.Event()
        self._aside_tasks: set[asyncio.Task[Any]] = set()
        self._unreachable: Unreachable | None = None
        self._level: Mapping[str, int] = {}

    async def begin(self) -> None:
        """Record what the target holds before anybody asks for anything."""
        if isinstance(self._target, Resources):
            self._level = dict(await self._target.resources())
            self._recorder.record(EventKind.PROBE, RESOURCES, {"held": self._level, "phase": "start"})

    async def perform(self, step: Step) -> None:
        """Carry out one step.

        Raises:
            Unreachable: a user cannot connect, or the target has gone away.
        """
        self._check_reachable()
        match step.do:
            case Do.CONNECT:
                await self._connect(step.user, step.device)
            case Do.ASK if step.operation is not None:
                await self._ask(step.user, step.device, step.operation)
            case Do.TICK:
                for _ in range(step.amount):
                    await asyncio.sleep(0)
            case Do.SETTLE:
                await self.settle()
            case Do.COMPARE:
                await self._compare()
            case Do.CANCEL:
                self._cancel(step.user)
            case Do.DISCONNECT:
                await self._disconnect(step.user, step.device)
            case Do.SLOW:
                await self._nemesis.slow(self._users[step.user], step.amount)

    def is_under_way(self, call: int) -> bool:
        """Return whether this call has not been answered yet."""
        return call in self._calls

    def inject(self, fault: Fault, position: int, call: int) -> bool:
        """Inject this fault into a user's request right now; return whether it could.

        Args:
            fault: what.
            position: of the user.
            call: the request, or the one that began what is under way.
        """
        match fault:
            case Fault.CANCEL:
                if call not in self._calls:
                    return False
                self._nemesis.cancel(self._users[position], call, self._calls[call][2])
            case Fault.DISCONNECT:
                if (position, 0) not in self._devices:
                    return False
                self._aside(self._disconnect(position, 0))
            case Fault.STOP:
                self._aside(
                    self._ask(position, 0, Operation("cancel_run", {"id": f"$run:{self._number(position)}:-1"}))
                )
            case Fault.FAIL | Fault.SLOW:
                self._nemesis.announce(fault, self._users[position], call)
        return True

    def _number(self, position: int) -> int:
        return self._users[position].number

    def _aside(self, work: Coroutine[Any, Any, object]) -> None:
        """Do this beside the program; settling waits for it."""
        task = asyncio.ensure_future(work)
        self._aside_tasks.add(task)
        task.add_done_callback(self._aside_tasks.discard)

    async def close(self) -> None:
        """Cancel what is still under way and drop every connection."""
        tasks: list[asyncio.Task[Any]] = [task for _, _, task in self._calls.values()]
        tasks += self._aside_tasks
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        devices = list(self._devices.values())
        self._devices.clear()
        for device in devices:
            device.alive = False
        await asyncio.gather(*(device.client.close() for device in devices), return_exceptions=True)

    def _check_reachable(self) -> None:
        if self._unreachable is not None:
            raise self._unreachable

    # Connections

    async def _connect(self, position: int, number: int) -> Device:
        known = self._devices.get((position, number))
        if known is not None:
            return known
        user, device = self._users[position], Device()
        on_push = self._listener(user, device, number)
        try:
            device.client = await asyncio.wait_for(self._target.connect(user, on_push), self._deadlines.connect_s)
        except (Unreachable, asyncio.CancelledError):
            raise
        except Refused as refusal:
            if user.credential is Credential.VALID:
                raise self._cannot_connect(user, refusal) from refusal
            device.client = Shut(refusal)
        except Exception as error:
            raise self._cannot_connect(user, error) from error
        self._devices[position, number] = device
        for thread, seen in self._dropped.pop((position, number), {}).items():
            device.follows[thread] = dict(seen)
            after = {"after": dict(seen)} if seen else {}
            await self._ask(position, number, Operation("follow", {"thread": thread, **after}))
        return device

    def _cannot_connect(self, user: User, error: Exception) -> Unreachable:
        return Unreachable(
            f"{user.id} cannot connect to {self._target.name} ({error!r}), so there is nothing to verify: "
            "start the target, or mend the connect() of its target file"
        )

    def _listener(self, user: User, device: Device, number: int) -> Callable[[str, Value], None]:
        def on_push(topic: str, value: Value) -> None:
            if device.alive:
                self._recorder.record(EventKind.PUSH, topic, value, user=user.id, device=number)
                if isinstance(value, Mapping):
                    self._note_push(device, value)
                self._news.set()

        return on_push

    def _note_push(self, device: Device, value: Mapping[str, Value]) -> None:
        run, seq = value.get("run"), value.get("seq")
        if isinstance(run, str) and isinstance(seq, int):
            seen = device.follows.get(str(value.get("thread")))
            if seen is not None:
                seen[run] = max(seq, seen.get(run, -1))
        if value.get("type") in LAST_EVENTS:
            self._memory.end(str(run))

    async def _disconnect(self, position: int, number: int) -> None:
        device = self._devices.pop((position, number), None)
        if device is None:
            return
        user = self._users[position]
        suffering = [call for call, (who, on, _) in self._calls.items() if (who, on) == (position, number)]
        self._nemesis.disconnect(user, suffering)
        device.alive = False
        self._recorder.record(EventKind.PROBE, DISCONNECTED, user=user.id, device=number)
        self._dropped[position, number] = device.follows
        await device.client.close()

    # Calls

    async def _ask(self, position: int, number: int, operation: Operation) -> None:
        if not self._promises.offers(operation):
            return
        try:
            arguments = {
                key: self._memory.resolve(self._users[position], value) for key, value in operation.arguments.items()
            }
        except Unresolvable:
            return
        device = await self._connect(position, number)
        user = self._users[position]
        call = self._recorder.next_call()
        self._recorder.record(EventKind.INVOKE, operation.name, arguments, user=user.id, device=number, call=call)
        if operation.name == "follow":
            device.follows.setdefault(arguments["thread"], {})
        work = self._carry_out(position, number, device.client, call, Operation(operation.name, arguments))
        task = asyncio.create_task(work, name=task_name(call))
        self._calls[call] = (position, number, task)
        task.add_done_callback(lambda _: self._calls.pop(call, None))

    async def _carry_out(self, position: int, number: int, client: Client, call: int, operation: Operation) -> None:
        user = self._users[position]
        kind, value = EventKind.INFO, None
        CALLING.set(Calling(call, user.id))
        try:
            async with asyncio.timeout(self._deadlines.call_s):
                value = await client.invoke(operation)
            kind = EventKind.OK
        except Unreachable as error:
            # Nothing is recorded: a target that is gone has answered neither well nor badly.
            self._unreachable = error
            self._news.set()
            return
        except Refused as refusal:
            kind, value = EventKind.FAIL, {"status": refusal.status, "text": refusal.text}
        except asyncio.CancelledError:
            value = {"error": "cancelled"}
        except Exception as error:
            value = {"error": f"{type(error).__name__}: {error}"}
        self._recorder.record(kind, operation.name, value, user=user.id, device=number, call=call)
        if kind is EventKind.OK:
            self._memory.learn(position, user, operation, value)
        elif kind is EventKind.INFO:
            self._memory.miss(operation)
        self._news.set()

    def _cancel(self, position: int) -> None:
        for call, (who, _, task) in reversed(self._calls.items()):
            if who == position:
                self._nemesis.cancel(self._users[position], call, task)
                return

    # Settling

    async def settle(self) -> None:
        """Wait as the module says, then record the probes and SETTLED."""
        while self._aside_tasks:
            await asyncio.wait(set(self._aside_tasks))
        await self._calls_answered()
        await self._runs_ended()
        await self._calls_answered()
        self._check_reachable()
        for device in list(self._devices.values()):
            await self._fence(device.client)
        await self._take_probes()
        late = list(self._memory.waiting())
        if late:
            reason = f"{len(late)} runs had not ended {self._deadlines.run_s:g} s after everything else had"
            self._doubt(reason, "misdelivery", "tampering", "residue", "limits")
        if isinstance(self._target, Resources) and not self._memory.stalled() and not late:
            held = await self._released()
            self._recorder.record(EventKind.PROBE, RESOURCES, {"held": held, "phase": "settled"})
        self._recorder.record(EventKind.PROBE, SETTLED, {"open": [*self._memory.stalled(), *late]})

    async def _calls_answered(self) -> None:
        while self._calls:
            self._check_reachable()
            await asyncio.wait([task for _, _, task in self._calls.values()])

    async def _runs_ended(self) -> None:
        """Wait for the end of each run that can end: by its event, and where none comes, by asking for it."""
        clock = asyncio.get_running_loop().time
        until, patience = clock() + self._deadlines.run_s, 0.01
        long = min(0.2, self._deadlines.run_s / 5)
        while waiting := self._memory.waiting():
            self._check_reachable()
            self._news.clear()
            unheard = [name for name in waiting if not self._is_heard(name)]
            try:
                # Who is told waits to be told, and asks only when that takes long.
                await asyncio.wait_for(self._news.wait(), patience if unheard else max(patience, long))
                continue
            except TimeoutError:
                patience = min(2 * patience, 0.5)
            if clock() > until:
                return
            await self._read_runs(unheard or waiting)

    async def _read_runs(self, names: Iterable[str]) -> None:
        for name in names:
            await self._ask(self._memory.runs[name].position, 0, Operation("read_run", {"id": name}))
        await self._calls_answered()

    def _is_heard(self, run: str) -> bool:
        """Whether a connection of the run's user follows its thread, so that its end will be told."""
        known = self._memory.runs[run]
        return any(
            position == known.position and known.thread in device.follows
            for (position, _), device in self._devices.items()
        )

    async def _fence(self, client: Client) -> None:
        """Read a connection to its end, where its client can tell when that is."""
        fence = getattr(client, "fence", None)
        if fence is None:
            return
        try:
            await asyncio.wait_for(fence(), self._deadlines.call_s)
        except (TimeoutError, Refused, ConnectionError) as error:
            self._doubt(f"a connection could not be read to its end: {error!r}", "misdelivery")

    def _doubt(self, reason: str, *checkers: str) -> None:
        self._recorder.record(EventKind.PROBE, DOUBT, {"reason": reason, "checkers": list(checkers)})

    async def _released(self) -> Mapping[str, int]:
        """Return what is held once it is back at its level, or when the deadline has passed."""
        assert isinstance(self._target, Resources)
        clock = asyncio.get_running_loop().time
        until = clock() + self._deadlines.release_s
        pause = 0.001
        while True:
            held = dict(await self._target.resources())
            if all(count <= self._level.get(kind, 0) for kind, count in held.items()):
                return held
            if clock() > until:
                self._level = held  # found out once; not waited for again
                return held
            await asyncio.sleep(pause)
            pause = min(2 * pause, max(0.1, self._deadlines.release_s / 100))

    async def _compare(self) -> None:
        if isinstance(self._target, Heap):
            compared = await self._target.aliases()
            self._say(compared)
            if compared.value.get("cut"):
                self._doubt("live requests hold more objects than can be compared", "aliasing")

    async def _take_probes(self) -> None:
        if isinstance(self._target, Probing):
            for probe in await self._target.probes():
                self._say(probe)

    def _say(self, probe: Probe) -> None:
        self._recorder.record(EventKind.PROBE, probe.name, probe.value, user=probe.user, call=probe.call)
