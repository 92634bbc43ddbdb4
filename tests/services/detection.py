"""Which stimulus reveals what, after how many requests: `python -m tests.services.detection [NAME ...]`.

Every leaky service is put before every stimulus, each time started anew; every corrected one before all of them, in
their order. Exit code 1 when a leak is missed, or a twin flagged.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from rich.console import Console
from rich.table import Table

from harness.adapter import Adapter
from harness.adapter.importing import imported
from harness.claims.evidence import SuiteOutcome
from harness.claims.plan import WireBudget
from harness.wire.stimuli import STIMULI
from harness.wire.suite import WireSuite
from tests.services.catalogue import SERVICES, Service
from tests.services.serving import Missing, serving

WIDTH = 200


@dataclass(frozen=True, slots=True)
class Tried:
    """One service before the stimuli.

    Args:
        service: which.
        leaky: whether it is the leaky one.
        outcomes: what came of it, by run; none when it could not be served.
        missing: why not, or `""`.
    """

    service: Service
    leaky: bool
    outcomes: Sequence[SuiteOutcome] = ()
    missing: str = ""

    @property
    def outcome(self) -> SuiteOutcome | None:
        """What came of the last run."""
        return self.outcomes[-1] if self.outcomes else None

    @property
    def found(self) -> dict[str, int]:
        """By stimulus that found something, after how many requests."""
        measured = [*(item for outcome in self.outcomes for item in outcome.run.measures["stimuli"].items())]
        return {name: min(tried["found"].values()) for name, tried in measured if tried.get("found")}

    @property
    def doubts(self) -> str:
        """Why a run could not be carried out in full, or `""`."""
        return "; ".join(sorted({outcome.run.doubt for outcome in self.outcomes} - {""}))

    @property
    def is_as_it_should_be(self) -> bool:
        """Whether the leaky one was caught by the stimulus that it needs, or the twin left alone."""
        if not self.outcomes:
            return True
        if self.doubts:
            return False
        return self.service.stimulus in self.found if self.leaky else not self.found


def adapter_of(service: Service) -> Adapter:
    """Return the adapter of a service."""
    adapter: Adapter = imported(f"tests.services.targets.{service.name}_target:adapter")
    return adapter


def tried(service: Service, leaky: bool, budget: WireBudget, seed: int = 1) -> Tried:
    """Serve a service, and put it before the stimuli of a budget."""
    try:
        return Tried(service, leaky, [_outcome(service, leaky, budget, seed)])
    except Missing as missing:
        return Tried(service, leaky, missing=str(missing))


def tried_each(service: Service, budget: WireBudget) -> Tried:
    """Serve a leaky service anew for each stimulus."""
    try:
        budgets = [budget.model_copy(update={"stimuli": (name,)}) for name in STIMULI]
        return Tried(service, True, [_outcome(service, True, each, seed=1) for each in budgets])
    except Missing as missing:
        return Tried(service, True, missing=str(missing))


def _outcome(service: Service, leaky: bool, budget: WireBudget, seed: int) -> SuiteOutcome:
    with serving(service.name, leaky) as url:
        suite = WireSuite(target=service.name, adapter=adapter_of(service), url=url, budget=budget, seed=seed)
        return suite.run()


def table(results: Sequence[Tried]) -> Table:
    """Return one row for each service: the requests after which each stimulus found something, or what is wrong."""
    shown = Table("service", "needs", *STIMULI, "twin", title="requests until the first finding, by stimulus")
    by_name = {(item.service.name, item.leaky): item for item in results}
    for service in SERVICES.values():
        leaky, twin = by_name.get((service.name, True)), by_name.get((service.name, False))
        if leaky is None:
            continue
        cells = [str(leaky.found.get(name, "")) for name in STIMULI]
        shown.add_row(service.name, service.stimulus, *cells, _said(twin))
    return shown


def _said(twin: Tried | None) -> str:
    if twin is None:
        return "not tried"
    if twin.outcome is None:
        return twin.missing
    return twin.doubts or ", ".join(twin.found) or f"{twin.outcome.run.operations:,}: none"


def _results(names: Sequence[str], budget: WireBudget) -> Iterator[Tried]:
    for service in SERVICES.values():
        if names and service.name not in names:
            continue
        for result in (tried_each(service, budget), tried(service, False, budget)):
            word = "as it should be" if result.is_as_it_should_be else "NOT AS IT SHOULD BE"
            which = "leaky" if result.leaky else "twin"
            print(service.name, which, word, result.found, result.doubts or result.missing, flush=True)
            yield result


def main() -> None:
    """Try them all, and print the table."""
    parser = argparse.ArgumentParser(prog="python -m tests.services.detection", description=__doc__)
    parser.add_argument("names", nargs="*", help="of services; all when left out")
    parser.add_argument("--rounds", type=int, default=4)
    parser.add_argument("--volume", type=int, default=1_000)
    parser.add_argument("--warm-up-s", type=float, default=3.0)
    given = parser.parse_args()
    budget = WireBudget(rounds=given.rounds, volume=given.volume, warm_up_s=given.warm_up_s, shrink_s=0, attempts=1)
    results = list(_results(given.names, budget))
    Console(width=WIDTH).print(table(results))
    sys.exit(0 if all(result.is_as_it_should_be for result in results) else 1)


if __name__ == "__main__":
    main()
