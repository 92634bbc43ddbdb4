"""Measures contestants: schedules per CPU-second, and schedules to the first that goes wrong.

Rules:

- Contestants take turns within each round, so that what else the machine does befalls all alike; the best round counts.
- CPU time of this process, with all its threads; never the time on the wall.
- Before each turn whatever there is by then is frozen, and the collector is off: some would otherwise pay for the heap
  that others have filled (FastAPI alone makes a full collection cost 46 ms).
- A cell ends when its time is up: what was found by then counts, and so does what was not.
"""

from __future__ import annotations

import gc
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from statistics import median
from time import process_time

from benchmarks.schedules.contestants import Contestant, Missing, Searched
from benchmarks.schedules.workloads import Workload

SLICE_S = 0.4
"""CPU time that one turn of a contestant should take."""
MOST_IN_SLICE = 2_000
"""Schedules of one turn, however fast they are."""


@dataclass(slots=True)
class Cell:
    """What one contestant did on one workload.

    Args:
        rates: schedules per CPU-second, by round.
        searches: in the order of their seeds.
        missing: why there is none of it, or `""`.
    """

    rates: list[float] = field(default_factory=list)
    searches: list[Searched] = field(default_factory=list)
    missing: str = ""

    @property
    def rate(self) -> float:
        """The best round."""
        return max(self.rates, default=0.0)

    @property
    def found(self) -> int:
        """How many searches found something."""
        return sum(search.needed is not None for search in self.searches)

    @property
    def median_needed(self) -> float | None:
        """The median number of schedules up to the first that went wrong; None when half of the searches found none.

        A search that found nothing counts as one that needs more than any other.
        """
        if not self.searches:
            return None
        needed = [float("inf") if search.needed is None else search.needed for search in self.searches]
        middle = median(needed)
        return None if middle == float("inf") else middle


Cells = dict[tuple[str, str], Cell]
"""By contestant and workload."""


def measure_rates(contestants: Sequence[Contestant], workloads: Sequence[Workload], rounds: int, cells: Cells) -> None:
    """Measure how fast each is on each, into the cells."""
    for workload in workloads:
        sizes = {contestant.name: _size(contestant, workload, cells) for contestant in contestants}
        for _ in range(rounds):
            for contestant in contestants:
                cell = cells.setdefault((contestant.name, workload.name), Cell())
                size = sizes[contestant.name]
                if size is not None and not cell.missing:
                    schedules, spent_s = _run(contestant, workload, size)
                    cell.rates.append(schedules / spent_s)


def measure_searches(
    contestants: Sequence[Contestant],
    workloads: Sequence[Workload],
    seeds: int,
    most: int,
    limit_s: float,
    cells: Cells,
) -> None:
    """Measure how soon each finds something on each, into the cells.

    Args:
        contestants, workloads, cells: see above.
        seeds: searches, each with a seed of its own.
        most: schedules of one search.
        limit_s: of CPU time, after which a cell has no further searches.
    """
    for workload in workloads:
        for contestant in contestants:
            cell = cells.setdefault((contestant.name, workload.name), Cell())
            if cell.missing:
                continue
            began = process_time()
            for seed in range(1, 2 if contestant.has_one_order else seeds + 1):
                if process_time() - began > limit_s:
                    break
                with settled():
                    cell.searches.append(contestant.search(workload, seed, most))


def _size(contestant: Contestant, workload: Workload, cells: Cells) -> int | None:
    """Return how many schedules take about a slice; None when it cannot take part, which is noted."""
    cell = cells.setdefault((contestant.name, workload.name), Cell())
    heard: list[str] = []
    size, spent_s = 1, 0.0
    with quiet_threads(heard):
        try:
            while True:
                schedules, spent_s = _run(contestant, workload, size)
                if spent_s > SLICE_S / 4 or size >= MOST_IN_SLICE or schedules < size:
                    break
                size *= 4
        except Missing as missing:
            cell.missing = heard[0] if heard else str(missing)
        except Exception as error:
            cell.missing = heard[0] if heard else f"{type(error).__name__}: {error}"
    return None if cell.missing else max(1, min(MOST_IN_SLICE, round(size * SLICE_S / spent_s)))


def _run(contestant: Contestant, workload: Workload, schedules: int) -> tuple[int, float]:
    """Return how many schedules were run, and the CPU time they took."""
    with settled():
        began = process_time()
        done = contestant.run(workload, schedules)
        return done, process_time() - began


def best_ms(act: Callable[[int], None], times: int) -> float:
    """Return the milliseconds of one act, numbered 0, 1, ...; once."""
    with settled():
        began = process_time()
        for number in range(times):
            act(number)
        return (process_time() - began) / times * 1e3


@contextmanager
def settled() -> Iterator[None]:
    """The collector is off, and has nothing to do should somebody call it."""
    gc.collect()
    gc.freeze()
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


@contextmanager
def quiet_threads(heard: list[str]) -> Iterator[None]:
    """Errors of threads go into a list instead of onto the terminal."""
    before = threading.excepthook
    threading.excepthook = lambda told: heard.append(f"{told.exc_type.__name__}: {told.exc_value}")
    try:
        yield
    finally:
        threading.excepthook = before
