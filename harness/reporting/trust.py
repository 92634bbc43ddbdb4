"""What the checkers did with mutants, safe twins and null targets, in words.

Rules: a trial that could not be carried out is UNKNOWN, never passed; a survivor is named with what was said
of it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from harness.claims.evidence import Report, SubjectKind, Suite, Trial
from harness.judging.verdict import Outcome
from harness.reporting.derive import trials
from harness.reporting.wording import listed


def trial_text(trial: Trial) -> str:
    """Return what the checkers did with a subject, in a few words."""
    if trial.error:
        return f"could not be tried: {trial.error}"
    flagged = listed(trial.flagged_by)
    match trial.kind:
        case SubjectKind.MUTANT if trial.passed:
            return f"seen by {trial.expected}"
        case SubjectKind.MUTANT:
            others = f", but by {flagged}" if flagged else ""
            verdict = trial.outcomes.get(trial.expected)
            said = f"it said {verdict.value}" if verdict else "it did not judge"
            return f"survived: not seen by {trial.expected} ({said}){others}"
        case SubjectKind.TWIN if flagged:
            return f"wrongly flagged by {flagged}"
        case SubjectKind.TWIN:
            return "not flagged" if trial.passed else "judged by no checker"
        case _:
            return f"wrongly supports {listed(trial.holding)}" if trial.holding else "no claim holds on it"


def trial_outcome(trial: Trial) -> Outcome:
    """Return HOLDS for a trial that passed, UNKNOWN for one that could not be carried out, else VIOLATED."""
    if trial.passed:
        return Outcome.HOLDS
    judged = trial.outcomes or trial.holding
    return Outcome.UNKNOWN if trial.error or not judged else Outcome.VIOLATED


def trial_word(trial: Trial) -> str:
    """Return what became of a subject, in a word or two."""
    mutant = trial.kind is SubjectKind.MUTANT
    match trial_outcome(trial):
        case Outcome.HOLDS:
            return "killed" if mutant else "passed"
        case Outcome.VIOLATED:
            return "survived" if mutant else "failed"
        case Outcome.UNKNOWN:
            return "not tried"


def by_subject(tried: Iterable[Trial]) -> tuple[tuple[Trial, tuple[Suite, ...]], ...]:
    """Return trials with the suites that they speak for: those of one subject that came out alike are one."""
    alike: dict[tuple[str, str, str], list[Trial]] = {}
    for trial in tried:
        alike.setdefault((trial.subject, trial.expected, trial_text(trial)), []).append(trial)
    order = [*Suite]
    return tuple((same[0], tuple(sorted((trial.suite for trial in same), key=order.index))) for same in alike.values())


_CHECKS = {
    SubjectKind.MUTANT: "Every planted bug was seen by the checker that should see it",
    SubjectKind.TWIN: "No safe twin was flagged",
    SubjectKind.NULL: "No claim holds on a null target",
}


@dataclass(frozen=True, slots=True)
class Tally:
    """How many trials passed of how many; UNKNOWN when there were none."""

    outcome: Outcome
    passed: int
    total: int


def trust(report: Report) -> tuple[tuple[str, Outcome, int, int], ...]:
    """Return what trust in the checkers rests on: text, outcome, and how many passed of how many."""
    tallies = {kind: _tally(trials(report, kind)) for kind in _CHECKS}
    return tuple(
        (text, tallies[kind].outcome, tallies[kind].passed, tallies[kind].total) for kind, text in _CHECKS.items()
    )


def by_suite(report: Report) -> tuple[tuple[Suite, tuple[Tally, ...]], ...]:
    """Return for each suite there is, run or not, how many mutants, safe twins and null targets passed in it."""
    return tuple(
        (suite, tuple(_tally(trial for trial in trials(report, kind) if trial.suite is suite) for kind in _CHECKS))
        for suite in Suite
    )


def _tally(tried: Iterable[Trial]) -> Tally:
    every = [*tried]
    return Tally(Outcome.worst(map(trial_outcome, every)), sum(trial.passed for trial in every), len(every))
