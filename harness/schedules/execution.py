"""One run of a subject under one schedule: what every part of the explorer knows of it.

A subject is what is explored: somebody's own coroutine, or the coroutine that performs a scene on a target. Rules:

- An await is a step after which the task has not ended: it waits. The awaits of each participant (a task, or a user
  with all their tasks) are counted 1, 2, ...
- A fault is injected when the participant has just reached the given await, before anybody else steps.
- A symptom says what failed, so that a smaller schedule can be told to fail in the same way.
"""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from array import array
from collections import Counter
from collections.abc import Callable, Hashable, Mapping, Sequence
from contextvars import Context
from dataclasses import dataclass, field
from itertools import zip_longest
from random import Random
from typing import Any, Protocol

from harness.loop.await_sites import site_of
from harness.loop.control import RunResult
from harness.loop.loop import ScheduleLoop
from harness.loop.scheduling import Mode, Schedule, Scheduler

Site = str
"""A line at which a task waits, as `folder/file.py:line`."""
Pair = tuple[str, str]
Symptom = tuple[str, Hashable]
"""Who found something, and what: a checker and its anomaly, or `program` and the kind of its error."""
FaultPoints = tuple[Any, ...]
"""Faults, each at one await of one participant; what they are is the subject's affair."""


@dataclass(slots=True)
class Coverage:
    """What schedules went through.

    Args:
        traces: a digest of each, so that equal ones count once.
        sites: where tasks waited.
        pairs: sites of two participants that were adjacent in time.
        injected: (fault, site) of each injected fault.
    """

    traces: set[int] = field(default_factory=set)
    sites: set[Site] = field(default_factory=set)
    pairs: set[Pair] = field(default_factory=set)
    injected: set[Pair] = field(default_factory=set)

    def update(self, other: Coverage) -> None:
        """Add what others went through."""
        self.traces |= other.traces
        self.sites |= other.sites
        self.pairs |= other.pairs
        self.injected |= other.injected


class Watcher(ABC):
    """Sees each step of a run: counts awaits, remembers where they are, and injects faults.

    Args:
        fault_points: by participant and await.
        looks: whether to look where tasks wait, which costs more than their steps do.
    """

    def __init__(self, fault_points: Mapping[tuple[str, int], Any], looks: bool = True) -> None:
        self.coverage = Coverage()
        self.loop: ScheduleLoop | None = None
        self._fault_points = fault_points
        self.looks = looks
        self._watching = False
        self._awaits: Counter[str] = Counter()
        self._last: tuple[str, Site] = ("", "")

    @abstractmethod
    def participant(self, task: asyncio.Task[Any], context: Context) -> str:
        """Return whose step this was; `""` when it does not count."""

    @abstractmethod
    def look(self, participant: str, site: Site, task: asyncio.Task[Any], context: Context) -> None:
        """Remember an await."""

    @abstractmethod
    def name_of(self, task: asyncio.Task[Any], context: Context) -> str:
        """Return the name of a task."""

    @abstractmethod
    def inject(self, point: Any, site: Site, task: asyncio.Task[Any], context: Context) -> str:
        """Inject a fault; return its name, or `""` when that was impossible."""

    def step(self, task: asyncio.Task[Any], context: Context) -> None:
        """Take in that a task has made a step."""
        if not self._watching or task.done():
            return
        participant = self.participant(task, context)
        if not participant:
            return
        self._awaits[participant] += 1
        site = ""
        if self.looks:
            site = site_of(task)
            self.coverage.sites.add(site)
            last, before = self._last
            if last and last != participant:
                self.coverage.pairs.add((before, site))
            self._last = (participant, site)
            self.look(participant, site, task, context)
        point = self._fault_points.get((participant, self._awaits[participant]))
        if point is not None:
            site = site or site_of(task)
            if fault := self.inject(point, site, task, context):
                self.coverage.injected.add((fault, site))


@dataclass(frozen=True, slots=True, kw_only=True)
class Execution:
    """What came of one run.

    Args:
        result: what the loop says of it.
        scenario: what was performed; `""` where there is no scenario.
        fault_points: that were to be injected.
        coverage: what it went through; only its trace, where nobody watched.
        symptoms: what failed.
        doubt: why it proves nothing, or `""`.
        ending: what a repetition must show, too, besides the same steps.
        names: of actors by number, and of tasks by their own name, for whoever explains the schedule.
    """

    result: RunResult
    scenario: str = ""
    fault_points: FaultPoints = ()
    coverage: Coverage
    symptoms: Sequence[Symptom] = ()
    doubt: str = ""
    ending: Sequence[object] = ()
    names: Mapping[int | str, str] = field(default_factory=dict)

    @property
    def schedule(self) -> Schedule:
        """The choices that were made."""
        return self.result.schedule

    @property
    def unhandled_errors(self) -> tuple[str, ...]:
        """Errors that nobody handled."""
        return self.result.unhandled_errors

    def symptom(self, name: str) -> Symptom:
        """Return what this one found first."""
        return next(symptom for symptom in self.symptoms if symptom[0] == name)

    def passes(self, name: str) -> bool:
        """Return whether it proves that this one finds nothing."""
        return not self.doubt and all(name != found for found, _ in self.symptoms)

    def actors(self) -> Sequence[str]:
        """Return whose step each step was."""
        return [self.names.get(actor, _actor(actor)) for actor in self.result.trace]


@dataclass(frozen=True, slots=True, kw_only=True)
class Baseline:
    """What a subject is like under FIFO, without a fault.

    Args:
        sweep: every fault at every await that could make a difference: one for each line of the program first.
        others: faults that are drawn at random only.
        choices: by mode, how many a schedule is likely to have; a mode without any is left out.
    """

    sweep: Sequence[Any]
    others: Sequence[Any]
    choices: Mapping[Mode, int]


class Subject(Protocol):
    """What is explored."""

    @property
    def name(self) -> str:
        """Of the scenario; of the coroutine."""

    @property
    def steps(self) -> Sequence[int]:
        """Whose each step of its program is; empty when it has none that could be left out."""

    def only(self, kept: Sequence[int]) -> Subject | None:
        """Return the subject with these steps only; None when nothing would be left to explore."""

    def earlier(self, fault_points: FaultPoints) -> Sequence[FaultPoints]:
        """Return the faults with the last one at earlier awaits: a smaller program has fewer of them."""

    def baseline(self, execution: Execution, modes: Sequence[Mode], source: Random) -> Baseline:
        """Return what the subject is like under FIFO, as this execution shows it.

        Args:
            execution: under FIFO in the first mode, watched.
            modes: that may be tried.
            source: for a fair order of the sweep.
        """

    def run(
        self,
        scheduler: Scheduler,
        mode: Mode,
        fault_points: FaultPoints = (),
        *,
        watch: bool = True,
        listen: Callable[[Watcher], None] | None = None,
    ) -> Execution:
        """Run it once.

        Args:
            scheduler, mode: decide what comes when.
            fault_points: faults to inject.
            watch: whether somebody wants to know where tasks wait.
            listen: called with the watcher before anything happens.
        """


def digest(trace: Sequence[int]) -> int:
    """Return what distinguishes a trace from others, in processes that hash alike."""
    return hash(array("q", trace).tobytes())  # of a tuple, -1 and -2 hash alike: two devices


def lines_first(points: Sequence[tuple[Any, Hashable]]) -> list[Any]:
    """Return one fault for each place in the program first, then the rest."""
    seen: set[Hashable] = set()
    first: list[Any] = []
    rest: list[Any] = []
    for point, place in points:
        (rest if place in seen else first).append(point)
        seen.add(place)
    return first + rest


def first_difference(one: Execution, other: Execution) -> str | None:
    """Return the first step in which two runs of one schedule differ, or None."""
    for step, (first, then) in enumerate(zip_longest(one.actors(), other.actors(), fillvalue="nobody"), 1):
        if first != then:
            return f"step {step} on: {first} went first, then {then}"
    for step, (first_id, then_id) in enumerate(zip(one.result.trace, other.result.trace, strict=True), 1):
        if first_id != then_id:
            return f"step {step} on: more was made before it in one run than in the other"
    for was, is_now in zip_longest(one.ending, other.ending):
        if was != is_now:
            return f"its end, although every step was the same: first {was}, then {is_now}"
    return None


def _actor(actor: int) -> str:
    return f"task {actor}" if actor > 0 else f"device {-actor}"
