"""Puts mutants, safe twins and null targets before the checkers, side by side in processes of their own."""

from __future__ import annotations

import multiprocessing
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from harness.claims.adjudication import CLAIMS, doubts_about
from harness.claims.evidence import Evidence, SubjectKind, Suite, SuiteOutcome, Trial
from harness.claims.plan import LoadBudget, PropertiesBudget, SchedulesBudget
from harness.claims.run_folder import RunFolder, plain_name
from harness.extras import need
from harness.history.model import Unreachable, Value
from harness.judging.checkers import CHECKERS
from harness.load.suite import run_load
from harness.mutants import SUBJECTS, Subject
from harness.properties.suite import PropertiesSuite
from harness.schedules.suite import SchedulesSuite
from harness.schedules.workers import fixed_hashes
from harness.targets.bundled import SECRET_VARIABLE
from harness.targets.server_process import ServerProcess
from harness.verification.resolve import open_explorer

BUNDLED_ADAPTER = "harness.targets.bundled:adapter_from_environment"
"""Where load workers find the adapter of the bundled backend."""
USERS = 4
"""In the fixed programs of a trial: every mutant shows with four."""


@dataclass(frozen=True, slots=True)
class TrialOrder:
    """One trial to be carried out.

    Args:
        subject: its name.
        seed: of the data.
        examples: random programs, if the fixed ones were not enough.
        whole: carry on after the expected checker has found something, to see who else does.
        folder: where to keep the history of it; None keeps nothing.
        suite: properties or schedules.
        schedules: in the schedules suite, how many.
    """

    subject: str
    seed: int
    examples: int = 20
    whole: bool = False
    folder: Path | None = None
    suite: Suite = Suite.PROPERTIES
    schedules: int = 0


def schedules_orders(budget: SchedulesBudget, names: Sequence[str] | None, seed: int) -> list[TrialOrder]:
    """Return the trials of the schedules suite: every mutant that a schedule can show, and every safe twin.

    Args:
        budget: how many schedules each gets.
        names: the subjects that are tried; None means all.
        seed: of data, schedules and faults.
    """
    counts = {SubjectKind.MUTANT: budget.trials, SubjectKind.TWIN: budget.twins if budget.trials else 0}
    return [
        TrialOrder(name, seed, suite=Suite.SCHEDULES, schedules=counts[subject.kind])
        for name, subject in SUBJECTS.items()
        if Suite.SCHEDULES in subject.suites and counts[subject.kind] and (names is None or name in names)
    ]


def carry_out(order: TrialOrder) -> Trial:
    """Put one subject before every checker, in the suite that is asked for."""
    subject = SUBJECTS[order.subject]
    run = _properties if order.suite is Suite.PROPERTIES else _schedules
    try:
        with warnings.catch_warnings(action="ignore"):  # what a planted bug makes its libraries complain of
            return trial_of(subject, order.suite, run(subject, order))
    except Exception as error:
        return failed(subject, order.suite, error)


def _schedules(subject: Subject, order: TrialOrder) -> SuiteOutcome:
    mutant = subject.kind is SubjectKind.MUTANT
    suite = SchedulesSuite(
        target=subject.name,
        open_explorer=open_explorer,
        budget=SchedulesBudget(schedules=order.schedules),
        seed=order.seed,
        checkers=CHECKERS,
        until=subject.expected if mutant and not order.whole else None,
    )
    return suite.run_here()


def _properties(subject: Subject, order: TrialOrder) -> SuiteOutcome:
    mutant = subject.kind is SubjectKind.MUTANT
    with subject.built() as open_target:
        suite = PropertiesSuite(
            target=subject.name,
            open_target=open_target,
            budget=_budget(subject, order.examples),
            seed=order.seed,
            checkers=CHECKERS,
            folder=RunFolder(order.folder) if order.folder is not None else None,
            label=f"trial-{subject.name}",  # the target itself may be the same mutant
            first=subject.shows_on,
            until=subject.expected if mutant and not order.whole else None,
        )
        return suite.run()


def _budget(subject: Subject, examples: int) -> PropertiesBudget:
    budget = PropertiesBudget(examples=0, users=USERS, component_examples=10, shrink_s=0)
    if subject.kind is SubjectKind.TWIN:
        return budget
    # What a mutant loses is lost at once; what correct code is slow to give may take its time. A null target, which
    # does nothing, needs less still.
    run_s = 0.2 if subject.kind is SubjectKind.NULL else 1.0
    examples = examples if subject.kind is SubjectKind.MUTANT else 0
    return budget.model_copy(update={"examples": examples, "run_s": run_s, "release_s": 0.3})


def _measures(subject: Subject, measured: Mapping[str, Value]) -> Mapping[str, Value]:
    """Return what a trial says of what its suite measured."""
    kept = {"deliveries": measured["deliveries"]} if "deliveries" in measured else {}
    if "schedules" in measured:
        explored = measured["schedules"]
        kept["schedules"] = {"run": explored["schedules"], **explored["first"].get(subject.expected, {})}
    return kept


def trial_of(subject: Subject, suite: Suite, outcome: SuiteOutcome) -> Trial:
    """Return what came of a trial."""
    evidence = outcome.evidence
    finding = next((item.verdict.findings[0] for item in _interesting(subject, evidence)), None)
    return Trial(
        subject=subject.name,
        kind=subject.kind,
        incident=subject.incident,
        sentence=subject.sentence,
        suite=suite,
        expected=subject.expected,
        anomalies=tuple(
            sorted({name for item in evidence for name, count in item.verdict.violations.items() if count})
        ),
        outcomes={item.verdict.checker: item.verdict.outcome for item in evidence},
        holding=tuple(claim.id for claim in CLAIMS.values() if not doubts_about(claim, evidence)),
        finding=finding,
        # A dead null target is meant not to answer; any other that could not be examined has not been tried.
        error="" if subject.kind is SubjectKind.NULL or finding is not None else outcome.run.doubt,
        measures=_measures(subject, outcome.run.measures),
        witness=next((item.witness for item in _interesting(subject, evidence) if item.witness), None),
    )


def failed(subject: Subject, suite: Suite, error: Exception) -> Trial:
    """Return a trial that could not be carried out."""
    return Trial(
        subject=subject.name,
        kind=subject.kind,
        incident=subject.incident,
        sentence=subject.sentence,
        suite=suite,
        expected=subject.expected,
        error=f"{type(error).__name__}: {error}",
    )


@contextmanager
def under_way(orders: Sequence[TrialOrder], workers: int) -> Iterator[Iterator[Trial]]:
    """Carry out all trials, so many at a time, while the caller does something else; give each as it ends."""
    with fixed_hashes(), ProcessPoolExecutor(workers, mp_context=multiprocessing.get_context("spawn")) as pool:
        futures = {pool.submit(carry_out, order): order for order in orders}
        try:
            yield _as_they_end(futures)
        finally:
            pool.shutdown(wait=True, cancel_futures=True)


def _as_they_end(futures: Mapping[Future[Trial], TrialOrder]) -> Iterator[Trial]:
    for future in as_completed(futures):
        try:
            yield future.result()
        except Exception as error:
            order = futures[future]
            yield failed(SUBJECTS[order.subject], order.suite, error)


def under_load(
    name: str,
    server: str,
    budget: LoadBudget,
    seed: int,
    folder: RunFolder | None,
    say: Callable[[str], None],
    label: str = "",
    again: str = "",
) -> SuiteOutcome:
    """Put one target under load.

    Args:
        name: of the target.
        server: what the server process is asked for.
        budget, seed, folder, say: of the load suite.
        label: stands in the name of the history; the target's name when left out.
        again: the command that verifies again; stands in evidence.

    Raises:
        MissingExtra: Locust is not installed.
        Unreachable: the server process does not start.
    """
    need("load", "the load suite")
    say(f"{budget.users} users on {name} for {budget.duration_s:g} s")
    with ServerProcess(server) as process:
        return run_load(
            target_name=name,
            adapter=BUNDLED_ADAPTER,
            url=process.url,
            environment={SECRET_VARIABLE: process.secret},
            budget=budget,
            seed=seed,
            folder=folder,
            history_name=f"load-{plain_name(label or name)}",
            on_line=say,
            again=again,
        )


def try_under_load(
    name: str, budget: LoadBudget, seed: int, folder: RunFolder | None, say: Callable[[str], None]
) -> Trial:
    """Put one mutant before the checkers under load."""
    subject = SUBJECTS[name]
    try:
        return trial_of(subject, Suite.LOAD, under_load(name, name, budget, seed, folder, say, f"trial-{name}"))
    except Unreachable as error:
        return failed(subject, Suite.LOAD, error)


def _interesting(subject: Subject, evidence: Sequence[Evidence]) -> list[Evidence]:
    """The evidence with findings: of the expected checker where there is one."""
    found = [item for item in evidence if item.verdict.findings]
    return [item for item in found if item.verdict.checker == subject.expected] or found
