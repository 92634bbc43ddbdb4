"""How many schedules each planted bug took to show, and what was said of the safe twins.

Rules:

- The median is that of the bugs that were seen, and stands beside how many were not.
- Those not seen come first, then those that took longest.
"""

from __future__ import annotations

from dataclasses import dataclass
from statistics import median

from harness.claims.evidence import Report, SubjectKind, Suite, Trial
from harness.history.model import Value
from harness.judging.verdict import Outcome
from harness.reporting.explored import First, first_of
from harness.reporting.trust import trial_outcome
from harness.reporting.wording import DASH, listed, plural


@dataclass(frozen=True, slots=True)
class Shown:
    """A planted bug in the schedules suite.

    Args:
        trial: of it.
        first: the schedule in which the expected checker first saw it; None when that was not so, or not counted.
        run: how many schedules were run; None when that was not counted.
    """

    trial: Trial
    first: First | None
    run: int | None

    @property
    def count(self) -> str:
        """How many schedules it took, in words."""
        if self.first is not None:
            return f"{self.first.to_first:,}"
        match trial_outcome(self.trial):
            case Outcome.HOLDS:
                return "not counted"
            case Outcome.VIOLATED:
                return f"not seen in {plural(self.run, 'schedule')}" if self.run is not None else "not seen"
            case Outcome.UNKNOWN:
                return "not tried"

    @property
    def how(self) -> tuple[str, str, str]:
        """Strategy, mode and scene of that schedule."""
        return (DASH, DASH, DASH) if self.first is None else (self.first.strategy, self.first.mode, self.first.scene)


def shown(report: Report) -> tuple[Shown, ...]:
    """Return the planted bugs of the suite."""
    found = [_shown(trial) for trial in _trials(report, SubjectKind.MUTANT)]
    return tuple(sorted(found, key=lambda item: (item.trial.passed, -item.first.to_first if item.first else 0)))


def _shown(trial: Trial) -> Shown:
    measure = trial.measures.get("schedules")
    return Shown(trial, first_of(measure) if trial.passed else None, _run(measure))


def _run(measure: Value) -> int | None:
    match measure:
        case {"run": int(run)} if run >= 0 and not isinstance(run, bool):
            return run
        case _:
            return None


def median_to_first(report: Report) -> float | None:
    """Return the median of schedules to the first finding over the bugs that were seen; None when none was."""
    counts = [item.first.to_first for item in shown(report) if item.first is not None]
    return median(counts) if counts else None


def in_short(report: Report) -> tuple[str, ...]:
    """Return what the suite saw of planted bugs and safe twins, in sentences."""
    return (_of_bugs(report), _of_twins(report))


def _of_bugs(report: Report) -> str:
    every = shown(report)
    if not every:
        return "No planted bug was tried in the schedules suite, so nothing shows what it can see."
    seen = sum(item.trial.passed for item in every)
    text = f"{seen} of {plural(len(every), 'planted bug')} seen by the expected checker under a chosen schedule."
    middle = median_to_first(report)
    if middle is None:
        return text
    most = max(item.first.to_first for item in every if item.first is not None)
    return f"{text} Of those seen, the median took {_schedules(middle)} to the first finding, the slowest {most:,}."


def _schedules(count: float) -> str:
    return plural(int(count), "schedule") if count == int(count) else f"{count:,.1f} schedules"


def _of_twins(report: Report) -> str:
    twins = _trials(report, SubjectKind.TWIN)
    if not twins:
        return "No safe twin was tried in the schedules suite."
    runs = [_run(trial.measures.get("schedules")) for trial in twins]
    ran = f" under {plural(sum(run or 0 for run in runs), 'schedule')} in all" if all(runs) else ""
    passed = sum(trial.passed for trial in twins)
    wrong = listed(trial.subject for trial in twins if not trial.passed)
    return f"{passed} of {plural(len(twins), 'safe twin')} passed{ran}{f'; not {wrong}' if wrong else ''}."


def _trials(report: Report, kind: SubjectKind) -> list[Trial]:
    return [trial for trial in report.trials if trial.kind is kind and trial.suite is Suite.SCHEDULES]
