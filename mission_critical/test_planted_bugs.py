"""One test per planted bug, per safe twin and per null target: what shows that the claims' tests can fail."""

from __future__ import annotations

import pytest

from harness.claims.adjudication import CLAIMS, checkers_of
from harness.claims.evidence import Suite
from harness.claims.plan import LoadBudget, SchedulesBudget
from harness.mutants import MUTANTS, NULLS, TWINS, Subject
from harness.verification.trials import TrialOrder, carry_out, schedules_orders, try_under_load


def _by_claim(subject: Subject) -> str:
    """Return a name that begins with the first claim that the expected checker supports."""
    return next(claim.id for claim in CLAIMS.values() if subject.expected in checkers_of(claim)) + f"-{subject.name}"


def _in(suite: Suite) -> list[Subject]:
    return [subject for subject in MUTANTS.values() if suite in subject.suites]


@pytest.mark.parametrize("subject", _in(Suite.PROPERTIES), ids=_by_claim)
def test_mutant_is_killed(subject: Subject, seed: int) -> None:
    """The checker that should see the planted bug sees it."""
    trial = carry_out(TrialOrder(subject.name, seed))
    assert subject.expected in trial.flagged_by, f"{subject.name} survived: {trial.error or trial.outcomes}"
    assert trial.finding is not None


@pytest.mark.parametrize("subject", _in(Suite.SCHEDULES), ids=_by_claim)
def test_mutant_is_killed_in_some_schedule(subject: Subject, seed: int) -> None:
    """The planted bug shows in one of the schedules that are tried, to the checker that should see it."""
    [order] = schedules_orders(SchedulesBudget(), [subject.name], seed)
    trial = carry_out(order)
    assert subject.expected in trial.flagged_by, f"{subject.name} survived: {trial.error or trial.outcomes}"


@pytest.mark.parametrize("subject", _in(Suite.LOAD), ids=lambda subject: f"SCL-1-{subject.name}")
def test_mutant_is_killed_under_load(subject: Subject, seed: int) -> None:
    """The planted bug shows while many users work at once."""
    trial = try_under_load(subject.name, LoadBudget(duration_s=2.5), seed, None, lambda line: None)
    assert subject.expected in trial.flagged_by, f"{subject.name} survived: {trial.error or trial.outcomes}"


@pytest.mark.parametrize("subject", list(TWINS.values()), ids=lambda subject: subject.name)
def test_safe_twin_is_not_flagged(subject: Subject, seed: int) -> None:
    """Correct code that looks like a bug is left alone by every checker."""
    trial = carry_out(TrialOrder(subject.name, seed))
    assert (True, ()) == (trial.passed, trial.flagged_by), trial.error or trial.finding


@pytest.mark.parametrize("subject", list(NULLS.values()), ids=lambda subject: subject.name)
def test_no_claim_holds_on_a_null_target(subject: Subject, seed: int) -> None:
    """A target that grants all, denies all, echoes all or is dead gets no claim to hold."""
    trial = carry_out(TrialOrder(subject.name, seed))
    assert (True, "", ()) == (trial.passed, trial.error, trial.holding)
