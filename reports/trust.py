"""What the checkers did with mutants, safe twins and null targets, in words.

Rules: a trial that could not be carried out is UNKNOWN, never passed; a survivor is named with what was said
of it.
"""

from __future__ import annotations

from harness.evidence import Report, SubjectKind, Trial
from harness.verdict import Outcome
from reports.derive import trials
from reports.wording import listed


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


_CHECKS = {
    SubjectKind.MUTANT: "Every planted bug was seen by the checker that should see it",
    SubjectKind.TWIN: "No safe twin was flagged",
    SubjectKind.NULL: "No claim holds on a null target",
}


def trust(report: Report) -> tuple[tuple[str, Outcome, int, int], ...]:
    """Return what trust in the checkers rests on: text, outcome, and how many passed of how many."""
    tried = {kind: trials(report, kind) for kind in _CHECKS}
    return tuple(
        (
            text,
            Outcome.worst(trial_outcome(trial) for trial in tried[kind]),
            sum(trial.passed for trial in tried[kind]),
            len(tried[kind]),
        )
        for kind, text in _CHECKS.items()
    )
