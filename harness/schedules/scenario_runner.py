"""One scene under one schedule: performed on a target that was opened for it, and judged.

Rules:

- The entrance of a scene, its exit, and whatever opens and closes the target happen in asyncio's own order.
- A fault is injected when a task that works for the user has just reached the given await, before anybody else steps.
- The same history is judged once: a verdict depends on nothing else. Its facts count each time.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from contextvars import Context
from dataclasses import dataclass, field, replace
from hashlib import blake2b
from typing import Any, NamedTuple

from harness.history.calling import CALLING
from harness.history.model import Event, Header, Target, Unreachable, UserId
from harness.judging.deliveries import Deliveries
from harness.judging.verdict import Checker, Verdict, judge
from harness.loop.await_sites import site_of
from harness.loop.control import Control, RunResult
from harness.loop.loop import Job, ScheduleLoop
from harness.loop.scheduling import Mode, Scheduler
from harness.performing.connections import Deadlines
from harness.performing.performance import OpenTarget, Performance, promises_of, same_name_of
from harness.scenario.program import Fault, FaultPoint, Interleaving
from harness.schedules.scenes import Scene

MOST_JUDGED = 2_000
"""Histories whose verdicts are remembered."""
MOST_STEPS = 200_000
"""Steps of one schedule of a scene; a correct target needs a few thousand."""

FAULTS_OF_JOBS = frozenset({Fault.FAIL, Fault.SLOW})
"""Faults of what a request waits for."""
SLOW_S = 3.0
"""How much longer a job takes that is made slow: more than a service waits, less than SQLite waits for a lock (5 s)."""
PATIENT = Deadlines(call_s=600.0, run_s=600.0, release_s=600.0)
"""In virtual time, which costs nothing, so that what is slow is not taken for lost."""

Site = str
Pair = tuple[Site, Site]


@dataclass(frozen=True, slots=True, kw_only=True)
class Coverage:
    """What the schedules went through.

    Args:
        traces: a digest of each, so that equal ones count once.
        sites: where tasks of users waited.
        pairs: sites of two users that were adjacent in time.
        injected: (fault, site) of each injected fault.
    """

    traces: frozenset[str] = frozenset()
    sites: frozenset[Site] = frozenset()
    pairs: frozenset[Pair] = frozenset()
    injected: frozenset[Pair] = frozenset()

    def merge(self, other: Coverage) -> Coverage:
        """Return what both went through."""
        return Coverage(
            traces=self.traces | other.traces,
            sites=self.sites | other.sites,
            pairs=self.pairs | other.pairs,
            injected=self.injected | other.injected,
        )


class Wait(NamedTuple):
    """One await at which a task of a user came to wait.

    Args:
        site: where.
        is_asked: whether the request is still under way, so that it can be cancelled.
        can_fail: whether it waits for something that can fail: a call of the database.
        can_take_long: whether it waits for something that can take long: that, or a job in a thread.
    """

    site: Site
    is_asked: bool
    can_fail: bool
    can_take_long: bool


class Watcher:
    """Sees each step of each task that works for a user; counts, remembers where it waits, and injects faults."""

    def __init__(self, fault_points: Sequence[FaultPoint], users: Sequence[UserId]) -> None:
        self.waits: dict[UserId, list[Wait]] = {user: [] for user in users}
        """Where the tasks of each user have come to wait, in order."""
        self.sites: set[Site] = set()
        self.pairs: set[Pair] = set()
        self.injected: set[Pair] = set()
        self.loop: ScheduleLoop | None = None
        self._fault_points = {(users[point.user], point.at): point for point in fault_points}
        self._performance: Performance | None = None
        self._last: tuple[UserId, Site] = ("", "")

    def begin(self, performance: Performance) -> None:
        """Watch from here on."""
        self._performance = performance

    def end(self) -> None:
        """Watch no longer."""
        self._performance = None

    def step(self, task: asyncio.Task[Any], context: Context) -> None:
        """Take in that a task has made a step."""
        if self._performance is None or task.done():
            return
        calling = context.get(CALLING)
        if calling is None:
            return
        site = site_of(task)
        self.sites.add(site)
        user, before = self._last
        if user and user != calling.user:
            self.pairs.add((before, site))
        self._last = (calling.user, site)
        waits = self.waits.setdefault(calling.user, [])
        job = self._job(task)
        can_fail = job is not None and job.fail is not None
        waits.append(Wait(site, self._performance.is_under_way(calling.call), can_fail, job is not None))
        point = self._fault_points.get((calling.user, len(waits)))
        if point is not None:
            self._inject(point, calling.call, task, site)

    def _inject(self, point: FaultPoint, call: int, task: asyncio.Task[Any], site: Site) -> None:
        loop, performance = self.loop, self._performance
        assert loop is not None, "a step was made on it"
        assert performance is not None, "watched"
        job = self._job(task) if point.fault in FAULTS_OF_JOBS else None
        if point.fault in FAULTS_OF_JOBS and (job is None or (point.fault is Fault.FAIL and job.fail is None)):
            return
        if performance.inject(point.fault, point.user, call):
            self.injected.add((point.fault.value, site))
            if job is not None and point.fault is Fault.FAIL:
                loop.devices.give_up(job)
            elif job is not None:
                loop.devices.hold_up(job, loop.time() + SLOW_S)

    def _job(self, task: asyncio.Task[Any]) -> Job | None:
        """Return the job that a task waits for, if it waits for one."""
        assert self.loop is not None, "a step was made on it"
        return self.loop.devices.job_for(getattr(task, "_fut_waiter", None))


@dataclass(frozen=True, slots=True, kw_only=True)
class Execution:
    """What came of one scene under one schedule.

    Args:
        scene, header: what was performed.
        interleaving: how.
        ran: what the loop says of it.
        events: the history.
        verdicts: by checker; empty when the run proves nothing.
        doubt: why it proves nothing, or `""`.
        waits: where the tasks of each user came to wait, in order, by position.
        seen: what it went through.
        deliveries: who received whose events.
    """

    scene: Scene
    header: Header
    interleaving: Interleaving
    ran: RunResult
    events: tuple[Event, ...]
    verdicts: Mapping[str, Verdict]
    doubt: str
    waits: tuple[tuple[Wait, ...], ...]
    coverage: Coverage
    deliveries: Deliveries


@dataclass(slots=True)
class _Played:
    """What the coroutine of one run leaves behind."""

    header: Header
    events: list[Event] = field(default_factory=list)
    deliveries: Deliveries = field(default_factory=Deliveries)


class ScenarioRunner:
    """Where scenes are performed on one target.

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

        ran = self._control.run(look, _InOrder(), seed=self._header.seed)
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
        listen: Callable[[ScheduleLoop], None] = lambda loop: None,
    ) -> Execution:
        """Perform one scene under one schedule; `listen` is told of the loop before anything happens.

        Raises:
            Unreachable: the target cannot be reached.
        """
        users = [user.id for user in scene.program.users]
        watcher = Watcher(fault_points, users)
        played = _Played(replace(self._header, users=len(users)))

        async def play(loop: ScheduleLoop) -> None:
            watcher.loop = loop
            listen(loop)
            loop.in_order()
            async with self._open() as target:
                await self._play(target, scene, loop, watcher, played)

        ran = self._control.run(
            play, scheduler, mode=mode, seed=self._header.seed, on_step=watcher.step, most_steps=MOST_STEPS
        )
        if isinstance(ran.error, Unreachable):
            raise ran.error
        doubt = _doubt(ran)
        coverage = Coverage(
            traces=frozenset({_digest(ran.trace)}),
            sites=frozenset(watcher.sites),
            pairs=frozenset(watcher.pairs),
            injected=frozenset(watcher.injected),
        )
        return Execution(
            scene=scene,
            header=played.header,
            interleaving=Interleaving(
                mode=mode.value,
                deviations=ran.schedule.deviations,
                choices=ran.schedule.choices,
                first=scene.first,
                last=scene.last,
                fault_points=tuple(fault_points),
            ),
            ran=ran,
            events=tuple(played.events),
            verdicts={} if doubt else self._judge(played),
            doubt=doubt,
            waits=tuple(tuple(watcher.waits[user]) for user in users),
            coverage=coverage,
            deliveries=played.deliveries,
        )

    async def _play(self, target: Target, scene: Scene, loop: ScheduleLoop, watcher: Watcher, played: _Played) -> None:
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


class _InOrder:
    """Is never asked."""

    def choose(self, actors: Sequence[int]) -> int:
        return 0


def _doubt(ran: RunResult) -> str:
    """Why a run proves nothing."""
    if ran.uncontrolled:
        return f"something happened that no schedule decides: {ran.uncontrolled[0]}"
    if ran.error is not None:
        return f"{type(ran.error).__name__}: {ran.error}"
    return ""


def _digest(trace: Sequence[int]) -> str:
    return blake2b(",".join(map(str, trace)).encode(), digest_size=8).hexdigest()


def history_key(events: Sequence[Event]) -> bytes:
    """Return what tells two histories apart, but for when things happened."""
    digest = blake2b(digest_size=16)
    for event in events:
        told = (event.kind, event.user, event.device, event.call, event.name, event.value)
        digest.update(repr(told).encode())
    return digest.digest()
