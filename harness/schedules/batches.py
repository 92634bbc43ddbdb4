"""A stretch of attempts, run in one process: what is handed to a worker, and what it hands back.

Rules:

- What a batch says depends on its order alone, not on who carries it out, nor on what that process did before: a
  target is opened as new for each schedule, and once beforehand, so that what libraries keep for ever is there already.
- Every so many attempts are run twice. Where the second run differs, the batch has a doubt that names the first step.
- Where a fault broke what a checker looks at (a connection that can then not be read to its end), that run says nothing
  to this checker, and is counted as passed over.
- A finding is run again from its recorded choices. One that does not show again was seen all the same, in a history
  that is kept; but no replay is promised.
- An exhaustive walk is handed from batch to batch: each follows some branches of the tree of one scene in one mode, and
  says which are left.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from itertools import zip_longest

from harness.history.model import EventKind, Header
from harness.judging.deliveries import Deliveries
from harness.judging.verdict import Checker, Verdict
from harness.loop.control import controlled
from harness.loop.jobs import Uncontrolled
from harness.loop.scheduling import Mode
from harness.loop.strategies.exhaustive import Branch, Exhaustive
from harness.loop.strategies.fifo import Fifo
from harness.loop.strategies.recorded import Recorded
from harness.performing.connections import Deadlines
from harness.performing.performance import OpenTarget
from harness.scenario.program import FaultPoint
from harness.schedules.portfolio import SWEEP, Attempts, Baseline, Choosing
from harness.schedules.scenario_runner import Coverage, Execution, ScenarioRunner
from harness.schedules.scenes import Scene, scenes

TWICE_EVERY = 50
"""Every so many attempts are run twice."""
MOST_DOUBTS = 5
"""Kept of each batch: the first say enough."""


class NotExplorable(Exception):
    """A target is none whose schedules can be explored. Says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tree:
    """How far an exhaustive walk has come.

    Args:
        scene: its position among those of the target.
        mode: of all its schedules.
        branches: that are still to be followed.
        cut: how many the bound has cut off.
    """

    scene: int
    mode: Mode
    branches: tuple[Branch, ...] = ((),)
    cut: int = 0

    @property
    def left(self) -> int:
        """How many branches were not followed."""
        return self.cut + len(self.branches)


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchOrder:
    """What a worker is to do.

    Args:
        seed: of data, schedules and faults.
        start, stop: the attempts, from and before.
        choosing: what may be tried.
        until: the checker after whose first finding the batch ends; None runs all of it.
        tree: of an exhaustive walk, where to go on; without one, the worker says only which trees there are.
    """

    seed: int
    start: int
    stop: int
    choosing: Choosing = field(default_factory=Choosing)
    until: str | None = None
    tree: Tree | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """The first schedule in which a checker found something.

    Args:
        attempt: its number.
        strategy: that made it.
        execution: what came of it.
        shows_again: whether it did when its recorded choices were run once more.
    """

    attempt: int
    strategy: str
    execution: Execution
    shows_again: bool = True


@dataclass(slots=True, kw_only=True)
class Batch:
    """What came of an order; merging batches in the order of their starts gives the whole."""

    start: int
    schedules: int = 0
    operations: int = 0
    events: int = 0
    faults: int = 0
    users: int = 0
    twice: int = 0
    verdicts: dict[str, Verdict] = field(default_factory=dict)
    coverage: Coverage = field(default_factory=Coverage)
    deliveries: Deliveries = field(default_factory=Deliveries)
    found: dict[str, Found] = field(default_factory=dict)
    strategies: Counter[str] = field(default_factory=Counter)
    passed_over: Counter[str] = field(default_factory=Counter)
    unhandled_errors: Counter[str] = field(default_factory=Counter)
    doubts: list[str] = field(default_factory=list)
    swept: set[tuple[str, FaultPoint]] = field(default_factory=set)
    sweep: int = 0
    trees: dict[tuple[int, Mode], Tree] = field(default_factory=dict)

    @property
    def left(self) -> int | None:
        """How many branches an exhaustive walk has not followed; None of any other."""
        return sum(tree.left for tree in self.trees.values()) if self.trees else None

    def merge(self, later: Batch) -> None:
        """Take in the batch that comes next."""
        for name, found in later.found.items():
            self.found.setdefault(name, replace(found, attempt=self.schedules + found.attempt - later.start))
        self.schedules += later.schedules
        self.operations += later.operations
        self.events += later.events
        self.faults += later.faults
        self.twice += later.twice
        self.users = max(self.users, later.users)
        self.sweep = max(self.sweep, later.sweep)
        self.coverage = self.coverage.merge(later.coverage)
        self.swept |= later.swept
        self.deliveries.add(later.deliveries)
        self.strategies.update(later.strategies)
        self.passed_over.update(later.passed_over)
        self.unhandled_errors.update(later.unhandled_errors)
        self.doubts = (self.doubts + later.doubts)[:MOST_DOUBTS]
        self.trees |= later.trees
        for name, verdict in later.verdicts.items():
            known = self.verdicts.get(name)
            self.verdicts[name] = verdict if known is None else known.merge(verdict)

    def add(self, attempt: int, strategy: str, execution: Execution) -> None:
        """Count one more schedule."""
        self.schedules += 1
        self.strategies[f"{strategy}, {execution.interleaving.mode}"] += 1
        if strategy == SWEEP:
            self.swept.update((execution.scene.name, point) for point in execution.interleaving.fault_points)
        self.operations += sum(event.kind is EventKind.INVOKE for event in execution.events)
        self.events += len(execution.events)
        self.faults += len(execution.coverage.injected)
        self.users = max(self.users, len(execution.scene.program.users))
        self.coverage = self.coverage.merge(execution.coverage)
        self.unhandled_errors.update(execution.ran.unhandled_errors)
        self.deliveries.add(execution.deliveries)
        if execution.doubt:
            self.doubt(f"{execution.scene.name}, attempt {attempt}: {execution.doubt}")
        for name, verdict in execution.verdicts.items():
            if verdict.doubts and not verdict.violated and execution.interleaving.fault_points:
                self.passed_over[name] += 1
                continue
            known = self.verdicts.get(name)
            self.verdicts[name] = verdict if known is None else known.merge(verdict)
            if verdict.violated and name not in self.found:
                self.found[name] = Found(attempt=attempt, strategy=strategy, execution=execution)

    def compare(self, attempt: int, first: Execution, second: Execution) -> None:
        """Take in that an attempt was run twice."""
        self.twice += 1
        if (step := first_difference(first, second)) is not None:
            self.doubt(f"{first.scene.name}, attempt {attempt}, run twice, differs from {step}")

    def doubt(self, reason: str) -> None:
        """Say why the batch proves less than it seems to."""
        if len(self.doubts) < MOST_DOUBTS:
            self.doubts.append(reason)


class Explorer:
    """Runs batches on one target."""

    def __init__(self, runner: ScenarioRunner, header: Header) -> None:
        self.runner = runner
        self.scenes = scenes(header.promises, runner.same_name)
        self._attempts: dict[tuple[int, Choosing], Attempts] = {}
        self._baselines: dict[str, Baseline] = {}

    def run(self, order: BatchOrder) -> Batch:
        """Carry an order out."""
        batch = Batch(start=order.start)
        if order.choosing.strategy == Exhaustive.name:
            self._exhaust(order, batch)
        else:
            self._search(order, batch)
        self._confirm(batch)
        return batch

    def _search(self, order: BatchOrder, batch: Batch) -> None:
        attempts = self._attempts_of(order)
        for number in range(order.start, order.stop):
            attempt = attempts.attempt(number)
            execution = self.runner.perform(attempt.scene, attempt.scheduler, attempt.mode, attempt.fault_points)
            if attempt.is_baseline:
                self._keep(execution)
            batch.add(number, attempt.strategy, execution)
            if number % TWICE_EVERY == 0:
                same = attempts.attempt(number)
                second = self.runner.perform(same.scene, same.scheduler, same.mode, same.fault_points)
                batch.compare(number, execution, second)
            if order.until is not None and order.until in batch.found:
                break
        batch.sweep = attempts.size_of_sweep()
        if order.choosing.strategy == SWEEP and not batch.sweep:
            batch.doubt(self._not_swept(order))

    def _not_swept(self, order: BatchOrder) -> str:
        first = len(self.scenes)
        if order.stop > first:
            return "there is nothing to sweep: no user waits anywhere in these scenes"
        return f"no fault was injected: the first {first} schedules only say where users wait. Give more than {first}"

    def _exhaust(self, order: BatchOrder, batch: Batch) -> None:
        """Go on with one tree; without one, say which there are."""
        tree = order.tree
        if tree is None:
            places = [(place, mode) for mode in order.choosing.modes for place in range(len(self.scenes))]
            batch.trees = {(place, mode): Tree(scene=place, mode=mode) for place, mode in places}
            return
        strategy = Exhaustive(branches=tree.branches, cut=tree.cut)
        for number in range(order.start, order.stop):
            scheduler = strategy.scheduler(number)
            if scheduler is None:
                break
            execution = self.runner.perform(self.scenes[tree.scene], scheduler, tree.mode)
            strategy.observe(execution.interleaving.choices, len(execution.ran.trace))
            batch.add(number, strategy.name, execution)
            if number % TWICE_EVERY == 0:
                batch.compare(number, execution, self.again(execution))
            if order.until is not None and order.until in batch.found:
                break
        batch.trees = {(tree.scene, tree.mode): replace(tree, branches=strategy.branches, cut=strategy.cut)}

    def again(self, execution: Execution) -> Execution:
        """Run a schedule again, from its recorded choices."""
        how = execution.interleaving
        return self.runner.perform(execution.scene, Recorded(how.deviations), Mode(how.mode), how.fault_points)

    def _attempts_of(self, order: BatchOrder) -> Attempts:
        key = (order.seed, order.choosing)
        if key not in self._attempts:
            self._attempts[key] = Attempts(self.scenes, order.choosing, order.seed, self._baseline)
        return self._attempts[key]

    def _baseline(self, scene: Scene) -> Baseline:
        if scene.name not in self._baselines:  # the worker that is to go on is not always the one that began
            self._keep(self.runner.perform(scene, Fifo(), Mode.STRICT))
        return self._baselines[scene.name]

    def _keep(self, execution: Execution) -> None:
        """Keep what a scene is like under FIFO."""
        self._baselines[execution.scene.name] = Baseline(
            scene=execution.scene, waits=execution.waits, choices=execution.interleaving.choices
        )

    def _confirm(self, batch: Batch) -> None:
        for name, found in batch.found.items():
            again = self.again(found.execution)
            verdict = again.verdicts.get(name)
            if first_difference(found.execution, again) is not None or verdict is None or not verdict.violated:
                batch.found[name] = replace(found, shows_again=False)
                batch.doubt(
                    f"a finding of {name} in {found.execution.scene.name} did not show again when it was replayed"
                )


def first_difference(one: Execution, other: Execution) -> str | None:
    """Return the first step in which two runs of one schedule differ, or None."""
    pairs = zip_longest(one.ran.trace, other.ran.trace)
    for step, (here, there) in enumerate(pairs):
        if here != there:
            return f"step {step} on: {_actor(here)} went first, then {_actor(there)}"
    for event, (was, is_now) in enumerate(zip_longest(one.events, other.events)):
        if was != is_now:
            return f"event {event} on, although every step was the same"
    return None


def _actor(actor: int | None) -> str:
    if actor is None:
        return "nobody"
    return f"task {actor}" if actor > 0 else f"device {-actor}"


@contextmanager
def explorer(
    target: str,
    open_target: OpenTarget,
    seed: int,
    checkers: Mapping[str, Checker],
    deadlines: Deadlines | None = None,
) -> Iterator[Explorer]:
    """Put everything in place to explore one target, in this process.

    Raises:
        NotExplorable: no schedule could decide what becomes of it.
        Exception: whatever the target raises when it is opened.
    """
    with controlled() as control:
        runner = ScenarioRunner(
            control, open_target, Header(target=target, suite="schedules", seed=seed, users=2), checkers, deadlines
        )
        try:
            runner.header()  # opened once: what libraries do at the first time only is done
            header = runner.header()
        except Uncontrolled as error:
            raise NotExplorable(f"{target} leaves this process: {error}") from error
        opened = Explorer(runner, header)
        if not opened.scenes:
            raise NotExplorable(f"{header.target} offers nothing that a scene asks for")
        first = runner.perform(opened.scenes[0], Fifo(), Mode.STRICT)
        if first.ran.uncontrolled:
            raise NotExplorable(f"{header.target} leaves this process: {first.ran.uncontrolled[0]}")
        yield opened
