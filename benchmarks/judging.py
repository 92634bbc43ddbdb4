"""What judging costs: finding canaries beside a naive search, and each checker's fold beside reading the event.

    python benchmarks/judging.py [HISTORY.jsonl]

Everything is measured in one process, in CPU time, best of rounds; only ratios within one run mean anything. Without a
history, one is recorded first from the program `crowd` on the bundled backend.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable
from pathlib import Path
from time import process_time

from rich.console import Console
from rich.table import Table

from harness.claims.run_folder import RunFolder
from harness.history.canary import Canaries
from harness.history.model import Event, Header, History
from harness.judging.checkers import CHECKERS
from harness.judging.deliveries import Deliveries
from harness.performing.performance import Performance, promises_of
from harness.properties.fixed_programs import fixed_programs
from harness.verification.resolve import resolve

ROUNDS = 5
TEXT = '{"id": "0123456789abcdef", "text": "' + "a note about nothing in particular " * 4 + '", "version": 1}'


def best_ns(act: Callable[[], object], times: int) -> float:
    """Return the nanoseconds of one call, in the best of the rounds."""
    rounds = []
    for _ in range(ROUNDS):
        start = process_time()
        for _ in range(times):
            act()
        rounds.append((process_time() - start) / times * 1e9)
    return min(rounds)


def search() -> Table:
    """Compare the search for any mark with a search for each user's."""
    table = Table("users", "find, ns", "naive `in`, ns", "naive / find", title=f"canaries in {len(TEXT)} characters")
    for users in (10, 1_000, 100_000):
        canaries = Canaries(1)
        marks = [canaries.mint(number) for number in range(users)]
        find = best_ns(lambda canaries=canaries: canaries.find(TEXT), 2_000)  # type: ignore[misc]
        naive = best_ns(lambda marks=marks: [mark for mark in marks if mark in TEXT], max(1, 20_000 // users))  # type: ignore[misc]
        table.add_row(f"{users:,}", f"{find:,.0f}", f"{naive:,.0f}", f"{naive / find:,.1f}")
    return table


def folds(history: History) -> Table:
    """Measure each checker's fold of the history, an event."""
    table = Table("checker", "µs per event", title=f"folds of {len(history.events):,} events")
    folds = {name: checker.fold for name, checker in CHECKERS.items()}
    for name, make_fold in {**folds, "(deliveries)": lambda header: Deliveries(header.promises)}.items():

        def fold(make: Callable[[Header], object] = make_fold) -> None:
            step = make(history.header).step  # type: ignore[attr-defined]
            for event in history.events:
                step(event)

        table.add_row(name, f"{best_ns(fold, 1) / len(history.events) / 1e3:.2f}")
    return table


async def recorded() -> History:
    """Record the program `crowd` on the bundled backend."""
    async with resolve("reference").open() as target:
        promises = promises_of(target)
        program = next(program for program in fixed_programs(10, promises) if program.name == "crowd")
        header = Header(target=target.name, suite="benchmark", seed=1, users=10, promises=promises)
        async with Performance(target, program, header, {}) as performance:
            await performance.perform(program.steps)
            await performance.settle()
        events: list[Event] = performance.events
        return History(header, tuple(events))


def main() -> None:
    """Print both tables."""
    given = Path(sys.argv[1]) if len(sys.argv) > 1 else None
    history = RunFolder(given.parent).read_history(given.name) if given else asyncio.run(recorded())
    console = Console()
    console.print(search())
    console.print(folds(history))


if __name__ == "__main__":
    main()
