"""The schedules suite, start to end: explore, make smaller, explain. Gives a SuiteRun and one Evidence per checker.

Histories are not kept: there is one for each schedule, and the seed makes them again. A finding's smallest story is
kept in full, as a witness.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from concurrent.futures import Executor
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from time import monotonic

from harness.claims.evidence import Suite, SuiteOutcome
from harness.claims.plan import SchedulesBudget
from harness.claims.replay_command import explored_again
from harness.claims.results import Results
from harness.claims.run_folder import RunFolder, Witness
from harness.judging.verdict import Checker
from harness.schedules.exploration import (
    Exploration,
    Explored,
    Exploring,
    OpenExplorer,
    Story,
    coverage,
    explore_here,
)
from harness.schedules.portfolio import Choosing
from harness.schedules.workers import processes

OpenExecutor = Callable[[int], AbstractContextManager[Executor]]
"""Opens so many workers."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SchedulesSuite:
    """What to explore, and how.

    Args:
        target: as given to `--target`; stands in replay commands.
        open_explorer: opens it, in whichever process.
        budget: how much to do.
        seed: of data, schedules and faults.
        checkers: who judges.
        workers: processes.
        choosing: what may be tried.
        folder: where witnesses go; None keeps nothing.
        label: stands in their names; the target's name when left out.
        say: called with what is going on, in short lines.
        until: a checker; the suite ends as soon as it has found something. None runs everything.
        executor: opens the workers.
    """

    target: str
    open_explorer: OpenExplorer
    budget: SchedulesBudget
    seed: int
    checkers: Mapping[str, Checker]
    workers: int = 1
    choosing: Choosing = field(default_factory=Choosing)
    folder: RunFolder | None = None
    label: str = ""
    say: Callable[[str], None] = lambda line: None
    until: str | None = None
    executor: OpenExecutor = processes

    def run(self) -> SuiteOutcome:
        """Explore in processes of their own.

        Raises:
            KeyboardInterrupt: somebody has had enough; what was found by then has been put into the folder.
            Exception: whatever a worker raises; the same.
        """
        started = monotonic()
        with self.executor(self.workers) as executor:
            exploration = Exploration(self._exploring(), executor, self.workers, self.say)
            try:
                exploration.run(self.budget.shrink_runs)
            except BaseException as error:
                why = "it was interrupted" if isinstance(error, KeyboardInterrupt) else f"it failed ({error!r})"
                if self.folder is not None:
                    self.folder.keep(self.outcome(exploration.explored, monotonic() - started, why))
                raise
        return self.outcome(exploration.explored, monotonic() - started)

    def run_here(self) -> SuiteOutcome:
        """Explore in this process, and make nothing smaller: for the trial of a mutant."""
        started = monotonic()
        explored = explore_here(self._exploring())
        return self.outcome(explored, monotonic() - started)

    def outcome(self, explored: Explored, duration_s: float, doubt: str = "") -> SuiteOutcome:
        """Return what an exploration has to say."""
        total = explored.total
        reasons = (doubt, explored.unreachable, explored.not_explorable, explored.broken)
        doubts = (*filter(None, reasons), *total.doubts)
        run = total.totals.run(
            Suite.SCHEDULES,
            self.target,
            self.seed,
            duration_s,
            doubt="; ".join(doubts),
            measures={"schedules": coverage(explored)},
        )
        if explored.not_explorable:
            return SuiteOutcome(run, ())  # nothing was examined: what the other suites say stands
        results = Results(
            run=run,
            checkers=self.checkers,
            verdicts=total.totals.verdicts,
            doubts=doubts,
            found={name: witness_of(story, self.target) for name, story in explored.smallest.items()},
            unsure=frozenset(name for name, found in total.found.items() if not found.shows_again),
            again=self._again(),
            label=self.label,
        )
        return SuiteOutcome(run, results.evidence(self.folder), explored.unreachable)

    def _exploring(self) -> Exploring:
        return Exploring(
            target=self.target,
            open_explorer=self.open_explorer,
            seed=self.seed,
            schedules=self.budget.schedules,
            choosing=self.choosing,
            until=self.until,
        )

    def _again(self) -> str:
        """Return the command that does all of it again."""
        choosing = self.choosing
        return explored_again(
            self.target,
            self.budget,
            seed=self.seed,
            strategy=choosing.strategy,
            modes=choosing.modes,
            faults=choosing.faults,
        )


def witness_of(story: Story, target: str) -> Witness:
    """Return the smallest story as a witness that can be replayed."""
    execution = story.shrunk.execution
    checker, anomaly = story.shrunk.symptom
    findings = execution.verdicts[checker].findings
    return Witness(
        checker=checker,
        finding=next(finding for finding in findings if finding.anomaly == anomaly),
        target=target,
        header=execution.header,
        program=execution.scene.program,
        history=execution.events,
        interleaving=execution.interleaving,
        explanation=story.lines,
    )
