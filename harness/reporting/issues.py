"""Everything that a reader must know before relying on the outcome.

Rules: complete, for whatever keeps a required claim from holding is in it; the worst first; each thing once.
"""

from __future__ import annotations

from dataclasses import dataclass

from harness.claims.evidence import ClaimResult, Report, SubjectKind, Trial
from harness.judging.verdict import Outcome
from harness.reporting.derive import required, trials, uncatalogued, with_outcome
from harness.reporting.trust import trial_outcome, trial_text, trial_word
from harness.reporting.wording import counts, listed, stopped


@dataclass(frozen=True, slots=True)
class Issue:
    """Something that a reader must know before relying on the outcome.

    Args:
        outcome: VIOLATED or UNKNOWN.
        word: what it is called here, such as `survived`.
        subject: what it is about, such as a claim or a mutant.
        texts: what is the matter, one sentence or fragment each.
        replay: a command that shows it, or `""`.
    """

    outcome: Outcome
    word: str
    subject: str
    texts: tuple[str, ...]
    replay: str = ""


def issues(report: Report) -> tuple[Issue, ...]:
    """Return everything that is violated, unknown, doubted or survived, the worst first."""
    return (
        *([_unknown_issue("The verification", stopped(report.note))] if report.note else []),
        *(_issue(result) for result in with_outcome(report, Outcome.VIOLATED)),
        *(_issue(result) for result in required(report) if result.outcome is Outcome.UNKNOWN),
        *(
            _unknown_issue(name, "the plan requires it, and the catalogue does not know it")
            for name in uncatalogued(report)
        ),
        *(_trial_issue(t) for kind in SubjectKind for t in trials(report, kind) if not t.passed),
        *(_unknown_issue(f"suite {run.suite.value} on {run.target}", run.doubt) for run in report.suites if run.doubt),
        *_other_doubts(report),
        *_not_required(report),
    )


def _issue(result: ClaimResult) -> Issue:
    first = (result.findings[0].message,) if result.findings else ()
    counted = (counts(result),) if result.violations else ()
    reasons = result.reasons if result.outcome is Outcome.UNKNOWN else counted
    subject = f"{result.claim.id}: {result.claim.sentence}"
    return Issue(result.outcome, result.outcome.value, subject, (*reasons, *first), result.replay)


def _trial_issue(trial: Trial) -> Issue:
    subject = f"{trial.kind.value} {trial.subject} ({trial.suite.value})"
    return Issue(trial_outcome(trial), trial_word(trial), subject, (trial_text(trial),))


def _unknown_issue(subject: str, *texts: str) -> Issue:
    return Issue(Outcome.UNKNOWN, Outcome.UNKNOWN.value, subject, texts)


def _other_doubts(report: Report) -> list[Issue]:
    """Doubts that no claim gives as a reason: of checkers that no claim rests on, or beside a violation."""
    said = {
        reason
        for result in report.claims
        if result.required and result.outcome is Outcome.UNKNOWN
        for reason in result.reasons
    }
    doubts = dict.fromkeys(
        (f"checker {item.verdict.checker} on {item.target}", doubt)
        for item in report.evidence
        for doubt in item.verdict.doubts
        if doubt not in said
    )
    return [_unknown_issue(subject, doubt) for subject, doubt in doubts]


def _not_required(report: Report) -> list[Issue]:
    """Unknown claims that the plan does not require: one issue for all that share their reasons."""
    by_reason: dict[tuple[str, ...], list[str]] = {}
    for result in with_outcome(report, Outcome.UNKNOWN):
        if not result.required:
            by_reason.setdefault(result.reasons, []).append(result.claim.id)
    return [_unknown_issue(f"{listed(names)} (not required)", *reasons) for reasons, names in by_reason.items()]
