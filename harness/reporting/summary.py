"""The outcome of a verification in a few sentences.

Rules: bad news first, also about the checkers; each sentence is computed from counts, and stays away when it
has nothing to say.
"""

from __future__ import annotations

from harness.claims.evidence import Report, SubjectKind
from harness.judging.verdict import Outcome
from harness.reporting.derive import examined, required, trials, uncatalogued, with_outcome
from harness.reporting.wording import listed, plural, stopped


def summary(report: Report) -> tuple[str, ...]:
    """Return the outcome in a few sentences, the worst first."""
    return tuple(
        text
        for text in (
            stopped(report.note),
            "" if report.suites or report.evidence else "No suite ran, so nothing was examined.",
            _violated(report),
            _unknown(report),
            *_distrusted(report),
            _holding(report),
            _trusted(report),
        )
        if text
    )


def _violated(report: Report) -> str:
    found = with_outcome(report, Outcome.VIOLATED)
    if not found:
        return ""
    names = listed(f"{r.claim.id} ({r.violations:,} of {r.examined:,})" for r in found)
    return f"{plural(len(found), 'claim is', 'claims are')} violated: {names}."


def _unknown(report: Report) -> str:
    names = [r.claim.id for r in required(report) if r.outcome is Outcome.UNKNOWN]
    names += uncatalogued(report)
    if not names:
        return ""
    return f"{plural(len(names), 'required claim is', 'required claims are')} unknown: {listed(names)}."


def _holding(report: Report) -> str:
    total = len(report.manifest.required)
    holding = sum(result.outcome is Outcome.HOLDS for result in required(report))
    if not total:
        return "The plan requires no claim, so there is nothing to conclude."
    if holding == total:
        return f"All {total} required claims hold in what was examined."
    return f"{holding} of {total} required claims hold in what was examined."


_FAILURES = {
    SubjectKind.MUTANT: ("Not seen by the expected checker", "planted bug"),
    SubjectKind.TWIN: ("Not passed as safe", "safe twin"),
    SubjectKind.NULL: ("Not rejected", "null target"),
}


def _distrusted(report: Report) -> list[str]:
    """Why the checkers cannot be trusted altogether."""
    texts = []
    for kind, (failure, noun) in _FAILURES.items():
        tried = trials(report, kind)
        failed = sum(not trial.passed for trial in tried)
        if failed:
            texts.append(f"{failure}: {failed} of {plural(len(tried), noun)}.")
    if not trials(report, SubjectKind.MUTANT):
        texts.append("No planted bug was tried, so no checker is trusted.")
    return texts


def _trusted(report: Report) -> str:
    mutants = trials(report, SubjectKind.MUTANT)
    if not mutants or not all(trial.passed for trial in mutants):
        return ""
    return f"Seen by the expected checker: {len(mutants)} of {plural(len(mutants), 'planted bug')}."


def stats(report: Report) -> tuple[tuple[str, str], ...]:
    """Return the numbers that say how much was done, as (value, label)."""
    claims = required(report)
    holding = sum(result.outcome is Outcome.HOLDS for result in claims)
    mutants = trials(report, SubjectKind.MUTANT)
    killed = sum(trial.passed for trial in mutants)
    users = max((run.users for run in report.suites), default=0)
    return (
        (f"{holding} of {len(report.manifest.required)}", "required claims hold"),
        (f"{killed} of {len(mutants)}", "planted bugs seen"),
        (f"{examined(report):,}", "facts examined"),
        (f"{sum(run.histories for run in report.suites):,}", "histories"),
        (f"{users:,}", "most users at once"),
    )


def headline(report: Report) -> str:
    """Return the summary on one line."""
    return " ".join(summary(report))
