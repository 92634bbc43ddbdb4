"""Waits until whatever can end has ended, and records what is seen then; see `harness.performing.runner`."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from harness.history.model import EventKind, Heap, Logging, Operation, Probe, Probing, Refused, Resources
from harness.history.probes import DOUBT, RESOURCES, SETTLED
from harness.performing.connections import Device

if TYPE_CHECKING:
    from harness.performing.runner import Runner

LOG = "log"
"""Name of a PUSH that is a record of the target's own log, under the name of the user whom it names."""


class Settling:
    """The end of what a runner has begun."""

    def __init__(self, runner: Runner) -> None:
        self._runner = runner
        self._level: Mapping[str, int] = {}

    async def begin(self) -> None:
        """Record what the target holds."""
        if isinstance(target := self._runner.target, Resources):
            self._level = dict(await target.resources())
            self._record(RESOURCES, {"held": self._level, "phase": "start"})

    async def join(self) -> None:
        """Wait until every call has been answered."""
        await self._runner.calls.answered()
        self._runner.check_reachable()
        self._take_records()

    async def settle(self) -> None:
        """Wait until everything has ended that can, then record the probes and SETTLED."""
        runner = self._runner
        await self._runner.calls.answered()
        await self._work_ended()
        await self._runner.calls.answered()
        runner.check_reachable()
        await asyncio.gather(*(self._fence(device) for device in list(runner.devices.values())))
        self._take_records()
        if isinstance(runner.target, Probing):
            for probe in await runner.target.probes():
                self._say(probe)
        late, stalled = self._awaited(), [*runner.symbols.stalled(), *self._never_told()]
        if late:
            reason = f"{len(late)} runs had not ended {runner.deadlines.run_s:g} s after everything else had"
            self._doubt(reason, "misdelivery", "tampering", "residue", "limits")
        if isinstance(runner.target, Resources) and not stalled and not late:
            self._record(RESOURCES, {"held": await self._released(runner.target), "phase": "settled"})
        self._record(SETTLED, {"open": [*stalled, *late]})

    async def compare(self) -> None:
        """Compare what the live requests of different users can reach."""
        if isinstance(target := self._runner.target, Heap):
            compared = await target.aliases()
            self._say(compared)
            if compared.value.get("cut"):
                self._doubt("live requests hold more objects than can be compared", "aliasing")

    # Work

    async def _work_ended(self) -> None:
        """Wait for the end of all work that can end: by its event, and where none comes, by asking for it."""
        runner = self._runner
        clock = asyncio.get_running_loop().time
        until, patience = clock() + runner.deadlines.run_s, 0.01
        long = min(0.2, runner.deadlines.run_s / 5)
        while waiting := self._awaited():
            runner.check_reachable()
            runner.news.clear()
            unreported = [name for name in waiting if not self._is_heard(name)]
            try:
                # Who is told waits to be told, and asks only when that takes long.
                await asyncio.wait_for(runner.news.wait(), patience if unreported else max(patience, long))
                continue
            except TimeoutError:
                patience = min(2 * patience, 0.5)
            if clock() > until:
                return
            await self._ask_for(unreported or waiting)

    def _awaited(self) -> list[str]:
        """Return the work that can end and has not, and whose end somebody tells."""
        return [name for name in self._runner.symbols.waiting() if self._is_told(name)]

    def _never_told(self) -> list[str]:
        """Return the work of which nobody will ever say that it has ended: to wait for it would be no use."""
        return [name for name in self._runner.symbols.waiting() if not self._is_told(name)]

    def _is_told(self, name: str) -> bool:
        kind = self._runner.symbols.work[name].kind
        answers = any(known.progress and known.takes == kind for known in self._runner.operations.values())
        return answers or any(pushes.of == kind and pushes.last for pushes in self._runner.pushes)

    async def _ask_for(self, names: Iterable[str]) -> None:
        """Have each owner ask what has become of their work."""
        runner = self._runner
        for name in names:
            work = runner.symbols.work[name]
            asking = next((k for k in runner.operations.values() if k.progress and k.takes == work.kind), None)
            if asking is not None:
                await runner.calls.ask(work.position, 0, Operation(asking.name, {asking.argument: work.name}))
        await self._runner.calls.answered()

    def _is_heard(self, name: str) -> bool:
        """Whether a connection of the owner is subscribed to where the work is done, so that its end will be told."""
        work = self._runner.symbols.work[name]
        return any(
            position == work.position and any(taken == str(work.within) for _, taken in device.subscriptions)
            for (position, _), device in self._runner.devices.items()
        )

    # Connections and what is held

    async def _fence(self, device: Device) -> None:
        """Read a connection to its end, where its client can tell when that is."""
        fence = getattr(device.client, "fence", None)
        if fence is None:
            return
        try:
            await asyncio.wait_for(fence(), self._runner.deadlines.call_s)
        except (TimeoutError, Refused, ConnectionError) as error:
            self._doubt(f"a connection could not be read to its end: {error!r}", "misdelivery")

    async def _released(self, target: Resources) -> Mapping[str, int]:
        """Return what is held once it is back at its level, or when the deadline has passed."""
        clock = asyncio.get_running_loop().time
        release_s = self._runner.deadlines.release_s
        until, pause = clock() + release_s, 0.001
        while True:
            held = dict(await target.resources())
            if all(count <= self._level.get(kind, 0) for kind, count in held.items()):
                return held
            if clock() > until:
                self._level = held  # found out once; not waited for again
                return held
            await asyncio.sleep(pause)
            pause = min(2 * pause, max(0.1, release_s / 100))

    # Recording

    def _take_records(self) -> None:
        """Record what the target has written into its log, as something that was shown of the user it names."""
        if isinstance(target := self._runner.target, Logging):
            for user, record in target.records():
                self._runner.recorder.record(EventKind.PUSH, LOG, record, user=user)

    def _doubt(self, reason: str, *checkers: str) -> None:
        self._record(DOUBT, {"reason": reason, "checkers": list(checkers)})

    def _say(self, probe: Probe) -> None:
        self._runner.recorder.record(EventKind.PROBE, probe.name, probe.value, user=probe.user, call=probe.call)

    def _record(self, name: str, value: object) -> None:
        self._runner.recorder.record(EventKind.PROBE, name, value)
