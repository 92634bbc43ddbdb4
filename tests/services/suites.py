"""Which suite reveals what, after how much: `python -m tests.services.suites [NAME ...]`.

Every service that can be opened in this process is put before all four suites, leaky and corrected. Exit code 1 when no
suite finds a leak, when a twin is flagged, or when a suite has a doubt about a service.
"""

from __future__ import annotations

import argparse
import multiprocessing
import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass

from rich.console import Console
from rich.table import Table

from harness.claims.evidence import Suite, SuiteOutcome
from harness.claims.plan import LoadBudget, PropertiesBudget, SchedulesBudget, WireBudget
from harness.judging.checkers import CHECKERS
from harness.load.suite import run_load
from harness.properties.suite import PropertiesSuite
from harness.schedules.suite import SchedulesSuite
from harness.verification.resolve import NamedTarget, open_explorer, resolve
from harness.wire.serving import located
from harness.wire.suite import WireSuite

INSIDE = (Suite.PROPERTIES, Suite.SCHEDULES)


@dataclass(frozen=True, slots=True)
class Seen:
    """How the mistake of a service is seen.

    Args:
        checker: by which.
        inside: the suites that see it without a socket; the wire suite sees each.
    """

    checker: str = "leak"
    inside: tuple[Suite, ...] = INSIDE


IN_PROCESS = {
    "starlette_notes": Seen(),
    "fastapi_board": Seen(),
    "django_orders": Seen(inside=(Suite.PROPERTIES,)),  # asks its threads, which no schedule controls
    "sse_feed": Seen(inside=()),  # somebody opens another's session again
    "chunked_upload": Seen(inside=()),  # texts of a megabyte
    "batching_search": Seen(),
    "volume_cache": Seen(inside=()),  # a thousand requests
    "unsigned_tokens": Seen("access", inside=(Suite.PROPERTIES,)),  # no scene forges a token
    "telling_notes": Seen("access"),
    "progress_stream": Seen("access"),
    "kept_agents": Seen("remains"),
}
"""The services that are ASGI applications and need no socket inside."""
WIDTH = 200
SCHEDULES = 60


@dataclass(frozen=True, slots=True)
class Tried:
    """One service before one suite.

    Args:
        service: its name.
        suite: which.
        leaky: whether it is the leaky one.
        found: the checkers that found something.
        effort: how much was done: until the first finding, where there is one and the suite can stop at it.
        examined: on how many facts a leak could have shown.
        doubt: why less was examined than there is.
    """

    service: str
    suite: Suite
    leaky: bool
    found: tuple[str, ...]
    effort: str
    examined: int
    doubt: str

    def __str__(self) -> str:
        doubt = f"; {self.doubt}" if self.doubt else ""
        return f"{'/'.join(self.found) or 'nothing'} in {self.effort}, {self.examined:,} facts{doubt}"


def tried(service: str, suite: Suite, leaky: bool, seed: int = 1) -> Tried:
    """Put a service before a suite, in a process of its own: some frameworks serve one application in a process."""
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as executor:
        return executor.submit(tried_here, service, suite, leaky, seed).result()


def tried_here(service: str, suite: Suite, leaky: bool, seed: int = 1) -> Tried:
    """Put a service before a suite, in this process."""
    target = resolve(f"tests.services.targets.{service}_target:{'leaky' if leaky else 'twin'}")
    outcome = _RUNS[suite](target, IN_PROCESS[service].checker if leaky else None, seed)
    found = tuple(item.verdict.checker for item in outcome.evidence if item.verdict.violated)
    facts = sum(item.verdict.facts for item in outcome.evidence)
    return Tried(service, suite, leaky, found, _effort(outcome), facts, outcome.run.doubt)


def _effort(outcome: SuiteOutcome) -> str:
    run = outcome.run
    if run.suite is Suite.SCHEDULES:
        return f"{run.histories:,} schedules"
    first = [
        (min(seen["found"].values()), name)
        for name, seen in run.measures.get("stimuli", {}).items()
        if seen.get("found")
    ]
    if first:
        return "{:,} requests ({})".format(*min(first))
    return f"{run.operations:,} requests"


def _properties(target: NamedTarget, until: str | None, seed: int) -> SuiteOutcome:
    budget = PropertiesBudget(examples=15, shrink_s=0)
    suite = PropertiesSuite(
        target=target.name, open_target=target.open, budget=budget, seed=seed, checkers=CHECKERS, until=until
    )
    return suite.run()


def _schedules(target: NamedTarget, until: str | None, seed: int) -> SuiteOutcome:
    budget = SchedulesBudget(schedules=SCHEDULES, shrink_runs=0)
    suite = SchedulesSuite(
        target=target.name, open_explorer=open_explorer, budget=budget, seed=seed, checkers=CHECKERS, until=until
    )
    return suite.run_here()


def _wire(target: NamedTarget, until: str | None, seed: int) -> SuiteOutcome:
    assert target.adapter is not None
    budget = WireBudget(rounds=4, volume=1_000, warm_up_s=3.0, shrink_s=0, attempts=1)
    with located(target.adapter) as url:
        return WireSuite(target=target.name, adapter=target.adapter, url=url, budget=budget, seed=seed).run()


def _load(target: NamedTarget, until: str | None, seed: int) -> SuiteOutcome:
    assert target.adapter is not None
    with located(target.adapter) as url:
        return run_load(
            target_name=target.name,
            adapter=target.name,
            url=url,
            budget=LoadBudget(duration_s=10, users=10, trials=()),
            seed=seed,
            folder=None,
            history_name="",
            on_line=lambda line: None,
        )


_RUNS = {
    Suite.PROPERTIES: _properties,
    Suite.SCHEDULES: _schedules,
    Suite.WIRE: _wire,
    Suite.LOAD: _load,
}


def table(results: Sequence[Tried]) -> Table:
    """Return two rows for each service: what each suite found in the leaky one, and in its twin."""
    shown = Table("service", "", *Suite, title="until the first finding, by suite")
    cells = {(item.service, item.leaky, item.suite): item for item in results}
    for service, leaky in dict.fromkeys((item.service, item.leaky) for item in results):
        row = (cells.get((service, leaky, suite)) for suite in Suite)
        shown.add_row(service, "leaky" if leaky else "twin", *("" if cell is None else str(cell) for cell in row))
    return shown


def _results(names: Sequence[str], suites: Sequence[Suite]) -> Iterator[Tried]:
    for service in names or IN_PROCESS:
        for leaky in (True, False):
            for suite in suites or _RUNS:
                result = tried(service, suite, leaky)
                print(service, "leaky" if leaky else "twin", suite, result, flush=True)
                yield result


def main() -> None:
    """Try them all, and print the table."""
    parser = argparse.ArgumentParser(prog="python -m tests.services.suites", description=__doc__)
    parser.add_argument("names", nargs="*", help="of services; all when left out")
    parser.add_argument("--suite", action="append", type=Suite, default=[], choices=list(_RUNS))
    given = parser.parse_args()
    results = list(_results(given.names, given.suite))
    Console(width=WIDTH).print(table(results))
    found = {item.service for item in results if item.leaky and item.found}
    wrong = [item for item in results if item.doubt or (item.found and not item.leaky)]
    sys.exit(1 if wrong or found != {item.service for item in results} else 0)


if __name__ == "__main__":
    main()
