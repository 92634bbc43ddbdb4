"""What schedules have come to, counted while they run.

Rules:

- Every so many schedules are run twice. Where the second run differs, there is a doubt that names the first step.
- The first schedule with a symptom is kept, for each of those who find something.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace
from typing import Any

from harness.loop.scheduling import Mode
from harness.loop.strategies.exhaustive import Branch
from harness.schedules.execution import Coverage, Execution, first_difference
from harness.schedules.portfolio import SWEEP, Attempt

TWICE_EVERY = 50
"""Of so many schedules one is run twice."""
MOST_DOUBTS = 5
"""Kept: the first say enough."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tree:
    """How far an exhaustive walk has come.

    Args:
        subject: its position among those that are explored.
        mode: of all its schedules.
        branches: that are still to be followed.
        cut: how many the bound has cut off.
    """

    subject: int
    mode: Mode
    branches: tuple[Branch, ...] = ((),)
    cut: int = 0

    @property
    def left(self) -> int:
        """How many branches were not followed."""
        return self.cut + len(self.branches)


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """The first schedule in which somebody found something.

    Args:
        attempt: its number: 0, 1, ...
        strategy: that made it.
        execution: what came of it.
        shows_again: whether it did when its recorded choices were run once more.
    """

    attempt: int
    strategy: str
    execution: Any
    shows_again: bool = True

    def __str__(self) -> str:
        return _label(self.execution, f"schedule {self.attempt + 1} ({self.strategy})")


@dataclass(slots=True, kw_only=True)
class Tally:
    """What a number of schedules have come to.

    Args:
        until: whose first finding ends the exploration; None runs everything.
        schedules, twice: how many were run; and of these run a second time.
        strategies: how many by strategy and mode.
        coverage: what they went through.
        faults: how many were injected.
        choices: the most that one schedule had.
        swept: (subject, fault) of the sweep that was tried.
        sweep: how many faults the sweep has.
        unhandled_errors: in how many schedules each was.
        doubts: why the schedules show less than they seem to.
        found: by who found something, the first schedule.
        trees: of an exhaustive walk.
    """

    until: str | None = None
    schedules: int = 0
    twice: int = 0
    strategies: Counter[str] = field(default_factory=Counter)
    coverage: Coverage = field(default_factory=Coverage)
    faults: int = 0
    choices: int = 0
    swept: set[tuple[str, Any]] = field(default_factory=set)
    sweep: int = 0
    unhandled_errors: Counter[str] = field(default_factory=Counter)
    doubts: list[str] = field(default_factory=list)
    found: dict[str, Found] = field(default_factory=dict)
    trees: dict[tuple[int, Mode], Tree] = field(default_factory=dict)

    @property
    def left(self) -> int | None:
        """How many branches an exhaustive walk has not followed; None of any other."""
        return sum(tree.left for tree in self.trees.values()) if self.trees else None

    @property
    def is_done(self) -> bool:
        """Whether there is no need to go on."""
        return self.until in self.found

    def add(self, attempt: Attempt, execution: Any) -> None:
        """Count one more schedule."""
        self.schedules += 1
        self.strategies[f"{attempt.strategy}, {attempt.mode}"] += 1
        self.coverage.update(execution.coverage)
        self.faults += len(execution.coverage.injected)
        self.choices = max(self.choices, execution.schedule.choices)
        if attempt.strategy == SWEEP:
            self.swept.update((attempt.subject.name, point) for point in attempt.fault_points)
        self.unhandled_errors.update(execution.unhandled_errors)
        self.doubt_what_proves_nothing(attempt, execution)
        for name, _ in execution.symptoms:
            if name not in self.found:
                self.found[name] = Found(attempt=attempt.number, strategy=attempt.strategy, execution=execution)

    def doubt_what_proves_nothing(self, attempt: Attempt, execution: Any) -> None:
        """Say so of a schedule that proves nothing."""
        if execution.doubt:
            self.doubt(f"{_label(execution, str(attempt))}: {execution.doubt}")

    def compare(self, attempt: Attempt, first: Execution, second: Execution) -> None:
        """Take in that a schedule was run twice."""
        self.twice += 1
        if (step := first_difference(first, second)) is not None:
            self.doubt(f"{_label(first, str(attempt))}, run twice, differs from {step}")

    def doubt(self, reason: str) -> None:
        """Say why the schedules show less than they seem to."""
        if len(self.doubts) < MOST_DOUBTS and reason not in self.doubts:
            self.doubts.append(reason)

    def merge(self, later: Tally, first: int) -> None:
        """Take in what comes next, whose attempts began with this number; schedules that were left out do not count."""
        for name, found in later.found.items():
            self.found.setdefault(name, replace(found, attempt=self.schedules + found.attempt - first))
        self.schedules += later.schedules
        self.twice += later.twice
        self.strategies.update(later.strategies)
        self.coverage.update(later.coverage)
        self.faults += later.faults
        self.choices = max(self.choices, later.choices)
        self.swept |= later.swept
        self.sweep = max(self.sweep, later.sweep)
        self.unhandled_errors.update(later.unhandled_errors)
        self.doubts = (self.doubts + later.doubts)[:MOST_DOUBTS]
        self.trees |= later.trees


def _label(execution: Execution, schedule: str) -> str:
    return f"{execution.scenario}, {schedule}" if execution.scenario else schedule
