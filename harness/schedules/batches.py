"""A stretch of attempts on a target, run in one process: what a worker hands back.

Rules:

- A target is opened as new for each schedule, and once beforehand, so that what libraries keep for ever is there.
- Where a fault broke what a checker looks at (a connection that can then not be read to its end), that run says nothing
  to this checker, and is counted as passed over.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from harness.history.model import EventKind, Header
from harness.judging.verdict import Checker
from harness.loop.control import controlled
from harness.loop.jobs import Uncontrolled
from harness.loop.scheduling import Mode
from harness.loop.strategies.fifo import Fifo
from harness.performing.connections import Deadlines
from harness.performing.performance import OpenTarget
from harness.performing.totals import Totals
from harness.schedules.explorer import Explorer, Order
from harness.schedules.portfolio import Attempt
from harness.schedules.scenario_runner import ScenarioRunner, SceneSubject
from harness.schedules.scenes import scenes
from harness.schedules.tally import Tally


class NotExplorable(Exception):
    """A target is none whose schedules can be explored. Says why."""


@dataclass(slots=True, kw_only=True)
class Batch(Tally):
    """What came of an order; merging batches in the order of their starts gives all of it."""

    start: int
    totals: Totals = field(default_factory=Totals)
    passed_over: Counter[str] = field(default_factory=Counter)

    def take_in(self, later: Batch) -> None:
        """Take in the batch that comes next."""
        self.merge(later, later.start)
        self.totals.merge(later.totals)
        self.passed_over.update(later.passed_over)

    def add(self, attempt: Attempt, execution: Any) -> None:
        """Count one more schedule."""
        Tally.add(self, attempt, execution)
        asked = [event.name for event in execution.events if event.kind is EventKind.INVOKE]
        performed = Totals(
            histories=1,
            operations=len(asked),
            events=len(execution.events),
            faults=len(execution.coverage.injected),
            users=len(execution.scene.program.users),
            asked=set(asked),
            deliveries=execution.deliveries,
        )
        self.totals.merge(performed)
        for name, verdict in execution.verdicts.items():
            if verdict.doubts and not verdict.violated and execution.fault_points:
                self.passed_over[name] += 1
            else:
                self.totals.judge(verdict)


class TargetExplorer(Explorer):
    """Runs batches on one target."""

    def __init__(self, runner: ScenarioRunner, header: Header) -> None:
        self.runner = runner
        self._offered = dict.fromkeys(header.promises.operations)
        self.scenes = scenes(header.promises, runner.same_name)
        super().__init__([SceneSubject(runner, scene) for scene in self.scenes])

    def run(self, order: Order) -> Batch:
        """Carry an order out."""
        batch = Batch(start=order.start, until=order.until, totals=Totals(offered={**self._offered}))
        self.carry_out(order, batch)
        return batch


@contextmanager
def explorer(
    target: str,
    open_target: OpenTarget,
    seed: int,
    checkers: Mapping[str, Checker],
    deadlines: Deadlines | None = None,
) -> Iterator[TargetExplorer]:
    """Put everything in place to explore one target, in this process.

    Raises:
        NotExplorable: no schedule could decide what becomes of it.
        Exception: whatever the target raises when it is opened.
    """
    with controlled() as control:
        header = Header(target=target, suite="schedules", seed=seed, users=2)
        runner = ScenarioRunner(control, open_target, header, checkers, deadlines)
        try:
            runner.header()  # opened once: what libraries do at the first time only is done
            header = runner.header()
        except Uncontrolled as error:
            raise NotExplorable(f"{target} leaves this process: {error}") from error
        opened = TargetExplorer(runner, header)
        if not opened.scenes:
            raise NotExplorable(f"{header.target} offers nothing that a scene asks for")
        first = runner.perform(opened.scenes[0], Fifo(), Mode.STRICT)
        if first.result.uncontrolled:
            raise NotExplorable(f"{header.target} leaves this process: {first.result.uncontrolled[0]}")
        yield opened
