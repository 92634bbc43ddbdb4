"""Which histories are worth a picture: the target's own first violation, everything found under a chosen schedule, and
one planted bug at work.

Rules:

- A finding is drawn on the history that it was made on, or not at all. A verdict is merged from many histories, so its
  findings cannot be drawn on the one that was kept: that one is judged anew.
- A picture that cannot be drawn becomes a sentence that says why.
- A story whose order was chosen says how, beside its picture.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from harness.claims.evidence import Evidence, Report, SubjectKind, Suite, Trial
from harness.history.model import History
from harness.judging.verdict import Finding
from harness.reporting.before_after import BEFORE
from harness.reporting.derive import found_in
from harness.reporting.explanation import Order, order
from harness.reporting.swimlanes import Swimlanes, swimlanes

ReadHistory = Callable[[str], History]
"""Returns a stored history by its name in the run folder; raises LookupError when it is not there."""

Judge = Callable[[str, History], Sequence[Finding]]
"""Returns what the checker of this name finds in a history."""


@dataclass(frozen=True, slots=True)
class Story:
    """One run with something wrong in it.

    Args:
        subject: the target or mutant.
        lead: what the subject is, in a sentence.
        figure: the picture, or None.
        missing: why there is none, or `""`.
        checker: who found it.
        planted: whether the subject is a mutant.
        order: how its steps were ordered; None where that was not chosen, or not recorded.
        replay: a command that shows it again, or `""`.
    """

    subject: str
    lead: str
    figure: Swimlanes | None
    missing: str = ""
    checker: str = ""
    planted: bool = False
    order: Order | None = None
    replay: str = ""


def stories(report: Report, read_history: ReadHistory, judge: Judge | None = None) -> tuple[Story, ...]:
    """Return at most two stories: of the target if it was violated, and of a mutant that was killed.

    Violations that were found under a chosen schedule are left to `scheduled`.
    """
    stories = []
    free = (item for item in report.evidence if item.suite is not Suite.SCHEDULES)
    evidence = next((item for item in free if item.verdict.violated and item.witness), None)
    if evidence is not None:
        stories.append(_of_target(evidence, read_history, judge))
    trial = _chosen(report.trials)
    if trial is not None:
        stories.append(_of_mutant(trial, read_history, judge))
    return tuple(stories)


def scheduled(report: Report, read_history: ReadHistory, judge: Judge | None = None) -> tuple[Story, ...]:
    """Return a story for each checker that found something on the target under a chosen schedule."""
    return tuple(_of_schedule(item, read_history, judge) for item in found_in(report, Suite.SCHEDULES))


def _of_schedule(item: Evidence, read_history: ReadHistory, judge: Judge | None) -> Story:
    checker = item.verdict.checker
    story = (
        _of_target(item, read_history, judge)
        if item.witness
        else Story(item.target, _lead(item), None, "No figure: the history of this finding was not kept.", checker)
    )
    return replace(story, order=order(item.explanation), replay=item.replay)


def _of_target(item: Evidence, read_history: ReadHistory, judge: Judge | None) -> Story:
    known = item.verdict.findings if item.histories == 1 else ()
    return _story(item.target, _lead(item), item.witness or "", item.verdict.checker, known, read_history, judge)


def _lead(item: Evidence) -> str:
    return f"A violation found on the target by checker {item.verdict.checker} in the {item.suite.value} suite."


def _of_mutant(trial: Trial, read_history: ReadHistory, judge: Judge | None) -> Story:
    lead = f"A planted bug, to show that checker {trial.expected} can see it: {trial.sentence}."
    known = (trial.finding,) if trial.finding else ()
    story = _story(trial.subject, lead, trial.witness or "", trial.expected, known, read_history, judge)
    return replace(story, planted=True)


def _chosen(trials: Sequence[Trial]) -> Trial | None:
    """The shared bridge if its history was kept, else the first other mutant whose history was."""
    kept = [trial for trial in trials if trial.kind is SubjectKind.MUTANT and trial.passed and trial.witness]
    return min(kept, key=lambda trial: trial.subject != BEFORE, default=None)


def _story(
    subject: str,
    lead: str,
    name: str,
    checker: str,
    known: Sequence[Finding],
    read_history: ReadHistory,
    judge: Judge | None,
) -> Story:
    try:
        history = read_history(name)
    except LookupError:
        return Story(subject, lead, None, f"No figure: the history {name} is not in the run folder.", checker)
    findings = judge(checker, history) if judge else known
    figure = swimlanes(history, findings)
    missing = "" if figure else f"No figure: no finding of {checker} is known to be of the history {name}."
    return Story(subject, lead, figure, missing, checker)
