"""What the schedules of a coroutine went through, counted while they run; and why they may show less than they seem to.

Rules:

- Every schedule counts with its trace and its cancellation; await sites are taken from one in WATCH_EVERY, as looking
  for them costs more than the steps do.
- Whatever makes an exploration vacuous is a doubt: a pattern that fits no task, cancellations none of which let the
  program judge, no choice at all; and so is an error that nobody took, as of a background task.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import islice

from harness.schedules.coroutine_attempts import SWEEP, Attempt, Attempts
from harness.schedules.coroutine_results import Coverage, Exploration, Failure
from harness.schedules.coroutine_runs import Run

WATCH_EVERY = 50
"""Of so many schedules one is watched: await sites and their pairs are taken from these."""
MOST_DOUBTS = 5
"""After so many an exploration ends: what it would still see proves nothing."""


def is_watched(attempt: Attempt) -> bool:
    """Return whether this schedule is one of those that are watched."""
    return attempt.number % WATCH_EVERY == 1


class CoverageRecorder:
    """What the schedules went through so far."""

    def __init__(self, attempts: Attempts, patterns: Sequence[str]) -> None:
        self._doubts: dict[str, None] = {}
        self._attempts = attempts
        self._patterns = patterns
        self._schedules = 0
        self._traces: set[int] = set()
        self._growth: list[tuple[int, int]] = []
        self._choices = 0
        self._watched = 0
        self._sites: set[str] = set()
        self._pairs: set[tuple[str, str]] = set()
        self._cancelled = 0
        self._cut_short = 0
        self._swept: set[str] = set()
        self._uncontrolled: dict[str, None] = {}
        self._refused = 0
        self._unheard: dict[str, str] = {}

    def add(self, attempt: Attempt, run: Run) -> None:
        """Count one more schedule."""
        self._schedules += 1
        self._traces.add(run.digest())
        if self._schedules & (self._schedules - 1) == 0:  # 1, 2, 4, ...
            self._growth.append((self._schedules, len(self._traces)))
        self._choices = max(self._choices, run.schedule.choices)
        if run.uncontrolled:
            self._refused += 1
            self._uncontrolled.update(dict.fromkeys(run.uncontrolled))
        if run.proves and not run.failed:
            self._take_unheard(attempt, run.unhandled_errors)
        if run.cancelled is not None:
            self._cancelled += 1
            self._cut_short += run.cut_short
            if attempt.strategy == SWEEP and run.proves:
                self._swept.add(run.cancelled.site)
        if is_watched(attempt) and run.watcher is not None:
            self._watched += 1
            self._sites |= run.watcher.sites
            self._pairs |= run.watcher.pairs
        if attempt.number == 1 and run.watcher is not None:
            self._compare_patterns(set(run.watcher.names().values()))

    def is_hopeless(self) -> bool:
        """Whether what is seen from here on proves nothing."""
        return self._refused >= MOST_DOUBTS or len(self._doubts) >= MOST_DOUBTS

    def doubt(self, reason: str) -> None:
        """Say why the schedules show less than they seem to."""
        self._doubts[reason] = None

    def exploration(self, failure: Failure | None) -> Exploration:
        """Return what the exploration has come to."""
        if failure is None:
            self._doubt_what_shows_nothing()
        return Exploration(
            schedules=self._schedules,
            failure=failure,
            coverage=Coverage(
                traces=len(self._traces),
                growth=tuple(dict.fromkeys([*self._growth, (self._schedules, len(self._traces))])),
                choices=self._choices,
                watched=self._watched,
                sites=tuple(sorted(self._sites)),
                pairs=tuple(sorted(self._pairs)),
                places=len(self._attempts.sweep),
                cancelled=self._cancelled,
                cut_short=self._cut_short,
                swept=tuple(sorted(self._swept)),
            ),
            uncontrolled=tuple(islice(self._uncontrolled, MOST_DOUBTS)),
            doubts=(*self._doubts, *(_untaken(error, where) for error, where in self._unheard.items())),
            left=self._attempts.left,
        )

    def _take_unheard(self, attempt: Attempt, errors: Sequence[str]) -> None:
        for error in errors:
            if len(self._unheard) < MOST_DOUBTS:
                self._unheard.setdefault(error, f"{attempt.number} ({attempt.strategy})")

    def _compare_patterns(self, names: set[str]) -> None:
        for pattern in self._patterns:
            if not any(Attempts.fits(place, [pattern]) for place in self._attempts.sweep):
                there = ", ".join(sorted(names))
                self.doubt(f"no task that waits is called {pattern!r}, so none was cancelled: there are {there}")

    def _doubt_what_shows_nothing(self) -> None:
        if self._cancelled and self._cut_short == self._cancelled:
            self.doubt(
                "every schedule with a cancellation ended in CancelledError before the program could judge: let it "
                "take what its tasks raise, as gather(..., return_exceptions=True) does"
            )
        if not self._choices and not self._uncontrolled and self._cancelled == self._cut_short:
            self.doubt(
                "no schedule had a choice: never were two tasks ready at once, in these modes. An await that does not "
                "suspend is none: let what stands for a network or a database yield (asyncio.sleep(0))"
            )
        if self._attempts.misfits:
            self.doubt("branches were gone when they were followed: the program does not do the same each time")


def _untaken(error: str, schedule: str) -> str:
    return f"in schedule {schedule} nobody took an error, so it passed: {error}. Await the task, or take its exception"
