"""The kill matrix: which checker sees which planted bug, in which suite."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from harness.claims.evidence import SubjectKind, Suite, Trial
from harness.claims.plan import LoadBudget, SchedulesBudget
from harness.extras import need
from harness.judging.checkers import CHECKERS
from harness.judging.verdict import Outcome
from harness.loop.control import check_libraries
from harness.mutants import SUBJECTS
from harness.properties.storage import stored_apart
from harness.verification.trials import TrialOrder, schedules_orders, try_under_load, under_way
from harness.verification.verification import TRIAL_S


@dataclass(frozen=True, slots=True)
class Matrix:
    """The matrix as text, and whether every subject was seen as it should be."""

    table: str
    passed: bool


def kill_matrix(seed: int, workers: int, suite: str, say: Callable[[str], None]) -> Matrix:
    """Put every mutant, safe twin and null target before every checker.

    Args:
        seed: of the data.
        workers: trials at a time.
        suite: `properties`, `schedules`, `load` or `all`.
        say: told of each trial.

    Raises:
        MissingExtra: a suite needs what is not installed.
        UnknownVersion: schedules cannot be chosen with what is installed.
    """
    if suite in ("schedules", "all"):
        check_libraries()
    if suite in ("load", "all"):
        need("load", "the load suite")
    trials: list[Trial] = []
    orders = _orders(seed, suite)
    if orders:
        with stored_apart(), under_way(orders, workers) as ending:
            for trial in ending:
                say(f"{len(trials) + 1} of {len(orders)}: {trial.subject} ({trial.suite})")
                trials.append(trial)
    if suite in ("load", "all"):
        for name, subject in SUBJECTS.items():
            if Suite.LOAD in subject.suites:
                trials.append(try_under_load(name, LoadBudget(duration_s=TRIAL_S), seed, None, say))
    order = list(SUBJECTS)
    trials.sort(key=lambda trial: (trial.suite, order.index(trial.subject)))
    return Matrix(_table(trials), all(trial.passed for trial in trials))


def _orders(seed: int, suite: str) -> list[TrialOrder]:
    orders: list[TrialOrder] = []
    if suite in ("properties", "all"):
        orders += [
            TrialOrder(name, seed, examples=0, whole=True)
            for name, subject in SUBJECTS.items()
            if Suite.PROPERTIES in subject.suites
        ]
    if suite in ("schedules", "all"):
        orders += schedules_orders(SchedulesBudget(), None, seed)
    return orders


def _table(trials: Sequence[Trial]) -> str:
    names = list(CHECKERS)
    width = max((len(trial.subject) for trial in trials), default=0)
    head = " " * (width + 18) + " ".join(f"{name[:6]:<6}" for name in names)
    lines = [head, *(_row(trial, names, width) for trial in trials)]
    kills = [trial for trial in trials if trial.kind is SubjectKind.MUTANT]
    killed = sum(trial.passed for trial in kills)
    flagged = sum(not trial.passed for trial in trials if trial.kind is SubjectKind.TWIN)
    lines.append(
        f"{killed} of {len(kills)} mutants killed by the checker that should see them; {flagged} twins flagged"
    )
    return "\n".join(lines)


def _row(trial: Trial, names: Sequence[str], width: int) -> str:
    signs = {Outcome.VIOLATED: "x", Outcome.UNKNOWN: "?", Outcome.HOLDS: "."}
    cells = [
        ("X" if name == trial.expected else "x")
        if trial.outcomes.get(name) is Outcome.VIOLATED
        else ("MISSED" if name == trial.expected else signs[trial.outcomes.get(name, Outcome.UNKNOWN)])
        for name in names
    ]
    text = f"{trial.suite:<11} {trial.incident:<4} {trial.subject:<{width}}  " + " ".join(
        f"{cell:<6}" for cell in cells
    )
    return text + ("" if trial.passed else f"  FAILED {trial.error or ', '.join(trial.flagged_by + trial.holding)}")
