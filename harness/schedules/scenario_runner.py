"""A scene of a target as a subject: performed under one schedule on a target that was opened for it, and judged.

Rules:

- The entrance of a scene, its exit, and whatever opens and closes the target happen in asyncio's own order.
- The participants are the users: a step counts when its task works for one.
- The same history is judged once: a verdict depends on nothing else. Its facts count each time.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from hashlib import blake2b
from random import Random

from harness.history.model import Event, EventKind, Header, Target, Unreachable
from harness.judging.deliveries import Deliveries
from harness.judging.verdict import Checker, Verdict, judge
from harness.loop.control import Control, RunResult
from harness.loop.loop import ScheduleLoop
from harness.loop.scheduling import Mode, Scheduler
from harness.loop.strategies.fifo import Fifo
from harness.performing.calls import task_name
from harness.performing.connections import Deadlines
from harness.performing.performance import OpenTarget, Performance, promises_of, same_name_of
from harness.scenario.program import Fault, FaultPoint, Interleaving
from harness.schedules.execution import (
    Baseline,
    Execution,
    FaultPoints,
    Watcher,
    digest,
    lines_first,
)
from harness.schedules.scenes import Scene
from harness.schedules.user_watcher import UserWatcher, Wait

MOST_JUDGED = 2_000
"""Histories whose verdicts are remembered."""
MOST_STEPS = 200_000
"""Steps of one schedule of a scene; a correct target needs a few thousand."""
EARLIER = 8
"""Awaits before the recorded one at which a fault is tried on a smaller program."""

PATIENT = Deadlines(call_s=600.0, run_s=600.0, release_s=600.0)
"""In virtual time, which costs nothing, so that what is slow is not taken for lost."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ScenarioExecution(Execution):
    """What came of one scene under one schedule.

    Args:
        scene, header: what was performed.
        events: the history.
        verdicts: by checker; empty when the run proves nothing.
        waits: where the tasks of each user came to wait, in order, by position.
        deliveries: who received whose events.
    """

    scene: Scene
    header: Header
    events: tuple[Event, ...]
    verdicts: Mapping[str, Verdict]
    waits: tuple[tuple[Wait, ...], ...]
    deliveries: Deliveries

    @property
    def interleaving(self) -> Interleaving:
        """What a replay needs besides the program."""
        return Interleaving(
            mode=self.schedule.mode.value,
            deviations=self.schedule.deviations,
            choices=self.schedule.choices,
            first=self.scene.first,
            last=self.scene.last,
            fault_points=self.fault_points,
        )


@dataclass(slots=True)
class _Played:
    """What the coroutine of one run leaves behind."""

    header: Header
    events: list[Event] = field(default_factory=list)
    deliveries: Deliveries = field(default_factory=Deliveries)


class ScenarioRunner:
    """Performs scenes on one target.

    Args:
        control: everything in place.
        open_target: opens it as new each time.
        header: of every history; the target's own name and promises are filled in.
        checkers: who judges.
        deadlines: in virtual time; patient ones when left out.
    """

    def __init__(
        self,
        control: Control,
        open_target: OpenTarget,
        header: Header,
        checkers: Mapping[str, Checker],
        deadlines: Deadlines | None = None,
    ) -> None:
        self._control = control
        self._open = open_target
        self._header = header
        self._checkers = checkers
        self._deadlines = deadlines or PATIENT
        self.same_name: Callable[[str], str] = str
        """What the target makes of a user's name before it compares; known once it has been opened."""
        self._judged: OrderedDict[bytes, Mapping[str, Verdict]] = OrderedDict()

    def header(self) -> Header:
        """Open the target once, and return the header of its histories.

        Raises:
            Unreachable: the target ends the process when it is opened.
            Exception: whatever else the target raises then.
        """

        async def ask(target: Target) -> Header:
            self.same_name = same_name_of(target)
            return replace(self._header, target=target.name, promises=promises_of(target))

        async def look(loop: ScheduleLoop) -> Header:
            loop.in_order()
            async with self._open() as target:
                return await ask(target)

        ran = self._control.run(look, Fifo(), seed=self._header.seed)
        if isinstance(ran.error, SystemExit):
            raise Unreachable(f"{self._header.target} ends the process when it is opened (SystemExit: {ran.error})")
        if ran.error is not None:
            raise ran.error
        self._header = ran.value
        return self._header

    def perform(
        self,
        scene: Scene,
        scheduler: Scheduler,
        mode: Mode,
        fault_points: Sequence[FaultPoint] = (),
        listen: Callable[[Watcher], None] | None = None,
    ) -> ScenarioExecution:
        """Perform one scene under one schedule; `listen` gets the watcher before anything happens.

        Raises:
            Unreachable: the target cannot be reached.
        """
        users = [user.id for user in scene.program.users]
        watcher = UserWatcher(fault_points, users)
        played = _Played(replace(self._header, users=len(users)))

        async def play(loop: ScheduleLoop) -> None:
            watcher.loop = loop
            if listen is not None:
                listen(watcher)
            loop.in_order()
            async with self._open() as target:
                await self._play(target, scene, loop, watcher, played)

        result = self._control.run(
            play, scheduler, mode=mode, seed=self._header.seed, on_step=watcher.step, most_steps=MOST_STEPS
        )
        if isinstance(result.error, Unreachable):
            raise result.error
        watcher.coverage.traces.add(digest(result.trace))
        doubt = _doubt(result)
        verdicts = {} if doubt else self._judge(played)
        found = (verdict for verdict in verdicts.values() if verdict.violated)
        return ScenarioExecution(
            result=result,
            scenario=scene.name,
            fault_points=tuple(fault_points),
            coverage=watcher.coverage,
            symptoms=[(verdict.checker, finding.anomaly) for verdict in found for finding in verdict.findings],
            doubt=doubt,
            ending=tuple(played.events),
            names=_names(played.events),
            scene=scene,
            header=played.header,
            events=tuple(played.events),
            verdicts=verdicts,
            waits=tuple(tuple(watcher.waits[user]) for user in users),
            deliveries=played.deliveries,
        )

    async def _play(
        self, target: Target, scene: Scene, loop: ScheduleLoop, watcher: UserWatcher, played: _Played
    ) -> None:
        steps = scene.program.steps
        performance = Performance(target, scene.program, played.header, {}, deadlines=self._deadlines)
        played.events, played.deliveries = performance.events, performance.deliveries
        async with performance:
            await performance.perform(steps[: scene.first])
            loop.as_scheduled()
            watcher.begin(performance)
            await performance.perform(steps[scene.first : scene.last])
            watcher.end()
            loop.in_order()
            await performance.perform(steps[scene.last :])
            await performance.settle()

    def _judge(self, played: _Played) -> Mapping[str, Verdict]:
        key = history_key(played.events)
        verdicts = self._judged.get(key)
        if verdicts is None:
            verdicts = {name: judge(checker, played.header, played.events) for name, checker in self._checkers.items()}
            self._judged[key] = verdicts
            if len(self._judged) > MOST_JUDGED:
                self._judged.popitem(last=False)
        return verdicts


def _doubt(result: RunResult) -> str:
    """Return why a run proves nothing."""
    if result.uncontrolled:
        return f"something happened that no schedule decides: {result.uncontrolled[0]}"
    if result.error is not None:
        return f"{type(result.error).__name__}: {result.error}"
    return ""


def _names(events: Sequence[Event]) -> Mapping[int | str, str]:
    """Return for which request of which user each task works, by the task's own name."""
    asked = [event for event in events if event.kind is EventKind.INVOKE]
    return {task_name(e.call): f"{e.user}'s {e.name} (call {e.call})" for e in asked if e.call is not None}


def history_key(events: Sequence[Event]) -> bytes:
    """Return what tells two histories apart, but for when things happened."""
    digested = blake2b(digest_size=16)
    for event in events:
        content = (event.kind, event.user, event.device, event.call, event.name, event.value)
        digested.update(repr(content).encode())
    return digested.digest()


@dataclass(frozen=True, slots=True)
class SceneSubject:
    """A scene on the target of a runner.

    Args:
        runner: performs it.
        scene: is explored.
    """

    runner: ScenarioRunner
    scene: Scene

    @property
    def name(self) -> str:
        """Of the scene."""
        return self.scene.name

    @property
    def steps(self) -> Sequence[int]:
        """Whose each step of its program is."""
        return [step.user for step in self.scene.program.steps]

    def only(self, kept: Sequence[int]) -> SceneSubject | None:
        """Return the scene with these steps only."""
        steps = tuple(self.scene.program.steps[place] for place in kept)
        first = sum(place < self.scene.first for place in kept)
        last = sum(place < self.scene.last for place in kept)
        if first == last or not any(step.operation is not None for step in steps):
            return None
        program = replace(self.scene.program, steps=steps)
        return SceneSubject(self.runner, replace(self.scene, program=program, first=first, last=last))

    def earlier(self, fault_points: FaultPoints) -> Sequence[FaultPoints]:
        """Return the faults with the last one at an earlier await."""
        if not fault_points:
            return ()
        *others, last = fault_points
        return [(*others, replace(last, at=at)) for at in range(last.at - 1, max(0, last.at - 1 - EARLIER), -1)]

    def baseline(self, execution: Execution, modes: Sequence[Mode], source: Random) -> Baseline:
        """Return what the scene is like under FIFO; the sweep is shuffled, so that a part of it is an even part."""
        assert isinstance(execution, ScenarioExecution), "of a scene"
        waits = [(user, at, wait) for user, of_user in enumerate(execution.waits) for at, wait in enumerate(of_user, 1)]
        points = [
            (FaultPoint(fault, user, at), (fault, wait.site))
            for user, at, wait in waits
            for fault in self._possible_faults(user, wait)
        ]
        source.shuffle(points)
        choices = execution.schedule.choices
        return Baseline(
            sweep=lines_first(points),
            others=[FaultPoint(Fault.SLOW, user, at) for user, at, wait in waits if wait.can_take_long],
            choices={mode: choices if mode is Mode.STRICT else 2 * choices for mode in modes},
        )

    def _possible_faults(self, user: int, wait: Wait) -> list[Fault]:
        """Return what could happen to a user there, and could make a difference."""
        asked = self.scene.asked_by(user)
        possible = {
            Fault.CANCEL: wait.is_asked,
            Fault.DISCONNECT: any(known.subscribes or known.opens for known in asked),
            Fault.STOP: any(known.starts for known in asked),
            Fault.FAIL: wait.can_fail,
        }
        return [fault for fault, can_be in possible.items() if can_be]

    def run(
        self,
        scheduler: Scheduler,
        mode: Mode,
        fault_points: FaultPoints = (),
        *,
        watch: bool = True,
        listen: Callable[[Watcher], None] | None = None,
    ) -> ScenarioExecution:
        """Perform it once; it is always watched.

        Raises:
            Unreachable: the target cannot be reached.
        """
        return self.runner.perform(self.scene, scheduler, mode, fault_points, listen)
