"""Which stimulus reveals what, after how many requests: `python -m tests.services.detection [NAME ...]`.

Every service is put before every stimulus, leaky and corrected. Exit code 1 when a leak is missed, or a twin flagged.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from rich.console import Console
from rich.table import Table

from harness.adapter import Adapter
from harness.evidence import SuiteOutcome
from harness.importing import imported
from harness.plan import WireBudget
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
        outcome: what came of it; None when it could not be served.
        missing: why not, or `""`.
    """

    service: Service
    leaky: bool
    outcome: SuiteOutcome | None
    missing: str = ""

    @property
    def found(self) -> dict[str, int]:
        """By stimulus that found something, after how many requests."""
        measured = self.outcome.run.measures["stimuli"] if self.outcome else {}
        return {name: min(tried["found"].values()) for name, tried in measured.items() if tried.get("found")}

    @property
    def is_as_it_should_be(self) -> bool:
        """Whether the leaky one was caught by the stimulus that it needs, or the twin left alone."""
        if self.outcome is None:
            return True
        if self.outcome.run.doubt:
            return False
        return self.service.stimulus in self.found if self.leaky else not self.found


def adapter_of(service: Service) -> Adapter:
    """Return the adapter of a service."""
    adapter: Adapter = imported(f"tests.services.targets.{service.name}_target:adapter")
    return adapter


def tried(service: Service, leaky: bool, budget: WireBudget, seed: int = 1) -> Tried:
    """Serve a service, and put it before the stimuli of a budget."""
    try:
        with serving(service.name, leaky) as url:
            suite = WireSuite(target=service.name, adapter=adapter_of(service), url=url, budget=budget, seed=seed)
            return Tried(service, leaky, suite.run())
    except Missing as missing:
        return Tried(service, leaky, None, str(missing))


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
    return twin.outcome.run.doubt or ", ".join(twin.found) or f"{twin.outcome.run.operations:,}: none"


def _results(names: Sequence[str], budget: WireBudget) -> Iterator[Tried]:
    for service in SERVICES.values():
        if names and service.name not in names:
            continue
        for leaky in (True, False):
            result = tried(service, leaky, budget)
            word = "as it should be" if result.is_as_it_should_be else "NOT AS IT SHOULD BE"
            doubt = result.outcome.run.doubt if result.outcome else result.missing
            took = f"{result.outcome.run.duration_s:.0f} s" if result.outcome else ""
            print(service.name, "leaky" if leaky else "twin", word, result.found, doubt, took, flush=True)
            yield result


def main() -> None:
    """Try them all, and print the table."""
    parser = argparse.ArgumentParser(prog="python -m tests.services.detection", description=__doc__)
    parser.add_argument("names", nargs="*", help="of services; all when left out")
    parser.add_argument("--rounds", type=int, default=4)
    parser.add_argument("--volume", type=int, default=1_000)
    given = parser.parse_args()
    budget = WireBudget(rounds=given.rounds, volume=given.volume, shrink_s=0, attempts=1)
    results = list(_results(given.names, budget))
    Console(width=WIDTH).print(table(results))
    sys.exit(0 if all(result.is_as_it_should_be for result in results) else 1)


if __name__ == "__main__":
    main()
