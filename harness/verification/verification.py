"""Carries a plan out on a target, and leaves a run folder from which the report is rendered.

The order: the properties suite, with the trials of mutants, twins and null targets in processes beside it; then, with
the machine to itself, the load suite and its own trials. Everything is written to the folder as it comes, so that an
interrupted verification keeps what it had.
"""

from __future__ import annotations

import os
import platform
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from harness.adapter.adapter import Adapter
from harness.claims.adjudication import report_of
from harness.claims.evidence import Manifest, Report, Suite, SuiteOutcome, SuiteRun, Trial
from harness.claims.plan import ADJUDICABLE, LoadBudget, Plan
from harness.claims.run_folder import RunFolder, plain_name
from harness.claims.statements import Description, all_lacking, claims_shown
from harness.extras import need
from harness.history.model import History, Unfit, Unreachable
from harness.judging.checkers import CHECKERS
from harness.judging.verdict import Finding, judge
from harness.load.suite import run_load
from harness.loop.control import check_libraries
from harness.mutants import SUBJECTS
from harness.properties.storage import stored_apart
from harness.properties.suite import PropertiesSuite
from harness.reporting import render
from harness.schedules.suite import SchedulesSuite
from harness.verification.resolve import NamedTarget, open_explorer
from harness.verification.trials import TrialOrder, schedules_orders, try_under_load, under_load, under_way
from harness.wire.serving import located
from harness.wire.suite import WireSuite

TRIAL_S = 4.0
"""How long a mutant is put under load."""

PACKAGES = ("fastapi", "hypothesis", "locust", "sqlalchemy", "uvicorn", "websockets")
"""Whose versions stand in a manifest, where they are installed."""


def environment() -> Mapping[str, str]:
    """Return what the verification runs on: versions, and nothing that names a machine or a person."""
    known = {"python": platform.python_version(), "platform": f"{platform.system()} {platform.machine()}"}
    known["cores"] = str(os.cpu_count())
    for name in PACKAGES:
        with suppress(PackageNotFoundError):
            known[name] = version(name)
    return known


def check_installation(target: NamedTarget, plan: Plan) -> None:
    """Find out, before anything is begun, whether everything is installed that a plan on a target needs.

    Raises:
        MissingExtra: something is not.
        UnknownVersion: something is, in a version whose schedules cannot be chosen.
    """
    channels = target.adapter.channels if target.adapter is not None else ()
    if any(channel.protocol == "socketio" for channel in channels):
        need("socketio", f"a channel of {target.name}")
    if Suite.SCHEDULES in suites_of(plan, target):
        check_libraries()
    if Suite.LOAD in suites_of(plan, target):
        need("load", f"the load suite of plan {plan.name} (`load = false` in a plan of your own leaves it out)")


def manifest_of(target: NamedTarget, plan: Plan, seed: int, users: int, command: str, out: Path) -> Manifest:
    """Return what is to be verified."""
    return Manifest(
        run=out.name,
        target=target.name,
        plan=plan.name,
        required=required_of(plan, target),
        lacking=all_lacking(described) if (described := description_of(plan, target)) is not None else None,
        seed=seed,
        users=users,
        started=datetime.now(UTC).isoformat(timespec="seconds"),
        version=version("isolation-harness"),
        environment=environment(),
        command=command,
    )


_OPTIONAL = (Suite.PROPERTIES, Suite.SCHEDULES, Suite.LOAD)
"""The suites that a plan may leave out."""


def suites_of(plan: Plan, target: NamedTarget) -> frozenset[Suite]:
    """Return the suites that a plan runs on a target."""
    return target.suites - {suite for suite in _OPTIONAL if getattr(plan, suite) is None}


def description_of(plan: Plan, target: NamedTarget) -> Description | None:
    """Return what is known of a target before it is opened; None when only the open target says it."""
    if target.adapter is None:
        return None
    return Description(promises=target.adapter.promises, suites=suites_of(plan, target))


def required_of(plan: Plan, target: NamedTarget) -> tuple[str, ...]:
    """Return the claims that are required of a target.

    A plan of one's own requires what it says. A built-in one requires everything that this version can adjudicate; of
    a service with an adapter that is whatever can be shown by what the adapter states.
    """
    if plan.claims is not None:
        return plan.claims
    described = description_of(plan, target)
    return ADJUDICABLE if described is None else claims_shown(described)


@dataclass(frozen=True, slots=True, kw_only=True)
class Verification:
    """One verification.

    Args:
        target, plan, seed: of it.
        folder: made for it.
        workers: trials at a time.
        say: told what is going on, in short lines.
        again: the command that verifies again; stands in evidence without a witness.
        url: of a service with an adapter; `""` where the adapter says it.
    """

    target: NamedTarget
    plan: Plan
    seed: int
    folder: RunFolder
    workers: int
    say: Callable[[str], None]
    again: str = ""
    url: str = ""

    def run(self) -> Report:
        """Carry the plan out and render the report.

        Raises:
            Unreachable: the target cannot be reached, or went away.
            KeyboardInterrupt: somebody has had enough.

        Either way what was recorded until then has been reported on.
        """
        try:
            orders = self._orders()
            with stored_apart(), under_way(orders, self.workers) as trials:
                if self.target.adapter is not None:
                    self._wire(self.target.adapter)
                if self.target.in_process:
                    self._properties()
                    self._schedules()
                for number, trial in enumerate(trials, 1):
                    self._tried(f"{number} of {len(orders)}", trial)
            self._load()
            self.folder.conclude()
        except BaseException as error:
            reason = str(error) if isinstance(error, Unreachable) else type(error).__name__
            self.folder.write_note(f"the verification was stopped: {reason}")
            raise
        finally:
            report = write_report(self.folder)
        return report

    def _properties(self) -> None:
        if self.plan.properties is None:
            return
        with self.target.prepared() as open_target:
            suite = PropertiesSuite(
                target=self.target.name,
                open_target=open_target,
                budget=self.plan.properties,
                seed=self.seed,
                checkers=CHECKERS,
                again=self.again,
                folder=self.folder,
                say=lambda line: self.say(f"properties: {line}"),
            )
            self._keep(suite.run())

    def _wire(self, adapter: Adapter) -> None:
        suite = WireSuite(
            target=self.target.name,
            adapter=adapter,
            url=self.url,
            budget=self.plan.wire,
            seed=self.seed,
            again=self.again,
            folder=self.folder,
            say=lambda line: self.say(f"wire: {line}"),
        )
        self._keep(suite.run())

    def _schedules(self) -> None:
        if self.plan.schedules is None:
            return
        suite = SchedulesSuite(
            target=self.target.name,
            open_explorer=open_explorer,
            budget=self.plan.schedules,
            seed=self.seed,
            checkers=CHECKERS,
            workers=self.workers,
            folder=self.folder,
            say=lambda line: self.say(f"schedules: {line}"),
        )
        self._keep(suite.run())

    def _orders(self) -> list[TrialOrder]:
        orders = [
            TrialOrder(name, self.seed, folder=self.folder.path if name in _KEPT else None)
            for name, subject in SUBJECTS.items()
            if Suite.PROPERTIES in subject.suites and (self.plan.trials is None or name in self.plan.trials)
        ]
        if self.plan.schedules is None or not self.target.in_process:
            return orders
        return orders + schedules_orders(self.plan.schedules, self.plan.trials, self.seed)

    def _tried(self, which: str, trial: Trial) -> None:
        self.folder.add(trial)
        word = "passed" if trial.passed else f"FAILED: {trial.error or trial.flagged_by}"
        self.say(f"trials: {which}, {trial.kind.value} {trial.subject} ({trial.suite}): {word}")

    def _load(self) -> None:
        budget = self.plan.load
        if budget is None:
            return
        if self.target.adapter is not None:
            self._keep(self._service_under_load(self.target.adapter, budget))
        elif self.target.server is None:
            doubt = f"the load suite cannot ask {self.target.name}, a target in Python: describe it by an adapter"
            self.folder.add(_not_run(self.target.name, self.seed, doubt))
            return
        else:
            given = (self.target.name, self.target.server, budget, self.seed, self.folder, self._say_load)
            self._keep(under_load(*given, again=self.again))
        trial_budget = budget.model_copy(update={"duration_s": min(budget.duration_s, TRIAL_S)})
        for name in budget.trials:
            self.folder.add(try_under_load(name, trial_budget, self.seed, self.folder, self._say_load))

    def _service_under_load(self, adapter: Adapter, budget: LoadBudget) -> SuiteOutcome:
        """Put a service under load, where it is or served from here."""
        name = self.target.name
        self._say_load(f"{budget.users} users on {name} for {budget.duration_s:g} s")
        with located(adapter, self.url) as url:
            return run_load(
                target_name=name,
                adapter=name,
                url=url,
                budget=budget,
                seed=self.seed,
                folder=self.folder,
                history_name=f"load-{plain_name(name)}",
                on_line=self._say_load,
                again=self.again,
            )

    def _say_load(self, line: str) -> None:
        self.say(f"load: {line}")

    def _keep(self, outcome: SuiteOutcome) -> None:
        self.folder.keep(outcome)
        if outcome.unreachable:
            raise (Unfit if outcome.unfit else Unreachable)(outcome.unreachable)


_KEPT = frozenset({"shared-bridge"})
"""The trial whose history the report draws: before and after."""


def write_report(folder: RunFolder) -> Report:
    """Judge the claims from what the folder holds, and render every form of the report into it."""
    report = read_report(folder)
    folder.write_reports(rendered(folder))
    return report


def rendered(folder: RunFolder) -> Mapping[str, str]:
    """Return every form of the report, rendered anew, by file name."""

    def findings(checker: str, history: History) -> Sequence[Finding]:
        return judge(CHECKERS[checker], history.header, history.events).findings

    return render(read_report(folder), folder.read_history, findings)


def read_report(folder: RunFolder) -> Report:
    """Judge the claims from what the folder holds."""
    return report_of(folder.manifest(), folder.suites(), folder.evidence(), folder.trials(), folder.note())


def _not_run(target: str, seed: int, doubt: str) -> SuiteRun:
    return SuiteRun(suite=Suite.LOAD, target=target, seed=seed, users=0, doubt=doubt)


def files_of(folder: RunFolder) -> tuple[str, ...]:
    """Return the history files of the target itself, those of mutants left out."""
    plain = plain_name(folder.manifest().target)
    own = {f"histories/{suite}-{plain}.jsonl" for suite in Suite}
    listed = {file for run in folder.suites() for file in run.files}
    return tuple(file for file in folder.history_files() if file in own | listed)
