"""What the schedules of a coroutine have come to; and why they may show less than they seem to.

Whatever makes an exploration vacuous is a doubt: a pattern that fits no task, cancellations none of which let the
program judge, no choice at all; and so is unhandled background error, as of a background task.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import islice
from typing import Any

from harness.schedules.coroutine import PROGRAM, Cancelled
from harness.schedules.portfolio import SWEEP, Attempt
from harness.schedules.results import Coverage, Exploration, Failure
from harness.schedules.tally import MOST_DOUBTS, Tally


class CoroutineTally(Tally):
    """Counts the schedules of one coroutine.

    Args:
        patterns: of the names of tasks that are to be cancelled.
    """

    def __init__(self, patterns: Sequence[str]) -> None:
        super().__init__(until=PROGRAM)
        self._patterns = patterns
        self._growth: list[tuple[int, int]] = []
        self._watched = 0
        self._cancelled = 0
        self._cut_short = 0
        self._swept: set[str] = set()
        self._uncontrolled: dict[str, None] = {}
        self._refused = 0
        self._first_errors: dict[str, str] = {}

    @property
    def is_done(self) -> bool:
        """Whether the program failed, or what is seen from here on proves nothing."""
        return bool(self.found) or self._refused >= MOST_DOUBTS or len(self.doubts) >= MOST_DOUBTS

    def add(self, attempt: Attempt, execution: Any) -> None:
        """Count one more schedule."""
        super().add(attempt, execution)
        if self.schedules & (self.schedules - 1) == 0:  # 1, 2, 4, ...
            self._growth.append((self.schedules, len(self.coverage.traces)))
        if refused := execution.result.uncontrolled:
            self._refused += 1
            self._uncontrolled.update(dict.fromkeys(refused))
        for error in execution.unhandled_errors:
            self._first_errors.setdefault(error, str(attempt))
        if execution.cancelled is not None:
            self._cancelled += 1
            self._cut_short += execution.cut_short
            if attempt.strategy == SWEEP and not execution.doubt:
                self._swept.add(execution.cancelled.site)
        self._watched += execution.awaits is not None
        if attempt.is_baseline:
            self._compare_patterns(execution.awaits, execution.names.values())

    def doubt_what_proves_nothing(self, attempt: Attempt, execution: Any) -> None:
        """A schedule that was refused something, or cut short, is counted apart."""

    def exploration(self, failure: Failure | None) -> Exploration:
        """Return what the exploration has come to."""
        if failure is None:
            self._doubt_what_shows_nothing()
        errors = islice(self._first_errors.items(), MOST_DOUBTS)
        return Exploration(
            schedules=self.schedules,
            failure=failure,
            coverage=Coverage(
                traces=len(self.coverage.traces),
                growth=tuple(dict.fromkeys([*self._growth, (self.schedules, len(self.coverage.traces))])),
                choices=self.choices,
                watched=self._watched,
                sites=tuple(sorted(self.coverage.sites)),
                pairs=tuple(sorted(self.coverage.pairs)),
                places=self.sweep,
                cancelled=self._cancelled,
                cut_short=self._cut_short,
                swept=tuple(sorted(self._swept)),
            ),
            uncontrolled=tuple(islice(self._uncontrolled, MOST_DOUBTS)),
            doubts=(*self.doubts, *(_untaken(error, schedule) for error, schedule in errors)),
            left=self.left,
        )

    def _compare_patterns(self, awaits: Sequence[Cancelled], names: Any) -> None:
        for pattern in self._patterns:
            if not any(place.fits(pattern) for place in awaits):
                there = ", ".join(sorted(names))
                self.doubt(f"no task that waits is called {pattern!r}, so none was cancelled: there are {there}")

    def _doubt_what_shows_nothing(self) -> None:
        if self._cancelled and self._cut_short == self._cancelled:
            self.doubt(
                "every schedule with a cancellation ended in CancelledError before the program could judge: let it "
                "take what its tasks raise, as gather(..., return_exceptions=True) does"
            )
        if not self.choices and not self._uncontrolled and self._cancelled == self._cut_short:
            self.doubt(
                "no schedule had a choice: never were two tasks ready at once, in these modes. An await that does not "
                "suspend is none: let what stands for a network or a database yield (asyncio.sleep(0))"
            )


def _untaken(error: str, schedule: str) -> str:
    return f"in {schedule} nobody handled an error, so it passed: {error}. Await the task, or take its exception"
