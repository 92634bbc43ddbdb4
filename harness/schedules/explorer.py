"""Explores subjects: runs attempt after attempt, some of them twice, and confirms what was found.

Rules:

- What an order gives depends on it alone, not on who carries it out, nor on what that process did before.
- A finding is run again from its recorded choices. One that does not show again was seen all the same; but no replay is
  promised.
- An exhaustive walk is handed on: each order follows some branches of the tree of one subject in one mode, and gives
  those that are left.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from random import Random

from harness.loop.strategies.exhaustive import Exhaustive
from harness.loop.strategies.fifo import Fifo
from harness.loop.strategies.recorded import Recorded
from harness.schedules.execution import Baseline, Execution, Subject, first_difference
from harness.schedules.portfolio import EXHAUSTIVE, SWEEP, Attempt, Attempts, Choosing
from harness.schedules.tally import TWICE_EVERY, Tally, Tree


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What is to be done.

    Args:
        seed: of schedules and faults.
        start, stop: the attempts, from and before.
        choosing: what may be tried.
        until: whose first finding ends it; None runs all of it.
        tree: of an exhaustive walk, where to go on; without one, it is only said which trees there are.
    """

    seed: int
    start: int
    stop: int
    choosing: Choosing = field(default_factory=Choosing)
    until: str | None = None
    tree: Tree | None = None


class Explorer:
    """Explores subjects in this process.

    Args:
        subjects: each under a name of its own.
    """

    def __init__(self, subjects: Sequence[Subject]) -> None:
        self.subjects = subjects
        self._attempts: dict[tuple[int, Choosing], Attempts] = {}
        self._first: dict[str, Execution] = {}

    def carry_out(self, order: Order, tally: Tally) -> None:
        """Carry an order out, and count what comes of it."""
        if order.choosing.strategy != EXHAUSTIVE:
            self._search(order, tally)
        elif order.tree is None:
            places = [(place, mode) for mode in order.choosing.modes for place in range(len(self.subjects))]
            tally.trees = {(place, mode): Tree(subject=place, mode=mode) for place, mode in places}
        else:
            self._walk(order, order.tree, tally)
        self._confirm(tally)

    def again(self, subject: Subject, execution: Execution) -> Execution:
        """Run a schedule again, from its recorded choices, and take in the names of its tasks."""
        schedule = execution.schedule
        recorded = Recorded(schedule.deviations)
        return subject.run(recorded, schedule.mode, execution.fault_points, watch=False, listen=lambda watcher: None)

    def subject_of(self, execution: Execution) -> Subject:
        """Return what this is an execution of."""
        return next(one for one in self.subjects if not execution.scenario or one.name == execution.scenario)

    def _search(self, order: Order, tally: Tally) -> None:
        attempts = self._attempts_of(order)
        for number in range(order.start, order.stop):
            attempt = attempts.attempt(number)
            if attempt is None:
                break
            self._run(attempt, tally)
            if tally.is_done:
                break
        tally.sweep = attempts.size_of_sweep()
        if order.choosing.strategy == SWEEP and not tally.sweep and not tally.is_done:
            first = len(self.subjects)
            if order.stop > first:
                tally.doubt("there is nothing to sweep: nobody waits anywhere where a fault could be injected")
            else:
                only = f"the first {first} schedules only say where users wait. Give more than {first}"
                tally.doubt(f"no fault was injected: {only}")

    def _walk(self, order: Order, tree: Tree, tally: Tally) -> None:
        strategy = Exhaustive(order.choosing.bound, tree.branches, tree.cut)
        subject = self.subjects[tree.subject]
        for number in range(order.start, order.stop):
            path = strategy.scheduler(number)
            if path is None:
                break
            execution = self._run(Attempt(number, subject, EXHAUSTIVE, tree.mode, (), path), tally)
            strategy.observe(execution.schedule.choices, len(execution.result.trace))
            if tally.is_done:
                break
        if strategy.misfits:
            tally.doubt("branches were gone when they were followed: the program does not do the same each time")
        tally.trees[tree.subject, tree.mode] = replace(tree, branches=strategy.branches, cut=strategy.cut)

    def _run(self, attempt: Attempt, tally: Tally) -> Execution:
        """Run an attempt, and count it; every so often run it twice."""
        twice = attempt.number % TWICE_EVERY == 0
        subject = attempt.subject
        execution = subject.run(
            attempt.scheduler, attempt.mode, attempt.fault_points, watch=twice or attempt.is_baseline
        )
        if attempt.is_baseline:
            self._first[subject.name] = execution
        tally.add(attempt, execution)
        if twice:
            tally.compare(attempt, execution, self.again(subject, execution))
        return execution

    def _attempts_of(self, order: Order) -> Attempts:
        key = (order.seed, order.choosing)
        if key not in self._attempts:
            self._attempts[key] = Attempts(
                self.subjects,
                order.choosing,
                order.seed,
                lambda subject, source: self._baseline(subject, order.choosing, source),
            )
        return self._attempts[key]

    def _baseline(self, subject: Subject, choosing: Choosing, source: Random) -> Baseline:
        if subject.name not in self._first:  # the worker that is to go on is not always the one that began
            self._first[subject.name] = subject.run(Fifo(), choosing.modes[0])
        return subject.baseline(self._first[subject.name], choosing.modes, source)

    def _confirm(self, tally: Tally) -> None:
        for name, found in tally.found.items():
            again = self.again(self.subject_of(found.execution), found.execution)
            if found.execution.symptom(name) not in again.symptoms or not _is_promised(found.execution, again):
                tally.found[name] = replace(found, shows_again=False)
                tally.doubt(
                    f"a finding of {name} in {found} did not show again when its choices were run again: something "
                    "decides that no schedule does (a set of its own objects, a module's state, another process)"
                )


def _is_promised(first: Execution, again: Execution) -> bool:
    """Return whether a replay shows what was found: a program that fails each time does, whatever steps lead to it."""
    return not first.scenario or first_difference(first, again) is None
