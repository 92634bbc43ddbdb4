"""`harness explore`: the schedules suite alone, into a run folder with a report of its own."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path

from harness.claims.evidence import Report
from harness.claims.plan import Plan, SchedulesBudget
from harness.claims.run_folder import RunFolder
from harness.history.model import Unreachable
from harness.judging.checkers import CHECKERS
from harness.loop.control import check_libraries
from harness.loop.scheduling import Mode
from harness.schedules.cluster import cluster
from harness.schedules.portfolio import Choosing
from harness.schedules.suite import OpenExecutor, SchedulesSuite
from harness.schedules.workers import processes
from harness.verification.resolve import open_explorer, resolve
from harness.verification.verification import manifest_of, write_report


@dataclass(frozen=True, slots=True, kw_only=True)
class ExploreOptions:
    """What was asked for; see `harness explore --help`."""

    target: str
    budget: SchedulesBudget
    strategy: str
    mode: str
    faults: bool
    seed: int
    workers: int
    cluster: str | None
    out: Path
    command: str

    def choosing(self) -> Choosing:
        """Return what may be tried."""
        modes = tuple(Mode) if self.mode == "both" else (Mode(self.mode),)
        return Choosing(strategy=self.strategy, modes=modes, faults=self.faults)


def explore_target(options: ExploreOptions, say: Callable[[str], None]) -> Report:
    """Explore, and write a report of what was found, also when somebody interrupts.

    Raises:
        TargetError: there is no such target.
        StoreError: the folder cannot be written.
        Unreachable: the target cannot be opened.
        UnknownVersion: schedules cannot be chosen with what is installed.
        MissingExtra: Dask is not installed, and a cluster was asked for.
        ClusterError: the cluster cannot be used.
    """
    check_libraries()
    named = resolve(options.target)
    plan = Plan(name="explore", trials=(), properties=None, schedules=options.budget, load=None)
    with _executor(options) as (executor, workers):
        manifest = manifest_of(named, plan, options.seed, 2, options.command, options.out)
        folder = RunFolder.create(options.out, manifest)
        suite = SchedulesSuite(
            target=options.target,
            open_explorer=open_explorer,
            budget=options.budget,
            seed=options.seed,
            checkers=CHECKERS,
            workers=workers,
            choosing=options.choosing(),
            folder=folder,
            say=say,
            executor=executor,
        )
        try:
            outcome = suite.run()
            folder.keep(outcome)
            if outcome.unreachable and not outcome.run.histories:
                raise Unreachable(outcome.unreachable)
            folder.conclude()
        except KeyboardInterrupt:
            folder.write_note("the exploration was stopped: somebody interrupted it")
        except Exception as error:
            folder.write_note(f"the exploration was stopped: {error!r}")
            write_report(folder)
            raise
    return write_report(folder)


@contextmanager
def _executor(options: ExploreOptions) -> Iterator[tuple[OpenExecutor, int]]:
    """Yield what opens the workers, and how many there are."""
    if options.cluster is None:
        yield processes, options.workers
        return
    with cluster(options.cluster) as (executor, workers):
        yield lambda _: nullcontext(executor), workers
